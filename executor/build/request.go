package build

import (
	"github.com/cachectl/cachectl/config"
	"github.com/containerd/containerd/v2/core/content"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// CacheEntry is a cache import or export as BuildKit's API takes it: a type and its attributes.
type CacheEntry struct {
	Type  string
	Attrs map[string]string
}

// Request is one target to solve.
type Request struct {
	Target *config.Target
	// Imports are the usable cache sources in order of preference, Exports the caches that BuildKit itself writes
	// (inline, and backends left to it).
	Imports []CacheEntry
	Exports []CacheEntry
	// Sink receives the cache export over the session; nil asks for none. Layers come uncompressed unless the builder
	// already has them compressed.
	Sink content.Store
	// Max asks for the cache of every step (mode=max) in Sink.
	Max bool
	// Stores are content stores that local cache imports among Imports read, by the "src" they name.
	Stores map[string]content.Store
	// Status is told BuildKit's progress; it is called from one goroutine. nil drops it.
	Status func(*Status)
}

// Result is what a solve left behind.
type Result struct {
	// Response is BuildKit's exporter response ("containerimage.digest", "image.name", …).
	Response map[string]string
	// Cache is the manifest of the cache that went to Sink; nil when there was no Sink or nothing to export.
	Cache *ocispec.Descriptor
	// Cached of Total steps of the Dockerfile were taken from a cache.
	Cached, Total int
	// Executed are the names of the others, such as "[build 2/5] RUN make", sorted.
	Executed []string
}
