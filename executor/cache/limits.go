package cache

// What is accepted from outside. A cache config is data from another machine; everything is bounded before it is used.
const (
	// ManifestLimit is the largest manifest that is read, in bytes (registries refuse larger ones).
	ManifestLimit = 4 << 20
	// ConfigLimit is the largest cache config that is read, in bytes.
	ConfigLimit = 32 << 20
	// ImportLimit is the largest manifest and the largest config that BuildKit imports, in bytes: it ignores the cache, and says so only in
	// its log, when either is larger (BuildKit: cache/remotecache/import.go, readBlob). Nothing larger is ever published.
	ImportLimit = 1 << 20
	// SelfDescribedLimit is the largest config whose layers describe themselves that is published, in bytes. BuildKit has no limit for it;
	// every build that imports the cache waits for it to be read.
	SelfDescribedLimit = 16 << 20

	maxRecords = 200_000
	maxLayers  = 20_000
	maxLinks   = 1_000_000
	maxChain   = 1_000
	// maxValues is how many objects, lists and list elements a document may have.
	maxValues = 3_000_000
	// maxBlob is the largest size a descriptor may state, in bytes.
	maxBlob = 1 << 40
)
