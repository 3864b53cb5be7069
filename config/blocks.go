package config

import (
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Transfer is a transfer block: caches go from sources to destinations with no build (promote, merge, mirror, transcode).
type Transfer struct {
	Name        string
	Description string
	CacheFrom   []Cache
	CacheTo     []Cache
	Range       hcl.Range
}

// Builder is a builder block: a BuildKit endpoint.
type Builder struct {
	Name string
	// Endpoint is unix://, tcp://, docker-container://, kube-pod://, podman-container://, nerdctl-container:// or ssh://;
	// "embedded" starts buildkitd.
	Endpoint string
	// CACert, Cert and Key are paths for TLS, ServerName what the certificate must name; used with tcp:// only.
	CACert, Cert, Key, ServerName string
	// Default marks the builder used when none is named.
	Default bool
	Range   hcl.Range
}

// Registry is a registry block: how to speak to one host.
type Registry struct {
	// Host is host[:port] as it stands in refs.
	Host string
	// HTTP allows plain HTTP, Insecure skips TLS verification.
	HTTP, Insecure bool
	// CA is a path to PEM certificates trusted for this host, besides the system's.
	CA string
	// Mirrors are hosts asked first when reading.
	Mirrors []string
	// Concurrency is the number of requests under way at once, 0 the default; Rate the requests started a second, 0 no limit.
	Concurrency int
	Rate        float64
	// Embedded makes cachectl serve this host itself, on loopback, for the run; Dir is where it keeps its content.
	Embedded bool
	Dir      string
	Range    hcl.Range
}

// Retention is a retention block: what pruning leaves of the caches that targets and transfers write. Limits that are zero do not limit.
type Retention struct {
	Name, Description string
	// Targets are patterns of the targets and transfers whose destinations are governed, none for all.
	Targets []string
	// MaxAge is how long ago a result may have been made, MaxIdle how long ago its last known use may be.
	MaxAge, MaxIdle time.Duration
	// MaxSize is the size of the distinct blobs, in bytes, and MaxResults the number of results, of all caches at one place.
	MaxSize    int64
	MaxResults int
	// Keep are patterns of names that nothing is taken from, Names patterns of further names that the limits hold for.
	Keep, Names []string
	// Branches says that names which fit Names are removed when the branch they stand for is gone.
	Branches bool
	// Grace is how long blobs that nothing needs stay.
	Grace time.Duration
	Range hcl.Range
}
