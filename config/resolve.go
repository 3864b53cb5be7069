package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// defaultName is what is selected when nothing is named.
const defaultName = "default"

// linkPrefix marks a named context that is another target's result.
const linkPrefix = "target:"

// resolver applies inheritance and --set to what is selected.
type resolver struct {
	config   *Config
	sets     []override
	resolved map[string]attributes
	path     []string // targets being resolved, outermost first
	diags    hcl.Diagnostics
}

// Resolve returns what takes part: the selected targets with inheritance, links and --set applied, and the selected transfers. The Resolution
// is nil when there are errors.
func (c *Config) Resolve(sel Selection) (*Resolution, hcl.Diagnostics) {
	r := &resolver{config: c, resolved: map[string]attributes{}}
	r.sets, r.diags = c.parseSets(sel.Set)
	r.checkCycles()
	names := r.expandNames(sel.Names)
	if r.diags.HasErrors() {
		return nil, sorted(r.diags)
	}
	res := &Resolution{values: map[string]attributes{}, lookupEnv: c.opt.LookupEnv}
	if c.fetched != nil {
		res.access = c.access
	}
	asked, transfers := r.collect(names, res)
	isAsked := setOf(asked)
	linked := r.link(asked, isAsked)
	if r.diags.HasErrors() {
		return nil, sorted(r.diags)
	}
	for _, name := range slices.Sorted(slices.Values(append(slices.Clone(asked), linked...))) {
		attrs := c.finished(name, r.resolved[name], isAsked[name])
		res.values[name] = attrs
		t := newTarget(name, c.targets[name].def, attrs, isAsked[name])
		c.locate(t)
		res.Targets = append(res.Targets, t)
	}
	if r.diags = append(r.diags, res.checkValues()...); r.diags.HasErrors() {
		return nil, sorted(r.diags)
	}
	for _, name := range slices.Sorted(slices.Values(transfers)) {
		res.Transfers = append(res.Transfers, c.transfers[name])
	}
	r.diags = append(r.diags, c.addDeclared(res)...)
	return res, sorted(r.diags)
}

// addDeclared adds what takes part whatever is selected.
func (c *Config) addDeclared(res *Resolution) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, host := range sortedNames(c.registries) {
		res.Registries = append(res.Registries, c.registries[host])
	}
	for _, name := range sortedNames(c.builders) {
		res.Builders = append(res.Builders, c.builders[name])
	}
	res.Schedules = c.Schedules()
	for _, name := range sortedNames(c.retentions) {
		res.Retentions = append(res.Retentions, c.retentions[name])
		diags = append(diags, c.governed(c.retentions[name])...)
	}
	return diags
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// expandNames turns patterns into names, and nothing into the default.
func (r *resolver) expandNames(names []string) []string {
	c := r.config
	if len(names) == 0 {
		if c.groups[defaultName] != nil || c.targets[defaultName] != nil || c.transfers[defaultName] != nil {
			return []string{defaultName}
		}
		if c.strict {
			return c.public()
		}
		if len(c.public()) == 0 {
			r.diags = append(r.diags, errorf(nil, "Nothing selected", "There is no target, group or transfer in the configuration."))
			return nil
		}
		r.diags = append(r.diags, errorf(nil, "Nothing selected", "There is no group or target named \"default\". Name what to build:%s.", nameList(c.public())))
		return nil
	}
	var out []string
	for _, n := range names {
		n = strings.ReplaceAll(n, ".", "_")
		if !isPattern(n) {
			out = append(out, n)
			continue
		}
		found := c.matching(n)
		if len(found) == 0 {
			r.diags = append(r.diags, errorf(nil, "Unknown target", "No target, group or transfer matches %q.", n))
		}
		out = append(out, found...)
	}
	return unique(out)
}

// isPattern tells whether a name is to be matched rather than looked up.
func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// all are the names that can be selected.
func (c *Config) all() []string {
	return slices.Concat(sortedNames(c.targets), sortedNames(c.groups), sortedNames(c.transfers))
}

