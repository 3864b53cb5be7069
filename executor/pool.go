package executor

import (
	"sync"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// available is one place a layer can be had from.
type available struct {
	desc  ocispec.Descriptor
	blobs blob.Fetcher
	host  string // of the location, "" for this machine
	fresh bool   // the builder has handed it over in this run
}

// pool knows where layers can be had from without asking the builder: the sources and destinations read in this run, and what the run has
// pushed. A layer is known by the digest of its tar, which for all compressions but eStargz is its diffID, and, for each compression it exists in, by its blob's digest.
// It is what lets an unchanged layer never be compressed or sent twice, with no state kept between runs.
type pool struct {
	mu     sync.Mutex
	blobs  map[digest.Digest]struct{}    // digests of blobs
	layers map[digest.Digest][]available // tar digest → places
}

func newPool() *pool {
	return &pool{blobs: map[digest.Digest]struct{}{}, layers: map[digest.Digest][]available{}}
}

// addCurrent enters the layers of a location. Layers that the location has lost must have been dropped from cur's cache before.
func (p *pool) addCurrent(cur *backend.Current, host string) {
	for _, l := range cur.Cache.Layers() {
		p.add(l.Tar(), available{desc: l.Descriptor, blobs: cur.Blobs, host: host})
	}
}

// add enters one place for a layer.
func (p *pool) add(diffID digest.Digest, a available) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blobs[a.desc.Digest] = struct{}{}
	p.layers[diffID] = append(p.layers[diffID], a)
}

// holds tells whether a digest that BuildKit names is of a layer in the pool: a blob's digest or, for an uncompressed layer, the diffID.
func (p *pool) holds(d digest.Digest) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.blobs[d]; ok {
		return true
	}
	_, ok := p.layers[d]
	return ok
}

// find returns the places a layer can be had from in a form that accept takes, those on host first.
func (p *pool) find(diffID digest.Digest, host string, accept func(ocispec.Descriptor) bool) []available {
	p.mu.Lock()
	defer p.mu.Unlock()
	var near, far []available
	for _, a := range p.layers[diffID] {
		switch {
		case !accept(a.desc):
		case a.host == host:
			near = append(near, a)
		default:
			far = append(far, a)
		}
	}
	return append(near, far...)
}
