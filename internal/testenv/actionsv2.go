package testenv

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	actionscache "github.com/tonistiigi/go-actions-cache"
)

// ActionsV2 is a stand-in for the second version of the cache service, which nobody can install: the Twirp service
// github.actions.results.api.v1.CacheService with its signed addresses, Azure's block blobs behind them, and the list of caches in GitHub's
// REST API. It keeps the service's rules: a key can be reserved once in a scope, an entry is there when it was finalized with the size it
// has, a token reads the entries of its scopes in their order, the newest of a prefix first.
type ActionsV2 struct {
	ActionsCache
	// RESTToken is what the list of caches is asked for with.
	RESTToken string

	dir string

	mu      sync.Mutex
	lag     time.Duration
	entries []*actionsEntry
	calls   map[string]int
}

// actionsEntry is a reserved key and, when it is done, its content.
type actionsEntry struct {
	id                  int
	scope, key, version string
	signature           string
	blocks              int
	done                bool
	created, visible    time.Time
	size                int64
}

// StartActionsV2 starts the stand-in. It ends with the test.
func StartActionsV2(t testing.TB) *ActionsV2 {
	t.Helper()
	s := &ActionsV2{RESTToken: "rest-" + rand.Text(), dir: t.TempDir(), calls: map[string]int{}}
	mux := http.NewServeMux()
	const service = "POST /twirp/github.actions.results.api.v1.CacheService/"
	mux.HandleFunc(service+"CreateCacheEntry", s.twirp(s.create))
	mux.HandleFunc(service+"FinalizeCacheEntryUpload", s.twirp(s.finalize))
	mux.HandleFunc(service+"GetCacheEntryDownloadURL", s.twirp(s.download))
	mux.HandleFunc("PUT /blobs/{id}", s.put)
	mux.HandleFunc("GET /blobs/{id}", s.get)
	mux.HandleFunc("GET /api/repos/{owner}/{name}/actions/caches", s.rest(s.list))
	mux.HandleFunc("DELETE /api/repos/{owner}/{name}/actions/caches/{id}", s.rest(s.delete))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Ms-Request-Id", rand.Text())
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.ActionsCache = ActionsCache{
		URL: server.URL + "/", V2: true, Token: mainToken(t),
		lose: func(_ testing.TB, key string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.entries = slices.DeleteFunc(s.entries, func(e *actionsEntry) bool { return e.key == key })
		},
		replace: func(t testing.TB, key string, raw []byte) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, e := range s.entries {
				if e.key == key {
					write(t, s.file(e, ""), raw)
					e.size = int64(len(raw))
				}
			}
		},
	}
	return s
}

// APIURL is what GITHUB_API_URL is in a job.
func (s *ActionsV2) APIURL() string { return s.URL + "api" }

// SetLag makes entries visible some time after they were finalized only.
func (s *ActionsV2) SetLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
}

// Reserve takes a key in a scope and never finishes it, as a job that was killed does.
func (s *ActionsV2) Reserve(scope, key, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, &actionsEntry{id: len(s.entries) + 1, scope: scope, key: key, version: version, signature: rand.Text()})
}

// Calls is how often a method of the service, "PUT" and "GET" of blobs, or "list" was called.
func (s *ActionsV2) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s *ActionsV2) file(e *actionsEntry, block string) string {
	if block != "" {
		block = "-" + base64.RawURLEncoding.EncodeToString([]byte(block))
	}
	return filepath.Join(s.dir, strconv.Itoa(e.id)+block)
}

// twirpError is an error of the protocol.
type twirpError struct {
	status    int
	code, msg string
}

func (e *twirpError) Error() string { return e.code + ": " + e.msg }

// cacheRequest is what all methods of the service are asked with.
type cacheRequest struct {
	Key         string   `json:"key"`
	RestoreKeys []string `json:"restore_keys"`
	Version     string   `json:"version"`
	SizeBytes   int64    `json:"size_bytes"`
}

