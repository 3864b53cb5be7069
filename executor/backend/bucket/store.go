package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Store is the layers of a bucket. It is a blob.Fetcher.
type Store struct {
	service Service

	mu sync.Mutex
	// known are the layers that were found, wrong those that were found to have other bytes.
	known map[digest.Digest]Object
	wrong map[digest.Digest]bool
	turns map[string]chan struct{}

	asked       sync.Mutex
	conditional *bool
}

func newStore(s Service) *Store {
	return &Store{service: s, known: map[digest.Digest]Object{}, wrong: map[digest.Digest]bool{}, turns: map[string]chan struct{}{}}
}

// Service is what the store was made with.
func (s *Store) Service() Service { return s.service }

// has tells whether a layer is there with its size. What was found once is not looked for again in this run.
func (s *Store) has(ctx context.Context, desc ocispec.Descriptor) (bool, error) {
	s.mu.Lock()
	obj, known := s.known[desc.Digest]
	wrong := s.wrong[desc.Digest]
	s.mu.Unlock()
	if known || wrong {
		return known && obj.Size == desc.Size, nil
	}
	obj, err := s.service.Stat(ctx, s.service.BlobKey(desc.Digest))
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err != nil || obj.Size != desc.Size {
		return false, err
	}
	s.note(desc.Digest, obj)
	return true, nil
}

func (s *Store) note(d digest.Digest, obj Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.wrong, d)
	s.known[d] = obj
}

// noteWrong remembers that the bytes under a digest are others, so that the layer is pushed again rather than taken for present.
func (s *Store) noteWrong(d digest.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, d)
	s.wrong[d] = true
}

// forget drops what is known, so that it is looked for again.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
	clear(s.wrong)
}

// Fetch opens a layer; see blob.Fetcher. A connection that breaks is carried on where it broke.
func (s *Store) Fetch(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	key := s.service.BlobKey(desc.Digest)
	body, obj, err := s.get(ctx, key, 0, "")
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, err)
	}
	if obj.Size >= 0 && obj.Size != desc.Size {
		_ = body.Close()
		s.noteWrong(desc.Digest)
		return nil, fmt.Errorf("blob %s has %d bytes, want %d: %w", desc.Digest, obj.Size, desc.Size, blob.ErrIntegrity)
	}
	r := &resumable{ctx: ctx, body: body, size: desc.Size, open: func(from int64) (io.ReadCloser, error) {
		body, _, err := s.get(ctx, key, from, obj.Tag)
		return body, err
	}}
	return &judge{ReadCloser: blob.Verify(r, desc), wrong: func() { s.noteWrong(desc.Digest) }}, nil
}

// judge tells when what was read is not what it should be.
type judge struct {
	io.ReadCloser
	wrong func()
}

func (j *judge) Read(p []byte) (int, error) {
	n, err := j.ReadCloser.Read(p)
	if errors.Is(err, blob.ErrIntegrity) {
		j.wrong()
	}
	return n, err
}

// pusher writes layers to a store, so many at once. It is a blob.Pusher and a blob.Fetcher.
type pusher struct {
	*Store
	slots chan struct{}
}

// Has tells whether a layer is there with its size; see blob.Pusher.
func (p *pusher) Has(ctx context.Context, desc ocispec.Descriptor) (bool, error) {
	return p.has(ctx, desc)
}

// Push uploads a layer; see blob.Pusher.
func (p *pusher) Push(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	p.mu.Lock()
	obj, known := p.known[desc.Digest]
	p.mu.Unlock()
	if known && obj.Size == desc.Size {
		return nil
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	defer rc.Close() //nolint:errcheck // read side
	if err := p.service.Upload(ctx, p.service.BlobKey(desc.Digest), desc.Size, blob.Verify(rc, desc)); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	p.note(desc.Digest, Object{Size: desc.Size, Modified: now()})
	return nil
}

// turn waits until nobody else in this run writes a name. The caller calls release.
func (s *Store) turn(ctx context.Context, key string) (release func(), err error) {
	s.mu.Lock()
	turn := s.turns[key]
	if turn == nil {
		turn = make(chan struct{}, 1)
		s.turns[key] = turn
	}
	s.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// heedsConditions asks the service once whether it heeds conditions.
func (s *Store) heedsConditions(ctx context.Context) (bool, error) {
	s.asked.Lock()
	defer s.asked.Unlock()
	if s.conditional == nil {
		heeds, err := s.service.Conditional(ctx)
		if err != nil {
			return false, err
		}
		s.conditional = &heeds
	}
	return *s.conditional, nil
}
