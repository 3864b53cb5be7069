package planner

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// fail reports an error. summary is a constant phrase; detail says what, why and how to fix it.
func (d *draft) fail(at hcl.Range, summary, detail string, args ...any) {
	d.report(hcl.DiagError, at, summary, fmt.Sprintf(detail, args...))
}

// advise reports something that stops nothing.
func (d *draft) advise(at hcl.Range, summary, detail string, args ...any) {
	d.report(hcl.DiagWarning, at, summary, fmt.Sprintf(detail, args...))
}

func (d *draft) report(severity hcl.DiagnosticSeverity, at hcl.Range, summary, detail string) {
	diag := &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: detail}
	if at.Filename != "" {
		diag.Subject = &at
	}
	d.diags = append(d.diags, diag)
}

// place is a range for people; what no file says comes from the command line.
func place(r hcl.Range) string {
	if r.Filename == "" {
		return "--set"
	}
	return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line)
}

// sortDiagnostics puts diagnostics in the order of the files, those without a place first.
func sortDiagnostics(diags hcl.Diagnostics) hcl.Diagnostics {
	at := func(d *hcl.Diagnostic) hcl.Range {
		if d.Subject == nil {
			return hcl.Range{}
		}
		return *d.Subject
	}
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		pa, pb := at(a), at(b)
		return cmp.Or(
			cmp.Compare(pa.Filename, pb.Filename), cmp.Compare(pa.Start.Byte, pb.Start.Byte),
			cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail),
		)
	})
	return diags
}
