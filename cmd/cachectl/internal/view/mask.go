package view

import (
	"bytes"
	"regexp"
	"strings"
	"sync"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// secretLiteral finds values written in for attributes of caches that the schema marks as secret, in blocks, objects, JSON and CSV strings.
// What is interpolated is no literal.
var secretLiteral = sync.OnceValue(func() *regexp.Regexp {
	var names []string
	for _, b := range schema.Backends {
		for _, a := range b.Attributes {
			if a.Secret {
				names = append(names, regexp.QuoteMeta(a.Name))
			}
		}
	}
	return regexp.MustCompile(`\b(?:` + strings.Join(names, "|") + `)"?[ \t]*[=:][ \t]*(?:"([^"\n$]+)|([^"\s,$}]+))`)
})

// secretName matches names of variables whose values are not shown.
var secretName = regexp.MustCompile(`(?i)secret|token|passw|credential|private|api_?key|access_?key|_key$|^key$`)

// masked returns the files with secret values overwritten, so that no snippet shows one, and with whatever else would harm a terminal. Offsets stay.
func masked(files map[string]*hcl.File) map[string]*hcl.File {
	out := make(map[string]*hcl.File, len(files))
	for name, f := range files {
		if f == nil {
			continue
		}
		c := *f
		c.Bytes = bytes.Clone(f.Bytes)
		for _, at := range secretLiteral().FindAllSubmatchIndex(c.Bytes, -1) {
			for group := 2; group < len(at); group += 2 {
				if at[group] >= 0 {
					overwrite(c.Bytes[at[group]:at[group+1]], '*')
				}
			}
		}
		for i, b := range c.Bytes {
			if b < ' ' && b != '\n' && b != '\t' && b != '\r' || b == 0x7f {
				c.Bytes[i] = '?'
			}
		}
		out[name] = &c
	}
	return out
}

func overwrite(b []byte, with byte) {
	for i := range b {
		b[i] = with
	}
}

// presentable is a diagnostic as it may be shown. The values in scope are left out where a name says that one of them is secret.
func presentable(d *hcl.Diagnostic) *hcl.Diagnostic {
	c := *d
	c.Summary, c.Detail = printable(d.Summary), printable(d.Detail)
	if d.Expression == nil {
		return &c
	}
	for _, t := range d.Expression.Variables() {
		if secretName.MatchString(t.RootName()) {
			c.Expression, c.EvalContext = nil, nil
		}
	}
	return &c
}
