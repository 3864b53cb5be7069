package schema

import "slices"

// Side says where a cache attribute may stand.
type Side int

// The sides of a cache.
const (
	From Side = 1 << iota
	To
)

// CacheAttribute is one attribute of a cache backend, by BuildKit's name for it.
type CacheAttribute struct {
	Name string
	Side Side
	Kind Kind
	// Required on the sides it may stand on.
	Required bool
	Default  string
	// Enum lists the values allowed, if there are only some.
	Enum []string
	// Env is the environment variable the value comes from when it is not written.
	Env string
	// Secret values are never shown.
	Secret bool
	// Ignored says that the backend takes the attribute and does nothing with it.
	Ignored bool
	Doc     string
}

// Backend is a place a cache can be.
type Backend struct {
	Name       string
	Doc        string
	Attributes []CacheAttribute
}

// Attribute returns the backend's attribute of that name, nil if there is none.
func (b *Backend) Attribute(name string) *CacheAttribute {
	for i := range b.Attributes {
		if b.Attributes[i].Name == name {
			return &b.Attributes[i]
		}
	}
	return nil
}

// Names lists the attributes allowed on a side.
func (b *Backend) Names(side Side) []string {
	var names []string
	for _, a := range b.Attributes {
		if a.Side&side != 0 {
			names = append(names, a.Name)
		}
	}
	return names
}

// LookupBackend returns the backend of that name, nil if there is none.
func LookupBackend(name string) *Backend {
	for i := range Backends {
		if Backends[i].Name == name {
			return &Backends[i]
		}
	}
	return nil
}

// BackendNames lists the backends.
func BackendNames() []string {
	var names []string
	for _, b := range Backends {
		names = append(names, b.Name)
	}
	return names
}

// mode and ignoreError are what every destination knows, fallback is what every source does.
var (
	mode        = CacheAttribute{Name: "mode", Side: To, Kind: String, Default: "min", Enum: []string{"min", "max"}, Doc: "max publishes the layers of every step, min those of the result only."}
	fallback    = CacheAttribute{Name: "fallback", Side: From, Kind: Bool, Default: "false", Doc: "Use the source only if none that is declared before it can be used. Without it all are used: of each step the newest result."}
	ignoreError = CacheAttribute{Name: "ignore-error", Side: To, Kind: Bool, Default: "false", Doc: "A failure to publish is reported and does not fail the run."}
)

// format is how layers and manifests are written, on backends that have a choice.
var format = []CacheAttribute{
	mode,
	{Name: "oci-mediatypes", Side: To, Kind: Bool, Default: "true", Doc: "OCI media types rather than Docker's."},
	{Name: "image-manifest", Side: To, Kind: Bool, Default: "true", Doc: "An image manifest rather than an index. Needs OCI media types; false when those are off."},
	{Name: "compression", Side: To, Kind: String, Default: "gzip", Enum: []string{"uncompressed", "gzip", "estargz", "zstd"}, Doc: "Compression of new layers."},
	{Name: "compression-level", Side: To, Kind: Number, Doc: "gzip and estargz 0 to 9, zstd 0 to 22."},
	{Name: "force-compression", Side: To, Kind: Bool, Default: "false", Doc: "Compress layers again that exist in another compression."},
	ignoreError,
	{Name: "on-conflict", Side: To, Kind: String, Default: "merge", Enum: []string{"merge", "overwrite", "fail"}, Doc: "What happens to results of others at the destination: kept (merge), replaced (overwrite), or the publication is refused (fail)."},
}

// ignoredFormat are the attributes that BuildKit takes for every backend and only honours for registry and local.
func ignoredFormat() []CacheAttribute {
	var list []CacheAttribute
	for _, a := range format {
		if a.Name == "mode" || a.Name == "ignore-error" || a.Name == "on-conflict" {
			continue
		}
		a.Ignored = true
		list = append(list, a)
	}
	return list
}

