package migrate

import (
	"fmt"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// changes are those that make labelled blocks of the lists of caches in a file.
func (m *migration) changes(src []byte, body *hclsyntax.Body) []change {
	var out []change
	for _, b := range body.Blocks {
		kind := schema.Lookup(b.Type)
		if kind == nil {
			continue
		}
		for _, a := range kind.Attributes {
			written := b.Body.Attributes[a.Name]
			if a.Kind != schema.Caches || written == nil {
				continue
			}
			c, ok := m.blocks(src, written)
			if !ok {
				continue
			}
			if c.around = opened(b); c.around == nil {
				c.text = spaced(src, c)
			}
			out = append(out, c)
		}
	}
	return out
}

// blocks is the change that makes blocks of one list; false where a list is computed, or has an entry that only evaluation can take apart.
func (m *migration) blocks(src []byte, a *hclsyntax.Attribute) (change, bool) {
	left := func(why string) (change, bool) {
		at := a.SrcRange
		m.warn(&at, "Cache left as it was", "%s stays a list, as %s.", a.Name, why)
		return change{}, false
	}
	list, ok := a.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		return left("its value is computed")
	}
	if len(list.Exprs) == 0 {
		return change{}, false // says that there are none
	}
	said := commentsIn(src, a.SrcRange)
	var out []string
	for _, e := range list.Exprs {
		entries, why := entriesOf(src, e)
		if why != "" {
			return left(why)
		}
		for i, entry := range entries {
			text := entry.block(a.Name)
			if i == 0 {
				text = strings.Join(append(said.until(e.Range()), text), "\n")
			}
			out = append(out, text)
		}
	}
	if len(out) == 0 {
		return change{}, false
	}
	out = append(out, said.rest()...)
	at := a.SrcRange
	return change{start: at.Start.Byte, end: at.End.Byte, text: strings.Join(out, "\n"), at: at}, true
}

// spaced is the text of a change with empty lines around it, where there is something else before or after.
func spaced(src []byte, c change) string {
	lines := strings.Split(string(src[:c.start]), "\n")
	before, after := "{", "}"
	if len(lines) > 1 {
		before = strings.TrimSpace(lines[len(lines)-2])
	}
	if rest := strings.SplitN(string(src[c.end:]), "\n", 3); len(rest) > 1 {
		after = strings.TrimSpace(rest[1])
	}
	text := c.text
	if before != "" && !strings.HasSuffix(before, "{") && !strings.HasPrefix(before, "#") && !strings.HasPrefix(before, "//") && !strings.HasSuffix(before, "*/") {
		text = "\n" + text
	}
	if after != "" && !strings.HasPrefix(after, "}") && !strings.HasPrefix(after, "cache-") {
		text += "\n"
	}
	return text
}

// entry is one cache: a backend, and attributes as HCL.
type entry struct {
	backend string
	names   []string
	values  map[string]string
}

func newEntry() *entry { return &entry{values: map[string]string{}} }

// set gives an attribute a value; the last one counts, as in Bake's strings.
func (e *entry) set(name, value string) {
	if _, there := e.values[name]; !there {
		e.names = append(e.names, name)
	}
	e.values[name] = value
}

// check says why an entry cannot be a block, or "".
func (e *entry) check() string {
	if schema.LookupBackend(e.backend) == nil {
		return fmt.Sprintf("%q is no place for a cache", e.backend)
	}
	for _, n := range e.names {
		if !hclsyntax.ValidIdentifier(n) {
			return fmt.Sprintf("%q cannot be written as the name of an attribute", n)
		}
	}
	return ""
}

// block is the entry as a labelled block.
func (e *entry) block(name string) string {
	var b strings.Builder
	if len(e.names) == 0 {
		return fmt.Sprintf("%s %q {}", name, e.backend)
	}
	fmt.Fprintf(&b, "%s %q {\n", name, e.backend)
	for _, n := range e.names {
		fmt.Fprintf(&b, "%s = %s\n", n, e.values[n])
	}
	return b.String() + "}"
}

// comments are those inside a list, in their order.
type comments struct {
	list []hclsyntax.Token
}

func commentsIn(src []byte, at hcl.Range) *comments {
	tokens, _ := hclsyntax.LexConfig(src[at.Start.Byte:at.End.Byte], at.Filename, at.Start)
	c := &comments{}
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenComment {
			c.list = append(c.list, t)
		}
	}
	return c
}

// until takes the comments up to the end of the line on which a part ends.
func (c *comments) until(at hcl.Range) []string {
	var out []string
	for len(c.list) > 0 && c.list[0].Range.Start.Line <= at.End.Line {
		out = append(out, strings.TrimSpace(string(c.list[0].Bytes)))
		c.list = c.list[1:]
	}
	return out
}

func (c *comments) rest() []string {
	var out []string
	for _, t := range c.list {
		out = append(out, strings.TrimSpace(string(t.Bytes)))
	}
	return out
}
