package bucket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// stalling is a service with one object, whose answers stand still after so many bytes, the first of them for ever.
type stalling struct {
	Service
	raw    []byte
	after  int
	stalls atomic.Int64
}

func (s *stalling) BlobKey(d digest.Digest) string { return d.String() }

func (s *stalling) Get(ctx context.Context, _ string, from int64, tag string) (io.ReadCloser, Object, error) {
	if from > 0 && tag != "first" {
		return nil, Object{}, errors.New("carried on without the object's tag")
	}
	rest := s.raw[from:]
	if s.stalls.Add(-1) >= 0 {
		rest = rest[:min(s.after, len(rest))]
		return io.NopCloser(io.MultiReader(bytes.NewReader(rest), standing{ctx})), Object{Size: int64(len(s.raw)), Tag: "first"}, nil
	}
	return io.NopCloser(bytes.NewReader(rest)), Object{Size: int64(len(s.raw)), Tag: "first"}, nil
}

// standing gives nothing until its request ends.
type standing struct{ ctx context.Context }

func (s standing) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestAReadThatStandsStillIsCarriedOn(t *testing.T) {
	defer func(d time.Duration) { idleTimeout = d }(idleTimeout)
	idleTimeout = 50 * time.Millisecond
	raw := bytes.Repeat([]byte("bytes"), 1000)
	desc := ocispec.Descriptor{Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	for name, c := range map[string]struct {
		stalls int64
		after  int
		whole  bool
	}{"twice": {2, 1000, true}, "always, with nothing between": {1 << 30, 0, false}} {
		t.Run(name, func(t *testing.T) {
			s := &stalling{raw: raw, after: c.after}
			s.stalls.Store(c.stalls)
			rc, err := newStore(s).Fetch(t.Context(), desc)
			if err != nil {
				t.Fatal(err)
			}
			defer rc.Close()
			got, err := io.ReadAll(rc)
			if c.whole && (err != nil || !bytes.Equal(got, raw)) {
				t.Errorf("%d of %d bytes, %v", len(got), len(raw), err)
			}
			if !c.whole && (!errors.Is(err, blob.ErrIntegrity) || !errors.Is(err, wire.ErrIdle) || errors.Is(err, context.Canceled)) {
				t.Errorf("got %v, want one that says that it stood still", err)
			}
		})
	}
}

func TestARunThatEndsEndsItsReads(t *testing.T) {
	s := &stalling{raw: []byte("some bytes"), after: 3}
	s.stalls.Store(1 << 30)
	ctx, cancel := context.WithCancel(t.Context())
	rc, err := newStore(s).Fetch(ctx, ocispec.Descriptor{Digest: digest.FromString("some bytes"), Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := io.ReadAll(rc); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
