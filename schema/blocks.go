package schema

// Target is the block that declares what to build. Its order is the order of the reference.
var Target = Block{Name: "target", Label: "name", LabelForm: `^[a-zA-Z0-9_-]+$`, Computed: "name", Doc: "An image, or another result of a Dockerfile, and its caches.", Attributes: []Attribute{
	{Name: "description", Kind: String, Doc: "What the target is, for listings."},
	{Name: "inherits", Kind: Strings, Merge: Append, Doc: "Targets whose attributes this one starts from; later ones win."},
	{Name: "name", Kind: String, Needs: "matrix", Doc: "With matrix: the name of each variant, an expression over the matrix keys."},
	{Name: "matrix", Kind: Matrix, Doc: "Lists by name; one variant of the target for each combination of their items."},
	{Name: "context", Kind: String, Set: SetValue, Key: true, Doc: "Directory, git or HTTP URL of the build context. Default: the current directory."},
	{Name: "contexts", Kind: Map, Merge: PerKey, Set: SetKey, Key: true, Doc: "Named contexts: directories, URLs, docker-image://REF, oci-layout://DIR, or target:NAME for another target's result."},
	{Name: "dockerfile", Kind: String, Set: SetValue, Key: true, Doc: "Dockerfile, relative to the context. Default: Dockerfile."},
	{Name: "dockerfile-inline", Kind: String, Key: true, Doc: "The Dockerfile itself; wins over dockerfile."},
	{Name: "args", Kind: Map, Merge: PerKey, Set: SetKey, Key: true, Doc: "Build arguments."},
	{Name: "labels", Kind: Map, Merge: PerKey, Set: SetKey, Doc: "Labels of the image."},
	{Name: "tags", Kind: Strings, Set: SetList, Doc: "Names of the image."},
	{Name: "target", Kind: String, Set: SetValue, Key: true, Doc: "Stage of the Dockerfile to build."},
	{Name: "platforms", Kind: Strings, Set: SetList, SetName: "platform", Key: true, Doc: "Platforms to build for, for instance linux/arm64."},
	{Name: "cache-from", Kind: Caches, Merge: Append, Set: SetList, Key: true, Doc: "Cache sources. All that can be used are, in this order, unless one is a fallback. One that is missing never fails a build."},
	{Name: "cache-to", Kind: Caches, Set: SetList, Key: true, Doc: "Cache destinations."},
	{Name: "output", Kind: Outputs, Set: SetList, Doc: "What becomes of the result: image, registry, oci, docker, tar, local or cacheonly."},
	{Name: "secret", Kind: Secrets, Merge: ByID, Set: SetList, SetName: "secrets", Doc: "Secrets for RUN --mount=type=secret, from files or the environment."},
	{Name: "ssh", Kind: Agents, Merge: ByID, Set: SetList, Doc: "SSH agents or keys for RUN --mount=type=ssh."},
	{Name: "no-cache", Kind: Bool, Set: SetValue, Doc: "Execute every step again."},
	{Name: "no-cache-filter", Kind: Strings, Merge: Append, Set: SetList, Key: true, Doc: "Stages whose steps are executed again."},
	{Name: "pull", Kind: Bool, Set: SetValue, Doc: "Look for newer base images."},
	{Name: "max-age", Kind: String, Set: SetValue, Own: true, Doc: "How old a build may be and still be up to date, for instance 24h or 7d. Default: no limit."},
	{Name: "network", Kind: String, Set: SetValue, Key: true, Doc: "Network of RUN: default, none or host."},
	{Name: "shm-size", Kind: String, Set: SetValue, Key: true, Doc: "Size of /dev/shm, for instance 128m."},
	{Name: "ulimits", Kind: Strings, Merge: Append, Set: SetList, Key: true, Doc: "Limits such as nofile=1024:2048."},
	{Name: "extra-hosts", Kind: Map, Merge: PerKey, Set: SetKey, Key: true, Doc: "Addresses by host name, for /etc/hosts."},
	{Name: "annotations", Kind: Strings, Merge: Append, Set: SetList, Doc: "Annotations of the image: [level:]key=value."},
	{Name: "attest", Kind: Attests, Merge: ByID, Set: SetList, Doc: "Attestations: sbom, provenance."},
	{Name: "entitlements", Kind: Strings, Merge: Append, Set: SetList, Doc: "Rights that the build needs: network.host, security.insecure."},
	{Name: "call", Kind: String, Set: SetValue, Doc: "Frontend method; carried for print."},
	{Name: "resources", Kind: Resources, Merge: PerKey, Set: SetKey, Key: true, Doc: "Limits of RUN: memory, memory-swap, cpu-shares, cpu-period, cpu-quota, cpuset-cpus, cpuset-mems."},
	{Name: "policy", Kind: Policies, Merge: Append, Doc: "Source policies; carried for print."},
}}

