package gha_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	actionscache "github.com/tonistiigi/go-actions-cache"
)

// save writes a sample as BuildKit does, with its own client (cache/remotecache/gha, Finalize).
func save(t testing.TB, c *testenv.ActionsCache, token, scope, branch string, s *backendtest.Sample) {
	t.Helper()
	client, err := actionscache.New(token, c.URL, c.V2, actionscache.Opt{})
	if err != nil {
		t.Fatal(err)
	}
	for d, raw := range s.Blobs {
		if err := client.Save(t.Context(), blobKey(d), actionscache.NewBlob(raw)); err != nil {
			t.Fatal(err)
		}
	}
	key := indexKey(scope, branch, 0)
	if err := client.SaveMutable(t.Context(), key[:len(key)-2], 0, func(*actionscache.Entry) (actionscache.Blob, error) {
		return actionscache.NewBlob(encode(t, s.Cache)), nil
	}); err != nil {
		t.Fatal(err)
	}
}

func encode(t testing.TB, c *cache.Cache) []byte {
	t.Helper()
	enc, err := c.Encode(cache.Format{Mode: cache.ModeMax, SelfDescribed: true})
	if err != nil {
		t.Fatal(err)
	}
	return enc.Config
}

// TestASeriesIsWrittenInTurn has BuildKit's client and ours write the same cache one after the other.
func TestASeriesIsWrittenInTurn(t *testing.T) {
	c := testenv.StartActionsV2(t)
	ours := func() *gha.Location {
		return destination(t, services(t, gha.Options{}), c.Attrs(map[string]string{"scope": "turns"}))
	}
	first, second, third := backendtest.NewSample(t, "first", 2), backendtest.NewSample(t, "second", 2), backendtest.NewSample(t, "third", 2)
	root := backendtest.Publish(t, ours(), first, ocispec.Descriptor{})
	save(t, &c.ActionsCache, c.Token, "turns", "refs/heads/main", second)
	if _, err := ours().Publish(t.Context(), third.Cache, root); !errors.Is(err, backend.ErrConflict) {
		t.Errorf("publishing over what BuildKit wrote: %v, want ErrConflict", err)
	}
	cur := backendtest.Read(t, ours())
	if !cur.Cache.Covers(second.Cache) {
		t.Error("what BuildKit wrote is not read")
	}
	backendtest.Publish(t, ours(), third, cur.Root)
	save(t, &c.ActionsCache, c.Token, "turns", "refs/heads/main", backendtest.NewSample(t, "fourth", 1))
	if c.Entry(t, indexKey("turns", "refs/heads/main", 4)) == nil {
		t.Error("the series has no fourth config")
	}
}

// TestASourceIsWhatAllBranchesHold reads a branch with main behind it, as BuildKit does, and writes the branch alone.
func TestASourceIsWhatAllBranchesHold(t *testing.T) {
	c := testenv.StartActionsV2(t)
	onBranch := testenv.ActionsToken(t, testenv.ActionsScope{Ref: "refs/heads/feature", Write: true}, testenv.ActionsScope{Ref: "refs/heads/main"})
	main, feature, next := backendtest.NewSample(t, "main", 3), backendtest.NewSample(t, "feature", 2), backendtest.NewSample(t, "next", 1)
	attrs := c.Attrs(map[string]string{"scope": "s", "token": onBranch})
	save(t, &c.ActionsCache, c.Token, "s", "refs/heads/main", main)

	src := source(t, services(t, gha.Options{}), attrs)
	cur := backendtest.Read(t, src)
	if lost, err := src.Missing(t.Context(), cur); err != nil || len(lost) > 0 || !cur.Cache.Covers(main.Cache) {
		t.Errorf("a branch without a cache of its own does not read main's: %v, %v", lost, err)
	}
	if _, err := destination(t, services(t, gha.Options{}), attrs).Read(t.Context()); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the branch as a destination: %v, want ErrNotFound", err)
	}

	save(t, &c.ActionsCache, onBranch, "s", "refs/heads/feature", feature)
	dest := destination(t, services(t, gha.Options{}), attrs)
	backendtest.Publish(t, dest, next, backendtest.Read(t, dest).Root)
	cur = backendtest.Read(t, source(t, services(t, gha.Options{}), attrs))
	if !cur.Cache.Covers(cache.Merge(main.Cache, next.Cache)) || cur.Cache.Covers(feature.Cache) {
		t.Error("the source is not main's cache and the branch's newest")
	}
	onMain := source(t, services(t, gha.Options{}), c.Attrs(map[string]string{"scope": "s"}))
	if cur := backendtest.Read(t, onMain); cur.Cache.Covers(next.Cache) || !cur.Cache.Covers(main.Cache) {
		t.Error("main reads the branch's cache")
	}
}

