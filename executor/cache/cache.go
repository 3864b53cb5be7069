package cache

import (
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Annotations of layer descriptors that BuildKit writes and needs for import.
const (
	// AnnotationUncompressed is the diffID: the digest of the layer's uncompressed tar.
	AnnotationUncompressed = "containerd.io/uncompressed"
	// AnnotationCreatedAt is when the layer was made, RFC 3339.
	AnnotationCreatedAt = "buildkit/createdat"
	// AnnotationTar is the digest of the tar that a layer was made of, where that is not its diffID: an eStargz layer unpacks to
	// the tar and a table of contents. It is ours; BuildKit carries it along.
	AnnotationTar = "io.cachectl.tar"
	// AnnotationMadeBy stands on a manifest and names the program that wrote it.
	AnnotationMadeBy = "io.cachectl.made-by"
	// AnnotationNote stands on a manifest and holds the cache's note: the fingerprints of what was published there.
	AnnotationNote = "io.cachectl.fingerprint"
	// AnnotationNoteOf is the digest of what a note was written beside: tools that replace a config or layers keep annotations.
	AnnotationNoteOf = "io.cachectl.fingerprint-of"
)

// NoteLimit is the longest note that is written or read, in bytes.
const NoteLimit = 256 << 10

// madeBy is what this program calls itself there. It has no version in it: a newer cachectl would publish every cache again.
const madeBy = "cachectl"

// Layer is one layer of a cache in the form it is published in.
type Layer struct {
	// Descriptor is the blob with its annotations.
	Descriptor ocispec.Descriptor
	// DiffID is the digest of the uncompressed tar.
	DiffID digest.Digest
	// Parent is the index of the layer below, -1 for none.
	Parent int
}

// Tar is the digest of the tar that the layer was made of, whatever its compression.
func (l Layer) Tar() digest.Digest {
	if d := digest.Digest(l.Descriptor.Annotations[AnnotationTar]); checkDigest(d) == nil {
		return d
	}
	return l.DiffID
}

// Link says that a record's input is the result of another record, or the part of it that Selector names.
type Link struct {
	Selector string
	Record   int
}

// Result is a record's result: a layer with all its parents.
type Result struct {
	Layer     int
	CreatedAt time.Time
}

// Chain is a result that is an explicit list of layers, lowest first; inline caches and merge operations have them.
type Chain struct {
	Layers    []int
	CreatedAt time.Time
}

// Record is one cache key: what was run (Digest), on which inputs, and what came of it. Each input lists the alternatives
// that lead to the same result.
type Record struct {
	Digest  digest.Digest
	Inputs  [][]Link
	Results []Result
	Chains  []Chain
}

// Cache is a cache graph in canonical form: parents stand before children, no two layers are the same blob on the same parent, no two
// records the same key, and nothing is unreferenced. A Cache is never changed; operations return new ones.
type Cache struct {
	layers  []Layer
	records []Record
	ids     []digest.Digest // of records
	chains  []digest.Digest // of layers: what identifies a layer with all its parents
	note    string

	unlisted int // see Unlisted
}

// WithNote returns the cache with a note: text that is written beside the cache and that BuildKit does not look at. No operation carries a note over
// to the cache it makes: what a note says of a cache need not be true of another. A note over NoteLimit is left out.
func (c *Cache) WithNote(note string) *Cache {
	out := *c
	out.note = ""
	if len(note) <= NoteLimit {
		out.note = note
	}
	return &out
}

// Layers returns the layers; a record's results index into it. The caller must not change it.
func (c *Cache) Layers() []Layer { return c.layers }

// Records returns the records; links index into it. The caller must not change it.
func (c *Cache) Records() []Record { return c.records }

// Unlisted is how many results the decoded document had that are not here, because a layer of theirs is not listed by the manifest or
// has no diffID. Caches that come of an operation have none.
func (c *Cache) Unlisted() int { return c.unlisted }

// Stats counts what is in a cache.
type Stats struct {
	Records, Results, Layers int
	// Bytes is the size of the distinct blobs.
	Bytes int64
	// Newest is when the newest result was made; zero when there is none.
	Newest time.Time
}

// Stats counts what is in the cache.
func (c *Cache) Stats() Stats {
	s := Stats{Records: len(c.records), Layers: len(c.layers)}
	seen := map[digest.Digest]bool{}
	for _, l := range c.layers {
		if !seen[l.Descriptor.Digest] {
			seen[l.Descriptor.Digest] = true
			s.Bytes += l.Descriptor.Size
		}
	}
	for _, r := range c.records {
		s.Results += len(r.Results) + len(r.Chains)
		for _, res := range r.Results {
			if res.CreatedAt.After(s.Newest) {
				s.Newest = res.CreatedAt
			}
		}
		for _, ch := range r.Chains {
			if ch.CreatedAt.After(s.Newest) {
				s.Newest = ch.CreatedAt
			}
		}
	}
	return s
}
