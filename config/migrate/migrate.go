package migrate

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Options are the surroundings in which both forms are evaluated, to compare them.
type Options struct {
	// LookupEnv reads the environment; nil reads the process's.
	LookupEnv func(string) (string, bool)
	// Dir is what paths are relative to; "" is the working directory.
	Dir string
}

// File returns a file in the strict form. The name's ending tells JSON and Compose from HCL; without one, the first character does. Warnings tell
// what was left in the old form, with errors there is no result. Positions are those of the formatted source for HCL.
func File(ctx context.Context, src []byte, name string, opt Options) ([]byte, hcl.Diagnostics) {
	m := migration{ctx: ctx, name: name, kind: "cache.hcl", opt: opt}
	switch {
	case isCompose(name):
		return m.compose(src)
	case isJSON(src, name):
		return m.json(src)
	}
	return m.hcl(src)
}

func isCompose(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func isJSON(src []byte, name string) bool {
	if strings.HasSuffix(name, ".hcl") {
		return false
	}
	return strings.HasSuffix(name, ".json") || bytes.HasPrefix(bytes.TrimSpace(src), []byte("{"))
}

// migration is the work on one file.
type migration struct {
	ctx   context.Context
	name  string
	kind  string // what the text is called when it is evaluated
	opt   Options
	diags hcl.Diagnostics
}

func (m *migration) warn(at *hcl.Range, summary, detail string, args ...any) {
	m.diags = append(m.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: at})
}

func failure(summary, detail string, args ...any) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}}
}

// hcl migrates a file of HCL's native syntax.
func (m *migration) hcl(src []byte) ([]byte, hcl.Diagnostics) {
	src, diags := config.Format(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), m.name)
	if diags.HasErrors() {
		return nil, diags
	}
	src = m.commentIgnored(src)
	f, diags := hclsyntax.ParseConfig(src, m.name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	changes := m.changes(src, f.Body.(*hclsyntax.Body))
	before, loads := m.meaning(src)
	if !loads {
		if len(changes) > 0 {
			m.warn(nil, "Not compared", "%s cannot be evaluated here by itself, so nothing has compared its old form with the new one.", m.name)
		}
		return hclwrite.Format(apply(src, changes)), m.diags
	}
	kept := m.faithful(src, before, nil, changes)
	for _, c := range changes {
		if !slices.ContainsFunc(kept, func(k change) bool { return k.start == c.start }) {
			at := c.at
			m.warn(&at, "Cache left as it was", "As labelled blocks these caches would mean something else, as other expressions or the values of variables need the list.")
		}
	}
	return hclwrite.Format(apply(src, kept)), m.diags
}

// faithful adds to kept those changes with which the file means what it did before, trying many at once.
func (m *migration) faithful(src []byte, before string, kept, changes []change) []change {
	if len(changes) == 0 {
		return kept
	}
	all := append(slices.Clone(kept), changes...)
	if after, loads := m.meaning(apply(src, all)); loads && after == before {
		return all
	}
	if len(changes) == 1 {
		return kept
	}
	half := len(changes) / 2
	kept = m.faithful(src, before, kept, changes[:half])
	return m.faithful(src, before, kept, changes[half:])
}

// meaning is everything a text configures, as print shows it; false when it has errors.
func (m *migration) meaning(src []byte) (string, bool) {
	c, diags := config.Load(m.ctx, m.options(src))
	if diags.HasErrors() {
		return "", false
	}
	var names []string
	for _, l := range c.Names() {
		if l.Kind != "variable" {
			names = append(names, l.Name)
		}
	}
	if len(names) == 0 {
		return "", true
	}
	res, diags := c.Resolve(config.Selection{Names: names})
	if diags.HasErrors() {
		return "", false
	}
	raw, err := res.JSON()
	return string(raw), err == nil
}

// options load a text instead of a file, by the rules of cache.hcl.
func (m *migration) options(src []byte) config.Options {
	return config.Options{Files: []string{"-"}, Stdin: bytes.NewReader(src), StdinName: m.kind, LookupEnv: m.opt.LookupEnv, Dir: m.opt.Dir}
}
