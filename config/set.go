package config

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// override is one --set.
type override struct {
	text    string
	targets map[string]bool
	attr    *schema.Attribute
	pseudo  string // "push" or "load"
	key     string
	value   string
	add     bool
	bare    bool // without "="
}

// parseSets reads --set options against the targets there are.
func (c *Config) parseSets(sets []string) ([]override, hcl.Diagnostics) {
	var out []override
	var diags hcl.Diagnostics
	for _, s := range sets {
		o, d := c.parseSet(s)
		if d != nil {
			diags = append(diags, d)
			continue
		}
		out = append(out, *o)
	}
	return out, diags
}

func (c *Config) parseSet(s string) (*override, *hcl.Diagnostic) {
	left, value, hasValue := strings.Cut(s, "=")
	o := &override{text: s, value: value, bare: !hasValue}
	left, o.add = strings.CutSuffix(left, "+")
	parts := strings.SplitN(left, ".", 3)
	if len(parts) < 2 {
		return nil, errorf(nil, "Invalid --set", "--set %s is not TARGET.ATTRIBUTE=VALUE.", s)
	}
	if o.targets = c.setTargets(parts[0]); len(o.targets) == 0 {
		return nil, errorf(nil, "Invalid --set", "--set %s: no target matches %q.%s", s, parts[0], didYouMean(parts[0], sortedNames(c.targets)))
	}
	if len(parts) == 3 {
		o.key = parts[2]
	}
	if parts[1] == "push" || parts[1] == "load" {
		o.pseudo = parts[1]
	} else if parts[1] == "secret" && o.key != "" && !o.add {
		o.attr = schema.Target.Attribute("secret")
	} else if o.attr = settable(parts[1]); o.attr == nil {
		return nil, errorf(nil, "Invalid --set", "--set %s: %q cannot be set.%s", s, parts[1], didYouMean(parts[1], settableNames()))
	}
	if o.attr != nil && o.attr.Set == schema.SetKey && o.key == "" {
		return nil, errorf(nil, "Invalid --set", "--set %s: %s needs a name: TARGET.%s.NAME=VALUE.", s, parts[1], parts[1])
	}
	if o.bare && (o.attr == nil || o.attr.Name != "args") {
		return nil, errorf(nil, "Invalid --set", "--set %s has no value: TARGET.ATTRIBUTE=VALUE.", s)
	}
	return o, nil
}

func (c *Config) setTargets(pattern string) map[string]bool {
	out := map[string]bool{}
	if c.targets[pattern] != nil {
		out[pattern] = true
		return out
	}
	for name := range c.targets {
		if ok, err := path.Match(pattern, name); err == nil && ok {
			out[name] = true
		}
	}
	return out
}

func settable(name string) *schema.Attribute {
	for i := range schema.Target.Attributes {
		a := &schema.Target.Attributes[i]
		if a.Set != schema.NotSettable && a.SetKeyName() == name {
			return a
		}
	}
	return nil
}

func settableNames() []string {
	names := []string{"push", "load"}
	for i := range schema.Target.Attributes {
		if a := &schema.Target.Attributes[i]; a.Set != schema.NotSettable {
			names = append(names, a.SetKeyName())
		}
	}
	return names
}

// apply makes the changes of --set that are meant for a target.
func (r *resolver) apply(name string, attrs attributes) attributes {
	out := r.config.merged(attrs, nil)
	// The first plain assignment of a list clears what is there, the further ones add.
	started := map[string]bool{}
	for _, o := range r.sets {
		if !o.targets[name] {
			continue
		}
		if o.pseudo != "" {
			out["output"] = setOutput(out["output"], o)
			continue
		}
		v, err := r.changed(out[o.attr.Name], o, started)
		if err != nil {
			r.diags = append(r.diags, errorf(nil, "Invalid --set", "--set %s: %v.", o.text, err))
			continue
		}
		if v != nil {
			out[o.attr.Name] = v
		}
	}
	return out
}

