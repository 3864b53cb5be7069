package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func open(t testing.TB, c config.Cache) *registry.Location {
	t.Helper()
	h, err := registry.NewHosts(registry.HostsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	l, err := registry.OpenDestination(c, h)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func openTag(t testing.TB, addr, repo, tag string) *registry.Location {
	t.Helper()
	return open(t, config.Cache{Type: "registry", Attrs: map[string]string{"ref": addr + "/" + repo + ":" + tag}})
}

func TestKeeper(t *testing.T) {
	for name, opt := range map[string]testenv.RegistryOptions{"distribution 3": {}, "distribution 2.8": {V2: true}} {
		t.Run(name, func(t *testing.T) {
			reg := testenv.StartRegistry(t, opt)
			backendtest.RunKeeper(t, backendtest.KeeperHarness{
				Open:  func(t testing.TB, name string) backend.Keeper { return openTag(t, reg.Addr, "team/app", name) },
				Entry: func(t testing.TB, c config.Cache) backend.Destination { return open(t, c) },
				Empty: func(t testing.TB) backend.Keeper { return openTag(t, reg.Addr, "team/none", "main") },
			})
		})
	}
}

// TestARemovedNamesManifestIsDeleted looks for the manifest by its digest.
func TestARemovedNamesManifestIsDeleted(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	l := openTag(t, reg.Addr, "team/app", "main")
	root := backendtest.Publish(t, l, backendtest.NewSample(t, "removed", 2), ocispec.Descriptor{})
	if err := l.Remove(t.Context(), "main", root.Digest); err != nil {
		t.Fatal(err)
	}
	byDigest := open(t, config.Cache{Type: "registry", Attrs: map[string]string{"ref": reg.Addr + "/team/app@" + root.Digest.String()}})
	if _, err := byDigest.Read(t.Context()); err == nil {
		t.Error("the manifest is still there")
	}
}

func TestAReplacedManifestIsDeletedUnlessATagNeedsIt(t *testing.T) {
	reg := testenv.StartRegistry(t, testenv.RegistryOptions{})
	main, copied := openTag(t, reg.Addr, "team/app", "main"), openTag(t, reg.Addr, "team/app", "copy")
	s := backendtest.NewSample(t, "replaced", 2)
	root := backendtest.Publish(t, main, s, ocispec.Descriptor{})
	backendtest.Publish(t, copied, s, ocispec.Descriptor{})
	next := backendtest.Publish(t, main, backendtest.NewSample(t, "replacing", 2), root)
	if err := main.DeleteRoot(t.Context(), root.Digest); err != nil {
		t.Fatal(err)
	}
	backendtest.Read(t, openTag(t, reg.Addr, "team/app", "copy"))
	last := backendtest.Publish(t, main, backendtest.NewSample(t, "last", 2), next)
	if err := main.DeleteRoot(t.Context(), next.Digest); err != nil {
		t.Fatal(err)
	}
	gone := open(t, config.Cache{Type: "registry", Attrs: map[string]string{"ref": reg.Addr + "/team/app@" + next.Digest.String()}})
	if _, err := gone.Read(t.Context()); err == nil {
		t.Error("the replaced manifest is still there")
	}
	if cur := backendtest.Read(t, openTag(t, reg.Addr, "team/app", "main")); cur.Root.Digest != last.Digest {
		t.Error("the tag points elsewhere")
	}
}

func TestARegistryThatDoesNotDeleteSaysSo(t *testing.T) {
	for name, opt := range map[string]testenv.RegistryOptions{"distribution 3": {NoDelete: true}, "distribution 2.8": {V2: true, NoDelete: true}} {
		t.Run(name, func(t *testing.T) {
			reg := testenv.StartRegistry(t, opt)
			l := openTag(t, reg.Addr, "team/app", "main")
			s := backendtest.NewSample(t, "kept", 2)
			root := backendtest.Publish(t, l, s, ocispec.Descriptor{})
			err := l.Remove(t.Context(), "main", root.Digest)
			if !errors.Is(err, backend.ErrCannotDelete) || !strings.Contains(err.Error(), "storage.delete.enabled") {
				t.Errorf("got %v, want an error that says what to do", err)
			}
			backendtest.Read(t, openTag(t, reg.Addr, "team/app", "main"))
		})
	}
}

// pages is a registry that lists its tags two at a time, or sends us elsewhere for the next page.
func pages(t *testing.T, tags []string, elsewhere string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			w.WriteHeader(http.StatusOK)
			return
		}
		at := 0
		if last := r.URL.Query().Get("last"); last != "" {
			at = slices.Index(tags, last) + 1
		}
		end := min(at+2, len(tags))
		if end < len(tags) {
			w.Header().Set("Link", fmt.Sprintf(`<%s%s?n=2&last=%s>; rel="next"`, elsewhere, r.URL.Path, tags[end-1]))
		}
		_, _ = fmt.Fprintf(w, `{"name":"x","tags":["%s"]}`, strings.Join(tags[at:end], `","`))
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func TestAllPagesOfTagsAreRead(t *testing.T) {
	tags := []string{"a", "b", "c", "d", "e"}
	list, err := openTag(t, pages(t, tags, ""), "team/app", "main").Names(t.Context())
	if err != nil || len(list) != len(tags) {
		t.Errorf("%d of %d tags were read: %v", len(list), len(tags), err)
	}
}

func TestPagesOfAnotherHostAreNotRead(t *testing.T) {
	if _, err := openTag(t, pages(t, []string{"a", "b", "c"}, "http://169.254.169.254"), "team/app", "main").Names(t.Context()); err == nil {
		t.Error("a page of another host was read")
	}
	if _, err := openTag(t, pages(t, []string{"../../x"}, ""), "team/app", "main").Names(t.Context()); err == nil {
		t.Error("a tag that is a path was taken")
	}
}
