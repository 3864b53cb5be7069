package azblob_test

import (
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestAProbeTellsWhatTheServiceDoesAndLeavesNothingBehind(t *testing.T) {
	s := aside(t, testenv.StartAzure(t))
	l := s.open(t, nil, map[string]string{"name": "kept"})
	backendtest.Publish(t, l, backendtest.NewSample(t, "kept", 2), ocispec.Descriptor{})
	before := s.keys(t)
	found := map[string]backend.Finding{}
	if err := l.Probe(t.Context(), func(f backend.Finding) { found[f.Feature] = f }); err != nil {
		t.Fatal(err)
	}
	for feature, want := range map[string]backend.Answer{
		"upload": backend.Yes, "upload-in-parts": backend.Yes, "range": backend.Yes, "replace": backend.Yes, "conditional-write": backend.Yes,
		"renew": backend.Yes, "clean-up": backend.Yes,
	} {
		if f := found[feature]; f.Answer != want {
			t.Errorf("%s: %s (%s), want %s", feature, f.Answer, f.Seen, want)
		}
	}
	if diff := cmp.Diff(before, s.keys(t)); diff != "" {
		t.Errorf("objects before (-) and after (+):\n%s", diff)
	}
}