// Group is a list of targets.
var Group = Block{Name: "group", Label: "name", Doc: "Targets and groups that are selected together.", Attributes: []Attribute{
	{Name: "description", Kind: String, Doc: "What the group is, for listings."},
	{Name: "targets", Kind: Strings, Required: true, Doc: "Targets, transfers and groups."},
}}

// Variable is an input of the configuration.
var Variable = Block{Name: "variable", Label: "name", Doc: "An input, from --var, the environment, or its default.", Attributes: []Attribute{
	{Name: "type", Kind: String, Doc: "Type constraint: string, number, bool, list(string), …"},
	{Name: "default", Kind: Any, Doc: "Value when nothing else sets it."},
	{Name: "description", Kind: String, Doc: "What the variable is, for listings."},
}}

// Validation is a rule for a variable.
var Validation = Block{Name: "validation", Doc: "A rule a variable's value must fulfil.", Attributes: []Attribute{
	{Name: "condition", Kind: Bool, Required: true, Doc: "Must be true."},
	{Name: "error_message", Kind: String, Doc: "What to say when it is not."},
}}

// Function is a function written in the configuration.
var Function = Block{Name: "function", Label: "name", Doc: "A function for expressions.", Attributes: []Attribute{
	{Name: "params", Kind: Strings, Required: true, Doc: "Names of the parameters."},
	{Name: "variadic_params", Kind: String, Doc: "Name of the list that takes further arguments."},
	{Name: "result", Kind: Any, Required: true, Doc: "The function's value."},
}}

// Transfer moves caches without a build.
var Transfer = Block{Name: "transfer", Label: "name", Own: true, Doc: "Moves caches from sources to destinations with no build: promote, merge, mirror, transcode.", Attributes: []Attribute{
	{Name: "description", Kind: String, Doc: "What the transfer is for, for listings."},
	{Name: "cache-from", Kind: Caches, Required: true, Doc: "Sources; several are merged."},
	{Name: "cache-to", Kind: Caches, Required: true, Doc: "Destinations."},
}}

// Builder is a BuildKit endpoint.
var Builder = Block{Name: "builder", Label: "name", Own: true, Doc: "A BuildKit endpoint.", Attributes: []Attribute{
	{Name: "endpoint", Kind: String, Required: true, Doc: "unix://, tcp://, docker-container://, kube-pod://, podman-container://, nerdctl-container://, ssh://, or embedded."},
	{Name: "cacert", Kind: String, Doc: "PEM file of the CA for tcp://."},
	{Name: "cert", Kind: String, Doc: "PEM file of the client certificate for tcp://."},
	{Name: "key", Kind: String, Doc: "PEM file of the client key for tcp://."},
	{Name: "servername", Kind: String, Doc: "Name that the server's certificate must carry."},
	{Name: "default", Kind: Bool, Doc: "Use this builder when none is named."},
}}

// Registry says how to speak to a registry host.
var Registry = Block{Name: "registry", Label: "host", Own: true, Doc: "How to speak to one registry host.", Attributes: []Attribute{
	{Name: "http", Kind: Bool, Doc: "Speak plain HTTP."},
	{Name: "insecure", Kind: Bool, Doc: "Do not verify the certificate."},
	{Name: "ca", Kind: String, Doc: "PEM file of certificates trusted besides the system's."},
	{Name: "mirrors", Kind: Strings, Doc: "Hosts that an embedded builder asks first for images."},
	{Name: "concurrency", Kind: Number, Doc: "Requests under way at once. Default: 16."},
	{Name: "rate", Kind: Number, Doc: "Requests started a second. Default: no limit."},
	{Name: "embedded", Kind: Bool, Doc: "Serve this host from cachectl itself, on loopback, for the run."},
	{Name: "dir", Kind: String, Doc: "Where an embedded registry keeps its content."},
}}

