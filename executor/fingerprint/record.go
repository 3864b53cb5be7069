package fingerprint

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
	digest "github.com/opencontainers/go-digest"
)

const (
	// recordsVersion is the version of the written form. A reader that does not know it reads nothing.
	recordsVersion = 1
	// recordLimit is how long one record may be written, in bytes: file digests are left out of one that is longer, then its parts.
	recordLimit = 16 << 10
	// recordsLimit is how long all of them may be: the oldest are left out.
	recordsLimit = 128 << 10
)

// Record is what is kept with a published cache of the newest build of one target that was published there.
type Record struct {
	Digest digest.Digest `json:"digest"`
	// To is the digest of how the cache was to be written.
	To string `json:"to,omitempty"`
	// At is when the target was built.
	At time.Time `json:"at"`
	// Image is the digest of the image that was pushed besides, "" for none.
	Image digest.Digest                `json:"image,omitempty"`
	Parts []Part                       `json:"parts,omitempty"`
	Files map[string]map[string]string `json:"files,omitempty"`
}

// Records are those of a published cache by Key: several targets can share one.
type Records map[string]Record

type recordsJSON struct {
	Version int     `json:"version"`
	Targets Records `json:"targets"`
}

// Key names a target and what it is built for.
func Key(t *config.Target) string {
	return strings.TrimSpace(t.Name + " " + strings.Join(t.Platforms, ","))
}

// NewRecord is the record of a build that was published.
func NewRecord(f *Fingerprint, to string, at time.Time, image digest.Digest) Record {
	r := Record{Digest: f.Digest, To: to, At: at.UTC().Truncate(time.Second), Image: image, Parts: f.Parts, Files: f.Files}
	for _, lighter := range []func(){func() { r.Files = nil }, func() { r.Parts = nil }} {
		if raw, err := json.Marshal(r); err == nil && len(raw) <= recordLimit {
			break
		}
		lighter()
	}
	return r
}

// Same tells whether two records are of the same build, whenever that was.
func (r Record) Same(other Record) bool {
	return r.Digest == other.Digest && r.To == other.To && r.Image == other.Image
}

// DecodeRecords reads what Encode has written. What it does not understand counts as no record: the targets are built.
func DecodeRecords(s string) Records {
	var doc recordsJSON
	if len(s) > 2*recordsLimit || json.Unmarshal([]byte(s), &doc) != nil || doc.Version != recordsVersion || doc.Targets == nil {
		return Records{}
	}
	return doc.Targets
}

// Encode writes records, the same in every run, without the oldest if there are too many; "" for none.
func (r Records) Encode() string {
	left := maps.Clone(r)
	for len(left) > 0 {
		raw, err := json.Marshal(recordsJSON{Version: recordsVersion, Targets: left})
		if err == nil && len(raw) <= recordsLimit {
			return string(raw)
		}
		delete(left, left.oldest())
	}
	return ""
}

func (r Records) oldest() string {
	keys := slices.Sorted(maps.Keys(r))
	return slices.MinFunc(keys, func(a, b string) int { return r[a].At.Compare(r[b].At) })
}
