package config

import (
	"context"
	"os"
	"strings"

	"github.com/cachectl/cachectl/config/compose"
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// composeTarget is a target that a Compose file declares.
type composeTarget struct {
	name  string
	attrs attributes
}

// readCompose takes the Compose files out of files and reads them as one project.
func (c *Config) readCompose(ctx context.Context, files []*file) ([]*composeTarget, []*file, hcl.Diagnostics) {
	opts := compose.Options{Env: environ(), Remote: c.fetched != nil}
	var projects []compose.File
	var rest []*file
	for _, f := range files {
		is, err := compose.IsCompose(ctx, compose.File{Name: f.name, Data: f.data}, opts)
		if !is {
			rest = append(rest, f)
			continue
		}
		if err != nil {
			return nil, nil, hcl.Diagnostics{errorf(nil, "Invalid Compose file", "%s: %v.", f.name, err)}
		}
		projects = append(projects, compose.File{Name: f.name, Data: f.data})
	}
	if len(projects) == 0 {
		return nil, rest, nil
	}
	project, err := compose.Load(ctx, projects, opts)
	if err != nil {
		return nil, nil, hcl.Diagnostics{errorf(nil, "Invalid Compose file", "%v.", err)}
	}
	return c.composed(project, projects[0].Name, rest)
}

func (c *Config) composed(project *compose.Project, name string, rest []*file) ([]*composeTarget, []*file, hcl.Diagnostics) {
	var out []*composeTarget
	var diags hcl.Diagnostics
	at := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
	for _, t := range project.Targets {
		made := &composeTarget{name: t.Name, attrs: attributes{}}
		for attr, v := range t.Attrs {
			a := schema.Target.Attribute(attr)
			if a == nil {
				continue
			}
			decoded, d := decode(a, v, at)
			diags = append(diags, d...)
			if decoded != nil {
				made.attrs[attr] = decoded
			}
		}
		out = append(out, made)
	}
	for _, g := range project.Groups {
		c.groups[g.Name] = &groupBlock{name: g.Name, targets: g.Targets, def: at}
		c.groupOrder = append(c.groupOrder, g.Name)
	}
	return out, rest, diags
}

// addCompose enters the targets of Compose files; HCL and JSON are merged over them.
func (c *Config) addCompose(list []*composeTarget) {
	for _, t := range list {
		c.targets[t.name] = &target{name: t.name, attrs: t.attrs}
		c.order = append(c.order, t.name)
	}
}

// environ is the process's environment by name; Compose wants all of it at once.
func environ() map[string]string {
	env := map[string]string{}
	for _, e := range os.Environ() {
		if k, v, ok := strings.Cut(e, "="); ok {
			env[k] = v
		}
	}
	return env
}
