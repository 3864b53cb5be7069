package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/blob"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// probed is what a probe of a reference finds, by feature.
func probed(t *testing.T, h *Hosts, ref string) map[string]backend.Finding {
	t.Helper()
	found := map[string]backend.Finding{}
	if err := destination(t, h, ref, nil).Probe(t.Context(), func(f backend.Finding) { found[f.Feature] = f }); err != nil {
		t.Fatal(err)
	}
	return found
}

// answers fails unless the probe's answers are these; features that are not named do not matter.
func answers(t *testing.T, found map[string]backend.Finding, want map[string]backend.Answer) {
	t.Helper()
	for feature, a := range want {
		if f := found[feature]; f.Answer != a {
			t.Errorf("%s: %s (%s), want %s", feature, f.Answer, f.Seen, a)
		}
	}
}

// tagsOf are the tags of a repository, as the registry lists them.
func tagsOf(t *testing.T, s *server, name string) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/v2/"+name+"/tags/list", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Tags []string }
	if resp.StatusCode != http.StatusNotFound {
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	}
	return doc.Tags
}

// repositories are what the registry keeps directories for.
func repositories(t *testing.T, s *server) []string {
	t.Helper()
	root := filepath.Join(s.dir, "docker/registry/v2/repositories")
	var list []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "_layers" {
			name, _ := filepath.Rel(root, filepath.Dir(path))
			list = append(list, name)
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAProbeTellsWhatDistributionDoesAndLeavesNothingBehind(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *server{
		"v3":         func(t *testing.T) *server { return distribution3(t) },
		"2.8":        func(t *testing.T) *server { return distribution2(t) },
		"basic auth": withBasicAuth,
		"TLS":        func(t *testing.T) *server { return withTLS(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			sample, root := published(t, s, "team/app")
			found := probed(t, s.hosts(t), s.addr+"/team/app:cache")
			answers(t, found, map[string]backend.Answer{
				"upload": backend.Yes, "chunked-upload": backend.Yes, "range": backend.Yes, "mount": backend.Yes, "image-manifest": backend.Yes,
				"index": backend.Yes, "docker-media-types": backend.Yes, "zstd": backend.Yes, "tag-moves": backend.Yes, "conditional-tag": backend.No,
				"delete-manifest": backend.Yes, "delete-blob": backend.Yes, "referrers": backend.No, "retry-after": backend.Unknown, "clean-up": backend.Yes,
			})
			if tags, repos := tagsOf(t, s, "team/app"), repositories(t, s); !slices.Equal(tags, []string{"cache"}) || !slices.Equal(repos, []string{"team/app"}) {
				t.Errorf("tags %v, repositories %v", tags, repos)
			}
			cur := backendtest.Read(t, source(t, s.hosts(t), s.addr+"/team/app:cache", nil))
			if cur.Root.Digest != root.Digest || !cur.Cache.Covers(sample.Cache) {
				t.Errorf("the named cache is %s now, not %s", cur.Root.Digest, root.Digest)
			}
		})
	}
}

// TestAProbeTellsRegistriesApart puts what some registries do differently before one.
func TestAProbeTellsRegistriesApart(t *testing.T) {
	always := 1 << 20
	refuse := func(status int, body string) func(http.ResponseWriter, *http.Request, http.Handler) {
		return answer(status, nil, body)
	}
	// byManifest answers for manifests that hold a text.
	byManifest := func(text string, status int) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, req *http.Request, next http.Handler) {
			raw, err := io.ReadAll(req.Body)
			if err == nil && bytes.Contains(raw, []byte(text)) {
				answer(status, nil, `{"errors":[{"code":"MANIFEST_INVALID"}]}`)(w, req, next)
				return
			}
			req.Body = io.NopCloser(bytes.NewReader(raw))
			next.ServeHTTP(w, req)
		}
	}
	for name, c := range map[string]struct {
		fault *fault
		want  map[string]backend.Answer
	}{
		"no deletion": {&fault{method: http.MethodDelete, act: refuse(405, `{"errors":[{"code":"UNSUPPORTED"}]}`)}, map[string]backend.Answer{"delete-manifest": backend.No, "delete-blob": backend.No, "clean-up": backend.No, "mount": backend.Yes}},
		"no index":    {&fault{method: http.MethodPut, path: "/manifests/", act: byManifest(`"manifests":`, 400)}, map[string]backend.Answer{"index": backend.No, "docker-media-types": backend.No, "image-manifest": backend.Yes}},
		"no zstd":     {&fault{method: http.MethodPut, path: "/manifests/", act: byManifest("+zstd", 415)}, map[string]backend.Answer{"zstd": backend.No, "image-manifest": backend.Yes}},
		"no chunks":   {&fault{method: http.MethodPatch, act: refuse(405, "")}, map[string]backend.Answer{"chunked-upload": backend.No, "upload": backend.Yes}},
		"fixed tags":  {&fault{method: http.MethodPut, path: "/manifests/cachectl-doctor", first: 1, act: refuse(409, `{"errors":[{"code":"TAG_INVALID","message":"immutable"}]}`)}, map[string]backend.Answer{"tag-moves": backend.No}},
		"conditions":  {&fault{method: http.MethodPut, path: "/manifests/cachectl-doctor", first: 2, act: refuse(412, "")}, map[string]backend.Answer{"tag-moves": backend.Yes, "conditional-tag": backend.Yes}},
		"referrers":   {&fault{method: http.MethodGet, path: "/referrers/", act: answer(200, http.Header{"Content-Type": {ocispec.MediaTypeImageIndex}}, "{}")}, map[string]backend.Answer{"referrers": backend.Yes}},
		"a limit":     {&fault{method: http.MethodGet, path: "/referrers/", act: answer(429, http.Header{"Retry-After": {"30"}}, "")}, map[string]backend.Answer{"referrers": backend.Unknown, "retry-after": backend.Yes}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withFaults(t)
			c.fault.times = always
			f.add(t, c.fault)
			h, _ := f.clocked(t)
			answers(t, probed(t, h, f.ref("team/app")), c.want)
		})
	}
}

