package view

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

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
	Reasons      []string       `json:"reasons,omitempty"`
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
	DryRun  bool   `json:"dry_run,omitempty"`
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
		Name: t.Name, Outcome: string(t.Outcome), Error: text(t.Err), Reasons: printables(t.Reasons), StepsCached: t.Cached, StepsTotal: t.Total,
		BytesIn: t.BytesIn, BytesOut: t.BytesOut, Seconds: t.Duration.Seconds(), Sources: []locationJSON{}, Destinations: []locationJSON{},
	}
	for _, s := range t.Sources {
		j.Sources = append(j.Sources, locationJSON{Name: s.Name, Outcome: string(s.Outcome), Digest: s.Digest, Error: text(s.Err)})
	}
	for _, d := range t.Destinations {
		j.Destinations = append(j.Destinations, locationJSON{
			Name: d.Name, Outcome: string(d.Outcome), Digest: d.Digest, Layers: d.Layers, Bytes: d.Bytes, Pushed: d.Pushed, Changed: d.Changed, DryRun: d.DryRun, Error: text(d.Err),
		})
	}
	return j
}

// printables are texts without what could move a terminal's cursor.
func printables(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, printable(s))
	}
	return out
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return printable(err.Error())
}

// Metadata is what was built, by target, in the form of docker buildx bake's metadata file: the exporter's response, and under "cachectl.cache" where
// the caches went.
func Metadata(r *executor.Report) ([]byte, error) {
	doc := map[string]map[string]any{}
	for _, t := range r.Targets {
		m := map[string]any{}
		for k, v := range t.Metadata {
			m[k] = metadataValue(v)
		}
		m["cachectl.cache"] = newTargetJSON(t)
		doc[t.Name] = m
	}
	var buf bytes.Buffer
	if err := JSON(&buf, doc); err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	return buf.Bytes(), nil
}

// metadataValue is a value of the exporter's response: a document that was put in base64 is taken out again, as docker buildx does.
func metadataValue(v string) any {
	raw, err := base64.StdEncoding.DecodeString(v)
	if err == nil && json.Valid(raw) && bytes.HasPrefix(raw, []byte("{")) {
		return json.RawMessage(raw)
	}
	if json.Valid([]byte(v)) && strings.HasPrefix(v, "{") {
		return json.RawMessage(v)
	}
	return v
}