// TestADamagedBranchDoesNotHideTheOthers reads what is left.
func TestADamagedBranchDoesNotHideTheOthers(t *testing.T) {
	c := testenv.StartActionsV2(t)
	onBranch := testenv.ActionsToken(t, testenv.ActionsScope{Ref: "refs/heads/feature", Write: true}, testenv.ActionsScope{Ref: "refs/heads/main"})
	main := backendtest.NewSample(t, "main", 2)
	save(t, &c.ActionsCache, c.Token, "s", "refs/heads/main", main)
	save(t, &c.ActionsCache, onBranch, "s", "refs/heads/feature", backendtest.NewSample(t, "feature", 1))
	c.Replace(t, indexKey("s", "refs/heads/feature", 1), []byte("{"))
	cur := backendtest.Read(t, source(t, services(t, gha.Options{}), c.Attrs(map[string]string{"scope": "s", "token": onBranch})))
	if !cur.Cache.Covers(main.Cache) {
		t.Error("main's cache is not read")
	}
}

// TestATokenThatMayNotWriteIsNoDestination is what a pull request from a fork has.
func TestATokenThatMayNotWriteIsNoDestination(t *testing.T) {
	token := testenv.ActionsToken(t, testenv.ActionsScope{Ref: "refs/heads/main"})
	c := config.Cache{Type: "gha", Attrs: map[string]string{"token": token, "url": "http://127.0.0.1:1/"}}
	if _, err := gha.OpenDestination(c, noEnv, services(t, gha.Options{})); !errors.Is(err, blob.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
	if _, err := gha.OpenSource(c, noEnv, services(t, gha.Options{})); err != nil {
		t.Error(err)
	}
}

// TestManyJobsPublishAtOnce has as many processes write one cache of a branch, also where the service shows late what it has taken.
func TestManyJobsPublishAtOnce(t *testing.T) {
	for name, lag := range map[string]time.Duration{"at once": 0, "late": 200 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := testenv.StartActionsV2(t)
			c.SetLag(lag)
			n := 16
			if lag > 0 {
				n = 6 // one after the other
			}
			backendtest.Writers(t, n, func() backend.Destination {
				return destination(t, services(t, gha.Options{}), c.Attrs(map[string]string{"scope": "matrix"}))
			})
		})
	}
}

// TestManyJobsPublishToAServerThatTakesKeysTwice does it on the server of nektos/act.
func TestManyJobsPublishToAServerThatTakesKeysTwice(t *testing.T) {
	for round := range 3 {
		c := testenv.StartActionsV1(t)
		backendtest.Writers(t, 8, func() backend.Destination {
			return destination(t, services(t, gha.Options{}), c.Attrs(map[string]string{"scope": fmt.Sprint("matrix", round)}))
		})
	}
}

