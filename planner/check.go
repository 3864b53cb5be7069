package planner

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
)

// checkWriters refuses two steps that write one location. Bake lets them, and the one that ends last wins: in Bake's files that is told.
func (d *draft) checkWriters() {
	tell := d.fail
	if d.bake {
		tell = d.adviseOnce
	}
	for _, location := range slices.Sorted(maps.Keys(d.writers)) {
		list := d.writers[location]
		first := list[0]
		for _, other := range list[1:] {
			at, before := other.cache.Range, first.cache.Range
			switch {
			case other.owner == first.owner:
				tell(at, "Cache written twice", "%s writes %s twice (%s and %s). Take one of the two entries out.",
					other.name, location, place(before), place(at))
			case at == before:
				tell(at, "Cache written twice", "%s and %s both write %s, by the same entry (%s). One would overwrite the other: put what tells them apart into the entry, for instance the key of the matrix.",
					first.name, other.name, location, place(at))
			default:
				tell(at, "Cache written twice", "%s and %s both write %s (%s and %s). One would overwrite the other: give each a location of its own, for instance with the target's name in it.",
					first.name, other.name, location, place(before), place(at))
			}
		}
	}
}

// checkImages refuses a cache ref that an image of the run is pushed to: the cache would replace the image, or the image the cache.
func (d *draft) checkImages() {
	for _, location := range slices.Sorted(maps.Keys(d.images)) {
		for _, i := range d.images[location] {
			for _, w := range d.writers[location] {
				d.fail(w.cache.Range, "Cache in place of an image", "%s publishes its cache as %s, which target %s pushes its image to (%s). Give the cache a reference of its own, or use cache-to \"inline\".",
					w.name, i.ref, i.target.Name, place(i.place()))
			}
		}
	}
}

// place is where the image's reference is written.
func (i *image) place() hcl.Range {
	attr := "tags"
	if len(i.target.Tags) == 0 {
		attr = "output"
	}
	if at, ok := i.target.Ranges[attr]; ok && at.Filename != "" {
		return at
	}
	return i.target.Range
}

// checkPlatforms refuses a link to a target that is not built for the platforms it is needed for. The result of a target with one platform is
// taken for all, as Bake does; that is told, as it is seldom meant.
func (d *draft) checkPlatforms() {
	for _, t := range sortedBy(d.res.Targets, func(t *config.Target) string { return t.Name }) {
		to := links(t)
		for _, context := range slices.Sorted(maps.Keys(to)) {
			l := d.targets[to[context]]
			if l == nil || len(l.Platforms) == 0 {
				continue
			}
			lacking := lacks(t.Platforms, l.Platforms)
			if len(lacking) == 0 {
				continue
			}
			need, have := strings.Join(lacking, ", "), strings.Join(l.Platforms, ", ")
			at := t.Ranges["contexts"]
			if len(l.Platforms) > 1 {
				d.fail(at, "Platform mismatch", "Target %q is built for %s and takes its context %q from target %q, which is built for %s only (%s). Add the platform there.",
					t.Name, need, context, l.Name, have, place(l.Range))
				continue
			}
			d.advise(at, "Platform mismatch", "Target %q is built for %s and takes its context %q from target %q, which is built for %s only (%s): its result is used all the same.",
				t.Name, need, context, l.Name, have, place(l.Range))
		}
	}
}

// lacks returns those of want that are not in have.
func lacks(want, have []string) []string {
	var out []string
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return platform(h) == platform(w) }) {
			out = append(out, w)
		}
	}
	return out
}

// platform spells a platform in one way, as far as two spellings are in use (containerd/platforms, normalizeArch).
func platform(s string) string {
	s = strings.ToLower(s)
	for from, to := range map[string]string{"/x86_64": "/amd64", "/x86-64": "/amd64", "/aarch64": "/arm64"} {
		s = strings.Replace(s, from, to, 1)
	}
	switch s {
	case "linux/arm64/v8":
		return "linux/arm64"
	case "linux/arm":
		return "linux/arm/v7"
	case "linux/amd64/v1":
		return "linux/amd64"
	}
	return s
}

// schemes are the addresses a builder can be reached at; all but the first two come from BuildKit's connection helpers
// (client/connhelper).
var schemes = []string{"unix", "tcp", "docker-container", "kube-pod", "podman-container", "nerdctl-container", "ssh", "npipe"}

// embedded is the endpoint that starts a builder.
const embedded = "embedded"

// checkBuilders refuses builder blocks that cannot be used, and two that claim to be the default.
func (d *draft) checkBuilders() {
	var first *config.Builder
	for _, b := range sortedBy(d.res.Builders, func(b *config.Builder) string { return b.Name }) {
		u, err := url.Parse(b.Endpoint)
		switch {
		case b.Endpoint == embedded:
		case err != nil || !slices.Contains(schemes, u.Scheme):
			d.fail(b.Range, "Invalid builder endpoint", "Builder %q cannot be reached: an endpoint is %s://…, or %q.", b.Name, strings.Join(schemes, "://…, "), embedded)
		case u.Host == "" && u.Path == "" && u.Opaque == "":
			d.fail(b.Range, "Invalid builder endpoint", "Builder %q cannot be reached: after %s:// comes what to connect to, for instance unix:///run/buildkit/buildkitd.sock.", b.Name, u.Scheme)
		}
		if !b.Default {
			continue
		}
		if first != nil {
			d.fail(b.Range, "Two default builders", "Builders %q (%s) and %q (%s) are both the default. Leave default = true to one of them.",
				first.Name, place(first.Range), b.Name, place(b.Range))
			continue
		}
		first = b
	}
}