// matching returns the names that fit a pattern, sorted.
func (c *Config) matching(pattern string) []string {
	var found []string
	for _, n := range c.all() {
		if ok, err := path.Match(pattern, n); err == nil && ok {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// public are the targets and transfers whose names do not start with "_".
func (c *Config) public() []string {
	var out []string
	for _, n := range append(slices.Clone(c.order), sortedNames(c.transfers)...) {
		if !strings.HasPrefix(n, "_") {
			out = append(out, n)
		}
	}
	return out
}

// collect follows groups down to targets and transfers, and records the groups as print shows them.
func (r *resolver) collect(names []string, res *Resolution) (targets, transfers []string) {
	var top []string
	seen := map[string]bool{}
	var walk func(name string, trail []string)
	walk = func(name string, trail []string) {
		c := r.config
		if g := c.groups[name]; g != nil && !slices.Contains(trail, name) {
			if seen["group "+name] {
				return
			}
			seen["group "+name] = true
			res.Groups = append(res.Groups, &Group{Name: name, Description: g.description, Targets: g.targets})
			for _, member := range g.targets {
				walk(member, append(trail, name))
			}
			return
		}
		switch {
		case c.targets[name] != nil:
			targets = append(targets, name)
		case c.transfers[name] != nil:
			transfers = append(transfers, name)
		default:
			r.unknown(name, trail)
		}
	}
	for _, n := range names {
		walk(n, nil)
	}
	for i, n := range names {
		// The group default, of the file or made by an earlier name, is not its own member.
		if n == defaultName && (i > 0 || slices.ContainsFunc(res.Groups, func(g *Group) bool { return g.Name == defaultName })) {
			continue
		}
		top = append(top, n)
	}
	r.defaultGroup(res, top)
	slices.SortFunc(res.Groups, func(a, b *Group) int { return strings.Compare(a.Name, b.Name) })
	for _, n := range unique(targets) {
		r.target(n)
	}
	return unique(targets), unique(transfers)
}

// defaultGroup shows what was named as the group "default", sorted, as Bake prints it.
func (r *resolver) defaultGroup(res *Resolution, named []string) {
	i := slices.IndexFunc(res.Groups, func(g *Group) bool { return g.Name == defaultName })
	if i < 0 {
		if len(named) == 0 {
			return
		}
		res.Groups = append(res.Groups, &Group{Name: defaultName})
		i = len(res.Groups) - 1
	}
	all := append(slices.Clone(res.Groups[i].Targets), named...)
	slices.Sort(all)
	res.Groups[i] = &Group{Name: defaultName, Description: res.Groups[i].Description, Targets: slices.Compact(all)}
}

// nearOrAll suggests the name that was meant, or tells which there are.
func nearOrAll(name string, all, public []string) string {
	if near := didYouMean(name, all); near != "" || len(public) == 0 {
		return near
	}
	return " There are:" + nameList(public) + "."
}

// unknown reports a name that is nothing, at the group that names it.
func (r *resolver) unknown(name string, trail []string) {
	c := r.config
	all := c.all()
	if len(trail) == 0 {
		r.diags = append(r.diags, errorf(nil, "Unknown target", "There is no target, group or transfer named %q.%s", name, nearOrAll(name, all, c.public())))
		return
	}
	g := c.groups[trail[len(trail)-1]]
	r.diags = append(r.diags, errorf(&g.def, "Unknown target", "Group %q names %q, which is no target, group or transfer.%s", g.name, name, didYouMean(name, all)))
}

// target resolves one target: what it inherits, itself, then --set. --set of a parent reaches its children.
func (r *resolver) target(name string) attributes {
	if have, ok := r.resolved[name]; ok {
		return have
	}
	t := r.config.targets[name]
	if t == nil {
		return nil
	}
	if slices.Contains(r.path, name) {
		r.cycle(name)
		return nil
	}
	if len(r.path) >= referenceDepth {
		r.diags = append(r.diags, errorf(&t.def, "Inheritance too deep", "Target %q is inherited through more than %d others, beginning with %q.", name, referenceDepth, r.path[0]))
		return nil
	}
	r.path = append(r.path, name)
	defer func() { r.path = r.path[:len(r.path)-1] }()
	var attrs attributes
	for _, parent := range t.inherits {
		if r.config.targets[parent] == nil {
			at := t.attrs["inherits"].rng
			r.diags = append(r.diags, errorf(&at, "Unknown target", "Target %q inherits from %q, which does not exist.%s", name, parent, didYouMean(parent, sortedNames(r.config.targets))))
			continue
		}
		attrs = r.config.merged(attrs, r.target(parent))
	}
	attrs = r.config.merged(attrs, t.attrs)
	attrs = r.apply(name, attrs)
	r.resolved[name] = attrs
	return attrs
}

// cycle reports a cycle of inheritance with every hop and its place.
func (r *resolver) cycle(name string) {
	from := slices.Index(r.path, name)
	hops := r.path[from:]
	var b strings.Builder
	for i, hop := range hops {
		next := hops[(i+1)%len(hops)]
		at := r.config.targets[hop].attrs["inherits"].rng
		b.WriteString(" " + hop + " inherits from " + next + " (" + place(at) + ").")
	}
	at := r.config.targets[name].attrs["inherits"].rng
	r.diags = append(r.diags, errorf(&at, "Inheritance cycle", "A target cannot inherit from itself:%s", b.String()))
}

func place(r hcl.Range) string {
	return r.Filename + ":" + itoa(r.Start.Line)
}

// link finds the targets that the asked ones take contexts from, and refuses cycles among them.
func (r *resolver) link(asked []string, isAsked map[string]bool) []string {
	var linked []string
	var trail []string
	done := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		trail = append(trail, name)
		defer func() { trail = trail[:len(trail)-1] }()
		attrs := r.target(name)
		for _, to := range linksOf(attrs) {
			at := attrs["contexts"].rng
			switch {
			case r.config.targets[to] == nil:
				r.diags = append(r.diags, errorf(&at, "Unknown target", "Target %q takes a context from target %q, which does not exist.%s", name, to, didYouMean(to, sortedNames(r.config.targets))))
			case len(trail) > referenceDepth:
				r.diags = append(r.diags, errorf(&at, "Links too deep", "Target %q is linked to through more than %d others, beginning with %q.", to, referenceDepth, trail[0]))
			case slices.Contains(trail, to):
				hops := append(slices.Clone(trail[slices.Index(trail, to):]), to)
				r.diags = append(r.diags, errorf(&at, "Link cycle", "Targets take contexts from each other in a circle: %s.", r.linkHops(hops)))
			case !done[to]:
				done[to] = true
				if !isAsked[to] {
					linked = append(linked, to)
				}
				walk(to)
			}
			r.entitle(name, to)
		}
	}
	for _, name := range asked {
		walk(name)
	}
	return linked
}

// entitle gives a target the entitlements of one that it links to, which is built as part of it.
func (r *resolver) entitle(name, linked string) {
	to := r.resolved[linked].withHost()["entitlements"]
	if to.empty() {
		return
	}
	attrs := maps.Clone(r.resolved[name].withHost())
	have := attrs["entitlements"]
	given := &value{list: to.list}
	if have != nil {
		given = &value{list: unique(slices.Concat(have.list, to.list)), rng: have.rng}
	}
	attrs["entitlements"] = given
	r.resolved[name] = attrs
}

// linkHops spells a circle of links out.
func (r *resolver) linkHops(hops []string) string {
	var parts []string
	for _, h := range hops {
		if v := r.resolved[h]["contexts"]; v != nil {
			h += " (" + place(v.rng) + ")"
		}
		parts = append(parts, h)
	}
	return strings.Join(parts, " -> ")
}

func linksOf(attrs attributes) []string {
	v := attrs["contexts"]
	if v == nil {
		return nil
	}
	var out []string
	for _, key := range sortedNames(v.dict) {
		if s := v.dict[key]; s != nil && strings.HasPrefix(*s, linkPrefix) {
			out = append(out, strings.TrimPrefix(*s, linkPrefix))
		}
	}
	return out
}

// checkCycles refuses groups that contain themselves.
func (r *resolver) checkCycles() {
	state := map[string]int{}
	var walk func(name string, trail []string)
	walk = func(name string, trail []string) {
		g := r.config.groups[name]
		if g == nil || state[name] == 2 {
			return
		}
		if slices.Contains(trail, name) {
			if r.config.targets[name] != nil {
				return // the name inside the group is the target's
			}
			hops := append(slices.Clone(trail[slices.Index(trail, name):]), name)
			r.diags = append(r.diags, errorf(&g.def, "Group cycle", "A group cannot contain itself: %s.", strings.Join(hops, " -> ")))
			return
		}
		if len(trail) > referenceDepth {
			r.diags = append(r.diags, errorf(&g.def, "Groups too deep", "Group %q is reached through more than %d others, beginning with %q.", name, referenceDepth, trail[0]))
			return
		}
		for _, m := range g.targets {
			walk(m, append(trail, name))
		}
		state[name] = 2
	}
	for _, name := range sortedNames(r.config.groups) {
		walk(name, nil)
	}
}

// nameList is " a, b, c" of at most a few names.
func nameList(names []string) string {
	const most = 12
	if more := len(names) - most; more > 0 {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", more))
	}
	return " " + strings.Join(names, ", ")
}
