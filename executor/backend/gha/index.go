package gha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// stallWait is how long a number that somebody has taken is waited for, before it counts as left behind by a job that ended, as in BuildKit
	// (cache/remotecache/gha, SaveMutable with 15 s).
	stallWait = 15 * time.Second
	// firstLook is the first pause between two looks for what is to appear, longestLook the longest.
	firstLook   = 250 * time.Millisecond
	longestLook = 2 * time.Second
	// visibleWait is how long the service may take to show what it has taken: its second version is not consistent at once.
	visibleWait = 30 * time.Second
	// maxSkips is how many numbers may be left behind in a row.
	maxSkips = 64
	// maxProbes bounds the search for the newest index.
	maxProbes = 1000
)

// indexKey is the key of a series of configs, for a cache's scope in one branch (BuildKit: cache/remotecache/gha, indexKey).
func indexKey(cacheScope, branch string) string {
	return "index-" + cacheScope + "-1-" + digest.FromString(branch).Encoded()[:8]
}

// index is one config of a series.
type index struct {
	*entry
	number int
	raw    []byte
	// large says that it was not read, being larger than any that is read.
	large bool
}

// root is the descriptor of an index, the zero descriptor for none.
func (x *index) root() ocispec.Descriptor {
	switch {
	case x == nil:
		return ocispec.Descriptor{}
	case x.large: // its key stands for what is in it
		return ocispec.Descriptor{MediaType: types.CacheConfigMediaTypeV0, Digest: digest.FromString(x.key), Size: cache.ConfigLimit + 1}
	}
	return ocispec.Descriptor{MediaType: types.CacheConfigMediaTypeV0, Digest: digest.FromBytes(x.raw), Size: int64(len(x.raw))}
}

// decode reads the cache.
func (x *index) decode() (*cache.Cache, error) {
	if x.large {
		return nil, fmt.Errorf("%w: it has more than %d bytes", cache.ErrTooLarge, cache.ConfigLimit)
	}
	return cache.Decode(x.raw, nil)
}

// number is the place of a key in a series. Keys do not tell upper from lower case.
func number(series, key string) (int, error) {
	prefix := series + "#"
	if len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix) {
		if n, err := strconv.ParseUint(key[len(prefix):], 10, 31); err == nil {
			return int(n), nil
		}
	}
	return 0, fmt.Errorf("the cache service answers with the entry %q when asked for %s", wire.Printable(key), series)
}

// newestEntry finds the newest config of a series; nil when there is none. The service finds the newest entry of a prefix by the second it was made in, and may show
// an entry late. So the next number is asked for too, and what this run has seen is never taken back.
func (s *service) newestEntry(ctx context.Context, series string) (*entry, int, error) {
	e, err := s.like(ctx, series+"#")
	if err != nil || e == nil {
		return nil, 0, err
	}
	n, err := number(series, e.key)
	if err != nil {
		return nil, 0, err
	}
	s.mu.Lock()
	seen := s.newest[series]
	s.mu.Unlock()
	if n < seen {
		if e, err = s.visible(ctx, fmt.Sprintf("%s#%d", series, seen)); err != nil {
			return nil, 0, err
		}
		n = seen
	}
	for range maxProbes {
		next, err := s.like(ctx, fmt.Sprintf("%s#%d", series, n+1))
		if err != nil {
			return nil, 0, err
		}
		if next == nil {
			break
		}
		m, err := number(series, next.key)
		if err != nil {
			return nil, 0, err
		}
		if m <= n {
			break
		}
		e, n = next, m
	}
	s.saw(series, n)
	return e, n, nil
}

// saw remembers the newest number of a series.
func (s *service) saw(series string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest[series] = max(s.newest[series], n)
}

