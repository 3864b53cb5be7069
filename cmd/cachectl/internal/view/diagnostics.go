package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Diagnostics prints what is wrong with a configuration, in the form text, json or github.
func Diagnostics(w io.Writer, diags hcl.Diagnostics, files map[string]*hcl.File, form string, style Style) error {
	switch form {
	case "text":
		if len(diags) == 0 {
			return nil
		}
		width := uint(78)
		if style.Width > 0 {
			width = uint(style.Width)
		}
		return hcl.NewDiagnosticTextWriter(w, files, width, style.Color).WriteDiagnostics(diags)
	case "json":
		return DiagnosticsJSON(w, diags)
	case "github":
		for _, d := range diags {
			if err := annotation(w, d); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("--diagnostics %q is not text, json or github", form)
}

// diagnosticJSON is the form for programs.
type diagnosticJSON struct {
	Severity string   `json:"severity"`
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail"`
	Range    *spanned `json:"range,omitempty"`
}

type spanned struct {
	Filename string   `json:"filename"`
	Start    position `json:"start"`
	End      position `json:"end"`
}

type position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// DiagnosticsJSON prints diagnostics for programs: {"format_version", "valid", "error_count", "warning_count", "diagnostics"}.
func DiagnosticsJSON(w io.Writer, diags hcl.Diagnostics) error {
	doc := struct {
		FormatVersion string           `json:"format_version"`
		Valid         bool             `json:"valid"`
		Errors        int              `json:"error_count"`
		Warnings      int              `json:"warning_count"`
		Diagnostics   []diagnosticJSON `json:"diagnostics"`
	}{FormatVersion: "1.0", Valid: !diags.HasErrors(), Diagnostics: []diagnosticJSON{}}
	for _, d := range diags {
		j := diagnosticJSON{Severity: severity(d), Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagError {
			doc.Errors++
		} else {
			doc.Warnings++
		}
		if s := d.Subject; s != nil {
			j.Range = &spanned{s.Filename, position(s.Start), position(s.End)}
		}
		doc.Diagnostics = append(doc.Diagnostics, j)
	}
	return JSON(w, doc)
}

func severity(d *hcl.Diagnostic) string {
	if d.Severity == hcl.DiagError {
		return "error"
	}
	return "warning"
}

// annotation prints a diagnostic as a workflow command, which GitHub shows beside the line.
func annotation(w io.Writer, d *hcl.Diagnostic) error {
	var where string
	if s := d.Subject; s != nil {
		where = fmt.Sprintf(" file=%s,line=%d,col=%d,title=%s", commandValue(s.Filename), s.Start.Line, s.Start.Column, commandValue(d.Summary))
	}
	_, err := fmt.Fprintf(w, "::%s%s::%s\n", severity(d), where, commandText(d.Detail))
	return err
}

// commandText and commandValue escape what workflow commands give a meaning.
func commandText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(printable(s))
}

func commandValue(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandText(s))
}
