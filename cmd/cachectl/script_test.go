package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/local"
	"github.com/cachectl/cachectl/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cachectl": main})
}

// TestScripts runs the scripts in testdata/script; each is headed by the rule it holds. "code N CMD…" runs a command and wants its exit code to be N.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("NO_COLOR", "")
			env.Setenv("PORT", freePort(t))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": wantCode, "makecache": makeCache(t), "envsubst": substitute, "starts3": startS3(t), "serve": serve},
	})
}

// wantCode runs a command and compares its exit code.
func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exited, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%s: %v", strings.Join(args[1:], " "), err)
		}
		got = exited.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// makeCache returns the command "makecache DIR[:TAG] [SEED]", which publishes a small cache of three steps to a directory. Others share nothing with
// it if their seed is another.
func makeCache(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 1 || len(args) > 2 {
			ts.Fatalf("usage: makecache dir[:tag] [seed]")
		}
		dir, tag, tagged := strings.Cut(args[0], ":")
		attrs := map[string]string{"dest": ts.MkAbs(dir)}
		if tagged {
			attrs["tag"] = tag
		}
		seed := append(args, "script")[1]
		dest, err := local.Open(config.Cache{Type: "local", Attrs: attrs}, "")
		ts.Check(err)
		backendtest.Publish(t, dest, backendtest.NewSample(t, seed, 3), ocispec.Descriptor{})
	}
}

// freePort is a port of loopback that nobody listens at.
func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// serve serves a directory over HTTP until the script ends; its address is in $SERVER.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serve dir")
	}
	s := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
	ts.Defer(s.Close)
	ts.Setenv("SERVER", s.URL)
}

// substitute replaces $PORT in files.
func substitute(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: envsubst file...")
	}
	for _, name := range args {
		text := strings.ReplaceAll(ts.ReadFile(name), "$PORT", ts.Getenv("PORT"))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// startS3 returns the command "starts3", which starts a service that speaks S3 and sets S3 to the attributes of a cache in it. Its secret key is in
// SECRET.
func startS3(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) > 0 {
			ts.Fatalf("usage: starts3")
		}
		s3 := testenv.StartS3(t)
		csv := "type=s3"
		for name, value := range s3.Attrs() {
			csv += "," + name + "=" + value
		}
		ts.Setenv("S3", csv)
		ts.Setenv("SECRET", s3.SecretKey)
	}
}
