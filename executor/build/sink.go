package build

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// documentLimit bounds what is kept in memory of an export: its cache config and its manifest.
const documentLimit = 64 << 20

// Receiver takes the layers of a cache export. Its methods are called from many goroutines.
type Receiver interface {
	// Held tells whether the blob's bytes need not be handed over, because every place they are wanted in has or can get them. It
	// must not wait: it is asked while a writer for the same blob is open.
	Held(ctx context.Context, dgst digest.Digest) (bool, error)
	// Receive opens a writer for a blob; nil without an error means that it is held by now. The writer's Commit fails unless the bytes match desc's digest and size;
	// Abort may be called at any time and drops what is not committed.
	Receive(ctx context.Context, desc ocispec.Descriptor) (LayerWriter, error)
}

// LayerWriter takes the bytes of one layer.
type LayerWriter interface {
	io.Writer
	Commit(ctx context.Context) error
	Abort()
}

// Sink is the content store that BuildKit's local cache exporter writes to over the session. Layers go to a Receiver, the cache config and
// the manifest are kept. It is for one solve.
//
// The exporter names each blob's digest and size before it sends a byte, and takes "already exists" for an answer
// (BuildKit: cache/remotecache/export.go; containerd: plugins/services/content/contentserver).
type Sink struct {
	content.Store // nil: the methods of a store that an export does not call
	receiver      Receiver

	mu        sync.Mutex
	documents map[digest.Digest][]byte
}

// NewSink returns a Sink that hands layers to r.
func NewSink(r Receiver) *Sink {
	return &Sink{receiver: r, documents: map[digest.Digest][]byte{}}
}

// Document returns the cache config or manifest with the digest; nil if the export did not write it.
func (s *Sink) Document(dgst digest.Digest) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.documents[dgst]
}

// Info answers that a blob exists exactly when its bytes need not be sent.
func (s *Sink) Info(ctx context.Context, dgst digest.Digest) (content.Info, error) {
	if dt := s.Document(dgst); dt != nil {
		return content.Info{Digest: dgst, Size: int64(len(dt))}, nil
	}
	held, err := s.receiver.Held(ctx, dgst)
	if err != nil {
		return content.Info{}, err
	}
	if !held {
		return content.Info{}, fmt.Errorf("blob %s: %w", dgst, errdefs.ErrNotFound)
	}
	return content.Info{Digest: dgst}, nil
}

// Writer opens a blob for writing; ErrAlreadyExists means that its bytes need not be sent.
func (s *Sink) Writer(ctx context.Context, opts ...content.WriterOpt) (content.Writer, error) {
	var w content.WriterOpts
	for _, o := range opts {
		if err := o(&w); err != nil {
			return nil, err
		}
	}
	if err := w.Desc.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("blob without a valid digest: %w", errdefs.ErrInvalidArgument)
	}
	if w.Ref == w.Desc.Digest.String() {
		// The exporter's own documents are written under their bare digest, layers under a prefixed one.
		return &sinkWriter{ref: w.Ref, desc: w.Desc, started: time.Now(), layer: &document{sink: s, desc: w.Desc}}, nil
	}
	layer, err := s.receiver.Receive(ctx, w.Desc)
	if err != nil {
		return nil, err
	}
	if layer == nil {
		return nil, fmt.Errorf("blob %s: %w", w.Desc.Digest, errdefs.ErrAlreadyExists)
	}
	return &sinkWriter{ref: w.Ref, desc: w.Desc, started: time.Now(), layer: layer}, nil
}

// Abort is called after an ingestion was given up; its writer has been closed by then.
func (s *Sink) Abort(context.Context, string) error { return nil }

// Status knows of no ingestion that could be resumed.
func (s *Sink) Status(_ context.Context, ref string) (content.Status, error) {
	return content.Status{}, fmt.Errorf("ingest %s: %w", ref, errdefs.ErrNotFound)
}

// Update accepts labels and keeps none.
func (s *Sink) Update(_ context.Context, info content.Info, _ ...string) (content.Info, error) {
	return info, nil
}

// sinkWriter is one blob on its way in.
type sinkWriter struct {
	ref     string
	desc    ocispec.Descriptor
	started time.Time
	layer   LayerWriter
	offset  int64
	done    bool
}

func (w *sinkWriter) Write(p []byte) (int, error) {
	if w.offset+int64(len(p)) > w.desc.Size && w.desc.Size > 0 {
		return 0, fmt.Errorf("blob %s is longer than its %d bytes: %w", w.desc.Digest, w.desc.Size, errdefs.ErrInvalidArgument)
	}
	n, err := w.layer.Write(p)
	w.offset += int64(n)
	return n, err
}

func (w *sinkWriter) Digest() digest.Digest { return w.desc.Digest }

func (w *sinkWriter) Commit(ctx context.Context, _ int64, _ digest.Digest, _ ...content.Opt) error {
	w.done = true
	return w.layer.Commit(ctx)
}

func (w *sinkWriter) Close() error {
	if !w.done {
		w.done = true
		w.layer.Abort()
	}
	return nil
}

func (w *sinkWriter) Status() (content.Status, error) {
	return content.Status{Ref: w.ref, Offset: w.offset, Total: w.desc.Size, Expected: w.desc.Digest, StartedAt: w.started, UpdatedAt: w.started}, nil
}

// Truncate is only ever needed to start over, which the exporter does with a new writer.
func (w *sinkWriter) Truncate(size int64) error {
	if size == w.offset {
		return nil
	}
	return fmt.Errorf("blob %s: resume at %d: %w", w.desc.Digest, size, errdefs.ErrUnavailable)
}

// document is a cache config or manifest on its way in.
type document struct {
	sink *Sink
	desc ocispec.Descriptor
	buf  bytes.Buffer
}

func (d *document) Write(p []byte) (int, error) {
	if d.buf.Len()+len(p) > documentLimit {
		return 0, fmt.Errorf("cache document %s is larger than %d bytes: %w", d.desc.Digest, documentLimit, errdefs.ErrOutOfRange)
	}
	return d.buf.Write(p)
}

func (d *document) Commit(context.Context) error {
	if got := digest.FromBytes(d.buf.Bytes()); got != d.desc.Digest {
		return fmt.Errorf("cache document %s arrived as %s: %w", d.desc.Digest, got, errdefs.ErrFailedPrecondition)
	}
	d.sink.mu.Lock()
	defer d.sink.mu.Unlock()
	d.sink.documents[d.desc.Digest] = d.buf.Bytes()
	return nil
}

func (d *document) Abort() {}
