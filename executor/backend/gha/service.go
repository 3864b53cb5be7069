package gha

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	actionscache "github.com/tonistiigi/go-actions-cache"
	"golang.org/x/sync/errgroup"
)

const (
	// requestsAtOnce is how many requests a run has under way to one service, besides those that move bytes.
	requestsAtOnce = 16
	// partsAtOnce is how many parts of one entry are sent at once.
	partsAtOnce = 4
)

// Options says how services are spoken to. The zero Options are usable.
type Options struct {
	// TempDir is where layers wait until they are known to be whole; "" is the system's.
	TempDir string
	// Logger takes what is of use when something is wrong; nil drops it.
	Logger *slog.Logger
	// Transport sends the requests; nil is a transport of net/http with the environment's proxies.
	Transport http.RoundTripper
}

// Services are the cache services that a run speaks to: all its steps share one connection, one pause and one memory for each.
type Services struct {
	opt  Options
	idle func()
	// standstill and sleep are what clients are made with.
	standstill time.Duration
	sleep      func(context.Context, time.Duration) error

	mu   sync.Mutex
	open map[settings]*service
}

// NewServices makes the services of a run. The caller closes them.
func NewServices(opt Options) *Services {
	s := &Services{opt: opt, open: map[settings]*service{}, idle: func() {}, standstill: wire.IdleTimeout, sleep: wire.Sleep}
	if opt.Transport == nil {
		t := &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: requestsAtOnce, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: 5 * time.Minute,
		}
		s.opt.Transport, s.idle = t, t.CloseIdleConnections
	}
	if opt.Logger == nil {
		s.opt.Logger = slog.New(slog.DiscardHandler)
	}
	return s
}

// Close ends the connections that are idle.
func (s *Services) Close() { s.idle() }

// service is one cache service as one token sees it.
type service struct {
	settings
	protocol
	log     *slog.Logger
	tempDir string
	// scopes are what the token may read, in the service's order.
	scopes []actionscache.Scope
	// expires is when the token does.
	expires time.Time
	// storage moves bytes, rest asks GitHub's REST API.
	storage, rest *client
	requests      chan struct{}
	listing       sync.Once

	mu sync.Mutex
	// held are the layers that are known to be there, with their sizes; all says that there are no others.
	held map[digest.Digest]int64
	all  bool
	// newest is the number of the newest index this run has seen, by the series' key.
	newest map[string]int
	// unique says whether a key can be reserved once only, "" that it was not tried yet.
	unique answer
	// writing has a lock for each key that this run is writing.
	writing map[string]chan struct{}
}

// service returns the service for settings.
func (s *Services) service(set settings) (*service, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sv, ok := s.open[set]; ok {
		return sv, nil
	}
	// The library knows how a token is read; requests are ours, see docs/dependencies.md.
	token, err := actionscache.New(set.token, set.url, set.v2, actionscache.Opt{})
	if err != nil {
		return nil, fmt.Errorf("token of the cache service: %w", err)
	}
	sv := &service{
		settings: set, log: s.opt.Logger, tempDir: s.opt.TempDir, scopes: token.Scopes(), expires: token.ExpiresAt,
		storage: s.newClient(set.timeout), rest: s.newClient(set.timeout), requests: make(chan struct{}, requestsAtOnce),
		held: map[digest.Digest]int64{}, newest: map[string]int{}, writing: map[string]chan struct{}{},
	}
	a := api{client: s.newClient(set.timeout), base: set.url, token: set.token}
	if sv.protocol = (&v1{a}); set.v2 {
		sv.protocol = &v2{api: a, storage: sv.storage}
	}
	s.open[set] = sv
	return sv, nil
}

// writeScope is the scope that the token writes to: the last that it may write, as BuildKit has it (cache/remotecache/gha, indexKey).
func (s *service) writeScope() (string, bool) {
	for i := len(s.scopes) - 1; i >= 0; i-- {
		if s.scopes[i].Permission&actionscache.PermissionWrite != 0 {
			return s.scopes[i].Scope, true
		}
	}
	return "", false
}

// exactly returns the entry of a key, nil when there is none.
func (s *service) exactly(ctx context.Context, key string) (*entry, error) {
	e, err := s.like(ctx, key)
	if err != nil || e == nil || !strings.EqualFold(e.key, key) {
		return nil, err
	}
	return e, nil
}

// like returns the entry of a key, else the newest whose key starts with it, nil when there is none.
func (s *service) like(ctx context.Context, key string) (*entry, error) {
	select {
	case s.requests <- struct{}{}:
		defer func() { <-s.requests }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	e, err := s.find(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("find %s: %s answers like something else than a cache service: %w", key, s.host(), withoutIs{err})
	}
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", key, err)
	}
	return e, nil
}

// withoutIs is an error's text: a service that is not there is not a cache that is not there.
type withoutIs struct{ err error }

func (e withoutIs) Error() string { return e.err.Error() }

// host is where the service is, without what is secret in its address.
func (s settings) host() string {
	u, err := url.Parse(s.url)
	if err != nil {
		return ""
	}
	return u.Host
}

// lock waits until nobody else in this run writes a key.
func (s *service) lock(ctx context.Context, key string) (unlock func(), err error) {
	s.mu.Lock()
	held := s.writing[key]
	if held == nil {
		held = make(chan struct{}, 1)
		s.writing[key] = held
	}
	s.mu.Unlock()
	select {
	case held <- struct{}{}:
		return func() { <-held }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// fill sends content into a reserved key and makes it visible.
func (s *service) fill(ctx context.Context, up upload, key string, content io.ReaderAt, size int64) error {
	if err := s.send(ctx, up, key, content, size); err != nil {
		return err
	}
	return s.finish(ctx, up, key, size)
}

// send sends content into a reserved key.
func (s *service) send(ctx context.Context, up upload, key string, content io.ReaderAt, size int64) error {
	part := up.plan(size)
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for off := int64(0); off < size; off += part {
		group.Go(func() error { return up.send(gctx, off, io.NewSectionReader(content, off, min(part, size-off))) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	return nil
}

// finish makes what was sent visible.
func (s *service) finish(ctx context.Context, up upload, key string, size int64) error {
	err := up.commit(ctx, size)
	if err == nil || ctx.Err() != nil {
		return err
	}
	// The answer may have got lost, and asking again for what is done is an error.
	if e, findErr := s.exactly(ctx, key); findErr == nil && e != nil {
		if n, sizeErr := s.size(ctx, e); sizeErr == nil && n == size {
			return nil
		}
	}
	return fmt.Errorf("finish %s: %w", key, err)
}

// whole reads r to its end, into memory when size says that it is small, else into a file; r ends with an error unless it is what it should
// be. The caller calls done.
func (s *service) whole(ctx context.Context, r io.Reader, size int64) (content io.ReaderAt, done func(), err error) {
	r = blob.WithContext(ctx, r)
	if size <= inMemory {
		raw := make([]byte, size)
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, nil, err
		}
		if _, err := io.Copy(io.Discard, r); err != nil { // the end is where it is verified
			return nil, nil, err
		}
		return newBytes(raw), func() {}, nil
	}
	f, err := os.CreateTemp(s.tempDir, "cachectl-gha-*")
	if err != nil {
		return nil, nil, err
	}
	done = func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	if _, err := io.Copy(f, r); err != nil {
		done()
		return nil, nil, err
	}
	return f, done, nil
}