// TestAProbeWithoutDeletionLeavesNoMoreTheSecondTime: what cannot be deleted has the same names each time.
func TestAProbeWithoutDeletionLeavesNoMoreTheSecondTime(t *testing.T) {
	f := withFaults(t)
	f.add(t, &fault{method: http.MethodDelete, times: 1 << 20, act: answer(405, nil, "")})
	var left [2]string
	for i := range left {
		found := probed(t, f.hosts(t), f.ref("team/app"))
		left[i] = found["clean-up"].Seen
		if tags := tagsOf(t, f.server, "team/app"); !slices.Equal(tags, []string{"cachectl-doctor"}) {
			t.Errorf("tags %v", tags)
		}
	}
	if left[0] != left[1] || !strings.Contains(left[0], "cachectl-doctor") {
		t.Errorf("left behind: %q, then %q", left[0], left[1])
	}
	if n := f.count(http.MethodPut, "/manifests/cache$"); n > 0 {
		t.Errorf("the given tag was written %d times", n)
	}
}

func TestAProbeNeverUsesTheGivenTag(t *testing.T) {
	f := withFaults(t)
	f.add(t, &fault{method: http.MethodDelete, times: 1 << 20, act: answer(405, nil, "")})
	probed(t, f.hosts(t), f.addr+"/app:cachectl-doctor")
	if n := f.count(http.MethodPut, "/manifests/cachectl-doctor$"); n > 0 {
		t.Errorf("the given tag was written %d times", n)
	}
}

func TestAProbeSaysThatNothingCanBePublished(t *testing.T) {
	f := withFaults(t)
	f.add(t, &fault{method: http.MethodPost, path: uploadPath, act: answer(403, nil, `{"errors":[{"code":"DENIED"}]}`)})
	found := probed(t, f.hosts(t), f.ref("app"))
	if u := found["upload"]; !errors.Is(u.Err, blob.ErrDenied) {
		t.Errorf("upload: %+v", u)
	}
	if _, went := found["tag-moves"]; went {
		t.Error("it went on")
	}
	err := destination(t, f.hosts(t), "127.0.0.1:1/app:cache", nil).Probe(t.Context(), func(backend.Finding) {})
	if err == nil {
		t.Error("a registry that cannot be reached was probed")
	}
}

func TestAProbeThatIsInterruptedCleansUp(t *testing.T) {
	s := distribution3(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	clean := backend.Finding{}
	err := destination(t, s.hosts(t), s.addr+"/app:cache", nil).Probe(ctx, func(f backend.Finding) {
		if f.Feature == "tag-moves" {
			cancel(stop)
		}
		if f.Feature == "clean-up" {
			clean = f
		}
	})
	if !errors.Is(err, stop) || clean.Answer != backend.Yes {
		t.Errorf("%v, clean-up %+v", err, clean)
	}
	if tags := tagsOf(t, s, "app"); len(tags) > 0 {
		t.Errorf("tags %v", tags)
	}
}
