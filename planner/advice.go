package planner

import (
	"maps"
	"slices"

	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
)

// adviseTags tells of caches at the reference of an image that this run tags and does not push: with --push one would replace the other.
func (d *draft) adviseTags() {
	tagged := map[string][]*image{}
	for _, t := range sortedBy(d.res.Targets, func(t *config.Target) string { return t.Name }) {
		for _, ref := range t.Tags {
			location := registryLocation(d.refs.normal(ref))
			if len(d.images[location]) == 0 { // else it is refused
				tagged[location] = append(tagged[location], &image{target: t, ref: ref})
			}
		}
	}
	for _, location := range slices.Sorted(maps.Keys(tagged)) {
		for _, w := range d.writers[location] {
			i := tagged[location][0]
			d.adviseOnce(w.cache.Range, "Cache at the reference of an image", "%s publishes its cache as %s, which is also the tag of target %s's image (%s): when the image is pushed, one replaces the other. Give the cache a reference of its own, or use cache-to \"inline\".",
				w.name, i.ref, i.target.Name, place(i.place()))
		}
	}
}

// adviseImages tells of images that two targets push to one tag: the last one wins, for instance the image of one platform over that of another.
func (d *draft) adviseImages() {
	for _, location := range slices.Sorted(maps.Keys(d.images)) {
		list := d.images[location]
		for _, other := range list[1:] {
			d.adviseOnce(other.place(), "Image pushed twice", "Targets %s (%s) and %s both push %s: the one that ends last wins. Give each a tag of its own; for several platforms, build them by one target.",
				list[0].target.Name, place(list[0].place()), other.target.Name, other.ref)
		}
	}
}

// adviseReach tells of sources that no build ever takes anything from.
func (d *draft) adviseReach() {
	for _, t := range sortedBy(d.res.Targets, func(t *config.Target) string { return t.Name }) {
		if t.NoCache != nil && *t.NoCache && t.Ranges["no-cache"].Filename != "" {
			for _, c := range t.CacheFrom {
				d.adviseOnce(c.Range, "Unreachable cache source", "Target %s executes every step again (no-cache, %s) and takes nothing from any source. Take the source or no-cache out.",
					t.Name, place(t.Ranges["no-cache"]))
			}
			continue
		}
		d.repeated(t.Name, t.CacheFrom)
	}
	for _, t := range sortedBy(d.res.Transfers, func(t *config.Transfer) string { return t.Name }) {
		d.repeated(t.Name, t.CacheFrom)
	}
}

// repeated tells of a source that is the same as an earlier one, as it is written and not just in this run: on the branch main, main and the
// fallback to main are one.
func (d *draft) repeated(owner string, sources []config.Cache) {
	first := map[string]config.Cache{}
	for _, c := range sources {
		location := d.location(c)
		before, again := first[location]
		if !again {
			first[location] = c
			continue
		}
		if before.Range != c.Range && d.fixed(before) && d.fixed(c) {
			d.adviseOnce(c.Range, "Unreachable cache source", "%s reads %s already (%s): this fallback is never reached. Take it out, or name another place.", owner, location, place(before.Range))
		}
	}
}

// fixed tells whether a cache is at the same place in every run.
func (d *draft) fixed(c config.Cache) bool {
	for _, attr := range placeAttributes {
		if _, written := c.Attrs[attr]; written && !literal(d.written.of(c, attr)) {
			return false
		}
	}
	return true
}

// adviseBranches tells of destinations whose names two branches can share, because what makes a tag of a branch's name makes the same of another's.
func (d *draft) adviseBranches() {
	for _, location := range slices.Sorted(maps.Keys(d.writers)) {
		for _, w := range d.writers[location] {
			for _, attr := range placeAttributes {
				if _, written := w.cache.Attrs[attr]; !written {
					continue
				}
				if function, variable := d.written.lossyCall(d.written.of(w.cache, attr)); function != "" {
					d.adviseOnce(*w.cache.At(attr), "Branches can share a cache", "%s(…) makes the same name of different branches, so that one writes over the other's cache: feature/a and feature-a, or A and a. Use sanitize_ref(%s), which makes a legal tag of any name and keeps any two apart.",
						function, variable)
					break
				}
			}
		}
	}
}

// adviseCompression tells where layers have to be compressed again because what is read, or the image that is pushed, has another compression than
// what is published, and where a compression has no effect.
func (d *draft) adviseCompression() {
	for _, t := range sortedBy(d.res.Targets, func(t *config.Target) string { return t.Name }) {
		for _, to := range t.CacheTo {
			if isNative(to) || !to.Bool("force-compression") {
				continue
			}
			want := to.String("compression")
			for _, from := range t.CacheFrom {
				if w := d.otherCompression(from, want); w != nil {
					d.adviseOnce(*to.At("compression"), "Layers compressed again", "Every layer that %s takes from %s is %s there (%s) and has to be compressed to %s each time it changes hands, as force-compression says. Use one compression for both.",
						t.Name, d.location(from), w.String("compression"), place(w.Range), want)
				}
			}
			for _, o := range t.Outputs {
				if have := outputCompression(o); pushes(o) && have != want {
					d.adviseOnce(*to.At("compression"), "Layers compressed again", "%s pushes its image with layers in %s (%s) and its cache with the same layers in %s: each is compressed and stored twice. Use one compression for both.",
						t.Name, have, place(o.Range), want)
				}
			}
		}
	}
	for _, t := range d.res.Transfers {
		for _, to := range t.CacheTo {
			if _, written := to.Attrs["compression"]; written && !isNative(to) && !to.Bool("force-compression") && to.String("compression") != "uncompressed" {
				d.adviseOnce(*to.At("compression"), "Compression without effect", "Transfer %s moves layers as they are; only those that are not compressed become %s. Set force-compression = true to compress all of them.",
					t.Name, to.String("compression"))
			}
		}
	}
}

// otherCompression is a destination that writes what a source reads with another compression; nil if there is none.
func (d *draft) otherCompression(from config.Cache, want string) *config.Cache {
	for _, w := range d.writers[d.location(from)] {
		if !isNative(w.cache) && w.cache.String("compression") != want {
			return &w.cache
		}
	}
	return nil
}

func outputCompression(o config.Output) string {
	if c := o.Attrs["compression"]; c != "" {
		return c
	}
	return "gzip"
}

// adviseOnce is advise for entries that several targets share: the first of them is named, the others have the same to hear.
func (d *draft) adviseOnce(at hcl.Range, summary, detail string, args ...any) {
	key := advised{at, summary}
	if at.Filename != "" && d.advised[key] {
		return
	}
	d.advised[key] = true
	d.advise(at, summary, detail, args...)
}

// advised is what was told of a place.
type advised struct {
	at      hcl.Range
	summary string
}