func (r *resolver) changed(have *value, o override, started map[string]bool) (*value, error) {
	next := &value{}
	if have != nil {
		*next = *have
	}
	switch o.attr.Set {
	case schema.SetValue:
		if o.attr.Kind == schema.Bool {
			b, err := strconv.ParseBool(o.value)
			if err != nil {
				return nil, plain(err)
			}
			next.truth = &b
			return next, nil
		}
		next.text = &o.value
		return next, nil
	case schema.SetKey:
		return r.changedKey(next, o)
	}
	if o.attr.Name == "secret" && o.key != "" {
		return changedSecret(next, o)
	}
	if !o.add && !started[o.attr.Name] && o.attr.Name != "annotations" && o.attr.Name != "attest" && o.attr.Name != "entitlements" {
		next.list, next.items = nil, nil
	}
	started[o.attr.Name] = true
	if o.attr.Kind == schema.Strings {
		next.list = slices.Clone(next.list)
		if o.value != "" {
			next.list = append(next.list, o.value)
		}
		return r.config.normal(o.attr, next), nil
	}
	parsed, err := parseItem(o.attr.Kind, o.value)
	if err != nil {
		return nil, err
	}
	next.items = append(slices.Clone(next.items), parsed...)
	return r.config.normal(o.attr, next), nil
}

func (r *resolver) changedKey(next *value, o override) (*value, error) {
	v := o.value
	if o.bare {
		found, ok := r.config.opt.LookupEnv(o.key)
		if !ok {
			return nil, nil
		}
		v = found
	}
	dict := map[string]*string{}
	for k, s := range next.dict {
		dict[k] = s
	}
	dict[o.key] = &v
	next.dict = dict
	return next, nil
}

// changedSecret gives a secret that is declared another source.
func changedSecret(next *value, o override) (*value, error) {
	parsed, err := parseItem(schema.Secrets, o.value)
	if err != nil {
		return nil, err
	}
	if len(parsed) == 0 {
		return nil, fmt.Errorf("secret %q needs a source: src=FILE or env=NAME", o.key)
	}
	source := parsed[0]
	if id := source.attrs["id"]; id != "" && id != o.key {
		return nil, fmt.Errorf("the value is for the secret %q, not for %q", id, o.key)
	}
	items := slices.Clone(next.items)
	for i := range items {
		if items[i].attrs["id"] == o.key {
			items[i].attrs = cloneWith(source.attrs, "id", o.key)
			next.items = items
			return next, nil
		}
	}
	return nil, fmt.Errorf("secret %q must be declared before it can be given another source", o.key)
}

// setOutput applies --push and --load, which change outputs rather than replace them.
func setOutput(have *value, o override) *value {
	on, err := strconv.ParseBool(o.value)
	next := &value{}
	if have != nil {
		next.items, next.rng = slices.Clone(have.items), have.rng
	}
	if err != nil {
		return next
	}
	if o.pseudo == "load" {
		return setLoad(next, on)
	}
	return setPush(next, on)
}

// setPush makes images push, or adds one that does where there is no other output than docker's; off, it takes the pushing away.
func setPush(v *value, on bool) *value {
	var kept []item
	add := on
	for _, i := range v.items {
		kind := i.attrs["type"]
		if kind == "registry" && !on {
			continue
		}
		if kind != "docker" {
			add = false
		}
		if kind == "image" {
			i.attrs = cloneWith(i.attrs, "push", strconv.FormatBool(on))
		}
		kept = append(kept, i)
	}
	if add {
		kept = append(kept, item{attrs: map[string]string{"type": "image", "push": "true"}})
	}
	v.items = kept
	return v
}

// setLoad adds an output to docker unless there is one, or one that writes files.
func setLoad(v *value, on bool) *value {
	if !on {
		return v
	}
	for _, i := range v.items {
		switch i.attrs["type"] {
		case "docker":
			if i.attrs["dest"] == "" {
				return v
			}
		case "image", "registry", "oci":
		default:
			return v
		}
	}
	v.items = append(v.items, item{attrs: map[string]string{"type": "docker"}})
	return v
}

func cloneWith(attrs map[string]string, key, val string) map[string]string {
	out := map[string]string{key: val}
	for k, v := range attrs {
		if k != key {
			out[k] = v
		}
	}
	return out
}
