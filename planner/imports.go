package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner/dag"
	"github.com/cachectl/cachectl/schema"
)

// reading is one source of one build or merge step.
type reading struct {
	step     *Step
	owner    string
	source   config.Cache
	location string
	// within are the steps of targets that the reading step evaluates itself; it does not wait for what they publish.
	within map[string]bool
	// after is what is waited for: the step, and the target or transfer it publishes for.
	after     *Step
	afterName string
}

// key is equal for readings that one import step can serve: the same place, reached in the same way.
func (r *reading) key() string { return r.location + "\x00" + access(r.source) + "\x00" + r.afterName }

// access is how a source is reached: all its attributes that do not name the place.
func access(c config.Cache) string {
	b := schema.LookupBackend(c.Type)
	if b == nil {
		return ""
	}
	var parts []string
	for _, a := range b.Attributes {
		if a.Side&schema.From == 0 || slices.Contains(placeAttributes, a.Name) {
			continue
		}
		v := c.String(a.Name)
		if a.Kind == schema.Bool {
			v = fmt.Sprint(truth(v))
		}
		if v != "" {
			parts = append(parts, a.Name+"="+v)
		}
	}
	return strings.Join(parts, "\x00")
}

// read notes the sources of a step; the steps that import them are made when all writers are known. With within the sources are those of a
// linked target, which the step has no need of where it reads the same place already.
func (d *draft) read(s *Step, owner string, sources []config.Cache, within map[string]bool) {
	for _, entry := range sources {
		for _, c := range places(entry, schema.From) {
			r := &reading{step: s, owner: owner, source: c, location: d.location(c), within: within}
			if within != nil && d.reads(s, r.location) {
				continue
			}
			d.readings = append(d.readings, r)
		}
	}
}

// reads tells whether a step reads a place; the readings of the step that is being made are the last.
func (d *draft) reads(s *Step, location string) bool {
	for _, r := range slices.Backward(d.readings) {
		if r.step != s {
			return false
		}
		if r.location == location {
			return true
		}
	}
	return false
}

// waits decides who waits for whom: a step that reads a place another step of the run writes, unless that one reads, directly or through
// others, what the first writes. Steps that read each other's caches read what was there before the run, all of them alike, so the rule
// does not depend on any order and costs them nothing of what they could do at once.
func (d *draft) waits() {
	wishes := dag.New[StepID]()
	candidates := make([][]*writer, len(d.readings))
	for i, r := range d.readings {
		for _, w := range d.writersOf(r.location) {
			if w.owner != r.step && !r.within[string(w.owner.ID)] {
				wishes.Connect(r.step.ID, w.owner.ID)
				candidates[i] = append(candidates[i], w)
			}
		}
	}
	circle := wishes.Components()
	for i, r := range d.readings {
		for _, w := range candidates[i] {
			if circle[r.step.ID] != circle[w.owner.ID] {
				r.after, r.afterName = w.step, w.name
				break
			}
		}
	}
}

// writersOf are the writers of caches at a location: of the location itself, and of images that hold a cache.
func (d *draft) writersOf(location string) []*writer {
	out := d.writers[location]
	for _, i := range d.images[location] {
		if i.inline {
			out = append(slices.Clip(out), &writer{step: i.step, owner: i.step, name: i.target.Name})
		}
	}
	return out
}

// imports adds the steps that read sources, and connects them with those that use what they find. Nobody fails for want of a source.
func (d *draft) imports() {
	made := map[string]*Step{}
	users := map[*Step][]string{}
	for _, r := range d.readings {
		s := made[r.key()]
		if s == nil {
			s = d.newImport(r)
			made[r.key()] = s
		}
		if d.use(r.step, s.ID) {
			users[s] = append(users[s], r.owner)
		}
	}
	for s, names := range users {
		slices.Sort(names)
		s.Import.For = slices.Compact(names)
		s.Reason = "read by " + enumerate(s.Import.For)
	}
}

func (d *draft) newImport(r *reading) *Step {
	id := StepID("import " + r.location)
	if r.after != nil {
		id += StepID(" after " + r.afterName)
	}
	for n, first := 2, id; d.steps[id] != nil; n++ { // the same place, reached in another way
		id = StepID(fmt.Sprintf("%s (%d)", first, n))
	}
	s := d.add(&Step{ID: id, Kind: KindImport, Range: r.source.Range, Import: &ImportStep{Source: r.source, After: r.afterName}})
	if r.after != nil {
		d.graph.Connect(id, r.after.ID)
		s.Optional = append(s.Optional, r.after.ID)
	}
	return s
}

// use makes a build or merge step a user of an import step; false if it is one already.
func (d *draft) use(s *Step, source StepID) bool {
	var sources *[]StepID
	if s.Build != nil {
		sources = &s.Build.Sources
	} else {
		sources = &s.Merge.Sources
	}
	if slices.Contains(*sources, source) {
		return false
	}
	*sources = append(*sources, source)
	s.Optional = append(s.Optional, source)
	d.graph.Connect(s.ID, source)
	return true
}

// enumerated is how many names a reason spells out.
const enumerated = 4

// enumerate lists names for people.
func enumerate(names []string) string {
	if len(names) <= enumerated {
		return strings.Join(names, ", ")
	}
	shown := enumerated - 1
	return fmt.Sprintf("%s and %d others", strings.Join(names[:shown], ", "), len(names)-shown)
}