// twirp makes a method a handler: JSON in, JSON out, a token before.
func (s *ActionsV2) twirp(method func([]actionscache.Scope, *cacheRequest) (map[string]any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[filepath.Base(r.URL.Path)]++
		reply := func(status int, v any) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(v)
		}
		client, err := actionscache.New(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "", true, actionscache.Opt{})
		if err != nil {
			reply(http.StatusUnauthorized, map[string]string{"code": "unauthenticated", "msg": "invalid token"})
			return
		}
		var req cacheRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || req.Key == "" || req.Version == "" {
			reply(http.StatusBadRequest, map[string]string{"code": "malformed", "msg": "the request is not one"})
			return
		}
		out, err := method(client.Scopes(), &req)
		var te *twirpError
		if errors.As(err, &te) {
			reply(te.status, map[string]string{"code": te.code, "msg": te.msg})
			return
		}
		reply(http.StatusOK, out)
	}
}

// writeScope is the scope that a token writes to, as BuildKit finds it (cache/remotecache/gha, indexKey).
func writeScope(scopes []actionscache.Scope) string {
	scope := ""
	for _, s := range scopes {
		if s.Permission&actionscache.PermissionWrite != 0 {
			scope = s.Scope
		}
	}
	return scope
}

func (s *ActionsV2) create(scopes []actionscache.Scope, req *cacheRequest) (map[string]any, error) {
	scope := writeScope(scopes)
	if scope == "" {
		return nil, &twirpError{http.StatusForbidden, "permission_denied", "cache write denied"}
	}
	for _, e := range s.entries {
		if e.scope == scope && e.key == req.Key && e.version == req.Version {
			return nil, &twirpError{http.StatusConflict, "already_exists", "cache entry with the same key, version, and scope already exists"}
		}
	}
	e := &actionsEntry{id: len(s.entries) + 1, scope: scope, key: req.Key, version: req.Version, signature: rand.Text(), created: time.Now()}
	for _, other := range s.entries {
		e.id = max(e.id, other.id+1)
	}
	s.entries = append(s.entries, e)
	return map[string]any{"ok": true, "signed_upload_url": s.address(e)}, nil
}

func (s *ActionsV2) address(e *actionsEntry) string {
	return fmt.Sprintf("%sblobs/%d?sig=%s", s.URL, e.id, e.signature)
}

func (s *ActionsV2) finalize(scopes []actionscache.Scope, req *cacheRequest) (map[string]any, error) {
	for _, e := range s.entries {
		if e.scope != writeScope(scopes) || e.key != req.Key || e.version != req.Version || e.done {
			continue
		}
		st, err := os.Stat(s.file(e, ""))
		if err != nil || st.Size() != req.SizeBytes {
			return nil, &twirpError{http.StatusBadRequest, "invalid_argument", "the size is not that of the upload"}
		}
		e.done, e.size, e.visible = true, st.Size(), time.Now().Add(s.lag)
		return map[string]any{"ok": true, "entry_id": strconv.Itoa(e.id)}, nil
	}
	return nil, &twirpError{http.StatusNotFound, "not_found", "no such upload"}
}

func (s *ActionsV2) download(scopes []actionscache.Scope, req *cacheRequest) (map[string]any, error) {
	match := func(test func(*actionsEntry) bool) *actionsEntry {
		for _, scope := range scopes {
			for _, e := range slices.Backward(s.entries) {
				if e.scope == scope.Scope && e.version == req.Version && e.done && time.Now().After(e.visible) && test(e) {
					return e
				}
			}
		}
		return nil
	}
	found := match(func(e *actionsEntry) bool { return e.key == req.Key })
	for _, prefix := range req.RestoreKeys {
		if found == nil {
			found = match(func(e *actionsEntry) bool { return strings.HasPrefix(e.key, prefix) })
		}
	}
	if found == nil {
		return map[string]any{"ok": false}, nil
	}
	return map[string]any{"ok": true, "signed_download_url": s.address(found), "matched_key": found.key}, nil
}

