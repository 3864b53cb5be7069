package bakecorpus

import (
	"fmt"
	"strings"
)

// Wide is a definition of n targets: chains of inheritance ten deep, and matrices of four.
func Wide(n int) string {
	var b strings.Builder
	b.WriteString(`variable "TAG" { default = "v1" }
function "ref" {
  params = [name]
  result = "registry.example/${name}:${TAG}"
}
`)
	var names []string
	for i := 0; i < n; {
		for depth := 0; depth < 10 && i < n; depth++ {
			inherits := ""
			if depth > 0 {
				inherits = fmt.Sprintf("inherits = [%q]", names[len(names)-1])
			}
			name := fmt.Sprintf("t%d", i)
			fmt.Fprintf(&b, `target %q {
  %s
  context    = "services/%s"
  args       = { NAME = %q, V%d = upper(TAG) }
  tags       = [ref(%q)]
  platforms  = ["linux/amd64", "linux/arm64"]
  cache-from = ["type=registry,ref=registry.example/cache/%s:${TAG}"]
  cache-to   = ["type=registry,ref=registry.example/cache/%s:${TAG},mode=max"]
}
`, name, inherits, name, name, depth, name, name, name)
			names = append(names, name)
			i++
		}
		if i+4 > n {
			continue
		}
		fmt.Fprintf(&b, `target "m%d" {
  name     = "m%d-${os}-${v}"
  matrix   = { os = ["a", "b"], v = ["1", "2"] }
  inherits = [%q]
  args     = { OS = os, V = v }
}
`, i, i, names[len(names)-1])
		i += 4
	}
	b.WriteString(`group "default" { targets = ["` + strings.Join(names, `", "`) + `"] }`)
	return b.String()
}
