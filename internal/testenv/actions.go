package testenv

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	actionscache "github.com/tonistiigi/go-actions-cache"
)

// ActionsCache is a running cache service of GitHub Actions.
type ActionsCache struct {
	// URL is the address of the service, V2 which version of it answers there.
	URL string
	V2  bool
	// Token may read and write the scope refs/heads/main.
	Token string

	lose    func(t testing.TB, key string)
	replace func(t testing.TB, key string, raw []byte)
}

// ActionsScope is a branch or pull request whose entries a token may read, or read and write.
type ActionsScope struct {
	Ref   string
	Write bool
}

// ActionsToken is a token for scopes, as a job's runtime has it, that is valid for an hour. It is not signed: whoever reads a token of this
// service does not check that.
func ActionsToken(t testing.TB, scopes ...ActionsScope) string {
	t.Helper()
	return ActionsTokenUntil(t, time.Now().Add(time.Hour), scopes...)
}

// ActionsTokenUntil is a token that expires at a moment.
func ActionsTokenUntil(t testing.TB, expires time.Time, scopes ...ActionsScope) string {
	t.Helper()
	var list []actionscache.Scope
	for _, s := range scopes {
		p := actionscache.Permission(actionscache.PermissionRead)
		if s.Write {
			p |= actionscache.PermissionWrite
		}
		list = append(list, actionscache.Scope{Scope: s.Ref, Permission: p})
	}
	part := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	ac, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return part(map[string]string{"alg": "none", "typ": "JWT"}) + "." +
		part(map[string]any{"ac": string(ac), "nbf": time.Now().Add(-2 * time.Hour).Unix(), "exp": expires.Unix()}) + "."
}

func mainToken(t testing.TB) string {
	return ActionsToken(t, ActionsScope{Ref: "refs/heads/main", Write: true})
}

// StartActionsV1 starts the cache server of nektos/act, which speaks the first version. It takes any token, knows no scopes, and lets a key be
// saved again. It ends with the test.
func StartActionsV1(t testing.TB) *ActionsCache {
	t.Helper()
	dir := t.TempDir()
	address := filepath.Join(dir, "url")
	ready := func() bool { _, err := os.Stat(address); return err == nil }
	start(t, ready, nil, Tool(t, "actcache"), dir)
	url, err := os.ReadFile(address)
	if err != nil {
		t.Fatal(err)
	}
	c := &ActionsCache{URL: string(url), Token: mainToken(t)}
	// Storage.filename of act's artifactcache.
	file := func(t testing.TB, key string) string {
		t.Helper()
		e := c.Entry(t, key)
		if e == nil {
			t.Fatalf("there is no entry %s", key)
		}
		id, err := strconv.Atoi(path.Base(e.URL))
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, "cache", hexByte(id%0xff), strconv.Itoa(id))
	}
	c.lose = func(t testing.TB, key string) {
		if err := os.Remove(file(t, key)); err != nil {
			t.Fatal(err)
		}
	}
	c.replace = func(t testing.TB, key string, raw []byte) { write(t, file(t, key), raw) }
	return c
}

func hexByte(n int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[n>>4], digits[n&15]})
}

// Attrs are the attributes of a cache in the service, and more of them.
func (c *ActionsCache) Attrs(more map[string]string) map[string]string {
	attrs := map[string]string{"token": c.Token, "version": "1", "url": c.URL}
	if c.V2 {
		attrs = map[string]string{"token": c.Token, "version": "2", "url_v2": c.URL}
	}
	maps.Copy(attrs, more)
	return attrs
}

// Client is the client that BuildKit has for the service.
func (c *ActionsCache) Client(t testing.TB) *actionscache.Cache {
	t.Helper()
	client, err := actionscache.New(c.Token, c.URL, c.V2, actionscache.Opt{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Entry is the entry of exactly that key, nil if there is none.
func (c *ActionsCache) Entry(t testing.TB, key string) *actionscache.Entry {
	t.Helper()
	e, err := c.Client(t).Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if e == nil || e.Key != key {
		return nil
	}
	return e
}

// Lose removes an entry behind everybody's back, Replace gives it other content.
func (c *ActionsCache) Lose(t testing.TB, key string) {
	t.Helper()
	c.lose(t, key)
}

// Replace gives an entry other content behind everybody's back.
func (c *ActionsCache) Replace(t testing.TB, key string, raw []byte) {
	t.Helper()
	c.replace(t, key, raw)
}
