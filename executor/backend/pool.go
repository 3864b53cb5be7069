package backend

// Pooled is implemented by locations that keep blobs in a pool smaller than their Host: a directory on this machine.
type Pooled interface {
	// Pool names the pool. Two locations with the same keep a blob they both have once.
	Pool() string
}

// Pool is where a location keeps its blobs: its own word for it, else its host.
func Pool(s Source) string {
	if p, ok := s.(Pooled); ok {
		return p.Pool()
	}
	return s.Host()
}
