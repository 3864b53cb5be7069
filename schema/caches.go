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
	// Form is what a value must look like, if not every one of the kind will do.
	Form Form
	// Env is the environment variable the value comes from when it is not written.
	Env string
	// EnvWith names an attribute that Env belongs to: where that one is written, the environment speaks of somebody else.
	EnvWith string
	// Secret values are never shown.
	Secret bool
	// Ignored says that the backend takes the attribute and does nothing with it.
	Ignored bool
	Doc     string
}

// Backend is a place a cache can be.
type Backend struct {
	Name string
	Doc  string
	// ByBuilds says that the place is read and written by BuildKit alone, in the course of a build: nothing can be transferred.
	ByBuilds   bool
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

// mode and ignoreError are what every destination knows.
var (
	mode        = CacheAttribute{Name: "mode", Side: To, Kind: String, Default: "min", Enum: []string{"min", "max"}, Doc: "max publishes the layers of every step, min those of the result only."}
	ignoreError = CacheAttribute{Name: "ignore-error", Side: To, Kind: Bool, Default: "false", Doc: "A failure to publish is reported and does not fail the run."}
)

// compression is how layers are compressed.
var compression = []CacheAttribute{
	{Name: "compression", Side: To, Kind: String, Default: "gzip", Enum: []string{"uncompressed", "gzip", "estargz", "zstd"}, Doc: "Compression of new layers."},
	{Name: "compression-level", Side: To, Kind: Number, Doc: "gzip and estargz 0 to 9, zstd 0 to 22."},
	{Name: "force-compression", Side: To, Kind: Bool, Default: "false", Doc: "Compress layers again that exist in another compression."},
}

// manifests is how manifests are written, on backends that have them.
var manifests = []CacheAttribute{
	{Name: "oci-mediatypes", Side: To, Kind: Bool, Default: "true", Doc: "OCI media types rather than Docker's."},
	{Name: "image-manifest", Side: To, Kind: Bool, Default: "true", Doc: "An image manifest rather than an index. Needs OCI media types; false when those are off."},
}

// onConflict is what every destination that cachectl itself writes knows.
var onConflict = CacheAttribute{Name: "on-conflict", Side: To, Kind: String, Default: "merge", Enum: []string{"merge", "overwrite", "fail"}, Doc: "What happens to results of others at the destination: kept (merge), replaced (overwrite), or the publication is refused (fail)."}

// fit is what every destination with a limit knows.
var fit = CacheAttribute{Name: "fit", Side: To, Kind: String, Default: "prune", Enum: []string{"prune", "fail"}, Doc: "What happens to a cache whose manifest or config is over the 1 MiB that BuildKit imports: its oldest results are left out, with a warning (prune), or nothing is published (fail)."}

// format is how caches are written, on backends that have manifests.
var format = slices.Concat([]CacheAttribute{mode}, manifests, compression, []CacheAttribute{ignoreError, onConflict, fit})

// bucketFormat is how caches are written, on backends that have none: BuildKit takes the attributes of manifests there and ignores them.
var bucketFormat = slices.Concat([]CacheAttribute{mode}, ignored(manifests), compression, []CacheAttribute{ignoreError, onConflict, fit})

// ignored are attributes that BuildKit takes and does nothing with.
func ignored(list []CacheAttribute) []CacheAttribute {
	list = slices.Clone(list)
	for i := range list {
		list[i].Ignored = true
	}
	return list
}

// Backends is every place a cache can be, with every attribute BuildKit documents for it.
var Backends = []Backend{
	{Name: "registry", Doc: "A tag in an OCI registry.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "ref", Side: From | To, Kind: String, Required: true, Doc: "Reference of the cache. Never the reference an image is pushed to."},
		{Name: "registry.insecure", Side: From | To, Kind: Bool, Default: "false", Doc: "Allow plain HTTP and do not verify certificates."},
	}, format)},
	{Name: "local", Doc: "A directory, as an OCI image layout.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "src", Side: From, Kind: String, Required: true, Doc: "Directory to read."},
		{Name: "dest", Side: To, Kind: String, Required: true, Doc: "Directory to write."},
		{Name: "tag", Side: From | To, Kind: String, Default: "latest", Doc: "Tag in the directory's index."},
		{Name: "digest", Side: From, Kind: String, Doc: "Manifest to read, whatever the tag says."},
	}, format)},
	{Name: "inline", ByBuilds: true, Doc: "In the image itself. Read it with type=registry and the image's reference.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "mode", Side: To, Kind: String, Ignored: true, Default: "min", Enum: []string{"min", "max"}, Doc: "Always min."},
		{Name: "ignore-error", Side: To, Kind: Bool, Ignored: true, Default: "false", Doc: "The cache is part of the image."},
	}, ignored(manifests), ignored(compression))},
	{Name: "gha", Doc: "GitHub's cache service, in a job or with what a job is given. Read are the caches of the job's branch and of those that it may read besides; written is its branch's. Outside of a job (GITHUB_ACTIONS) there is nothing to read or write, which is told and is no error.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "scope", Side: From | To, Kind: String, Default: "buildkit", Doc: "Which cache of the branch."},
		{Name: "token", Side: From | To, Kind: String, Secret: true, Env: "ACTIONS_RUNTIME_TOKEN", Doc: "Token of the service; it says which branches are read and which is written."},
		{Name: "url", Side: From | To, Kind: String, Form: address, Doc: "Address of the service, version 1. In a job ACTIONS_CACHE_URL, else ACTIONS_RESULTS_URL, when not written."},
		{Name: "url_v2", Side: From | To, Kind: String, Form: address, Doc: "Address of the service, version 2. In a job ACTIONS_RESULTS_URL when not written, where ACTIONS_CACHE_SERVICE_V2 or version says that there is one."},
		{Name: "version", Side: From | To, Kind: Number, Enum: []string{"1", "2"}, Doc: "Version of the service; without it 2 where there is an address for that."},
		{Name: "timeout", Side: From | To, Kind: String, Default: "10m", Form: duration, Doc: "How long a request is tried again while the service is busy."},
		{Name: "repository", Side: From | To, Kind: String, Form: repository, Doc: "Repository, as owner/name: with ghtoken its keys are listed at once, rather than asked for one by one."},
		{Name: "ghtoken", Side: From | To, Kind: String, Secret: true, Doc: "Token of GitHub's REST API that may read the repository's actions."},
	}, bucketFormat)},
	{Name: "s3", Doc: "A bucket of S3 or what speaks like it.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "bucket", Side: From | To, Kind: String, Required: true, Env: "AWS_BUCKET", Doc: "Name of the bucket."},
		{Name: "region", Side: From | To, Kind: String, Required: true, Env: "AWS_REGION", Doc: "Region of the bucket."},
		{Name: "prefix", Side: From | To, Kind: String, Doc: "Put before every key; no slash is added."},
		{Name: "blobs_prefix", Side: From | To, Kind: String, Default: "blobs/", Doc: "Put before the keys of layers."},
		{Name: "manifests_prefix", Side: From | To, Kind: String, Default: "manifests/", Doc: "Put before the keys of manifests."},
		{Name: "name", Side: From | To, Kind: String, Default: "buildkit", Form: nameList, Doc: "Name of the cache; several separated by ; are all written, the first is read."},
		{Name: "touch_refresh", Side: To, Kind: String, Default: "24h", Form: duration, Doc: "Age at which what is in use is renewed, so that rules which delete by age leave it."},
		{Name: "endpoint_url", Side: From | To, Kind: String, Form: address, Doc: "Address of the service, where it is not AWS."},
		{Name: "use_path_style", Side: From | To, Kind: Bool, Default: "false", Doc: "Bucket in the path rather than in the host name; with endpoint_url only."},
		{Name: "access_key_id", Side: From | To, Kind: String, Secret: true, Env: "AWS_ACCESS_KEY_ID", Doc: "Access key; without it and the secret key, credentials are looked for where AWS's tools look for them."},
		{Name: "secret_access_key", Side: From | To, Kind: String, Secret: true, Env: "AWS_SECRET_ACCESS_KEY", Doc: "Secret key."},
		{Name: "session_token", Side: From | To, Kind: String, Secret: true, Env: "AWS_SESSION_TOKEN", EnvWith: "access_key_id", Doc: "Session token."},
		{Name: "upload_parallelism", Side: To, Kind: Number, Default: "4", Form: positive, Doc: "Layers uploaded at once."},
		{Name: "disable_accept_encoding", Side: From | To, Kind: Bool, Default: "false", Doc: "For services that sign that header."},
		{Name: "retry_mode", Side: From | To, Kind: String, Enum: []string{"standard", "adaptive"}, Doc: "How requests are tried again: standard, or adaptive, which slows down where the service asks for it."},
		{Name: "retry_max_attempts", Side: From | To, Kind: Number, Form: positive, Doc: "How often a request is sent at most; 1 is once."},
	}, bucketFormat)},
	{Name: "azblob", Doc: "A container of Azure Blob Storage.", Attributes: slices.Concat([]CacheAttribute{
		{Name: "account_url", Side: From | To, Kind: String, Required: true, Env: "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL", Form: address, Doc: "Address of the account."},
		{Name: "account_name", Side: From | To, Kind: String, Env: "BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME", Doc: "Name of the account, where the address does not tell."},
		{Name: "container", Side: From | To, Kind: String, Default: "buildkit-cache", Env: "BUILDKIT_AZURE_STORAGE_CONTAINER", Doc: "Container; made if it is missing."},
		{Name: "prefix", Side: From | To, Kind: String, Env: "BUILDKIT_AZURE_STORAGE_PREFIX", Doc: "Put before every name."},
		{Name: "blobs_prefix", Side: From | To, Kind: String, Default: "blobs", Doc: "Put before the names of layers."},
		{Name: "manifests_prefix", Side: From | To, Kind: String, Default: "manifests", Doc: "Put before the names of manifests."},
		{Name: "name", Side: From | To, Kind: String, Default: "buildkit", Form: nameList, Doc: "Name of the cache; several separated by ; are all written, and all read."},
		{Name: "secret_access_key", Side: From | To, Kind: String, Secret: true, Env: "AZURE_STORAGE_KEY", Doc: "Key of the account; without it the environment's identity is used (Azure's DefaultAzureCredential)."},
	}, bucketFormat)},
}
