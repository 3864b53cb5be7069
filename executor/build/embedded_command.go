package build

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
)

// command is how the daemon is run on this machine, or an error that says what to install.
func (e *Embedded) command(lookupEnv func(string) (string, bool)) ([]string, error) {
	daemon, err := findDaemon(lookupEnv)
	if err != nil {
		return nil, err
	}
	runc, err := find("runc", "/usr/sbin", "/usr/local/sbin", "/sbin")
	if err != nil {
		return nil, fmt.Errorf("the embedded builder needs runc: %w; install it (apt-get install runc), or name a running builder with --builder or BUILDKIT_HOST", err)
	}
	args := []string{
		daemon, "--root", filepath.Join(e.dir, "root"), "--addr", e.Address(), "--config", filepath.Join(e.dir, "buildkitd.toml"),
		"--oci-worker-net=host", "--oci-worker-binary=" + runc, "--containerd-worker=false", "--otel-socket-path", strings.TrimSuffix(e.socket, ".sock") + "-otel.sock",
	}
	if os.Getuid() == 0 {
		return args, nil
	}
	rootless, err := find("rootlesskit")
	if err != nil {
		return nil, errors.New("without root rights the embedded builder needs rootlesskit; install it (apt-get install rootlesskit uidmap slirp4netns), run as root, or name a running builder with --builder or BUILDKIT_HOST")
	}
	return append([]string{rootless, "--net=host", "--copy-up=/etc", "--copy-up=/run", "--propagation=rslave"}, append(args, "--rootless")...), nil
}

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
		return path, nil
	}
	var dirs []string
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		dir := filepath.Dir(self)
		dirs = append(dirs, dir, filepath.Join(dir, "..", ".tools", "bin"))
	}
	path, err := find("buildkitd", dirs...)
	if err != nil {
		return "", fmt.Errorf("no builder was found and none can be started: %w; build it with `make tools`, set CACHECTL_BUILDKITD, or name a running builder with --builder or BUILDKIT_HOST", err)
	}
	return path, nil
}

// find looks for a program in dirs and on the PATH.
func find(name string, dirs ...string) (string, error) {
	for _, d := range dirs {
		path := filepath.Join(d, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed", name)
	}
	return path, nil
}

// machineHint says what a machine may lack that runs no containers.
func machineHint() string {
	if _, err := os.Stat("/proc/self/ns/mnt"); err != nil {
		return "This machine has no namespaces; containers cannot run here. Name a builder elsewhere with --builder."
	}
	return "If this machine may not run containers (a container without rights, for instance), name a builder elsewhere with --builder or BUILDKIT_HOST."
}

// daemonConfig is the daemon's configuration for the registry blocks (BuildKit: docs/buildkitd.toml.md). It is the same for the same blocks.
func daemonConfig(registries []*config.Registry) []byte {
	var b strings.Builder
	b.WriteString("[worker.oci]\n  gc = true\n")
	sorted := slices.Clone(registries)
	slices.SortFunc(sorted, func(a, b *config.Registry) int { return strings.Compare(a.Host, b.Host) })
	for _, r := range sorted {
		var lines []string
		switch {
		case r.HTTP:
			lines = append(lines, "http = true")
		case r.CA != "":
			lines = append(lines, "http = false") // which BuildKit would try on loopback
		}
		if r.Insecure {
			lines = append(lines, "insecure = true")
		}
		if r.CA != "" {
			lines = append(lines, fmt.Sprintf("ca = [%q]", r.CA))
		}
		if len(r.Mirrors) > 0 {
			var quoted []string
			for _, m := range r.Mirrors {
				quoted = append(quoted, fmt.Sprintf("%q", m))
			}
			lines = append(lines, "mirrors = ["+strings.Join(quoted, ", ")+"]")
		}
		if len(lines) > 0 {
			fmt.Fprintf(&b, "[registry.%q]\n  %s\n", r.Host, strings.Join(lines, "\n  "))
		}
	}
	return []byte(b.String())
}
