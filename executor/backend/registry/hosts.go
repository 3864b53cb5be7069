// Package registry reads and publishes caches in OCI registries.
//
// References, credentials and tokens are go-containerregistry's business; blobs and manifests are moved here, because a cache's
// manifest is not an image's and its layers are to be streamed, verified and retried one by one.
package registry

import (
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
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/google/go-containerregistry/pkg/name"
)

// defaultConcurrency is how many requests of a kind are under way to one host at once when its block does not say.
const defaultConcurrency = 16

// responseTimeout is how long a registry may think about a request that it has received. Some hash a blob before they answer.
const responseTimeout = 5 * time.Minute

// HostsOptions says how hosts are spoken to.
type HostsOptions struct {
	// Registries are the registry blocks of the configuration.
	Registries []*config.Registry
	// Dir is what relative CA paths are resolved against.
	Dir string
	// Logger is told when a host is asked again; nil for nobody.
	Logger *slog.Logger
	// Turns is a directory in which processes of this machine agree who moves a tag; it is made when it is needed. "" for none.
	Turns string
}

// Hosts are the connections to registries that a run shares: one transport, one set of limits and one set of tokens for each host.
type Hosts struct {
	opt    HostsOptions
	blocks map[string]*config.Registry
	cas    map[string]*x509.CertPool

	// retry replaces how new hosts wait, nil for the real way.
	retry *retrier

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
	made := h.newHost(reg, insecure)
	h.hosts[key] = made
	return made
}

// block is the registry block of an address, nil if there is none.
func (h *Hosts) block(addr string) *config.Registry {
	if addr == name.DefaultRegistry { // which people write as docker.io
		if b := h.blocks["docker.io"]; b != nil {
			return b
		}
	}
	return h.blocks[addr]
}

func (h *Hosts) newHost(reg name.Registry, insecure bool) *host {
	block := h.block(reg.RegistryStr())
	s := schemesFor(reg.RegistryStr(), block, insecure)
	concurrency, rate := defaultConcurrency, 0.0
	var cas *x509.CertPool
	if block != nil {
		insecure = insecure || block.Insecure
		if block.Concurrency > 0 {
			concurrency = block.Concurrency
		}
		rate = block.Rate
		cas = h.cas[block.Host]
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.TLSClientConfig = &tls.Config{RootCAs: cas, InsecureSkipVerify: insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // only where the configuration says so
	base.MaxIdleConnsPerHost = 2 * concurrency
	base.ResponseHeaderTimeout = responseTimeout
	base.MaxResponseHeaderBytes = 1 << 20
	base.DisableCompression = true // bytes are to arrive as they are stored
	made := newHost(reg, s, base, concurrency, rate)
	if h.retry != nil {
		made.retry = *h.retry
		made.retry.pause = &wire.Pause{}
	}
	made.retry.notice = &notice{log: h.opt.Logger, host: reg.RegistryStr()}
	made.turns = h.opt.Turns
	made.retry.restarts = block != nil && block.Embedded
	return made
}

// Close drops idle connections. Nothing else is held.
func (h *Hosts) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, host := range h.hosts {
		if t, ok := host.base.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
	}
}
