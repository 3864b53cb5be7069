package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// elsewhere is the way out that every error of the embedded builder ends with.
const elsewhere = "or name a running builder with --builder or BUILDKIT_HOST"

// command is how the daemon is run on this machine, or an error that says what to install.
func (e *Embedded) command(lookupEnv func(string) (string, bool)) ([]string, error) {
	daemon, err := findDaemon(lookupEnv)
	if err != nil {
		return nil, err
	}
	runc, err := find(lookupEnv, "runc", nearby()...)
	if err != nil {
		return nil, fmt.Errorf("the embedded builder needs runc: %w; install it (apt-get install runc), %s", err, elsewhere)
	}
	args := []string{
		daemon, "--root", e.root(), "--addr", e.Address(), "--config", filepath.Join(e.dir, "buildkitd.toml"),
		"--oci-worker-net=host", "--oci-worker-binary=" + runc, "--containerd-worker=false", "--otel-socket-path", e.traceSocket(),
	}
	if os.Getuid() == 0 {
		return args, checkMachine(runc)
	}
	rootless, err := findRootless(lookupEnv)
	if err != nil {
		return nil, err
	}
	args = append(args, "--rootless")
	if procMasked() {
		args = append(args, "--oci-worker-no-process-sandbox")
	}
	return append([]string{rootless, "--net=host", "--copy-up=/etc", "--copy-up=/run", "--propagation=rslave"}, args...), checkMachine(runc)
}

// traceSocket is where the daemon takes traces; its default is one directory for all daemons, of root.
func (e *Embedded) traceSocket() string { return strings.TrimSuffix(e.socket, ".sock") + "-otel.sock" }

// environment is the daemon's. Without root rights runc keeps its state where XDG_RUNTIME_DIR says, which need not be set or ours.
func (e *Embedded) environment() ([]string, error) {
	if os.Getuid() == 0 {
		return os.Environ(), nil
	}
	dir := filepath.Join(e.dir, "run")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make runtime directory of the embedded builder: %w", err)
	}
	return append(os.Environ(), "XDG_RUNTIME_DIR="+dir), nil
}

// findDaemon looks for buildkitd: where CACHECTL_BUILDKITD says, beside cachectl, where `make tools` puts it, and on the PATH.
func findDaemon(lookupEnv func(string) (string, bool)) (string, error) {
	if path, ok := lookupEnv("CACHECTL_BUILDKITD"); ok && path != "" {
		if !executable(path) {
			return "", fmt.Errorf("CACHECTL_BUILDKITD is %s, which is no program", path)
		}
		return filepath.Abs(path)
	}
	path, err := find(lookupEnv, "buildkitd", nearby()...)
	if err != nil {
		return "", fmt.Errorf("no builder was found and none can be started: %w; build it with `make tools`, set CACHECTL_BUILDKITD, %s", err, elsewhere)
	}
	return path, nil
}

// findRootless looks for what a daemon without root rights runs in.
func findRootless(lookupEnv func(string) (string, bool)) (string, error) {
	path, err := find(lookupEnv, "rootlesskit", nearby()...)
	if err == nil {
		_, err = find(lookupEnv, "newuidmap")
	}
	if err != nil {
		return "", fmt.Errorf("without root rights the embedded builder needs rootlesskit and newuidmap: %w; install them (apt-get install rootlesskit uidmap), run as root, %s", err, elsewhere)
	}
	return path, nil
}

// nearby is where cachectl's own programs are: beside it, and where `make tools` puts them.
func nearby() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	dir := filepath.Dir(self)
	return []string{dir, filepath.Join(dir, "..", ".tools", "bin")}
}

// find looks for a program in dirs, on the PATH, and where the system keeps programs of root, which the PATH of others leaves out.
func find(lookupEnv func(string) (string, bool), name string, dirs ...string) (string, error) {
	if path, ok := lookupEnv("PATH"); ok {
		dirs = append(dirs, filepath.SplitList(path)...)
	}
	dirs = append(dirs, "/usr/local/sbin", "/usr/sbin", "/sbin")
	for _, d := range dirs {
		if path := filepath.Join(d, name); filepath.IsAbs(path) && executable(path) {
			return path, nil
		}
	}
	return "", errors.New(name + " is not installed")
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}
