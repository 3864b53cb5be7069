package planner

import (
	"slices"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
)

// Writes returns a function that tells whether something in a resolution publishes a cache to where a source reads, be it in an image.
func Writes(res *config.Resolution, opt Options) func(config.Cache) bool {
	d := newDraft(res, opt)
	d.builds()
	d.transfers()
	for _, t := range res.Targets { // what is linked to, and not asked for, can be asked for
		for _, to := range t.CacheTo {
			for _, place := range places(to, schema.To) {
				location := d.location(place)
				d.writers[location] = append(d.writers[location], &writer{name: t.Name, cache: place})
			}
		}
	}
	return func(c config.Cache) bool {
		return slices.ContainsFunc(places(c, schema.From), func(place config.Cache) bool { return len(d.writersOf(d.location(place))) > 0 })
	}
}
