package gha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// blobPrefix starts the keys of layers (BuildKit: cache/remotecache/gha, blobKeyPrefix).
	blobPrefix = "buildkit-blob-1-"
	// inMemory is how large a layer may be that waits in memory until it is whole.
	inMemory = 4 << 20
	// resumes is how often a download that breaks off without having moved anything is carried on. One that makes progress starts to count anew.
	resumes = 4
	// takenWait is how long a layer whose key somebody else has reserved is waited for.
	takenWait = time.Minute
)

func blobKey(d digest.Digest) string { return blobPrefix + d.String() }

func newBytes(raw []byte) io.ReaderAt { return bytes.NewReader(raw) }

// Has tells whether a layer is there with its size; see blob.Pusher.
func (s *service) Has(ctx context.Context, desc ocispec.Descriptor) (bool, error) {
	s.listing.Do(func() { s.list(ctx) })
	s.mu.Lock()
	size, ok := s.held[desc.Digest]
	all := s.all
	s.mu.Unlock()
	if ok || all {
		return ok && size == desc.Size, nil
	}
	e, err := s.exactly(ctx, blobKey(desc.Digest))
	if err != nil || e == nil {
		return false, err
	}
	size, err = s.size(ctx, e)
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for blob %s: %w", desc.Digest, err)
	}
	s.note(desc.Digest, size)
	return size == desc.Size, nil
}

// note remembers that a layer is there.
func (s *service) note(d digest.Digest, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[d] = size
}

// forget forgets which layers are there, so that they are looked for again.
func (s *service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.held)
	s.all = false
}

// Push stores a layer; see blob.Pusher. What is read is verified before the key is taken: it could not be given back.
func (s *service) Push(ctx context.Context, desc ocispec.Descriptor, open blob.Opener) error {
	key := blobKey(desc.Digest)
	unlock, err := s.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	if has, err := s.Has(ctx, desc); err != nil || has {
		return err
	}
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	content, done, err := s.whole(ctx, blob.Verify(rc, desc), desc.Size)
	_ = rc.Close()
	if err != nil {
		return err
	}
	defer done()
	up, err := s.reserve(ctx, key)
	if errors.Is(err, errTaken) {
		return s.await(ctx, desc)
	}
	if err != nil {
		return fmt.Errorf("reserve %s: %w", key, err)
	}
	if err := s.fill(ctx, up, key, content, desc.Size); err != nil {
		return err
	}
	s.note(desc.Digest, desc.Size)
	return nil
}

// await waits for a layer that somebody else is writing.
func (s *service) await(ctx context.Context, desc ocispec.Descriptor) error {
	key := blobKey(desc.Digest)
	limit := min(takenWait, s.timeout)
	for waited, pause := time.Duration(0), firstLook; ; pause = min(2*pause, longestLook) {
		e, err := s.exactly(ctx, key)
		if err != nil {
			return err
		}
		if e != nil {
			size, err := s.size(ctx, e)
			if err != nil {
				return err
			}
			if size != desc.Size {
				return fmt.Errorf("the cache service holds %d bytes under %s, not %d: %w; delete that entry", size, key, desc.Size, blob.ErrIntegrity)
			}
			s.note(desc.Digest, size)
			return nil
		}
		if waited >= limit {
			return fmt.Errorf("%w: %s was reserved by another job, which has not finished it within %s; if that job was ended, the key stays taken until GitHub removes it", errTaken, key, limit)
		}
		if err := s.storage.sleep(ctx, pause); err != nil {
			return err
		}
		waited += pause
	}
}

// size asks storage how large an entry is.
func (s *service) size(ctx context.Context, e *entry) (int64, error) {
	resp, err := s.storage.do(ctx, request{method: http.MethodGet, url: e.url, header: http.Header{"Range": {"bytes=0-0"}}})
	if err != nil {
		return 0, err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent {
		return resp.ContentLength, nil
	}
	_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
	n, err := strconv.ParseInt(total, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("storage answers with the range %q", wire.Printable(resp.Header.Get("Content-Range")))
	}
	return n, nil
}

// Fetch opens a layer; see blob.Fetcher.
func (s *service) Fetch(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	d := &download{ctx: ctx, service: s, key: blobKey(desc.Digest), size: desc.Size}
	if err := d.open(); err != nil {
		return nil, fmt.Errorf("blob %s: %w", desc.Digest, err)
	}
	return blob.Verify(d, desc), nil
}

// download reads an entry and, when the connection breaks, opens it again at the byte that is next.
type download struct {
	ctx     context.Context
	service *service
	key     string
	// size is how large the entry is, -1 if that is not known.
	size int64
	// length is what storage says is left from the offset it was opened at, -1 if it does not say.
	length int64
	body   io.ReadCloser
	offset int64
	failed int
	err    error
}

// open opens the entry at the offset. Its address is asked for each time: addresses expire.
func (d *download) open() error {
	e, err := d.service.exactly(d.ctx, d.key)
	if err != nil {
		return err
	}
	if e == nil {
		return blob.ErrNotFound
	}
	r := request{method: http.MethodGet, url: e.url}
	if d.offset > 0 {
		r.header = http.Header{"Range": {fmt.Sprintf("bytes=%d-", d.offset)}}
	}
	resp, err := d.service.storage.do(d.ctx, r)
	if err != nil {
		return err
	}
	if d.offset > 0 && (resp.StatusCode != http.StatusPartialContent || !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", d.offset))) {
		_ = resp.Body.Close()
		return errors.New("storage does not carry on where it is asked to")
	}
	d.body, d.length = resp.Body, resp.ContentLength
	return nil
}

func (d *download) Read(p []byte) (int, error) {
	for d.err == nil {
		n, err := d.body.Read(p)
		if d.offset += int64(n); n > 0 {
			d.failed = 0
		}
		if err == nil || n > 0 {
			return n, nil // a failure is met again by the next read
		}
		if d.err = d.resume(err); d.err == nil {
			continue
		}
	}
	return 0, d.err
}

// resume carries on after err; it returns what the reader is told when there is no way to.
func (d *download) resume(err error) error {
	ended := errors.Is(err, io.EOF)
	short := ended && d.size >= 0 && d.offset < d.size
	switch cause := context.Cause(d.ctx); {
	case cause != nil:
		return cause
	case ended && !short:
		return io.EOF
	case !short && !wire.Temporary(err):
		return err
	}
	if d.failed++; d.failed > resumes {
		return fmt.Errorf("%s broke off at byte %d of %d: %w: %w", d.key, d.offset, d.size, io.ErrUnexpectedEOF, blob.ErrIntegrity)
	}
	_ = d.body.Close()
	d.body = http.NoBody
	if err := d.service.storage.sleep(d.ctx, wire.FirstPause<<(d.failed-1)); err != nil {
		return err
	}
	if err := d.open(); err != nil {
		return fmt.Errorf("carry on at byte %d: %w", d.offset, err)
	}
	return nil
}

func (d *download) Close() error { return d.body.Close() }