// TestBigLayersGoInParts looks at what was uploaded.
func TestBigLayersGoInParts(t *testing.T) {
	c := testenv.StartActionsV2(t)
	dest := destination(t, services(t, gha.Options{TempDir: t.TempDir()}), c.Attrs(nil))
	for size, blocks := range map[int]int{100: 0, 8 << 20: 0, 8<<20 + 1: 2, 40 << 20: 5} {
		raw := bytes.Repeat([]byte{byte(size), 7, 1}, size/3+1)[:size]
		desc := describe(raw)
		if err := dest.Push(t.Context(), desc, opener(raw)); err != nil {
			t.Fatal(err)
		}
		if got := c.Blocks(blobKey(desc.Digest)); got != blocks {
			t.Errorf("%d bytes went in %d blocks, want %d", size, got, blocks)
		}
		back, err := fetch(t, dest, desc)
		if err != nil || !bytes.Equal(back, raw) {
			t.Errorf("%d bytes do not come back: %v", size, err)
		}
	}
}

// TestKeysCanBeListedAtOnce looks for the layers of a cache with one request for each hundred instead of one for each.
func TestKeysCanBeListedAtOnce(t *testing.T) {
	c := testenv.StartActionsV2(t)
	s := backendtest.NewSample(t, "many", 130)
	dest := destination(t, services(t, gha.Options{}), c.Attrs(nil))
	backendtest.Publish(t, dest, s, ocispec.Descriptor{})
	c.Lose(t, blobKey(s.Cache.Layers()[5].Descriptor.Digest))
	for name, tc := range map[string]struct {
		ghtoken string
		most    int
	}{"listed": {c.RESTToken, 10}, "refused": {"another", 200}} {
		t.Run(name, func(t *testing.T) {
			attrs := c.Attrs(map[string]string{"repository": "team/app", "ghtoken": tc.ghtoken})
			src, err := gha.OpenSource(config.Cache{Type: "gha", Attrs: attrs}, func(name string) (string, bool) {
				return c.APIURL(), name == "GITHUB_API_URL"
			}, services(t, gha.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			before := c.Calls("GetCacheEntryDownloadURL")
			lost, err := src.Missing(t.Context(), backendtest.Read(t, src))
			if err != nil || len(lost) != 1 || lost[0].Digest != s.Cache.Layers()[5].Descriptor.Digest {
				t.Errorf("missing are %v, %v", lost, err)
			}
			if n := c.Calls("GetCacheEntryDownloadURL") - before; n > tc.most {
				t.Errorf("the service was asked %d times", n)
			}
		})
	}
}

// TestTheEntryForBuildKitIsItsOwn looks at what BuildKit is told.
func TestTheEntryForBuildKitIsItsOwn(t *testing.T) {
	one, two := map[string]string{"url": "http://127.0.0.1:1/x/"}, map[string]string{"url_v2": "http://127.0.0.1:1/", "timeout": "30s"}
	for want, attrs := range map[string]map[string]string{
		`{"scope":"buildkit","token":"T","url":"http://127.0.0.1:1/x/","version":"1"}`:                  one,
		`{"scope":"buildkit","timeout":"30s","token":"T","url_v2":"http://127.0.0.1:1/","version":"2"}`: two,
	} {
		attrs["token"] = testenv.ActionsToken(t, testenv.ActionsScope{Ref: "refs/heads/main", Write: true})
		n := source(t, services(t, gha.Options{}), attrs).Native(nil)
		if n.Attrs["token"] != attrs["token"] || n.Type != "gha" {
			t.Errorf("type %s, token %s", n.Type, n.Attrs["token"])
		}
		n.Attrs["token"] = "T"
		if got, err := json.Marshal(n.Attrs); err != nil || string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestExpiredTokensAreToldApart says so before anything is asked, and without the token.
func TestExpiredTokensAreToldApart(t *testing.T) {
	expired := testenv.ActionsTokenUntil(t, time.Now().Add(-time.Minute), testenv.ActionsScope{Ref: "refs/heads/main", Write: true})
	for _, token := range []string{expired, "nonsense", "a.b.c"} {
		_, err := gha.OpenSource(config.Cache{Type: "gha", Attrs: map[string]string{"token": token, "url": "http://127.0.0.1:1/"}}, noEnv, services(t, gha.Options{}))
		if err == nil || bytes.Contains([]byte(err.Error()), []byte(token)) {
			t.Errorf("%q: %v", token, err)
		}
	}
}
