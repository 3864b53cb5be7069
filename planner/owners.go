package planner

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
)

// linkPrefix marks a named context that is another target's result.
const linkPrefix = "target:"

// writer is a step after which a cache is at a location: an export step, or the build step where BuildKit publishes.
type writer struct {
	step *Step
	// owner is the build or merge step whose cache it is, name the target or transfer.
	owner *Step
	name  string
	cache config.Cache
}

// image is an image that a build step pushes.
type image struct {
	step   *Step
	target *config.Target
	ref    string
	// inline says that the image holds the target's cache.
	inline bool
}

// builds adds a step for each target that was asked for, and for each linked one with a cache of its own to publish.
func (d *draft) builds() {
	for _, t := range sortedBy(d.res.Targets, func(t *config.Target) string { return t.Name }) {
		reason := "asked for"
		if !t.Asked {
			if len(t.CacheTo) == 0 {
				continue // evaluated inside the builds that link to it
			}
			reason = "linked to, and has a cache to publish"
		}
		d.build(t, reason)
	}
}

func (d *draft) build(t *config.Target, reason string) {
	b := &BuildStep{Target: t, Links: map[string]*config.Target{}}
	for context, to := range links(t) {
		if linked := d.targets[to]; linked != nil {
			b.Links[context] = linked
			continue
		}
		d.fail(t.Ranges["contexts"], "Unknown target", "Target %q takes its context %q from target %q, which does not take part.", t.Name, context, to)
	}
	s := d.add(&Step{ID: StepID("build " + t.Name), Kind: KindBuild, Reason: reason, Range: t.Range, Build: b})
	d.read(s, t.Name, t.CacheFrom, nil)
	if linked := d.linked(t); len(linked) > 0 {
		own := map[string]bool{}
		for _, l := range linked {
			own["build "+l.Name] = true
		}
		for _, l := range linked {
			d.read(s, t.Name, l.CacheFrom, own)
		}
	}
	inline := false
	for i, to := range t.CacheTo {
		switch {
		case !isNative(to):
			for _, place := range places(to, schema.To) {
				b.Exports = append(b.Exports, d.export(s, t.Name, i, place))
			}
			continue
		case to.Type == "inline":
			inline = true
		default:
			location := d.location(to)
			d.writers[location] = append(d.writers[location], &writer{step: s, owner: s, name: t.Name, cache: to})
		}
		b.Native = append(b.Native, to)
	}
	for _, ref := range pushed(t) {
		location := registryLocation(d.refs.normal(ref))
		d.images[location] = append(d.images[location], &image{step: s, target: t, ref: ref, inline: inline})
	}
}

// links are the targets that t takes contexts from, by context name.
func links(t *config.Target) map[string]string {
	out := map[string]string{}
	for context, value := range t.Contexts {
		if to, ok := strings.CutPrefix(value, linkPrefix); ok {
			out[context] = to
		}
	}
	return out
}

// linked are the targets evaluated as part of t's build: those it links to, directly or through others, the nearest first.
func (d *draft) linked(t *config.Target) []*config.Target {
	var out []*config.Target
	seen := map[string]bool{t.Name: true}
	for queue := []*config.Target{t}; len(queue) > 0; queue = queue[1:] {
		to := links(queue[0])
		for _, context := range slices.Sorted(maps.Keys(to)) {
			l := d.targets[to[context]]
			if l == nil || seen[l.Name] {
				continue
			}
			seen[l.Name] = true
			out = append(out, l)
			queue = append(queue, l)
		}
	}
	return out
}

// transfers adds a merge step for each transfer.
func (d *draft) transfers() {
	for _, t := range sortedBy(d.res.Transfers, func(t *config.Transfer) string { return t.Name }) {
		for _, side := range []struct {
			name string
			list []config.Cache
		}{{"cache-from", t.CacheFrom}, {"cache-to", t.CacheTo}} {
			if len(side.list) == 0 {
				d.fail(t.Range, "Incomplete transfer", "Transfer %q has no %s: a transfer needs at least one cache-from and one cache-to.", t.Name, side.name)
			}
			for _, c := range side.list {
				if isNative(c) {
					d.fail(c.Range, "Cache cannot be transferred", "A cache of type %q is read and written by builds only, and cannot be moved by a transfer.", c.Type)
				}
			}
		}
		m := &MergeStep{Transfer: t}
		s := d.add(&Step{ID: StepID("merge " + t.Name), Kind: KindMerge, Reason: "asked for", Range: t.Range, Merge: m})
		d.read(s, t.Name, t.CacheFrom, nil)
		for i, to := range t.CacheTo {
			for _, place := range places(whole(to), schema.To) {
				m.Exports = append(m.Exports, d.export(s, t.Name, i, place))
			}
		}
	}
}

// whole is a transfer's destination: it takes all layers where it does not say otherwise. A build's default, min, would lose what others have built.
func whole(to config.Cache) config.Cache {
	if _, said := to.Attrs["mode"]; !said {
		to.Attrs = maps.Clone(to.Attrs)
		to.Attrs["mode"] = "max"
	}
	return to
}

// export adds the step that publishes a cache to a destination.
func (d *draft) export(from *Step, owner string, index int, to config.Cache) StepID {
	location := d.location(to)
	id := StepID("export " + owner + " to " + location)
	for n := 2; d.steps[id] != nil; n++ { // refused later
		id = StepID(fmt.Sprintf("export %s to %s (%d)", owner, location, n))
	}
	s := d.add(&Step{
		ID: id, Kind: KindExport, Reason: "declared by " + owner, Range: to.Range,
		Export: &ExportStep{From: from.ID, Owner: owner, Index: index, Destination: to},
	})
	d.graph.Connect(s.ID, from.ID)
	d.writers[location] = append(d.writers[location], &writer{step: s, owner: from, name: owner, cache: to})
	return s.ID
}

// pushed are the references a target's image is pushed to, sorted. Tags take the place of an output's name.
func pushed(t *config.Target) []string {
	var list []string
	for _, o := range t.Outputs {
		if !pushes(o) {
			continue
		}
		names := t.Tags
		if len(names) == 0 {
			names = strings.Split(o.Attrs["name"], ",")
		}
		for _, name := range names {
			if name = strings.TrimSpace(name); name != "" {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// pushes tells whether an output moves tags of a registry. BuildKit takes push without a value for true
// (exporter/containerimage/export.go); an image pushed by digest has no tag.
func pushes(o config.Output) bool {
	if truth(o.Attrs["push-by-digest"]) {
		return false
	}
	if o.Type == "registry" {
		return true
	}
	push, written := o.Attrs["push"]
	return o.Type == "image" && written && (push == "" || truth(push))
}

func truth(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}
