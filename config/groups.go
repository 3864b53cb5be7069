package config

import (
	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// groupBlock is a group as it was written.
type groupBlock struct {
	name, description string
	targets           []string
	def               hcl.Range
}

// declareGroups enters the groups by name.
func (c *Config) declareGroups(blocks []*block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range blocks {
		if b.kind == "group" {
			diags = append(diags, c.declareGroup(b)...)
		}
	}
	return diags
}

func (c *Config) declareGroup(b *block) hcl.Diagnostics {
	if !targetName.MatchString(b.label) {
		return hcl.Diagnostics{errorf(&b.def, "Invalid group name", "%q is not a name for a group: only letters, digits, _ and - are allowed.", b.label)}
	}
	var diags hcl.Diagnostics
	for _, name := range []string{"matrix", "name"} {
		if a := b.attrs[name]; a != nil {
			diags = append(diags, errorf(&a.NameRange, "No matrix for groups", "A group has no %s. Give the target one: its name is then the group of its variants.", name))
			delete(b.attrs, name)
		}
	}
	diags = append(diags, b.unknownNames(&schema.Group)...)
	c.groupBlocks[b.label] = append(c.groupBlocks[b.label], &targetBlock{block: b})
	if c.groups[b.label] == nil {
		c.groupOrder = append(c.groupOrder, b.label)
	}
	c.groups[b.label] = &groupBlock{name: b.label, def: b.def}
	return diags
}

// readGroups evaluates the groups; of several with one name the last counts.
func (c *Config) readGroups() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.groupBlocks) {
		g := c.groups[name]
		for _, tb := range c.groupBlocks[name] {
			values, d := c.attributesOf(tb.block, &schema.Group, nil)
			diags = append(diags, d...)
			if v := values["description"]; v != nil {
				g.description = *v.text
			}
			if v := values["targets"]; v != nil {
				g.targets = v.list
			} else if !d.HasErrors() {
				diags = append(diags, errorf(&tb.block.def, "Missing attribute", "Group %q needs targets.", name))
			}
		}
	}
	return diags
}