// visible waits for an entry that was made.
func (s *service) visible(ctx context.Context, key string) (*entry, error) {
	for waited, pause := time.Duration(0), firstLook; ; pause = min(2*pause, longestLook) {
		e, err := s.exactly(ctx, key)
		if err != nil || e != nil {
			return e, err
		}
		if waited >= visibleWait {
			return nil, fmt.Errorf("the cache service has taken %s and does not show it after %s", key, visibleWait)
		}
		if err := s.storage.sleep(ctx, pause); err != nil {
			return nil, err
		}
		waited += pause
	}
}

// readIndex reads the newest config of a series; nil when there is none.
func (s *service) readIndex(ctx context.Context, series string) (*index, error) {
	e, n, err := s.newestEntry(ctx, series)
	if err != nil || e == nil {
		return nil, err
	}
	raw, err := s.content(ctx, e.key)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil, nil // removed since
	case errors.Is(err, cache.ErrTooLarge):
		return &index{entry: e, number: n, large: true}, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", e.key, err)
	}
	return &index{entry: e, number: n, raw: raw}, nil
}

// content reads an entry into memory. The error is cache.ErrTooLarge when it is larger than any config that is read.
func (s *service) content(ctx context.Context, key string) ([]byte, error) {
	d := &download{ctx: ctx, service: s, key: key, size: -1}
	if err := d.open(); err != nil {
		return nil, err
	}
	defer d.Close() //nolint:errcheck // read side
	if d.length > cache.ConfigLimit {
		return nil, cache.ErrTooLarge
	}
	raw, err := io.ReadAll(io.LimitReader(d, cache.ConfigLimit+1))
	if err == nil && len(raw) > cache.ConfigLimit {
		err = cache.ErrTooLarge
	}
	return raw, err
}

// publish makes raw the newest config of a series, if the newest is still the one that the caller has seen.
func (s *service) publish(ctx context.Context, series string, raw []byte, replaces ocispec.Descriptor) error {
	unlock, err := s.lock(ctx, series)
	if err != nil {
		return err
	}
	defer unlock()
	up, n, err := s.next(ctx, series, replaces)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%s#%d", series, n)
	if err := s.send(ctx, up, key, newBytes(raw), int64(len(raw))); err != nil {
		return err
	}
	if err := s.alone(ctx, key); err != nil {
		return err
	}
	if err := s.finish(ctx, up, key, int64(len(raw))); err != nil {
		return err
	}
	if _, err := s.visible(ctx, key); err != nil {
		return err
	}
	s.saw(series, n)
	// Where a key can be saved twice, another writer may have taken the same number.
	back, err := s.content(ctx, key)
	if err != nil {
		return fmt.Errorf("read %s back: %w", key, err)
	}
	if !bytes.Equal(back, raw) {
		return backend.ErrConflict
	}
	return nil
}

// next reserves the number after the newest config, which must be the one that the caller has seen. A number that somebody else has taken is
// waited for: when it appears, that is a conflict; when it does not, it is left out.
func (s *service) next(ctx context.Context, series string, replaces ocispec.Descriptor) (upload, int, error) {
	for waited, pause := time.Duration(0), firstLook; ; pause = min(2*pause, longestLook) {
		cur, err := s.readIndex(ctx, series)
		if err != nil {
			return nil, 0, err
		}
		if cur.root().Digest != replaces.Digest {
			return nil, 0, backend.ErrConflict
		}
		n := 1
		if cur != nil {
			n = cur.number + 1
		}
		tries := 1
		if waited >= stallWait {
			tries = maxSkips
		}
		for ; tries > 0; tries, n = tries-1, n+1 {
			up, err := s.reserve(ctx, fmt.Sprintf("%s#%d", series, n))
			if err == nil {
				return up, n, nil
			}
			if !errors.Is(err, errTaken) {
				return nil, 0, fmt.Errorf("reserve %s#%d: %w", series, n, err)
			}
		}
		if waited >= stallWait {
			return nil, 0, fmt.Errorf("%w: %s and the %d numbers before it were reserved by jobs that did not finish", errTaken, series, maxSkips)
		}
		if err := s.storage.sleep(ctx, pause); err != nil {
			return nil, 0, err
		}
		waited += pause
	}
}
