package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
)

// errorf makes an error. summary is a constant phrase; names and what to do are in the detail.
func errorf(at *hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: at}
}

func warningf(at *hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	d := errorf(at, summary, detail, args...)
	d.Severity = hcl.DiagWarning
	return d
}

// didYouMean is a sentence that suggests the nearest of names, "" when none is near.
func didYouMean(name string, names []string) string {
	best, distance := "", 3
	for _, n := range names {
		if d := levenshtein.Distance(name, n, nil); d < distance || (d == distance && best == "" && len(name) > 6) {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}

// sorted puts diagnostics in the order of the files and drops repetitions.
func sorted(diags hcl.Diagnostics) hcl.Diagnostics {
	key := func(d *hcl.Diagnostic) (string, int) {
		if d.Subject == nil {
			return "", 0
		}
		return d.Subject.Filename, d.Subject.Start.Byte
	}
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		fa, pa := key(a)
		fb, pb := key(b)
		if fa != fb {
			return strings.Compare(fa, fb)
		}
		if pa != pb {
			return pa - pb
		}
		return strings.Compare(a.Summary, b.Summary)
	})
	return slices.CompactFunc(diags, func(a, b *hcl.Diagnostic) bool {
		fa, pa := key(a)
		fb, pb := key(b)
		return fa == fb && pa == pb && a.Summary == b.Summary && a.Detail == b.Detail
	})
}
