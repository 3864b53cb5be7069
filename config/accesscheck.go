package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// CheckAccess refuses what a fetched definition would touch of this machine and --allow does not name. It says nothing of definitions of this machine.
func (r *Resolution) CheckAccess() hcl.Diagnostics {
	if r.access == nil {
		return nil
	}
	k := &accessCheck{access: r.access, lookupEnv: r.lookupEnv}
	for _, t := range r.Targets {
		k.target(t)
	}
	for _, t := range r.Transfers {
		k.who = fmt.Sprintf("transfer %q", t.Name)
		k.caches(t.CacheFrom, t.CacheTo)
	}
	k.hosts(r)
	return sorted(k.diags)
}

// accessCheck collects what is refused.
type accessCheck struct {
	*access
	lookupEnv func(string) (string, bool)
	who       string
	diags     hcl.Diagnostics
}

func (k *accessCheck) refuse(at *hcl.Range, what, allow string) {
	k.diags = append(k.diags, errorf(at, "Access not allowed", "The definition was fetched from elsewhere, and %s %s. Allow that with --allow %s.", k.who, what, allow))
}

func (k *accessCheck) reads(at *hcl.Range, p, what string) {
	if !k.files && !k.allows(k.read, p) {
		k.refuse(at, fmt.Sprintf("reads %s (%s) on this machine", p, what), "fs.read="+p)
	}
}

func (k *accessCheck) writes(at *hcl.Range, p, what string) {
	if !k.files && !k.allows(k.write, p) {
		k.refuse(at, fmt.Sprintf("writes %s (%s) on this machine", p, what), "fs.write="+p)
	}
}

func (k *accessCheck) target(t *Target) {
	k.who = fmt.Sprintf("target %q", t.Name)
	k.contexts(t)
	k.caches(t.CacheFrom, t.CacheTo)
	for _, s := range t.Secrets {
		p := s.Src
		if _, inEnv := k.lookupEnv(s.ID); p == "" && s.Env == "" && !inEnv {
			p = s.ID
		}
		if p != "" {
			k.reads(t.at("secret"), p, "secret "+s.ID)
		}
	}
	for _, s := range t.SSH {
		if !slices.ContainsFunc(s.Paths, func(p string) bool { return p != "" }) && !k.files && !slices.Contains(k.rights, "ssh") {
			k.refuse(t.at("ssh"), "uses the SSH agent", "ssh")
		}
		for _, p := range s.Paths {
			if p != "" {
				k.reads(t.at("ssh"), p, "ssh "+s.ID)
			}
		}
	}
	for _, o := range t.Outputs {
		at := o.Range
		if at.Filename == "" {
			at = *t.at("output")
		}
		if dest := o.Attrs["dest"]; dest != "" && dest != "-" {
			k.writes(&at, dest, "output "+o.Type)
		}
		if o.Type == "local" && o.Attrs["mode"] == "delete" && !slices.Contains(k.rights, "buildx.local.delete") {
			k.refuse(&at, "deletes files at the destination of its output", "buildx.local.delete")
		}
	}
	k.entitlements(t)
}

// contexts checks directories of this machine, and Dockerfiles that do not lie in a fetched context.
func (k *accessCheck) contexts(t *Target) {
	context, dockerfile := ".", "Dockerfile"
	if t.Context != nil {
		context = strings.TrimPrefix(*t.Context, cwd)
	}
	if t.Dockerfile != nil {
		dockerfile = *t.Dockerfile
	}
	inline := t.DockerfileInline != nil && *t.DockerfileInline != ""
	switch {
	case !IsRemote(context):
		k.reads(t.at("context"), context, "context")
		if !inline && !filepath.IsLocal(dockerfile) { // else it is a part of the context
			k.reads(t.at("dockerfile"), under(k.real(context), dockerfile), "dockerfile")
		}
	case filepath.IsAbs(dockerfile) && !inline:
		k.reads(t.at("dockerfile"), dockerfile, "dockerfile")
	}
	for _, name := range sortedNames(t.Contexts) {
		at := t.Contexts[name]
		layout, isLayout := strings.CutPrefix(at, "oci-layout://")
		if isLayout {
			layout, _, _ = strings.Cut(layout, "@")
			if i := strings.LastIndex(layout, ":"); i > strings.LastIndex(layout, "/") {
				layout = layout[:i]
			}
			at = layout
		}
		if isLayout || isRelative(at) || strings.HasPrefix(at, cwd) {
			k.reads(t.at("contexts"), strings.TrimPrefix(at, cwd), "context "+name)
		}
	}
}

func (k *accessCheck) caches(from, to []Cache) {
	for _, c := range from {
		if c.Type == "local" {
			k.reads(c.At("src"), c.Attrs["src"], "cache-from")
		}
	}
	for _, c := range to {
		if c.Type == "local" {
			k.writes(c.At("dest"), c.Attrs["dest"], "cache-to")
		}
	}
}

func (k *accessCheck) entitlements(t *Target) {
	at := t.at("entitlements")
	if t.Ranges["entitlements"].Filename == "" {
		at = t.at("network") // which can ask for one by itself
	}
	for _, e := range t.Entitlements {
		name, _, _ := strings.Cut(e, "=")
		if name == "device" && slices.Contains(k.rights, name) {
			continue
		}
		if slices.Contains(rights, name) && !slices.Contains(k.rights, e) {
			k.refuse(at, "asks for "+e, e)
		}
	}
}

// hosts refuses to let a fetched definition say where builds run and how credentials travel.
func (k *accessCheck) hosts(r *Resolution) {
	const fix = "Write the block in a file of this machine, and name that with -f cwd://FILE."
	for _, b := range r.Builders {
		if r.fetchedFile(b.Range) {
			k.diags = append(k.diags, errorf(&b.Range, "Builder of a fetched definition", "A definition that was fetched does not choose the builder %q. %s", b.Name, fix))
		}
	}
	for _, h := range r.Registries {
		switch {
		case !r.fetchedFile(h.Range):
		case h.CA != "", h.Dir != "":
			k.diags = append(k.diags, errorf(&h.Range, "Registry of a fetched definition", "A definition that was fetched names no files of this machine for the registry %q. %s", h.Host, fix))
		case (h.HTTP || h.Insecure || len(h.Mirrors) > 0) && !loopback(h.Host):
			k.diags = append(k.diags, errorf(&h.Range, "Registry of a fetched definition", "A definition that was fetched does not say that the registry %q is insecure, or another one. %s", h.Host, fix))
		}
	}
}

// fetchedFile tells whether a block stands in a file that was fetched.
func (r *Resolution) fetchedFile(at hcl.Range) bool { return IsRemote(at.Filename) }
