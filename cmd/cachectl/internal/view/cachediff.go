package view

import (
	"fmt"
	"io"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
)

// DiffSide is one of two caches that are compared.
type DiffSide struct {
	Name    string
	Current *backend.Current
}

func (s DiffSide) layer(i int) cache.Layer   { return s.Current.Cache.Layers()[i] }
func (s DiffSide) record(i int) cache.Record { return s.Current.Cache.Records()[i] }

// CacheDiff prints how two caches differ: the counts, then the layers that only one of them has.
func CacheDiff(w io.Writer, a, b DiffSide, d *cache.Difference) error {
	if _, err := fmt.Fprintf(w, "A  %s @%s\nB  %s @%s\n\n", a.Name, shortDigest(a.Current.Root.Digest.String()), b.Name, shortDigest(b.Current.Root.Digest.String())); err != nil {
		return err
	}
	note := func(n int, text string) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("%d of them %s", n, text)
	}
	table(w, [][]string{
		{"", "ONLY A", "ONLY B", "BOTH", ""},
		{"records", fmt.Sprint(len(d.RecordsA)), fmt.Sprint(len(d.RecordsB)), fmt.Sprint(d.RecordsBoth), note(len(d.Changed), "with other results")},
		{"layers", fmt.Sprint(len(d.LayersA)), fmt.Sprint(len(d.LayersB)), fmt.Sprint(d.LayersBoth), note(len(d.Recompressed), "in another blob")},
		{"bytes", size(d.BytesA), size(d.BytesB), size(d.BytesBoth), ""},
	})
	if d.Equal() {
		return Text(w, "\nThe caches are equal.\n")
	}
	if len(d.LayersA)+len(d.LayersB)+len(d.Recompressed) == 0 {
		return nil
	}
	rows := [][]string{{"", "LAYER", "BLOB", "SIZE", "COMPRESSION", "CREATED"}}
	for _, i := range d.LayersA {
		rows = append(rows, diffRow("-", a.layer(i)))
	}
	for _, i := range d.LayersB {
		rows = append(rows, diffRow("+", b.layer(i)))
	}
	for _, both := range d.Recompressed {
		rows = append(rows, diffRow("<", a.layer(both[0])), diffRow(">", b.layer(both[1])))
	}
	_, _ = fmt.Fprintln(w)
	table(w, rows)
	return nil
}

func diffRow(mark string, l cache.Layer) []string {
	return []string{
		mark, shortDigest(l.Tar().String()), shortDigest(l.Descriptor.Digest.String()), size(l.Descriptor.Size), string(blob.CompressionOf(l.Descriptor)),
		printable(l.Descriptor.Annotations[cache.AnnotationCreatedAt]),
	}
}

// DiffFormatVersion is the version of the JSON form of differences. Within a major version fields are only added.
const DiffFormatVersion = "1.0"

type diffJSON struct {
	FormatVersion string       `json:"format_version"`
	A             diffSideJSON `json:"a"`
	B             diffSideJSON `json:"b"`
	Equal         bool         `json:"equal"`
	Records       diffListJSON `json:"records"`
	Layers        diffListJSON `json:"layers"`
	Bytes         struct {
		OnlyA int64 `json:"only_a"`
		OnlyB int64 `json:"only_b"`
		Both  int64 `json:"both"`
	} `json:"bytes"`
}

type diffSideJSON struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

type diffListJSON struct {
	OnlyA   []string `json:"only_a"`
	OnlyB   []string `json:"only_b"`
	Both    int      `json:"both"`
	Changed []string `json:"changed"`
}

// DiffJSON prints how two caches differ, for programs.
func DiffJSON(w io.Writer, a, b DiffSide, d *cache.Difference) error {
	record := func(s DiffSide) func(int) string { return func(i int) string { return s.record(i).Digest.String() } }
	layer := func(s DiffSide) func(int) string { return func(i int) string { return s.layer(i).Tar().String() } }
	doc := diffJSON{
		FormatVersion: DiffFormatVersion, Equal: d.Equal(),
		A: diffSideJSON{a.Name, a.Current.Root.Digest.String()}, B: diffSideJSON{b.Name, b.Current.Root.Digest.String()},
		Records: diffListJSON{each(d.RecordsA, record(a)), each(d.RecordsB, record(b)), d.RecordsBoth, each(first(d.Changed), record(a))},
		Layers:  diffListJSON{each(d.LayersA, layer(a)), each(d.LayersB, layer(b)), d.LayersBoth, each(first(d.Recompressed), layer(a))},
	}
	doc.Bytes.OnlyA, doc.Bytes.OnlyB, doc.Bytes.Both = d.BytesA, d.BytesB, d.BytesBoth
	return JSON(w, doc)
}

// each is what fn makes of a list, never nil.
func each[T any](list []T, fn func(T) string) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, fn(v))
	}
	return out
}

func first(pairs [][2]int) []int {
	var out []int
	for _, p := range pairs {
		out = append(out, p[0])
	}
	return out
}
