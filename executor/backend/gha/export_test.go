package gha

import (
	"context"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/wire"
)

// Hurry makes waiting take no time; waited is told how long each wait would be.
func (s *Services) Hurry(waited func(time.Duration)) {
	s.sleep = func(ctx context.Context, d time.Duration) error {
		if waited != nil {
			waited(d)
		}
		// Pauses that are shared are measured by the clock.
		return wire.Sleep(ctx, min(d, time.Millisecond))
	}
}

// Standstill sets how long a transfer may stand still.
func (s *Services) Standstill(d time.Duration) { s.standstill = d }

// Settings are the settings of a cache: where the service is, its version, the token, and how long a request is tried.
func Settings(c config.Cache, env map[string]string) (address string, version int, token string, timeout time.Duration, err error) {
	s, err := read(c, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	version = 1
	if s.v2 {
		version = 2
	}
	return s.url, version, s.token, s.timeout, err
}
