// Package registry reads and publishes caches in OCI registries.
//
// References, credentials and tokens are go-containerregistry's business; blobs and manifests are moved here, because a cache's
// manifest is not an image's and its layers are to be streamed, verified and retried one by one.
package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// defaultConcurrency is how many requests of a kind are under way to one host at once when its block does not say.
const defaultConcurrency = 16

// HostsOptions says how hosts are spoken to.
type HostsOptions struct {
	// Registries are the registry blocks of the configuration.
	Registries []*config.Registry
	// Dir is what relative CA paths are resolved against.
	Dir    string
	Logger *slog.Logger
}

// Hosts are the connections to registries that a run shares: one transport, one set of limits and one set of tokens for each host.
type Hosts struct {
	opt    HostsOptions
	blocks map[string]*config.Registry
	cas    map[string]*x509.CertPool

	mu    sync.Mutex
	hosts map[string]*host
}

// NewHosts reads the CA files of the registry blocks.
func NewHosts(opt HostsOptions) (*Hosts, error) {
	h := &Hosts{opt: opt, blocks: map[string]*config.Registry{}, cas: map[string]*x509.CertPool{}, hosts: map[string]*host{}}
	for _, r := range opt.Registries {
		h.blocks[r.Host] = r
		if r.CA == "" {
			continue
		}
		path := r.CA
		if !filepath.IsAbs(path) {
			path = filepath.Join(opt.Dir, path)
		}
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("registry %s: read CA: %w", r.Host, err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("registry %s: %s holds no PEM certificate", r.Host, r.CA)
		}
		h.cas[r.Host] = pool
	}
	return h, nil
}

// Requests returns how many requests were sent to each host, by host.
func (h *Hosts) Requests() map[string]int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string]int64{}
	for key, host := range h.hosts {
		out[strings.TrimPrefix(key, insecurePrefix)] += host.requests.Load()
	}
	return out
}

// insecurePrefix keeps the transport of a host that may be spoken to without TLS or verification apart from the one that may not.
const insecurePrefix = "insecure "

// host returns the shared connection to a registry.
func (h *Hosts) host(reg name.Registry, insecure bool) *host {
	key := reg.RegistryStr()
	if insecure {
		key = insecurePrefix + key
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if have, ok := h.hosts[key]; ok {
		return have
	}
	made := h.newHost(reg.RegistryStr(), insecure)
	h.hosts[key] = made
	return made
}

func (h *Hosts) newHost(addr string, insecure bool) *host {
	block := h.blocks[addr]
	concurrency, rate := defaultConcurrency, 0.0
	if block != nil {
		insecure = insecure || block.Insecure
		if block.Concurrency > 0 {
			concurrency = block.Concurrency
		}
		rate = block.Rate
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.TLSClientConfig = &tls.Config{RootCAs: h.cas[addr], InsecureSkipVerify: insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // only where the configuration says so
	base.MaxIdleConnsPerHost = 2 * concurrency
	base.ResponseHeaderTimeout = 5 * time.Minute
	return newHost(base, concurrency, rate)
}

// plain tells whether a host may be spoken to without TLS.
func (h *Hosts) plain(addr string) bool {
	b := h.blocks[addr]
	return b != nil && (b.HTTP || b.Insecure || b.Embedded)
}

// authorized returns a transport with a token for the scopes.
func (h *host) authorized(ctx context.Context, reg name.Registry, scopes []string) (http.RoundTripper, error) {
	key := strings.Join(scopes, " ")
	h.mu.Lock()
	if h.challenge != nil && !strings.EqualFold(h.challenge.Scheme, "bearer") {
		key = "" // without tokens one transport serves every repository
	}
	if rt, ok := h.tokens[key]; ok {
		h.mu.Unlock()
		return rt, nil
	}
	h.mu.Unlock()
	// One at a time: the first to come finds out how the host wants to be spoken to.
	h.login.Lock()
	defer h.login.Unlock()
	if h.challenge == nil {
		challenge, err := transport.Ping(ctx, reg, h)
		if err != nil {
			return nil, fmt.Errorf("connect to registry %s: %w", reg.RegistryStr(), err)
		}
		h.mu.Lock()
		h.challenge = challenge
		h.mu.Unlock()
		if !strings.EqualFold(challenge.Scheme, "bearer") {
			key = ""
		}
	}
	h.mu.Lock()
	rt, ok := h.tokens[key]
	h.mu.Unlock()
	if ok {
		return rt, nil
	}
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, reg)
	if err != nil {
		return nil, fmt.Errorf("credentials for registry %s: %w", reg.RegistryStr(), err)
	}
	rt, err = transport.NewWithContext(ctx, reg, auth, h, scopes)
	if err != nil {
		return nil, fmt.Errorf("log in to registry %s: %w", reg.RegistryStr(), err)
	}
	h.mu.Lock()
	h.tokens[key] = rt
	h.mu.Unlock()
	return rt, nil
}
