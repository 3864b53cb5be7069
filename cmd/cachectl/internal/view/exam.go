package view

import (
	"fmt"
	"io"

	"github.com/cachectl/cachectl/executor/backend"
)

// ExamFormatVersion is the version of the JSON form of an examination. Within a major version fields are only added.
const ExamFormatVersion = "1.0"

// Exam shows what a place was found to do: for people as it is found, for programs at the end.
type Exam struct {
	w      io.Writer
	asJSON bool
	style  Style
	doc    examJSON
	err    error
}

type examJSON struct {
	FormatVersion string        `json:"format_version"`
	Name          string        `json:"name"`
	Findings      []findingJSON `json:"findings"`
}

type findingJSON struct {
	Feature string `json:"feature"`
	Answer  string `json:"answer"`
	Seen    string `json:"seen"`
	Means   string `json:"means,omitempty"`
}

// NewExam begins to show findings about a place. The caller closes it.
func NewExam(w io.Writer, name string, asJSON bool, style Style) *Exam {
	e := &Exam{w: w, asJSON: asJSON, style: style, doc: examJSON{ExamFormatVersion, name, []findingJSON{}}}
	if !asJSON {
		_, e.err = fmt.Fprintf(w, "%s\n\n", name)
	}
	return e
}

// Found shows a finding.
func (e *Exam) Found(f backend.Finding) {
	if e.asJSON {
		e.doc.Findings = append(e.doc.Findings, findingJSON{f.Feature, string(f.Answer), printable(f.Seen), printable(f.Means)})
		return
	}
	paint := map[backend.Answer]func(string) string{backend.Yes: e.style.green, backend.No: e.style.yellow, backend.Unknown: e.style.faint}[f.Answer]
	if f.Err != nil {
		paint = e.style.red
	}
	_, _ = fmt.Fprintf(e.w, "%s  %-18s  %s\n", paint(fmt.Sprintf("%-7s", f.Answer)), f.Feature, oneLine(f.Seen))
	if f.Means != "" {
		_, _ = fmt.Fprintf(e.w, "%29s%s\n", "", e.style.faint("-> "+f.Means))
	}
}

// Close ends the showing.
func (e *Exam) Close() error {
	if e.asJSON {
		return JSON(e.w, e.doc)
	}
	return e.err
}
