package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/registryd"
)

// takeOver is how often it is tried to take over an address that another run serves: that run may end before this one. Requests in between are
// tried again for longer than that.
const takeOver = 250 * time.Millisecond

// embedded are the registries that this process serves, or will serve as soon as the process that does so now has ended.
type embedded struct {
	stop    context.CancelFunc
	waiting sync.WaitGroup
	mu      sync.Mutex
	servers []*registryd.Server
}

// serveEmbedded serves the registries that are declared embedded. One that another run of cachectl serves already is used as it is, and taken over
// when that run ends. The caller closes what is returned, also with an error.
func (g *globals) serveEmbedded(ctx context.Context, registries []*config.Registry, dataDir string, log *slog.Logger) (*embedded, error) {
	ctx, stop := context.WithCancel(ctx)
	e := &embedded{stop: stop}
	for _, r := range registries {
		if !r.Embedded {
			continue
		}
		dir := r.Dir
		if dir == "" {
			base, err := g.dataHome(dataDir)
			if err != nil {
				return e, err
			}
			dir = filepath.Join(base, "registry", filepath.Base(r.Host))
		}
		opt := registryd.Options{Addr: r.Host, Dir: dir}
		s, err := registryd.Serve(ctx, opt)
		switch {
		case errors.Is(err, registryd.ErrInUse):
			if err := isRegistry(ctx, r.Host); err != nil {
				return e, fmt.Errorf("registry %s is to be embedded, but something else listens there: %w", r.Host, err)
			}
			log.Info("use the registry that another run serves", "host", r.Host)
			e.waiting.Go(func() { e.await(ctx, opt) })
		case err != nil:
			return e, err
		default:
			e.add(s)
		}
	}
	return e, nil
}

func (e *embedded) add(s *registryd.Server) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.servers = append(e.servers, s)
}

// await serves an address as soon as it is free.
func (e *embedded) await(ctx context.Context, opt registryd.Options) {
	tick := time.NewTicker(takeOver)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s, err := registryd.Serve(ctx, opt); err == nil {
			e.add(s)
			return
		}
	}
}

// close ends the registries this process serves.
func (e *embedded) close() {
	if e == nil {
		return
	}
	e.stop()
	e.waiting.Wait()
	for _, s := range e.servers {
		_ = s.Close()
	}
}

// isRegistry asks whether a registry answers at an address (distribution spec, "Determining support").
func isRegistry(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/v2/", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s to GET /v2/, as no open registry does", resp.Status)
	}
	return nil
}
