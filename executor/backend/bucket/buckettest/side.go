package buckettest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
)

// Side is an empty bucket as it is seen past the backend, and the way in through the backend. Its prefixes are the default ones.
type Side interface {
	// Put writes an object with metadata, which may be nil, Get reads one, nil if it is not there, and Remove takes one away.
	Put(t testing.TB, key string, body []byte, meta map[string]string)
	Get(t testing.TB, key string) (body []byte, meta map[string]string)
	Remove(t testing.TB, key string)
	// Keys lists the bucket.
	Keys(t testing.TB) []string
	// Open opens a location in the bucket, with attributes besides those that reach it.
	Open(t testing.TB, stores *bucket.Stores, attrs map[string]string) *bucket.Location
}

// Layer is the key of a layer, Manifest that of a name.
func Layer(d digest.Digest) string { return "blobs/" + d.String() }

// Manifest is the key of a name.
func Manifest(name string) string { return "manifests/" + name }

// Opener opens bytes.
func Opener(raw []byte) blob.Opener {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
}

// Harness is a bucket to test a backend on.
func Harness(s Side) backendtest.Harness {
	open := func(t testing.TB, stores *bucket.Stores, name string, attrs map[string]string) backend.Destination {
		all := map[string]string{"name": name}
		maps.Copy(all, attrs)
		return s.Open(t, stores, all)
	}
	return backendtest.Harness{
		SelfDescribed: true,
		Open: func(t testing.TB, name string, attrs map[string]string) backend.Destination {
			return open(t, nil, name, attrs)
		},
		Share: func(t testing.TB, name string, n int) []backend.Destination {
			stores := &bucket.Stores{}
			var out []backend.Destination
			for range n {
				out = append(out, open(t, stores, name, nil))
			}
			return out
		},
		Seed: func(t testing.TB, name, _ string, config []byte, blobs [][]byte) {
			for _, b := range blobs {
				s.Put(t, Layer(digest.FromBytes(b)), b, nil)
			}
			s.Put(t, Manifest(name), config, nil)
		},
		Remove: func(t testing.TB, _ string, d digest.Digest) { s.Remove(t, Layer(d)) },
		Replace: func(t testing.TB, name string, d digest.Digest, raw []byte) {
			if now, meta := s.Get(t, Manifest(name)); digest.FromBytes(now) == d {
				s.Put(t, Manifest(name), raw, meta)
				return
			}
			s.Put(t, Layer(d), raw, nil)
		},
		Root: func(t testing.TB, name string) digest.Digest {
			if raw, _ := s.Get(t, Manifest(name)); raw != nil {
				return digest.FromBytes(raw)
			}
			return ""
		},
	}
}
