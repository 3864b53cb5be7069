package view

import (
	"fmt"
	"io"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

type inspectJSON struct {
	FormatVersion string `json:"format_version"`
	Name          string `json:"name"`
	Digest        string `json:"digest"`
	MediaType     string `json:"media_type"`
	MadeBy        string `json:"made_by,omitempty"`
	// Inline is set for the cache in an image or an index of images.
	Inline        bool         `json:"inline,omitempty"`
	ManifestBytes int64        `json:"manifest_bytes"`
	Records       int          `json:"records"`
	Results       int          `json:"results"`
	LostResults   int          `json:"lost_results"`
	Bytes         int64        `json:"bytes"`
	Newest        string       `json:"newest,omitempty"`
	Layers        []layerJSON  `json:"layers"`
	Graph         []recordJSON `json:"graph"`
}

type layerJSON struct {
	Digest      string `json:"digest"`
	DiffID      string `json:"diff_id"`
	MediaType   string `json:"media_type"`
	Compression string `json:"compression"`
	Bytes       int64  `json:"bytes"`
	Created     string `json:"created,omitempty"`
	Parent      int    `json:"parent"`
	Missing     bool   `json:"missing,omitempty"`
}

func newInspectJSON(name string, cur *backend.Current, missing []ocispec.Descriptor) inspectJSON {
	gone := map[digest.Digest]bool{}
	for _, d := range missing {
		gone[d.Digest] = true
	}
	st := cur.Cache.Stats()
	doc := inspectJSON{
		FormatVersion: "1.0", Name: name, Digest: cur.Root.Digest.String(), MediaType: cur.Root.MediaType, MadeBy: cur.MadeBy, ManifestBytes: cur.Root.Size,
		Records: st.Records, Results: st.Results, Bytes: st.Bytes, Layers: []layerJSON{},
	}
	doc.Inline, doc.Newest = cur.Image, moment(st.Newest)
	broken := make([]bool, st.Layers)
	for i, l := range cur.Cache.Layers() { // parents stand before children
		broken[i] = gone[l.Descriptor.Digest] || l.Parent >= 0 && broken[l.Parent]
		doc.Layers = append(doc.Layers, layerJSON{
			Digest: l.Descriptor.Digest.String(), DiffID: l.DiffID.String(), MediaType: l.Descriptor.MediaType,
			Compression: string(blob.CompressionOf(l.Descriptor)), Bytes: l.Descriptor.Size,
			Created: l.Descriptor.Annotations[cache.AnnotationCreatedAt], Parent: l.Parent, Missing: gone[l.Descriptor.Digest],
		})
	}
	doc.Graph = newRecordsJSON(cur.Cache, broken)
	doc.LostResults = lostResults(doc.Graph)
	return doc
}

// InspectJSON prints a cache for programs.
func InspectJSON(w io.Writer, name string, cur *backend.Current, missing []ocispec.Descriptor) error {
	return JSON(w, newInspectJSON(name, cur, missing))
}

// Inspect prints a cache for people; with records also what each record stands on and leads to.
func Inspect(w io.Writer, name string, cur *backend.Current, missing []ocispec.Descriptor, records bool) error {
	doc := newInspectJSON(name, cur, missing)
	if _, err := fmt.Fprintf(w, "%s\n  digest   %s\n  form     %s%s\n  records  %d, %d with results\n  layers   %d, %s\n", doc.Name, doc.Digest, doc.MediaType, inlineNote(doc.Inline), doc.Records, doc.Results, len(doc.Layers), size(doc.Bytes)); err != nil {
		return err
	}
	by := printable(doc.MadeBy)
	if by == "" {
		by = "not said; BuildKit does not"
	}
	_, _ = fmt.Fprintf(w, "  made by  %s\n", by)
	if doc.Newest != "" {
		_, _ = fmt.Fprintf(w, "  newest   %s\n", doc.Newest)
	}
	if len(missing) > 0 {
		_, _ = fmt.Fprintf(w, "  missing  %s; %s cannot be used for want of them\n", count(len(missing), "layer"), count(doc.LostResults, "result"))
	}
	_, _ = fmt.Fprintln(w)
	rows := [][]string{{"LAYER", "BLOB", "SIZE", "COMPRESSION", "ON", "CREATED", ""}}
	for i, l := range doc.Layers {
		on, note := "-", ""
		if l.Parent >= 0 {
			on = fmt.Sprint(l.Parent)
		}
		if l.Missing {
			note = "missing"
		}
		rows = append(rows, []string{fmt.Sprint(i), shortDigest(l.Digest), size(l.Bytes), l.Compression, on, second(l.Created), note})
	}
	table(w, rows)
	if records {
		_, _ = fmt.Fprintln(w)
		table(w, recordRows(doc.Graph))
	}
	return nil
}

// second is a time as BuildKit writes it (RFC 3339) without what is less than a second, or what else stands there.
func second(created string) string {
	t, err := time.Parse(time.RFC3339Nano, created)
	if err != nil {
		return printable(created)
	}
	return moment(t)
}

func inlineNote(inline bool) string {
	if inline {
		return " (an image, the cache is inline)"
	}
	return ""
}