// Backends is every place a cache can be, with every attribute BuildKit documents for it.
var Backends = []Backend{
	{Name: "registry", Doc: "A tag in an OCI registry.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "ref", Side: From | To, Kind: String, Required: true, Doc: "Reference of the cache. Never the reference an image is pushed to."},
		{Name: "registry.insecure", Side: From | To, Kind: Bool, Default: "false", Doc: "Allow plain HTTP and do not verify certificates."},
		fallback,
	}, format)},
	{Name: "local", Doc: "A directory, as an OCI image layout.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "src", Side: From, Kind: String, Required: true, Doc: "Directory to read."},
		{Name: "dest", Side: To, Kind: String, Required: true, Doc: "Directory to write."},
		{Name: "tag", Side: From | To, Kind: String, Default: "latest", Doc: "Tag in the directory's index."},
		{Name: "digest", Side: From, Kind: String, Doc: "Manifest to read, whatever the tag says."},
		fallback,
	}, format)},
	{Name: "inline", Doc: "In the image itself. Read it with type=registry and the image's reference.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "mode", Side: To, Kind: String, Ignored: true, Default: "min", Enum: []string{"min", "max"}, Doc: "Always min."},
		{Name: "ignore-error", Side: To, Kind: Bool, Ignored: true, Default: "false", Doc: "The cache is part of the image."},
	}, ignoredFormat())},
	{Name: "gha", Doc: "GitHub's cache service.", Attributes: slices.Concat([]CacheAttribute{
		mode, ignoreError, fallback,
		{Name: "scope", Side: From | To, Kind: String, Default: "buildkit", Doc: "Which cache of the repository."},
		{Name: "token", Side: From | To, Kind: String, Secret: true, Env: "ACTIONS_RUNTIME_TOKEN", Doc: "Token of the service."},
		{Name: "url", Side: From | To, Kind: String, Env: "ACTIONS_CACHE_URL", Doc: "Address of the service, version 1."},
		{Name: "url_v2", Side: From | To, Kind: String, Env: "ACTIONS_RESULTS_URL", Doc: "Address of the service, version 2."},
		{Name: "version", Side: From | To, Kind: Number, Doc: "Version of the service."},
		{Name: "timeout", Side: From | To, Kind: String, Default: "10m", Doc: "How long an import or export may take."},
		{Name: "repository", Side: From | To, Kind: String, Doc: "Repository, for listing keys."},
		{Name: "ghtoken", Side: From | To, Kind: String, Secret: true, Doc: "GitHub token, for listing keys."},
	}, ignoredFormat())},
	{Name: "s3", Doc: "A bucket of S3 or what speaks like it.", Attributes: slices.Concat([]CacheAttribute{
		mode, ignoreError, fallback,
		{Name: "bucket", Side: From | To, Kind: String, Required: true, Env: "AWS_BUCKET", Doc: "Name of the bucket."},
		{Name: "region", Side: From | To, Kind: String, Required: true, Env: "AWS_REGION", Doc: "Region of the bucket."},
		{Name: "prefix", Side: From | To, Kind: String, Doc: "Put before every key; no slash is added."},
		{Name: "blobs_prefix", Side: From | To, Kind: String, Default: "blobs/", Doc: "Put before the keys of layers."},
		{Name: "manifests_prefix", Side: From | To, Kind: String, Default: "manifests/", Doc: "Put before the keys of manifests."},
		{Name: "name", Side: From | To, Kind: String, Default: "buildkit", Doc: "Name of the cache; several separated by ; are all written, the first is read."},
		{Name: "touch_refresh", Side: To, Kind: String, Default: "24h", Doc: "Age at which a layer in use is renewed."},
		{Name: "endpoint_url", Side: From | To, Kind: String, Doc: "Address of the service, where it is not AWS."},
		{Name: "use_path_style", Side: From | To, Kind: Bool, Default: "false", Doc: "Bucket in the path rather than in the host name."},
		{Name: "access_key_id", Side: From | To, Kind: String, Secret: true, Env: "AWS_ACCESS_KEY_ID", Doc: "Access key."},
		{Name: "secret_access_key", Side: From | To, Kind: String, Secret: true, Env: "AWS_SECRET_ACCESS_KEY", Doc: "Secret key."},
		{Name: "session_token", Side: From | To, Kind: String, Secret: true, Env: "AWS_SESSION_TOKEN", Doc: "Session token."},
		{Name: "upload_parallelism", Side: To, Kind: Number, Default: "4", Doc: "Layers uploaded at once."},
		{Name: "disable_accept_encoding", Side: From | To, Kind: Bool, Default: "false", Doc: "For services that sign that header."},
		{Name: "retry_mode", Side: From | To, Kind: String, Enum: []string{"standard", "adaptive"}, Doc: "How requests are tried again."},
		{Name: "retry_max_attempts", Side: From | To, Kind: Number, Doc: "How often."},
	}, ignoredFormat())},
	{Name: "azblob", Doc: "A container of Azure Blob Storage.", Attributes: slices.Concat([]CacheAttribute{
		mode, ignoreError, fallback,
		{Name: "account_url", Side: From | To, Kind: String, Required: true, Env: "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL", Doc: "Address of the account."},
		{Name: "account_name", Side: From | To, Kind: String, Env: "BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME", Doc: "Name of the account, where the address does not tell."},
		{Name: "container", Side: From | To, Kind: String, Default: "buildkit-cache", Env: "BUILDKIT_AZURE_STORAGE_CONTAINER", Doc: "Container; made if it is missing."},
		{Name: "prefix", Side: From | To, Kind: String, Env: "BUILDKIT_AZURE_STORAGE_PREFIX", Doc: "Put before every name."},
		{Name: "blobs_prefix", Side: From | To, Kind: String, Default: "blobs", Doc: "Put before the names of layers."},
		{Name: "manifests_prefix", Side: From | To, Kind: String, Default: "manifests", Doc: "Put before the names of manifests."},
		{Name: "name", Side: From | To, Kind: String, Default: "buildkit", Doc: "Name of the cache; several separated by ;."},
		{Name: "secret_access_key", Side: From | To, Kind: String, Secret: true, Doc: "Key of the account; without it the environment's identity is used."},
	}, ignoredFormat())},
}
