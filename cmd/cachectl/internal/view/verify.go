package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/verify"
)

// Verified is what verifying one cache came to.
type Verified struct {
	Name string
	// Named says that the user named this cache, so that it must be there.
	Named  bool
	Result *verify.Result
	// Repaired is what a repair did, nil if there was none; Beyond is why one was not possible.
	Repaired *verify.Repaired
	Beyond   error
	// Err is why the cache could not be reached or repaired.
	Err error
}

// Broken tells whether something is wrong that has not been repaired.
func (v *Verified) Broken() bool {
	return v.Result != nil && v.Repaired == nil && slices.ContainsFunc(v.Result.Findings, func(f verify.Finding) bool {
		return f.Kind != verify.Unread && (f.Kind != verify.Absent || v.Named)
	})
}

// Unread is why the cache, or a layer of it, could not be read, nil if it could.
func (v *Verified) Unread() error {
	if v.Err != nil || v.Result == nil {
		return v.Err
	}
	for _, f := range v.Result.Findings {
		if f.Kind == verify.Unread {
			return f.Err
		}
	}
	return nil
}

// Verify prints what was found, one line for each thing.
func Verify(w io.Writer, list []*Verified) error {
	var b strings.Builder
	for _, v := range list {
		line := func(format string, args ...any) {
			fmt.Fprintf(&b, "%s: %s\n", v.Name, printable(fmt.Sprintf(format, args...)))
		}
		if r := v.Result; r != nil {
			verifyLines(line, v, r)
		}
		if v.Err != nil {
			line("%v", v.Err)
		}
		if v.Beyond != nil {
			line("%v", v.Beyond)
		}
		if d := v.Repaired; d != nil {
			line("repaired: %s", repairText(d))
		}
	}
	return Text(w, b.String())
}

func verifyLines(line func(string, ...any), v *Verified, r *verify.Result) {
	for _, f := range r.Findings {
		switch {
		case f.Layer != nil:
			line("layer %s of %s %s", f.Layer.Descriptor.Digest, size(f.Layer.Descriptor.Size), f.Detail)
		case f.Kind == verify.Absent && !v.Named:
			line("not there (yet)")
		default:
			line("%s", f.Detail)
		}
	}
	if r.Current == nil || r.Current.Cache == nil {
		return
	}
	s := r.Current.Cache.Stats()
	about := fmt.Sprintf("%s, %s", count(s.Layers, "layer"), size(s.Bytes))
	if r.Read > 0 {
		about += fmt.Sprintf(", %s read", size(r.Read))
	}
	if r.Whole() {
		line("whole: %s, %s", count(r.Results, "result"), about)
		return
	}
	line("%d of %s can be used (%s)", r.Usable, count(r.Results, "result"), about)
}

func repairText(d *verify.Repaired) string {
	text := fmt.Sprintf("%s put back, %s dropped", count(len(d.Restored), "layer"), count(d.Dropped, "result"))
	if d.Published {
		text += ", published as " + d.Root.Digest.String()
	}
	return text
}

type verifyJSON struct {
	Name         string       `json:"name"`
	Digest       string       `json:"digest,omitempty"`
	Whole        bool         `json:"whole"` // now: also after a repair
	Results      int          `json:"results"`
	Usable       int          `json:"usable"`
	BytesChecked int64        `json:"bytes_checked"`
	Findings     []brokenJSON `json:"findings"`
	Repair       *repairJSON  `json:"repair,omitempty"`
	Error        string       `json:"error,omitempty"`
}

type brokenJSON struct {
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
	Digest string `json:"digest,omitempty"`
	DiffID string `json:"diff_id,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	// Compression is what the descriptor says.
	Compression string `json:"compression,omitempty"`
}

type repairJSON struct {
	Restored  []string `json:"restored"`
	BytesSent int64    `json:"bytes_sent"`
	Dropped   int      `json:"dropped_results"`
	Digest    string   `json:"digest"`
	Published bool     `json:"published"`
}

// VerifyJSON prints what was found for programs: {"format_version", "caches"}.
func VerifyJSON(w io.Writer, list []*Verified) error {
	doc := struct {
		FormatVersion string       `json:"format_version"`
		Caches        []verifyJSON `json:"caches"`
	}{"1.0", []verifyJSON{}}
	for _, v := range list {
		doc.Caches = append(doc.Caches, newVerifyJSON(v))
	}
	return JSON(w, doc)
}

func newVerifyJSON(v *Verified) verifyJSON {
	j := verifyJSON{Name: v.Name, Findings: []brokenJSON{}}
	for _, err := range []error{v.Err, v.Beyond} {
		if err != nil {
			j.Error = printable(err.Error())
		}
	}
	if r := v.Result; r != nil {
		j.Whole = v.Unread() == nil && !v.Broken() && r.Current != nil
		j.Results, j.Usable, j.BytesChecked = r.Results, r.Usable, r.Read
		if r.Current != nil {
			j.Digest = r.Current.Root.Digest.String()
		}
		for _, f := range r.Findings {
			fj := brokenJSON{Kind: string(f.Kind), Detail: printable(f.Detail)}
			if l := f.Layer; l != nil {
				fj.Digest, fj.DiffID, fj.Bytes, fj.Compression = l.Descriptor.Digest.String(), l.DiffID.String(), l.Descriptor.Size, string(blob.CompressionOf(l.Descriptor))
			}
			j.Findings = append(j.Findings, fj)
		}
	}
	if d := v.Repaired; d != nil {
		j.Repair = &repairJSON{Restored: []string{}, BytesSent: d.Bytes, Dropped: d.Dropped, Digest: d.Root.Digest.String(), Published: d.Published}
		for _, desc := range d.Restored {
			j.Repair.Restored = append(j.Repair.Restored, desc.Digest.String())
		}
	}
	return j
}
