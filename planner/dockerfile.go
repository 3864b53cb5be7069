package planner

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
)

// Stage is what advice needs of a stage of a Dockerfile. All names are in lower case.
type Stage struct {
	// Name is "" for a stage without one; Base is an image or an earlier stage.
	Name, Base string
	// Copies are what it copies or mounts from: stages by name or number, named contexts, images.
	Copies []string
	// Runs tells whether it executes something.
	Runs bool
}

// adviseMax tells where mode=min leaves out stages that are built: BuildKit then caches the layers of the result only, and the stages the
// result copies from are built again each time. An entry that several targets share is told of once.
func (d *draft) adviseMax() {
	left := map[hcl.Range][]string{}
	example := map[hcl.Range]string{}
	for _, t := range sortedBy(d.res.Targets, func(t *config.Target) string { return t.Name }) {
		lost := copiedOnly(d.stages[t.Name], t)
		if len(lost) == 0 || slices.ContainsFunc(t.CacheTo, func(c config.Cache) bool { return c.String("mode") == "max" }) {
			continue
		}
		for _, c := range t.CacheTo {
			if c.Type != "inline" && c.String("mode") == "min" {
				left[c.Range] = append(left[c.Range], t.Name)
				example[c.Range] = lost[0]
			}
		}
	}
	for at, names := range left {
		d.advise(at, "Stages left out of the cache", "mode=min caches the layers of the result only; %s copies from stage %s, which is built again each time. Use mode=max.",
			enumerate(names), example[at])
	}
}

// copiedOnly are the stages that the target's own needs and does not build on, and that execute something: what mode=min leaves out. They come
// in the order of the file. Without a stage of its own a target builds the last. A stage in whose place a named context stands is not built.
func copiedOnly(stages []Stage, t *config.Target) []string {
	last := len(stages) - 1
	if t.Stage != nil && *t.Stage != "" {
		last = find(stages, len(stages), strings.ToLower(*t.Stage))
	}
	if last < 0 {
		return nil
	}
	replaced := map[string]bool{}
	for name := range maps.Keys(t.Contexts) {
		replaced[strings.ToLower(name)] = true
	}
	earlier := func(before int, name string) int {
		if replaced[name] {
			return -1
		}
		return find(stages, before, name)
	}
	kept := map[int]bool{}
	for at := last; at >= 0; at = earlier(at, stages[at].Base) {
		kept[at] = true
	}
	needed := map[int]bool{}
	for queue := []int{last}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, name := range append(slices.Clone(stages[at].Copies), stages[at].Base) {
			if next := earlier(at, name); next >= 0 && !needed[next] {
				needed[next] = true
				queue = append(queue, next)
			}
		}
	}
	var lost []string
	for at := range last {
		if needed[at] && !kept[at] && stages[at].Runs {
			lost = append(lost, stages[at].title(at))
		}
	}
	return lost
}

// find is the place of the stage of that name or number among those before a place, -1 if there is none.
func find(stages []Stage, before int, name string) int {
	for at := before - 1; at >= 0; at-- {
		if stages[at].Name != "" && stages[at].Name == name {
			return at
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < before {
		return n
	}
	return -1
}

func (s Stage) title(at int) string {
	if s.Name != "" {
		return strconv.Quote(s.Name)
	}
	return strconv.Itoa(at)
}
