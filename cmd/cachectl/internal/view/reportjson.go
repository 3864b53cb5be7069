package view

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/cachectl/cachectl/executor"
)

// ReportFormatVersion is the version of the report's JSON form. Within a major version fields are only added.
const ReportFormatVersion = "1.0"

type reportJSON struct {
	FormatVersion string       `json:"format_version"`
	Started       string       `json:"started"`
	Seconds       float64      `json:"seconds"`
	Failed        bool         `json:"failed"`
	Targets       []targetJSON `json:"targets"`
	Transfers     []targetJSON `json:"transfers"`
}

type targetJSON struct {
	Name         string         `json:"name"`
	Outcome      string         `json:"outcome"`
	Error        string         `json:"error,omitempty"`
	StepsCached  int            `json:"steps_cached"`
	StepsTotal   int            `json:"steps_total"`
	BytesIn      int64          `json:"bytes_in"`
	BytesOut     int64          `json:"bytes_out"`
	Seconds      float64        `json:"seconds"`
	Sources      []locationJSON `json:"sources"`
	Destinations []locationJSON `json:"destinations"`
}

type locationJSON struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	Digest  string `json:"digest,omitempty"`
	Layers  int    `json:"layers,omitempty"`
	Bytes   int64  `json:"bytes,omitempty"`
	Pushed  int64  `json:"pushed,omitempty"`
	Changed bool   `json:"changed,omitempty"`
	Error   string `json:"error,omitempty"`
}

// ReportJSON prints the report for programs.
func ReportJSON(w io.Writer, r *executor.Report) error {
	doc := reportJSON{
		FormatVersion: ReportFormatVersion, Started: r.Started.UTC().Format("2006-01-02T15:04:05Z"), Seconds: r.Duration.Seconds(),
		Failed: r.Failed(), Targets: []targetJSON{}, Transfers: []targetJSON{},
	}
	for _, t := range r.Targets {
		doc.Targets = append(doc.Targets, newTargetJSON(t))
	}
	for _, t := range r.Transfers {
		doc.Transfers = append(doc.Transfers, newTargetJSON(t))
	}
	return JSON(w, doc)
}

func newTargetJSON(t *executor.TargetResult) targetJSON {
	j := targetJSON{
		Name: t.Name, Outcome: string(t.Outcome), Error: text(t.Err), StepsCached: t.Cached, StepsTotal: t.Total,
		BytesIn: t.BytesIn, BytesOut: t.BytesOut, Seconds: t.Duration.Seconds(), Sources: []locationJSON{}, Destinations: []locationJSON{},
	}
	for _, s := range t.Sources {
		j.Sources = append(j.Sources, locationJSON{Name: s.Name, Outcome: string(s.Outcome), Digest: s.Digest, Error: text(s.Err)})
	}
	for _, d := range t.Destinations {
		j.Destinations = append(j.Destinations, locationJSON{
			Name: d.Name, Outcome: string(d.Outcome), Digest: d.Digest, Layers: d.Layers, Bytes: d.Bytes, Pushed: d.Pushed, Changed: d.Changed, Error: text(d.Err),
		})
	}
	return j
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return printable(err.Error())
}

// Metadata writes what was built to a file, by target, as docker buildx bake does: the exporter's response, and under "cachectl.cache" where
// the caches went. The file is replaced as a whole.
func Metadata(path string, r *executor.Report) error {
	doc := map[string]map[string]any{}
	for _, t := range r.Targets {
		m := map[string]any{}
		for k, v := range t.Metadata {
			m[k] = v
		}
		m["cachectl.cache"] = newTargetJSON(t)
		doc[t.Name] = m
	}
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	if _, err := f.Write(append(raw, '\n')); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
