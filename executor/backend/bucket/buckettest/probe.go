package buckettest

import (
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// RunProbe tries a bucket out that can do everything and holds a cache at attrs: the probe must say so, and leave the cache and nothing else behind.
func RunProbe(t *testing.T, s Side, attrs map[string]string) {
	t.Helper()
	l := s.Open(t, nil, attrs)
	root := backendtest.Publish(t, l, backendtest.NewSample(t, "kept", 2), ocispec.Descriptor{})
	before := s.Keys(t)
	found := map[string]backend.Finding{}
	if err := l.Probe(t.Context(), func(f backend.Finding) { found[f.Feature] = f }); err != nil {
		t.Fatal(err)
	}
	for _, feature := range []string{"upload", "upload-in-parts", "range", "replace", "conditional-write", "renew", "clean-up"} {
		if f := found[feature]; f.Answer != backend.Yes {
			t.Errorf("%s: %s (%s)", feature, f.Answer, f.Seen)
		}
	}
	if diff := cmp.Diff(before, s.Keys(t)); diff != "" {
		t.Errorf("objects before (-) and after (+):\n%s", diff)
	}
	if cur := backendtest.Read(t, l); cur.Root.Digest != root.Digest {
		t.Errorf("the named cache is %s now", cur.Root.Digest)
	}
}
