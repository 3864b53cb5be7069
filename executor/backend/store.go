package backend

// Keeper is implemented by locations that keep blobs in a store smaller than their Host: a directory on this machine.
type Keeper interface {
	// Store names the store. Two locations with the same keep a blob they both have once.
	Store() string
}

// Store is what a location keeps its blobs in: its own word for it, else its host.
func Store(s Source) string {
	if k, ok := s.(Keeper); ok {
		return k.Store()
	}
	return s.Host()
}
