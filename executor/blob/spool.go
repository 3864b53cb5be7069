package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Spool is where layers wait on disk between build and publication: each in the compressions it is wanted in, each made once. It is a
// Fetcher for what it holds.
type Spool struct {
	dir string

	mu    sync.Mutex
	forms map[form]ocispec.Descriptor
	busy  map[form]chan struct{}
}

// form is a layer in a compression.
type form struct {
	diffID      digest.Digest
	compression string
}

// NewSpool makes a spool in a new directory under dir, "" for the system's. Close removes it.
func NewSpool(dir string) (*Spool, error) {
	tmp, err := os.MkdirTemp(dir, "cachectl-layers-")
	if err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	return &Spool{dir: tmp, forms: map[form]ocispec.Descriptor{}, busy: map[form]chan struct{}{}}, nil
}

// Close removes everything.
func (s *Spool) Close() error { return os.RemoveAll(s.dir) }

// Fetch opens a blob that the spool holds.
func (s *Spool) Fetch(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	f, err := os.Open(s.path(desc.Digest))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return Verify(f, desc), nil
}

func (s *Spool) path(d digest.Digest) string {
	return filepath.Join(s.dir, d.Algorithm().String()+"-"+d.Encoded())
}

// Made returns the layer diffID in the compression c if the spool has made it already.
func (s *Spool) Made(diffID digest.Digest, c Compression) (ocispec.Descriptor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	desc, ok := s.forms[form{diffID, c.String()}]
	return desc, ok
}

// Transcode returns the layer diffID in the compression c, made from its blob desc in src unless the spool has it. It fails with
// ErrIntegrity when the blob does not unpack to diffID.
func (s *Spool) Transcode(ctx context.Context, desc ocispec.Descriptor, diffID digest.Digest, src Fetcher, c Compression) (ocispec.Descriptor, error) {
	key := form{diffID, c.String()}
	for {
		s.mu.Lock()
		if have, ok := s.forms[key]; ok {
			s.mu.Unlock()
			return have, nil
		}
		wait, busy := s.busy[key]
		if !busy {
			s.busy[key] = make(chan struct{})
			s.mu.Unlock()
			break
		}
		s.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ocispec.Descriptor{}, context.Cause(ctx)
		}
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.busy[key])
		delete(s.busy, key)
	}()
	return s.transcode(ctx, desc, diffID, src, c)
}

func (s *Spool) transcode(ctx context.Context, desc ocispec.Descriptor, diffID digest.Digest, src Fetcher, c Compression) (ocispec.Descriptor, error) {
	in, err := src.Fetch(ctx, desc)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer in.Close() //nolint:errcheck // read side
	tar, err := NewDecoder(in)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer tar.Close() //nolint:errcheck // read side
	out, err := s.create(c)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer out.abort()
	if _, err := io.Copy(out, WithContext(ctx, tar)); err != nil {
		return ocispec.Descriptor{}, err
	}
	// The rest of the blob, so that its digest is checked to the end.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return ocispec.Descriptor{}, err
	}
	return out.commit(diffID)
}

// create opens a layer for writing in one compression.
func (s *Spool) create(c Compression) (*spoolFile, error) {
	f, err := os.CreateTemp(s.dir, "part-")
	if err != nil {
		return nil, err
	}
	enc, err := NewEncoder(f, c)
	if err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil, err
	}
	return &spoolFile{Encoder: enc, spool: s, file: f, compression: c}, nil
}

// spoolFile is a layer being written.
type spoolFile struct {
	*Encoder
	spool       *Spool
	file        *os.File
	compression Compression
	ended       bool
}

// commit makes the layer available if it is the one expected.
func (f *spoolFile) commit(expected digest.Digest) (ocispec.Descriptor, error) {
	f.ended = true
	desc, diffID, err := f.Close()
	if err == nil && diffID != expected {
		err = fmt.Errorf("layer %s unpacks to %s: %w", expected, diffID, ErrIntegrity)
	}
	if cerr := f.file.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.file.Name(), f.spool.path(desc.Digest))
	}
	if err != nil {
		_ = os.Remove(f.file.Name())
		return ocispec.Descriptor{}, err
	}
	f.spool.mu.Lock()
	defer f.spool.mu.Unlock()
	f.spool.forms[form{expected, f.compression.String()}] = desc
	return desc, nil
}

// abort drops the layer if it was not committed.
func (f *spoolFile) abort() {
	if f.ended {
		return
	}
	f.ended = true
	_, _, _ = f.Close()
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}