// signed finds the entry that an address is for; nil if the address is not good.
func (s *ActionsV2) signed(r *http.Request) *actionsEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[r.Method]++
	for _, e := range s.entries {
		if strconv.Itoa(e.id) == r.PathValue("id") && e.signature == r.URL.Query().Get("sig") {
			return e
		}
	}
	return nil
}

// put takes a blob, a block of it, or the list of its blocks (Azure's Put Blob, Put Block and Put Block List).
func (s *ActionsV2) put(w http.ResponseWriter, r *http.Request) {
	e := s.signed(r)
	if e == nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	var err error
	switch r.URL.Query().Get("comp") {
	case "block":
		err = store(s.file(e, r.URL.Query().Get("blockid")), r.Body)
	case "blocklist":
		var list struct {
			Latest []string
		}
		if err = xml.NewDecoder(r.Body).Decode(&list); err == nil {
			err = s.join(e, list.Latest)
		}
	default:
		if r.Header.Get("X-Ms-Blob-Type") != "BlockBlob" {
			err = errors.New("not a block blob")
			break
		}
		err = store(s.file(e, ""), r.Body)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func store(path string, r io.Reader) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// join makes a blob of its blocks.
func (s *ActionsV2) join(e *actionsEntry, blocks []string) error {
	var parts []io.Reader
	for _, id := range blocks {
		f, err := os.Open(s.file(e, id))
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // read side
		parts = append(parts, f)
	}
	s.mu.Lock()
	e.blocks = len(blocks)
	s.mu.Unlock()
	return store(s.file(e, ""), io.MultiReader(parts...))
}

// Blocks is how many blocks an entry was made of, 0 for one that came in one piece.
func (s *ActionsV2) Blocks(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.key == key {
			return e.blocks
		}
	}
	return 0
}

// get gives a blob, or the range of it that is asked for in HTTP's or in Azure's header.
func (s *ActionsV2) get(w http.ResponseWriter, r *http.Request) {
	e := s.signed(r)
	if e == nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if v := r.Header.Get("X-Ms-Range"); v != "" {
		r.Header.Set("Range", v)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, r, s.file(e, ""))
}

// rest asks for the REST API's token before a method of it.
func (s *ActionsV2) rest(method http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer "+s.RESTToken {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		method(w, r)
	}
}

// delete is the REST API's removal of an entry (GitHub REST, "Delete a GitHub Actions cache for a repository (using a cache ID)").
func (s *ActionsV2) delete(w http.ResponseWriter, r *http.Request) {
	before := len(s.entries)
	s.entries = slices.DeleteFunc(s.entries, func(e *actionsEntry) bool { return e.done && strconv.Itoa(e.id) == r.PathValue("id") })
	if len(s.entries) == before {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// list is the REST API's list of caches (GitHub REST, "List GitHub Actions caches for a repository").
func (s *ActionsV2) list(w http.ResponseWriter, r *http.Request) {
	s.calls["list"]++
	q := r.URL.Query()
	all := []map[string]any{}
	for _, e := range s.entries {
		if e.done && strings.HasPrefix(e.key, q.Get("key")) && (q.Get("ref") == "" || q.Get("ref") == e.scope) {
			all = append(all, map[string]any{"id": e.id, "ref": e.scope, "key": e.key, "version": e.version, "size_in_bytes": e.size, "created_at": e.created.UTC()})
		}
	}
	per, _ := strconv.Atoi(q.Get("per_page"))
	page, _ := strconv.Atoi(q.Get("page"))
	per, page = min(max(per, 1), 100), max(page, 1)
	total := len(all)
	all = all[min((page-1)*per, total):min(page*per, total)]
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"total_count": total, "actions_caches": all})
}
