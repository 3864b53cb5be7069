package registryd_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/executor/registryd"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func serve(t *testing.T, dir, addr string) *registryd.Server {
	t.Helper()
	s, err := registryd.Serve(t.Context(), registryd.Options{Addr: addr, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContentSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	first := serve(t, dir, "127.0.0.1:0")
	addr := first.Addr()
	img, err := random.Image(1024, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(addr + "/team/app:main")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := serve(t, dir, addr)
	defer second.Close()
	got, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := img.Digest()
	if d, _ := got.Digest(); d != want {
		t.Errorf("after a restart the tag points at %s, want %s", d, want)
	}
}

func TestAnAddressOffLoopbackIsRefused(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "192.0.2.1:5000", ":5000", "example.com:80"} {
		if s, err := registryd.Serve(t.Context(), registryd.Options{Addr: addr, Dir: t.TempDir()}); err == nil {
			_ = s.Close()
			t.Errorf("%s was served", addr)
		}
	}
}

func TestATakenAddressIsToldApart(t *testing.T) {
	s := serve(t, t.TempDir(), "127.0.0.1:0")
	defer s.Close()
	_, err := registryd.Serve(t.Context(), registryd.Options{Addr: s.Addr(), Dir: t.TempDir()})
	if !errors.Is(err, registryd.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}

func TestTheEnvironmentDoesNotReconfigureIt(t *testing.T) {
	t.Setenv("REGISTRY_AUTH", "htpasswd")
	s := serve(t, t.TempDir(), "127.0.0.1:0")
	defer s.Close()
	resp, err := http.Get("http://" + s.Addr() + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "{}" {
		t.Errorf("GET /v2/ answers %d %q", resp.StatusCode, body)
	}
}
