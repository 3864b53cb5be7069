// Package cache is the graph of a BuildKit build cache: records, links, results and layers.
//
// It decodes, validates, merges, reduces (min from max), rewrites, fits and encodes the cache config
// (application/vnd.buildkit.cacheconfig.v0) and the manifests around it. It is pure: no I/O, no goroutines, no knowledge of
// backends. All input is treated as hostile; decoding is bounded and iterative.
// The format is that of BuildKit's cache/remotecache/v1/types/spec.go.
package cache
