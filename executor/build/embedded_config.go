package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
)

// daemonConfig is the daemon's configuration for the registry blocks (BuildKit: docs/buildkitd.toml.md). It is the same for the same blocks.
// What is kept is bounded by BuildKit's own policy: a share of the disk, caches of the builds themselves first to go.
func daemonConfig(registries []*config.Registry) []byte {
	var b strings.Builder
	b.WriteString("[worker.oci]\n  gc = true\n")
	sorted := slices.Clone(registries)
	slices.SortFunc(sorted, func(a, b *config.Registry) int { return strings.Compare(a.Host, b.Host) })
	for _, r := range sorted {
		if lines := registryLines(r); len(lines) > 0 {
			fmt.Fprintf(&b, "[registry.%s]\n  %s\n", tomlString(r.Host), strings.Join(lines, "\n  "))
		}
	}
	return []byte(b.String())
}

func registryLines(r *config.Registry) []string {
	var lines []string
	switch {
	case r.HTTP:
		lines = append(lines, "http = true")
	case r.CA != "":
		lines = append(lines, "http = false") // which BuildKit would try on loopback
	}
	if r.Insecure {
		lines = append(lines, "insecure = true")
	}
	if r.CA != "" {
		lines = append(lines, "ca = ["+tomlString(r.CA)+"]")
	}
	if len(r.Mirrors) > 0 {
		quoted := make([]string, len(r.Mirrors))
		for i, m := range r.Mirrors {
			quoted[i] = tomlString(m)
		}
		lines = append(lines, "mirrors = ["+strings.Join(quoted, ", ")+"]")
	}
	return lines
}

// tomlString quotes a string as TOML's basic strings are (toml.io v1.0.0); Go's \x and \a escapes are none of theirs.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
