package view

import (
	"bytes"
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
		var buf bytes.Buffer
		shown := masked(files)
		text := hcl.NewDiagnosticTextWriter(&buf, shown, width, style.Color)
		bare := hcl.NewDiagnosticTextWriter(&buf, nil, width, style.Color)
		for _, d := range alike(diags) {
			w := text
			switch {
			case d.Subject != nil && shown[d.Subject.Filename] == nil:
				d = unquoted(d)
			case longSnippet(d, shown):
				w = bare
			}
			if err := w.WriteDiagnostic(presentable(d)); err != nil {
				return err
			}
		}
		return Bytes(w, buf.Bytes())
	case "json":
		return DiagnosticsJSON(w, diags, files)
	case "github":
		return annotations(w, diags)
	}
	return fmt.Errorf("--diagnostics %q is not text, json or github", form)
}

// alike tells once what is said of one place again and again: a line of a matrix is the line of each target that it makes. The first says what is
// wrong, and how many others there are.
func alike(diags hcl.Diagnostics) hcl.Diagnostics {
	var list hcl.Diagnostics
	first := map[string]int{}
	more := map[int]int{}
	for _, d := range diags {
		if d.Subject == nil {
			list = append(list, d)
			continue
		}
		key := fmt.Sprint(d.Severity, "\x00", d.Summary, "\x00", *d.Subject)
		if i, known := first[key]; known {
			more[i]++
			continue
		}
		first[key] = len(list)
		list = append(list, d)
	}
	for i, n := range more {
		d := *list[i]
		d.Detail += fmt.Sprintf("\n\nAnd %s like this at the same place.", count(n, "other"))
		list[i] = &d
	}
	return list
}

// unquoted is a diagnostic about a file of which no line can be shown: it names the file itself.
func unquoted(d *hcl.Diagnostic) *hcl.Diagnostic {
	c := *d
	c.Subject, c.Context = nil, nil
	where := d.Subject.Filename
	if n := d.Subject.Start.Line; n > 1 { // what is read from Compose files stands at their beginning
		where = fmt.Sprintf("%s:%d", where, n)
	}
	c.Detail = where + ": " + d.Detail
	return &c
}

// snippetLimit is the most bytes of source that are shown with a diagnostic.
const snippetLimit = 2000

// longSnippet tells whether the lines that a diagnostic points at are too long to be of use.
func longSnippet(d *hcl.Diagnostic, files map[string]*hcl.File) bool {
	if d.Subject == nil || files[d.Subject.Filename] == nil {
		return false
	}
	src := files[d.Subject.Filename].Bytes
	from, to := min(d.Subject.Start.Byte, len(src)), min(d.Subject.End.Byte, len(src))
	from = bytes.LastIndexByte(src[:from], '\n') + 1
	if end := bytes.IndexByte(src[to:], '\n'); end >= 0 {
		to += end
	} else {
		to = len(src)
	}
	return to-from > snippetLimit
}

// diagnosticJSON is the form for programs.
type diagnosticJSON struct {
	Severity string   `json:"severity"`
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail"`
	Range    *spanned `json:"range,omitempty"`
	Snippet  string   `json:"snippet,omitempty"` // the line the range begins in
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

// DiagnosticsFormatVersion is the version of the JSON form. Within a major version fields are only added.
const DiagnosticsFormatVersion = "1.0"

// DiagnosticsJSON prints diagnostics for programs: {"format_version", "valid", "error_count", "warning_count", "diagnostics"}. Lines and columns
// count from 1, bytes from 0.
func DiagnosticsJSON(w io.Writer, diags hcl.Diagnostics, files map[string]*hcl.File) error {
	doc := struct {
		FormatVersion string           `json:"format_version"`
		Valid         bool             `json:"valid"`
		Errors        int              `json:"error_count"`
		Warnings      int              `json:"warning_count"`
		Diagnostics   []diagnosticJSON `json:"diagnostics"`
	}{FormatVersion: DiagnosticsFormatVersion, Valid: !diags.HasErrors(), Diagnostics: []diagnosticJSON{}}
	shown := masked(files)
	for _, d := range diags {
		j := diagnosticJSON{Severity: severity(d), Summary: printable(d.Summary), Detail: printable(d.Detail)}
		if d.Severity == hcl.DiagError {
			doc.Errors++
		} else {
			doc.Warnings++
		}
		if s := d.Subject; s != nil {
			j.Range = &spanned{s.Filename, position(s.Start), position(s.End)}
			j.Snippet = printable(lineAt(shown[s.Filename], s.Start.Byte))
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

// lineAt is the line that an offset is in.
func lineAt(f *hcl.File, offset int) string {
	if f == nil || offset < 0 || offset > len(f.Bytes) {
		return ""
	}
	line, _, _ := bytes.Cut(f.Bytes[bytes.LastIndexByte(f.Bytes[:offset], '\n')+1:], []byte("\n"))
	return string(bytes.TrimSuffix(line, []byte("\r")))
}

// annotations prints diagnostics as workflow commands, which GitHub shows beside the lines (GitHub: "Workflow commands for GitHub Actions").
func annotations(w io.Writer, diags hcl.Diagnostics) error {
	var b strings.Builder
	for _, d := range alike(diags) {
		where := " "
		if s := d.Subject; s != nil {
			where = fmt.Sprintf(" file=%s,line=%d,col=%d,endLine=%d,", commandValue(s.Filename), s.Start.Line, s.Start.Column, s.End.Line)
		}
		fmt.Fprintf(&b, "::%s%stitle=%s::%s\n", severity(d), where, commandValue(d.Summary), commandText(d.Detail))
	}
	return Text(w, b.String())
}

// commandText and commandValue escape what workflow commands give a meaning.
func commandText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(printable(s))
}

func commandValue(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandText(s))
}
