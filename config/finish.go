package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

func itoa(n int) string { return strconv.Itoa(n) }

// finished fills in what every target has and takes out what only merging needed. A target that is there because others link to it is
// built for the cache alone.
func (c *Config) finished(name string, in attributes, asked bool) attributes {
	out := attributes{}
	for name, v := range in {
		if name != "inherits" {
			out[name] = v
		}
	}
	def := func(name, s string) {
		if v := out[name]; v == nil || v.text == nil || *v.text == "" {
			out[name] = &value{text: &s}
		}
	}
	def("context", rebase(c.targets[name].base, "."))
	def("dockerfile", "Dockerfile")
	out["context"] = c.located(out["context"])
	if epoch, _ := c.opt.LookupEnv(sourceDateEpoch); epoch != "" {
		out["args"] = withArg(out["args"], sourceDateEpoch, epoch)
	}
	if v := out["contexts"]; v != nil {
		kept := map[string]*string{}
		for k, s := range v.dict {
			if s != nil && *s != "" {
				kept[k] = s
			}
		}
		out["contexts"] = &value{dict: kept, rng: v.rng}
	}
	out = out.withHost()
	if v := out["output"]; v != nil {
		out["output"] = &value{items: finishedOutputs(v.items), rng: v.rng}
	}
	if !asked {
		out["output"] = &value{items: []item{{attrs: map[string]string{"type": "cacheonly"}}}}
	}
	return out
}

// withHost adds the entitlement that the host's network needs.
func (a attributes) withHost() attributes {
	if v := a["network"]; v == nil || v.text == nil || *v.text != "host" {
		return a
	}
	ent := &value{list: []string{"network.host"}}
	if have := a["entitlements"]; have != nil {
		ent = &value{list: unique(slices.Concat(have.list, ent.list)), rng: have.rng}
	}
	out := maps.Clone(a)
	out["entitlements"] = ent
	return out
}

// sourceDateEpoch is the argument that is taken from the environment unasked, for reproducible builds.
const sourceDateEpoch = "SOURCE_DATE_EPOCH"

// withArg adds an argument unless there is one of that name.
func withArg(v *value, name, arg string) *value {
	out := &value{dict: map[string]*string{name: &arg}}
	if v != nil {
		out.rng = v.rng
		maps.Copy(out.dict, v.dict)
	}
	return out
}

// finishedOutputs sends archives that have no destination to standard output, as Bake does.
func finishedOutputs(list []item) []item {
	out := slices.Clone(list)
	for n, i := range out {
		if (i.attrs["type"] == "tar" || i.attrs["type"] == "oci" && isArchive(i.attrs)) && i.attrs["dest"] == "" {
			out[n].attrs = cloneWith(i.attrs, "dest", "-")
		}
	}
	return out
}

// isArchive tells whether an oci or docker output is one file rather than a directory.
func isArchive(attrs map[string]string) bool {
	tar, err := strconv.ParseBool(attrs["tar"])
	return err != nil || tar
}

// IsRemote tells whether a context is fetched by the builder rather than read from this machine (Bake: urlutil.IsRemoteURL).
func IsRemote(s string) bool {
	for _, p := range []string{"http://", "https://", "git://", "github.com/", "git@", "ssh://"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// newTarget converts resolved attributes to a Target.
func newTarget(name string, at hcl.Range, a attributes, asked bool) *Target {
	t := &Target{
		Name: name, Asked: asked, Range: at, Ranges: map[string]hcl.Range{},
		Description: a.pointer("description"), Context: a.pointer("context"), Contexts: a.strings("contexts"),
		Dockerfile: a.pointer("dockerfile"), DockerfileInline: a.pointer("dockerfile-inline"),
		Args: a.dict("args"), Labels: a.dict("labels"), Tags: a.list("tags"), Stage: a.pointer("target"), Platforms: a.platforms(),
		CacheFrom: caches(a["cache-from"]), CacheTo: caches(a["cache-to"]),
		NoCache: a.flag("no-cache"), NoCacheFilter: a.list("no-cache-filter"), Pull: a.flag("pull"), Network: a.pointer("network"),
		ShmSize: a.pointer("shm-size"), Ulimits: a.list("ulimits"), ExtraHosts: a.dict("extra-hosts"), Annotations: a.list("annotations"),
		Entitlements: a.list("entitlements"), Call: a.pointer("call"), Resources: a.resources(),
	}
	if v := a.pointer("max-age"); v != nil {
		t.MaxAge, _ = ParseAge(*v) // what is no length of time is told by checkValues
	}
	for attr, v := range a {
		t.Ranges[attr] = v.rng
	}
	for _, i := range a.items("secret") {
		t.Secrets = append(t.Secrets, Secret{ID: i.attrs["id"], Src: i.attrs["src"], Env: i.attrs["env"]})
	}
	for _, i := range a.items("ssh") {
		t.SSH = append(t.SSH, SSH{ID: i.attrs["id"], Paths: i.paths})
	}
	t.Outputs, t.Attest, t.Policy = outputs(a.items("output")), attestations(a.items("attest")), policies(a.items("policy"))
	return t
}

func outputs(list []item) []Output {
	var out []Output
	for _, i := range list {
		out = append(out, Output{Type: i.attrs["type"], Attrs: i.without("type"), Range: i.rng})
	}
	return out
}

func attestations(list []item) []Attestation {
	var out []Attestation
	for _, i := range list {
		disabled, _ := strconv.ParseBool(i.attrs["disabled"])
		out = append(out, Attestation{Type: i.attrs["type"], Disabled: disabled, Attrs: i.without("type", "disabled")})
	}
	return out
}

// without are the fields of an item besides some.
func (i item) without(names ...string) map[string]string {
	out := map[string]string{}
	for k, v := range i.attrs {
		if !slices.Contains(names, k) {
			out[k] = v
		}
	}
	return out
}

func policies(list []item) []Policy {
	var out []Policy
	for _, i := range list {
		p := Policy{Filename: i.attrs["filename"]}
		for name, to := range map[string]**bool{"reset": &p.Reset, "disabled": &p.Disabled, "strict": &p.Strict} {
			if b, err := strconv.ParseBool(i.attrs[name]); err == nil {
				*to = &b
			}
		}
		if l, ok := i.attrs["log-level"]; ok {
			p.LogLevel = &l
		}
		out = append(out, p)
	}
	return out
}

// platforms splits entries that hold several.
func (a attributes) platforms() []string {
	var out []string
	for _, p := range a.list("platforms") {
		for s := range strings.SplitSeq(p, ",") {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return out
}

func (a attributes) resources() *Resources {
	d := a.dict("resources")
	if len(d) == 0 {
		return nil
	}
	return &Resources{
		Memory: d["memory"], MemorySwap: d["memory-swap"], CPUShares: d["cpu-shares"], CPUPeriod: d["cpu-period"],
		CPUQuota: d["cpu-quota"], CPUSetCPUs: d["cpuset-cpus"], CPUSetMems: d["cpuset-mems"],
	}
}

// isGitOverSSH tells whether a context is a git repository that is reached with an SSH agent.
func isGitOverSSH(context string) bool {
	return strings.HasPrefix(context, "git@") || strings.HasPrefix(context, "ssh://")
}
