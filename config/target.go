package config

import (
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Target is one resolved build target: inheritance, matrix expansion and overrides have been applied.
// Pointers are nil and slices and maps empty where nothing was set. A target is not changed after Resolve returned it.
type Target struct {
	Name string
	// Asked is true when the target was selected for this run, false when it is only here because another one links to it.
	Asked bool

	Description      *string
	Context          *string           // build context: path, URL or git ref; nil is "."
	Contexts         map[string]string // named contexts; "target:NAME" links to another target of the run
	Dockerfile       *string           // nil is "Dockerfile"
	DockerfileInline *string
	Args             map[string]*string // nil value: take the argument from the environment of the client
	Labels           map[string]*string
	Tags             []string
	Stage            *string // "target" in the file: the Dockerfile stage to build
	Platforms        []string
	CacheFrom        []Cache
	CacheTo          []Cache
	Outputs          []Output
	Secrets          []Secret
	SSH              []SSH
	NoCache          *bool
	NoCacheFilter    []string
	Pull             *bool
	Network          *string
	ShmSize          *string
	Ulimits          []string
	ExtraHosts       map[string]*string
	Annotations      []string
	Attest           []Attestation
	Entitlements     []string
	Call             *string
	Resources        *Resources
	Policy           []Policy

	// MaxAge is how old a build may be and still be up to date; 0 is no limit.
	MaxAge time.Duration

	// Range is the target's block, Ranges where each attribute's value comes from, by the attribute's name in the file.
	Range  hcl.Range
	Ranges map[string]hcl.Range
}

// Output is one "output": what becomes of the result. Type is image, registry, oci, docker, tar, local or cacheonly.
type Output struct {
	Type  string
	Attrs map[string]string // everything but type; "dest" and "push" among them
	Range hcl.Range
}

// Secret is one "secret". Its value is never held here.
type Secret struct {
	ID, Type, Src, Env string
}

// SSH is one "ssh": an agent socket or keys by id.
type SSH struct {
	ID    string
	Paths []string
}

// Attestation is one "attest".
type Attestation struct {
	Type     string // sbom or provenance
	Disabled bool
	Attrs    map[string]string
}

// Resources limits what the build's containers may use, in the file's own strings.
type Resources struct {
	Memory, MemorySwap, CPUShares, CPUPeriod, CPUQuota, CPUSetCPUs, CPUSetMems *string
}

// Policy is one "policy" entry, carried for print.
type Policy struct {
	Filename string
	Reset    *bool
	Disabled *bool
	Strict   *bool
	LogLevel *string
}
