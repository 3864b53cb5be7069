package blob

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Verify returns a reader over r that ends with an error wrapping ErrIntegrity instead of io.EOF unless the bytes match desc's size and
// digest, and that returns at most desc.Size bytes. Closing it closes r. desc.Digest must be valid.
func Verify(r io.ReadCloser, desc ocispec.Descriptor) io.ReadCloser {
	return &verifier{ReadCloser: r, desc: desc, hash: newHash(desc.Digest), left: desc.Size}
}

func newHash(d digest.Digest) hash.Hash {
	if d.Algorithm() == digest.SHA512 {
		return sha512.New()
	}
	return sha256.New()
}

type verifier struct {
	io.ReadCloser
	desc ocispec.Descriptor
	hash hash.Hash
	left int64
	err  error
}

func (v *verifier) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	if v.left == 0 {
		v.err = v.atEnd()
		return 0, v.err
	}
	if int64(len(p)) > v.left {
		p = p[:v.left]
	}
	n, err := v.ReadCloser.Read(p)
	v.hash.Write(p[:n])
	v.left -= int64(n)
	switch {
	case err == io.EOF && v.left > 0:
		v.err = fmt.Errorf("blob %s ended %d bytes short of %d: %w", v.desc.Digest, v.left, v.desc.Size, ErrIntegrity)
	case err == io.EOF || (err == nil && v.left == 0):
		// Whether more follows and whether the digest is right is told by the next Read.
	case err != nil:
		v.err = err
	}
	return n, v.err
}

// atEnd checks that nothing follows and that the digest matches.
func (v *verifier) atEnd() error {
	var one [1]byte
	for {
		n, err := v.ReadCloser.Read(one[:])
		if n > 0 {
			return fmt.Errorf("blob %s is longer than %d bytes: %w", v.desc.Digest, v.desc.Size, ErrIntegrity)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.desc.Digest.Encoded() {
		return fmt.Errorf("blob %s has digest %s: %w", v.desc.Digest, got, ErrIntegrity)
	}
	return io.EOF
}
