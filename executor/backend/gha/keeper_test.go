package gha_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// keeper opens a scope with what it takes to list and delete.
func keeper(t testing.TB, c *testenv.ActionsV2, attrs map[string]string) *gha.Location {
	t.Helper()
	all := c.Attrs(map[string]string{"repository": "team/app", "ghtoken": c.RESTToken})
	for k, v := range attrs {
		all[k] = v
	}
	l, err := gha.OpenDestination(config.Cache{Type: "gha", Attrs: all}, func(name string) (string, bool) {
		return c.APIURL(), name == "GITHUB_API_URL"
	}, services(t, gha.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestGitHubsCacheKeepsNames(t *testing.T) {
	c := testenv.StartActionsV2(t)
	backendtest.RunKeeper(t, backendtest.KeeperHarness{
		Open:  func(t testing.TB, name string) backend.Keeper { return keeper(t, c, map[string]string{"scope": name}) },
		Entry: func(t testing.TB, e config.Cache) backend.Destination { return keeper(t, c, e.Attrs) },
		Empty: func(t testing.TB) backend.Keeper { return keeper(t, testenv.StartActionsV2(t), nil) },
	})
}

// TestOnlyTheBranchsOwnNamesAreListed leaves other branches, other programs' entries and signed caches alone.
func TestOnlyTheBranchsOwnNamesAreListed(t *testing.T) {
	c := testenv.StartActionsV2(t)
	other := testenv.ActionsToken(t, testenv.ActionsScope{Ref: "refs/heads/other", Write: true})
	save(t, &c.ActionsCache, c.Token, "mine-1-x", "refs/heads/main", backendtest.NewSample(t, "mine", 1))
	save(t, &c.ActionsCache, other, "theirs", "refs/heads/other", backendtest.NewSample(t, "theirs", 1))
	for _, key := range []string{"index-go-mod", "index-signed-1-" + strings.TrimSuffix(indexKey("", "refs/heads/main", 1)[len("index--1-"):], "#1") + "-sig#1", "index-"} {
		if err := c.Client(t).Save(t.Context(), key, blobOf("x")); err != nil {
			t.Fatal(err)
		}
	}
	names, err := keeper(t, c, nil).Names(t.Context())
	if err != nil || len(names) != 1 || names[0].Name != "mine-1-x" {
		t.Errorf("got %v, %v", names, err)
	}
}

// TestADamagedLayerCanBeWrittenAnew is how a cache is repaired: an entry cannot be changed, but deleted.
func TestADamagedLayerCanBeWrittenAnew(t *testing.T) {
	c := testenv.StartActionsV2(t)
	raw := []byte("a layer of a cache")
	l := keeper(t, c, nil)
	if err := l.Push(t.Context(), describe(raw), opener(raw)); err != nil {
		t.Fatal(err)
	}
	c.Replace(t, blobKey(describe(raw).Digest), bytes.ToUpper(raw))
	if _, err := fetch(t, l, describe(raw)); !errors.Is(err, blob.ErrIntegrity) {
		t.Fatalf("got %v, want ErrIntegrity", err)
	}
	for range 2 { // what is gone is no error
		if err := l.Discard(t.Context(), describe(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Push(t.Context(), describe(raw), opener(raw)); err != nil {
		t.Fatal(err)
	}
	if got, err := fetch(t, l, describe(raw)); err != nil || !bytes.Equal(got, raw) {
		t.Errorf("got %q, %v", got, err)
	}
	onBranch := testenv.ActionsToken(t, testenv.ActionsScope{Ref: "refs/heads/main"}, testenv.ActionsScope{Ref: "refs/heads/feature", Write: true})
	if err := keeper(t, c, map[string]string{"token": onBranch}).Discard(t.Context(), describe(raw)); !errors.Is(err, backend.ErrCannotDelete) || !strings.Contains(err.Error(), "another branch") {
		t.Errorf("another branch's layer: %v, want ErrCannotDelete", err)
	}
}

// TestWithoutATokenNothingIsDeleted says what is missing.
func TestWithoutATokenNothingIsDeleted(t *testing.T) {
	c := testenv.StartActionsV2(t)
	root := backendtest.Publish(t, keeper(t, c, nil), backendtest.NewSample(t, "kept", 1), ocispec.Descriptor{})
	for text, attrs := range map[string]map[string]string{
		"repository and ghtoken": {"repository": "", "ghtoken": ""}, "actions: write": {"ghtoken": "another"},
	} {
		l := keeper(t, c, attrs)
		_, listing := l.Names(t.Context())
		for _, err := range []error{listing, l.Remove(t.Context(), "buildkit", root.Digest)} {
			if !errors.Is(err, backend.ErrCannotDelete) || !strings.Contains(err.Error(), text) {
				t.Errorf("got %v, want ErrCannotDelete and %q", err, text)
			}
			if err != nil && strings.Contains(err.Error(), "another") {
				t.Errorf("a secret is in %v", err)
			}
		}
	}
}
