package fingerprint

import (
	"fmt"
	"hash"

	digest "github.com/opencontainers/go-digest"
)

// hasher digests what is written to it in words.
type hasher struct{ sum hash.Hash }

func newHasher() *hasher { return &hasher{sum: digest.Canonical.Hash()} }

func (h *hasher) add(format string, args ...any) {
	_, _ = fmt.Fprintf(h.sum, format, args...) // a hash never fails
}

func (h *hasher) digest() digest.Digest { return digest.NewDigest(digest.Canonical, h.sum) }
