package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// resumes is how often a transfer that breaks off without having moved anything is carried on. One that makes progress starts to count anew.
const resumes = 4

// resumable reads a blob and, when the connection breaks, opens it again at the byte that is next.
type resumable struct {
	ctx    context.Context
	repo   *repository
	desc   ocispec.Descriptor
	body   io.ReadCloser
	offset int64
	failed int
}

func (b *resumable) Read(p []byte) (int, error) {
	for {
		n, err := b.body.Read(p)
		if b.offset += int64(n); n > 0 {
			b.failed = 0
		}
		short := err == io.EOF && b.offset < b.desc.Size
		if err == nil || (err == io.EOF && !short) {
			return n, err
		}
		if cause := context.Cause(b.ctx); cause != nil {
			return n, cause
		}
		if n > 0 {
			// What was read is handed over first; the next read meets the failure again, or the reader after it.
			b.body = failing{b.body, err}
			return n, nil
		}
		if !short && !b.repo.host.retry.passes(err) {
			return 0, err
		}
		if b.failed++; b.failed > resumes {
			return 0, fmt.Errorf("blob %s broke off at byte %d of %d: %w: %w", b.desc.Digest, b.offset, b.desc.Size, io.ErrUnexpectedEOF, blob.ErrIntegrity)
		}
		if err := b.reopen(); err != nil {
			return 0, err
		}
	}
}

func (b *resumable) reopen() error {
	_ = b.body.Close()
	b.body = io.NopCloser(eof{})
	if err := b.repo.host.retry.sleep(b.ctx, wire.Backoff(b.failed)); err != nil {
		return err
	}
	body, err := b.repo.get(b.ctx, b.desc, b.offset)
	if err != nil {
		return fmt.Errorf("carry on at byte %d: %w", b.offset, err)
	}
	b.body = body
	return nil
}

func (b *resumable) Close() error { return b.body.Close() }

// failing gives an error that was met before.
type failing struct {
	io.Closer
	err error
}

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// watched tells when a blob turns out to be damaged.
type watched struct {
	io.ReadCloser
	wrong func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && errors.Is(err, blob.ErrIntegrity) {
		w.wrong()
	}
	return n, err
}
