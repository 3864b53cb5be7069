package testenv

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client"
)

// Daemon is a buildkitd with an empty cache of its own.
type Daemon struct {
	// Address is what a client dials.
	Address string
}

// Buildkitd starts a buildkitd. config is the content of its buildkitd.toml, "" for none. It ends with the test.
func Buildkitd(t testing.TB, config string) *Daemon {
	t.Helper()
	// Not t.TempDir: the path of a socket must be short.
	dir, err := os.MkdirTemp("", "bk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unmountBelow(dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Logf("remove buildkitd's state: %v", err)
		}
	})
	toml := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(toml, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	sock := filepath.Join(dir, "s")
	command := []string{
		Tool(t, "buildkitd"), "--root", filepath.Join(dir, "root"), "--addr", "unix://" + sock, "--config", toml,
		"--oci-worker-net=host", "--oci-worker-binary=" + Tool(t, "runc"), "--containerd-worker=false", "--otel-socket-path", filepath.Join(dir, "otel"),
	}
	if os.Getuid() != 0 {
		command = append([]string{Tool(t, "rootlesskit"), "--net=host", "--copy-up=/etc", "--copy-up=/run"}, append(command, "--rootless")...)
	}
	start(t, func() bool { return listens("unix", sock) }, []string{"XDG_RUNTIME_DIR=" + dir}, command[0], command[1:]...)
	return &Daemon{Address: "unix://" + sock}
}

// Client connects to the daemon; the connection ends with the test.
func (d *Daemon) Client(t testing.TB) *client.Client {
	t.Helper()
	c, err := client.New(t.Context(), d.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
