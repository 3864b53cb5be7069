package blob

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Ingest takes one layer as a builder hands it over. An uncompressed tar is compressed while it comes in, once for each compression
// that is wanted; a blob that is compressed already is kept as it is.
type Ingest struct {
	spool *Spool
	desc  ocispec.Descriptor
	wants []Compression
	raw   hash.Hash
	n     int64

	started bool
	outs    []*spoolFile
	unpack  *unpacker // of a compressed blob, nil for a tar
}

// Ingest opens a writer for the blob of desc, of which digest and size are known. The caller ends it with Commit or Abort.
func (s *Spool) Ingest(desc ocispec.Descriptor, wants []Compression) (*Ingest, error) {
	if err := desc.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("digest %q: %w", desc.Digest, err)
	}
	return &Ingest{spool: s, desc: desc, wants: wants, raw: newHash(desc.Digest)}, nil
}

// Write takes the next bytes.
func (in *Ingest) Write(p []byte) (int, error) {
	if !in.started && len(p) > 0 {
		if err := in.start(p); err != nil {
			return 0, err
		}
	}
	if in.n += int64(len(p)); in.n > in.desc.Size {
		return 0, fmt.Errorf("blob %s is longer than %d bytes: %w", in.desc.Digest, in.desc.Size, ErrIntegrity)
	}
	in.raw.Write(p)
	for _, out := range in.outs {
		if _, err := out.Write(p); err != nil {
			return 0, err
		}
	}
	if in.unpack != nil {
		return len(p), in.unpack.write(p)
	}
	return len(p), nil
}

// start looks at the first bytes and opens what the layer is written to.
func (in *Ingest) start(head []byte) error {
	in.started = true
	wants := in.wants
	if t := Sniff(head); t != Uncompressed {
		in.unpack = newUnpacker(t)
		wants = nil
	}
	if len(wants) == 0 {
		wants = []Compression{{Type: Uncompressed}} // the bytes as they come
	}
	for _, c := range wants {
		out, err := in.spool.create(c)
		if err != nil {
			in.Abort()
			return err
		}
		in.outs = append(in.outs, out)
	}
	return nil
}

// Commit ends the blob. It returns the layer's diffID and the forms it is held in now; the error wraps ErrIntegrity when the bytes are not
// those of the descriptor.
func (in *Ingest) Commit(context.Context) (diffID digest.Digest, forms []ocispec.Descriptor, err error) {
	defer in.Abort()
	if got := digest.NewDigest(in.desc.Digest.Algorithm(), in.raw); got != in.desc.Digest || in.n != in.desc.Size {
		return "", nil, fmt.Errorf("blob %s arrived as %s, %d of %d bytes: %w", in.desc.Digest, got, in.n, in.desc.Size, ErrIntegrity)
	}
	if in.unpack != nil {
		return in.commitBlob()
	}
	diffID = in.desc.Digest
	for _, out := range in.outs {
		desc, err := out.commit(diffID)
		if err != nil {
			return "", nil, err
		}
		forms = append(forms, desc)
	}
	return diffID, forms, nil
}

// commitBlob keeps a compressed blob under the diffID it unpacks to.
func (in *Ingest) commitBlob() (digest.Digest, []ocispec.Descriptor, error) {
	diffID, err := in.unpack.end()
	if err != nil {
		return "", nil, fmt.Errorf("blob %s: %w", in.desc.Digest, err)
	}
	desc, err := in.outs[0].commit(in.desc.Digest)
	if err != nil {
		return "", nil, err
	}
	desc.MediaType = in.unpack.kind.MediaType()
	desc.Annotations = map[string]string{uncompressedAnnotation: diffID.String()}
	return diffID, []ocispec.Descriptor{desc}, nil
}

// Abort drops what was not committed. It may be called again.
func (in *Ingest) Abort() {
	for _, out := range in.outs {
		out.abort()
	}
	if in.unpack != nil {
		_, _ = in.unpack.end()
	}
}

// unpacker finds the diffID of a compressed blob that is written to it.
type unpacker struct {
	kind   CompressionType
	pipe   *io.PipeWriter
	done   chan struct{}
	diffID digest.Digest
	err    error
}

func newUnpacker(kind CompressionType) *unpacker {
	pr, pw := io.Pipe()
	u := &unpacker{kind: kind, pipe: pw, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		h := sha256.New()
		z, err := NewDecoder(pr)
		if err == nil {
			_, err = io.Copy(h, z)
			_ = z.Close()
		}
		if err == nil {
			_, err = io.Copy(io.Discard, pr)
		}
		u.diffID, u.err = digest.NewDigest(digest.SHA256, h), err
		_ = pr.CloseWithError(err)
	}()
	return u
}

func (u *unpacker) write(p []byte) error {
	_, err := u.pipe.Write(p)
	return err
}

// end closes the blob and returns its diffID.
func (u *unpacker) end() (digest.Digest, error) {
	_ = u.pipe.Close()
	<-u.done
	return u.diffID, u.err
}
