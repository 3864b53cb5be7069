// Package blob moves content by descriptor: stores that fetch and push blobs, and decorators that verify, limit, retry,
// dedupe and count. It also changes the compression of a layer while it streams.
//
// It knows descriptors and bytes, not caches, manifests or tags.
package blob
