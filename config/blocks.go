package config

import "github.com/hashicorp/hcl/v2"

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
