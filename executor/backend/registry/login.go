package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// schemes says how a host may be spoken to, and what is tried first.
type schemes struct{ http, httpFirst bool }

// schemesFor decides from a host's block and attributes. Nothing but a host of this machine is spoken to without TLS unless it is asked for.
func schemesFor(addr string, block *config.Registry, insecure bool) schemes {
	switch {
	case block != nil && (block.HTTP || block.Embedded):
		return schemes{http: true, httpFirst: true}
	case block != nil && block.CA != "":
		return schemes{http: insecure}
	case wire.Loopback(addr):
		return schemes{http: true, httpFirst: true}
	}
	return schemes{http: insecure}
}

// connect asks the host, once, how it wants to be spoken to.
func (h *host) connect(ctx context.Context) (*transport.Challenge, error) {
	h.mu.Lock()
	have := h.challenge
	h.mu.Unlock()
	if have != nil {
		return have, nil
	}
	select {
	case h.login <- struct{}{}:
		defer func() { <-h.login }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	h.mu.Lock()
	have = h.challenge
	h.mu.Unlock()
	if have != nil {
		return have, nil
	}
	got, err := h.ping(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to registry %s: %w", h.reg.RegistryStr(), wire.WithoutURL(err))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.challenge = got
	return got, nil
}

func (h *host) ping(ctx context.Context) (*transport.Challenge, error) {
	tries := []string{"https"}
	if h.schemes.http {
		tries = append(tries, "http")
	}
	if h.schemes.httpFirst {
		tries = []string{"http", "https"}
	}
	var failed error
	for _, scheme := range tries {
		only := &onlyScheme{scheme: scheme, next: h}
		got, err := transport.Ping(ctx, h.registry(scheme), only)
		if err == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		// Without what was said of the scheme that was not tried.
		var refused *transport.Error
		if failure := only.failure(); failure != nil {
			err = failure
		} else if errors.As(err, &refused) {
			err = classify(refused)
		}
		// The first failure tells most, but for the answer of a server that wants TLS to a request without.
		if failed == nil || (scheme == "https" && refusesPlain(failed)) {
			failed = err
		}
	}
	return nil, failed
}

func refusesPlain(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status == http.StatusBadRequest
}

// registry is the registry's name in the form that makes go-containerregistry speak scheme to it.
func (h *host) registry(scheme string) name.Registry {
	if scheme == "http" {
		if reg, err := name.NewRegistry(h.reg.RegistryStr(), name.Insecure); err == nil {
			return reg
		}
	}
	return h.reg
}

// onlyScheme refuses requests in other schemes than one: go-containerregistry has its own opinion of which hosts need no TLS.
type onlyScheme struct {
	scheme string
	next   http.RoundTripper

	mu  sync.Mutex
	err error // what went wrong in the scheme itself
}

func (o *onlyScheme) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != o.scheme {
		return nil, fmt.Errorf("%s is not tried for this registry", req.URL.Scheme)
	}
	resp, err := o.next.RoundTrip(req)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
	return resp, err
}

func (o *onlyScheme) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// authorized returns a transport with a token for the scopes, and the scheme to use.
func (h *host) authorized(ctx context.Context, scopes []string) (rt http.RoundTripper, scheme string, err error) {
	challenge, err := h.connect(ctx)
	if err != nil {
		return nil, "", err
	}
	scheme = "https"
	if challenge.Insecure {
		scheme = "http"
	}
	key := strings.Join(scopes, " ")
	bearer := strings.EqualFold(challenge.Scheme, "bearer")
	if !bearer {
		key = "" // without tokens one transport serves every repository
	}
	h.mu.Lock()
	rt, ok := h.tokens[key]
	h.mu.Unlock()
	if ok {
		return rt, scheme, nil
	}
	reg := h.registry(scheme)
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, reg)
	if err != nil {
		return nil, "", fmt.Errorf("credentials for registry %s: %w", reg.RegistryStr(), err)
	}
	var token *transport.Token
	if bearer {
		if token, err = exchange(ctx, h, reg, auth, scopes, challenge); err != nil {
			return nil, "", fmt.Errorf("log in to registry %s: %w", reg.RegistryStr(), classify(wire.WithoutURL(err)))
		}
	}
	if rt, err = transport.FromToken(reg, auth, h, challenge, token); err != nil {
		return nil, "", fmt.Errorf("log in to registry %s: %w", reg.RegistryStr(), err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if have, ok := h.tokens[key]; ok {
		return have, scheme, nil // somebody else was faster
	}
	h.tokens[key] = rt
	return rt, scheme, nil
}

func exchange(ctx context.Context, h *host, reg name.Registry, auth authn.Authenticator, scopes []string, c *transport.Challenge) (*transport.Token, error) {
	token, err := transport.Exchange(ctx, reg, auth, h, scopes, c)
	if err == nil && token.AccessToken != "" {
		token.Token = token.AccessToken // some servers give it this name
	}
	return token, err
}
