package verify

import (
	"fmt"

	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
)

// Kind says what sort of thing is wrong.
type Kind string

// The kinds of findings.
const (
	// Absent: the name points at nothing.
	Absent Kind = "absent"
	// Unusable: manifest or config are damaged, invalid, no cache, or larger than BuildKit imports.
	Unusable Kind = "unusable"
	// Unlisted: results name layers that the manifest does not list, or that have no diffID.
	Unlisted Kind = "unlisted"
	// Missing: a layer's blob is gone or has another size.
	Missing Kind = "missing"
	// Damaged: a blob's bytes do not match its digest.
	Damaged Kind = "damaged"
	// Compression: a blob is not compressed as its media type says.
	Compression Kind = "compression"
	// DiffID: a blob does not unpack to what the cache says, though it has its digest.
	DiffID Kind = "diff-id"
	// Unread: a blob could not be read this time. It is not known whether it is whole.
	Unread Kind = "unread"
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind Kind
	// Layer is the layer that is wrong, nil for findings about the cache as a whole.
	Layer *cache.Layer
	// Detail is what is wrong, for people.
	Detail string
	// Err is the error that was met, nil where none was.
	Err error
}

func (f Finding) blob() digest.Digest {
	if f.Layer == nil {
		return ""
	}
	return f.Layer.Descriptor.Digest
}

// about is a finding about the cache as a whole.
func about(kind Kind, err error, format string, args ...any) Finding {
	return Finding{Kind: kind, Detail: fmt.Sprintf(format, args...), Err: err}
}

// wrong is a finding about a layer.
func wrong(l cache.Layer, kind Kind, err error, format string, args ...any) *Finding {
	return &Finding{Kind: kind, Layer: &l, Detail: fmt.Sprintf(format, args...), Err: err}
}
