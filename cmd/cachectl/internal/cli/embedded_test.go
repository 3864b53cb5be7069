package cli

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
)

func serving(t *testing.T, host string) *embedded {
	t.Helper()
	g := &globals{in: Surroundings{LookupEnv: func(string) (string, bool) { return "", false }, Dir: t.TempDir()}}
	e, err := g.serveEmbedded(t.Context(), []*config.Registry{{Host: host, Embedded: true, Dir: t.TempDir()}, {Host: "elsewhere:5000"}}, "", slog.New(slog.DiscardHandler))
	t.Cleanup(e.close)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// serves is how many registries this run serves itself by now.
func (e *embedded) serves() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.servers)
}

func freeHost(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestRegistryOfAnotherRunIsUsedAndTakenOverWhenThatEnds(t *testing.T) {
	host := freeHost(t)
	first := serving(t, host)
	second := serving(t, host)
	if second.serves() != 0 {
		t.Fatal("the second run serves an address that the first serves")
	}
	first.close()
	second.waiting.Wait() // for the takeover
	if err := isRegistry(t.Context(), host); err != nil {
		t.Errorf("nobody serves %s any more: %v", host, err)
	}
}

func TestWaitingForAnAddressEndsWithTheRun(t *testing.T) {
	host := freeHost(t)
	serving(t, host)
	second := serving(t, host)
	second.close()
	if second.serves() != 0 {
		t.Error("the second run took the address over")
	}
}

func TestAddressOfSomethingElseIsRefused(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	host := strings.TrimPrefix(other.URL, "http://")
	g := &globals{in: Surroundings{LookupEnv: func(string) (string, bool) { return "", false }, Dir: t.TempDir()}}
	e, err := g.serveEmbedded(t.Context(), []*config.Registry{{Host: host, Embedded: true, Dir: t.TempDir()}}, "", slog.New(slog.DiscardHandler))
	defer e.close()
	if err == nil || !strings.Contains(err.Error(), "something else listens there") {
		t.Errorf("error %v, want one that says what is wrong", err)
	}
}

func TestDataHomeFollowsTheEnvironment(t *testing.T) {
	env := map[string]string{"HOME": "/home/u"}
	g := &globals{in: Surroundings{Dir: "/src", LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}}
	for _, c := range []struct{ xdg, dir, want string }{
		{"", "", "/home/u/.local/share/cachectl"},
		{"/data", "", "/data/cachectl"},
		{"relative", "", "/home/u/.local/share/cachectl"}, // the specification has these ignored
		{"/data", "state", "/src/state"},
	} {
		env["XDG_DATA_HOME"] = c.xdg
		got, err := g.dataHome(c.dir)
		if err != nil || got != c.want {
			t.Errorf("XDG_DATA_HOME=%q, --data-dir %q: %q, %v; want %q", c.xdg, c.dir, got, err, c.want)
		}
	}
}