// Dynamic makes cache-from and cache-to blocks out of a collection, as in Terraform.
var Dynamic = Block{Name: "dynamic", Label: "block", Own: true, Doc: "Inside a target or transfer: one cache-from or cache-to block for each element of a collection.", Attributes: []Attribute{
	{Name: "for_each", Kind: Map, Required: true, Doc: "A list, set, map or object; one block is made for each of its elements."},
	{Name: "iterator", Kind: String, Doc: "Name by which content sees the element: NAME.key and NAME.value. Default: the label."},
	{Name: "labels", Kind: Strings, Required: true, Doc: "The kind of cache, for instance [\"registry\"]."},
}}

// Include takes another file's content in.
var Include = Block{Name: "include", Label: "path", Own: true, Doc: "Takes in another file, as if it were named before this one; the path is relative to this file and may be a pattern."}

// Import takes another configuration in under a name.
var Import = Block{Name: "import", Label: "namespace", Own: true, Doc: "Takes in the targets, groups and transfers of another configuration, with NAMESPACE_ before their names. Its variables, functions and paths are its own.", Attributes: []Attribute{
	{Name: "source", Kind: String, Required: true, Doc: "The file, relative to this one."},
	{Name: "vars", Kind: Map, Doc: "Values for its variables, which win over its environment."},
}}

// Schedule says when what is rebuilt.
var Schedule = Block{Name: "schedule", Label: "name", Own: true, Doc: "What is rebuilt at which times, for apply --schedule and for cachectl schedule.", Attributes: []Attribute{
	{Name: "cron", Kind: String, Required: true, Doc: "Minute, hour, day of month, month and day of week, or @daily and the like."},
	{Name: "timezone", Kind: String, Doc: "Where the times are meant, for instance Europe/Berlin. Default: UTC."},
	{Name: "targets", Kind: Strings, Required: true, Doc: "Targets, groups, transfers or patterns of them."},
	{Name: "no-cache", Kind: Bool, Doc: "Execute every step again."},
	{Name: "pull", Kind: Bool, Doc: "Look for newer base images."},
	{Name: "description", Kind: String, Doc: "What the schedule is for, for listings."},
}}

// Retention says how much of the caches may stay.
var Retention = Block{Name: "retention", Label: "name", Own: true, Doc: "What `cachectl prune` leaves of the caches that targets and transfers write. A limit that is not set does not limit.", Attributes: []Attribute{
	{Name: "description", Kind: String, Doc: "What the policy is for."},
	{Name: "targets", Kind: Strings, Doc: "Targets and transfers, or patterns of them, whose cache-to this governs. Default: all."},
	{Name: "max-age", Kind: String, Doc: "How long ago a result may have been made, for instance 336h or 14d."},
	{Name: "max-idle", Kind: String, Doc: "How long ago a result's last known use may be. A use is known where something newer was built on the result; BuildKit stores no other."},
	{Name: "max-size", Kind: String, Doc: "Bytes of all caches of one repository, directory or bucket together, for instance 20GB or 20GiB. What was used longest ago goes first."},
	{Name: "max-results", Kind: Number, Doc: "Results of all caches of one repository, directory or bucket together."},
	{Name: "keep", Kind: Strings, Doc: "Names (tags), or patterns of them, that nothing is taken from. Where a name stands for a branch, the branch's name does too."},
	{Name: "names", Kind: Strings, Doc: "Patterns of further names at the same places that the limits hold for too, such as main-* or app-*."},
	{Name: "branches", Kind: Bool, Needs: "names", Doc: "Remove names that fit one of names, whose * stands for a branch as sanitize_ref writes it, when git has no such branch any more."},
	{Name: "grace", Kind: String, Doc: "How long blobs that nothing needs are left to exports under way before they are deleted; in buckets an hour at least. Default: 24h."},
}}

// Blocks are the blocks that stand at the top of a file.
var Blocks = []Block{Target, Group, Variable, Function, Transfer, Builder, Registry, Include, Import, Schedule, Retention}
