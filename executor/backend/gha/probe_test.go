package gha_test

import (
	"strings"
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// findings probes a location and returns what was told, by feature.
func findings(t *testing.T, p backend.Prober) map[string]backend.Finding {
	t.Helper()
	told := map[string]backend.Finding{}
	if err := p.Probe(t.Context(), func(f backend.Finding) { told[f.Feature] = f }); err != nil {
		t.Fatal(err)
	}
	return told
}

// TestAServiceIsTriedOutWithoutWriting looks at what doctor tells in a job.
func TestAServiceIsTriedOutWithoutWriting(t *testing.T) {
	c := testenv.StartActionsV2(t)
	token := testenv.ActionsToken(t, testenv.ActionsScope{Ref: "refs/heads/main"}, testenv.ActionsScope{Ref: "refs/heads/feature", Write: true})
	l := keeper(t, c, map[string]string{"token": token})
	before := findings(t, l)
	if n := c.Calls("CreateCacheEntry"); n > 0 {
		t.Errorf("%d keys were taken", n)
	}
	backendtest.Publish(t, l, backendtest.NewSample(t, "probed", 3), ocispec.Descriptor{})
	after := findings(t, l)
	for name, want := range map[string]struct {
		told map[string]backend.Finding
		seen string
	}{
		"token":       {before, "reads refs/heads/main, refs/heads/feature, writes refs/heads/feature"},
		"service":     {after, "version 2"},
		"unique-keys": {after, "promises"},
		"range":       {after, "206"},
		"listing":     {after, "3 layers of refs/heads/feature in team/app"},
	} {
		if f := want.told[name]; f.Answer != backend.Yes || !strings.Contains(f.Seen, want.seen) || f.Means == "" {
			t.Errorf("%s: %+v, want %q", name, f, want.seen)
		}
	}
	if !strings.Contains(before["service"].Seen, "nothing under this scope yet") {
		t.Errorf("before anything was published: %+v", before["service"])
	}
	if f := findings(t, keeper(t, c, map[string]string{"ghtoken": "another"}))["listing"]; f.Answer != backend.No || strings.Contains(f.Seen, "another") {
		t.Errorf("a token that may not list: %+v", f)
	}
}

// TestAServiceThatRefusesIsSaidTo and one that is not there is an error.
func TestAServiceThatRefusesIsSaidTo(t *testing.T) {
	c := testenv.StartActionsV1(t)
	if f := findings(t, destination(t, services(t, noOptions()), c.Attrs(nil)))["unique-keys"]; f.Answer != backend.Unknown {
		t.Errorf("version 1: %+v", f)
	}
	refusing := &faults{before: refuse401}
	f := findings(t, destination(t, faulty(t, refusing, nil), c.Attrs(nil)))["service"]
	if f.Answer != backend.No || f.Err == nil {
		t.Errorf("a token that is not taken: %+v", f)
	}
	gone := destination(t, services(t, noOptions()), c.Attrs(map[string]string{"url": "http://127.0.0.1:1/"}))
	if err := gone.Probe(t.Context(), func(backend.Finding) {}); err == nil {
		t.Error("nobody there is no error")
	}
}
