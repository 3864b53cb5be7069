package cache

// Mode says how much of the graph is published (BuildKit: control/control.go, parseCacheExportMode).
type Mode string

// The cache export modes.
const (
	// ModeMin publishes the layers of the result only.
	ModeMin Mode = "min"
	// ModeMax publishes the layers of every step.
	ModeMax Mode = "max"
)

// Format is how a cache is written at a destination.
type Format struct {
	Mode Mode
	// OCI selects OCI media types; false selects Docker's.
	OCI bool
	// ImageManifest selects an image manifest whose config is the cache config; false selects an index
	// (BuildKit: cache/remotecache/export.go, NewExportableCache). It requires OCI.
	ImageManifest bool
	// SelfDescribed selects a config alone, without a manifest: its layers say themselves what they are, as in buckets and GitHub's cache
	// (BuildKit: cache/remotecache/s3, azblob and gha). OCI and ImageManifest do not matter then; media types are OCI's.
	SelfDescribed bool
}

// Limit is how large a config or manifest may be in this format, in bytes.
func (f Format) Limit() int64 {
	if f.SelfDescribed {
		return SelfDescribedLimit
	}
	return ImportLimit
}
