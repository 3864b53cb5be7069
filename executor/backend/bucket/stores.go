package bucket

import "sync"

// Stores are the buckets of a run. Locations that reach the same one in the same way share what is known of it and take turns in writing a name.
// The zero value is ready for use, and nil is one that shares nothing.
type Stores struct {
	mu   sync.Mutex
	open map[string]*Store
}

// Get returns the store of a key, which must be equal exactly for what is reached in the same way; make brings the service of a new one.
func (s *Stores) Get(key string, make func() Service) *Store {
	if s == nil {
		return newStore(make())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]*Store{}
	}
	store := s.open[key]
	if store == nil {
		store = newStore(make())
		s.open[key] = store
	}
	return store
}
