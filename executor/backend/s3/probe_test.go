package s3_test

import (
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/internal/testenv"
	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestAProbeTellsWhatTheServiceDoesAndLeavesNothingBehind(t *testing.T) {
	s := aside(testenv.StartS3(t))
	l := s.open(t, nil, map[string]string{"name": "kept", "prefix": "team/"})
	root := backendtest.Publish(t, l, backendtest.NewSample(t, "kept", 2), ocispec.Descriptor{})
	before := s.keys(t)
	found := map[string]backend.Finding{}
	if err := l.Probe(t.Context(), func(f backend.Finding) { found[f.Feature] = f }); err != nil {
		t.Fatal(err)
	}
	for _, feature := range []string{"upload", "upload-in-parts", "range", "replace", "conditional-write", "renew", "clean-up"} {
		if f := found[feature]; f.Answer != backend.Yes {
			t.Errorf("%s: %s (%s)", feature, f.Answer, f.Seen)
		}
	}
	if diff := cmp.Diff(before, s.keys(t)); diff != "" {
		t.Errorf("objects before (-) and after (+):\n%s", diff)
	}
	if cur := backendtest.Read(t, l); cur.Root.Digest != root.Digest {
		t.Errorf("the named cache is %s now", cur.Root.Digest)
	}
}

func TestAProbeSaysThatABucketCannotBeWritten(t *testing.T) {
	s := aside(testenv.StartS3(t))
	var upload backend.Finding
	wrong := s.open(t, nil, map[string]string{"secret_access_key": "wrong", "retry_max_attempts": "1"})
	if err := wrong.Probe(t.Context(), func(f backend.Finding) {
		if f.Feature == "upload" {
			upload = f
		}
	}); err != nil {
		t.Fatal(err)
	}
	if upload.Err == nil {
		t.Errorf("upload: %+v", upload)
	}
}
