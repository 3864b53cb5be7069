package blob

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"runtime"
	"strconv"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// gzipBlock is what pgzip compresses at a time. The output depends on it, so it must not change with the machine.
const gzipBlock = 1 << 20

// uncompressedAnnotation is the diffID of a layer's descriptor.
const uncompressedAnnotation = "containerd.io/uncompressed"

// Encoder compresses one layer while it is written. Equal input and compression give equal bytes, whatever the sizes of the writes and
// the number of cores.
type Encoder struct {
	compression Compression
	input       hash.Hash
	output      *hashWriter
	compressor  io.WriteCloser
	finish      func(desc *ocispec.Descriptor) error
}

// NewEncoder returns an Encoder that writes the compressed layer to w. The caller calls Close to end it, in success and in failure.
func NewEncoder(w io.Writer, c Compression) (*Encoder, error) {
	e := &Encoder{compression: c, input: sha256.New(), output: &hashWriter{w: w, hash: sha256.New()}}
	var err error
	switch c.Type {
	case Uncompressed:
		e.compressor = nopCloser{e.output}
	case Gzip:
		e.compressor, err = newGzip(e.output, c.Level)
	case Zstd:
		e.compressor, err = newZstd(e.output, c.Level)
	case EStargz:
		s := newStargz(e.output, c.Level)
		e.compressor, e.finish = s, s.describe
	default:
		err = fmt.Errorf("compression %q does not exist", c.Type)
	}
	return e, err
}

// Write compresses p.
func (e *Encoder) Write(p []byte) (int, error) {
	e.input.Write(p)
	return e.compressor.Write(p)
}

// Close ends the layer and returns its descriptor, with OCI media type and the annotations that belong to the compression. The
// diffID is the digest of what was written; an eStargz layer has one more file in it than the tar it is made of and therefore a
// diffID of its own, which is in its annotations.
func (e *Encoder) Close() (desc ocispec.Descriptor, diffID digest.Digest, err error) {
	if err := e.compressor.Close(); err != nil {
		return desc, "", fmt.Errorf("compress as %s: %w", e.compression.Type, err)
	}
	diffID = digest.NewDigest(digest.SHA256, e.input)
	desc = ocispec.Descriptor{
		MediaType: e.compression.Type.MediaType(), Digest: digest.NewDigest(digest.SHA256, e.output.hash), Size: e.output.n,
		Annotations: map[string]string{uncompressedAnnotation: diffID.String()},
	}
	if e.finish != nil {
		if err := e.finish(&desc); err != nil {
			return desc, "", err
		}
	}
	return desc, diffID, nil
}

func newGzip(w io.Writer, level *int) (io.WriteCloser, error) {
	l := 6
	if level != nil {
		l = *level
	}
	z, err := pgzip.NewWriterLevel(w, l)
	if err != nil {
		return nil, err
	}
	return z, z.SetConcurrency(gzipBlock, max(2, runtime.GOMAXPROCS(0)))
}

// newZstd maps levels as BuildKit does (util/compression/zstd.go, toZstdEncoderLevel).
func newZstd(w io.Writer, level *int) (io.WriteCloser, error) {
	l := zstd.SpeedDefault
	if level != nil {
		switch {
		case *level < 3:
			l = zstd.SpeedFastest
		case *level < 6:
			l = zstd.SpeedDefault
		case *level < 10:
			l = zstd.SpeedBetterCompression
		default:
			l = zstd.SpeedBestCompression
		}
	}
	return zstd.NewWriter(w, zstd.WithEncoderLevel(l), zstd.WithEncoderConcurrency(max(2, runtime.GOMAXPROCS(0))))
}

// stargz writes eStargz as BuildKit does (util/compression/estargz.go): lossless, so that the tar can be had back.
type stargz struct {
	pipe   *io.PipeWriter
	done   chan struct{}
	err    error
	toc    digest.Digest
	diffID digest.Digest
	size   int64
}

func newStargz(w io.Writer, level *int) *stargz {
	l := -1
	if level != nil {
		l = *level
	}
	pr, pw := io.Pipe()
	s := &stargz{pipe: pw, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = s.run(w, pr, l)
		_ = pr.CloseWithError(s.err)
	}()
	return s
}

// run compresses r into w and unpacks the result on the side, for its diffID and size.
func (s *stargz) run(w io.Writer, r io.Reader, level int) error {
	back, out := io.Pipe()
	unpacked := make(chan error, 1)
	go func() {
		unpacked <- s.unpack(back)
	}()
	err := func() error {
		z := estargz.NewWriterLevel(io.MultiWriter(w, out), level)
		if err := z.AppendTarLossLess(r); err != nil {
			return err
		}
		toc, err := z.Close()
		s.toc = toc
		return err
	}()
	_ = out.CloseWithError(err)
	if uerr := <-unpacked; err == nil {
		err = uerr
	}
	return err
}

func (s *stargz) unpack(r *io.PipeReader) error {
	h := sha256.New()
	z, err := NewDecoder(r)
	if err == nil {
		s.size, err = io.Copy(h, z)
		_ = z.Close()
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	_ = r.CloseWithError(err)
	s.diffID = digest.NewDigest(digest.SHA256, h)
	return err
}

func (s *stargz) Write(p []byte) (int, error) { return s.pipe.Write(p) }

// Close waits until all is written.
func (s *stargz) Close() error {
	_ = s.pipe.Close()
	<-s.done
	return s.err
}

func (s *stargz) describe(desc *ocispec.Descriptor) error {
	desc.Annotations[estargz.TOCJSONDigestAnnotation] = s.toc.String()
	desc.Annotations[estargz.StoreUncompressedSizeAnnotation] = strconv.FormatInt(s.size, 10)
	desc.Annotations[uncompressedAnnotation] = s.diffID.String()
	return nil
}

// hashWriter hashes and counts what it passes on.
type hashWriter struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (h *hashWriter) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	h.hash.Write(p[:n])
	h.n += int64(n)
	return n, err
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
