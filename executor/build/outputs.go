package build

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cachectl/cachectl/config"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/session/filesync"
)

// outputs are a target's exporters and the files of this machine they write to.
type outputs struct {
	exporters []*controlapi.Exporter
	targets   []filesync.FSSyncTarget
	loads     []*loader
}

// newOutputs translates a target's outputs; "cacheonly" is none at all. Tags name the images.
func newOutputs(ctx context.Context, t *config.Target, dir string) (*outputs, error) {
	out := &outputs{}
	for _, o := range t.Outputs {
		if o.Type == "cacheonly" {
			continue
		}
		if err := out.add(ctx, t, o, dir); err != nil {
			return nil, fmt.Errorf("target %s: output %s: %w", t.Name, o.Type, err)
		}
	}
	return out, nil
}

func (out *outputs) add(ctx context.Context, t *config.Target, o config.Output, dir string) error {
	attrs := maps.Clone(o.Attrs)
	if attrs == nil {
		attrs = map[string]string{}
	}
	dest := attrs["dest"]
	delete(attrs, "dest")
	kind, id := o.Type, len(out.exporters)
	if kind == "registry" {
		kind = "image"
		attrs["push"] = "true"
		if _, ok := attrs["unpack"]; !ok {
			attrs["unpack"] = "false"
		}
	}
	switch kind {
	case "image", "oci", "docker":
		if len(t.Tags) > 0 {
			attrs["name"] = strings.Join(t.Tags, ",")
		}
		if kind == "image" && isTrue(attrs["push"]) && attrs["name"] == "" {
			return fmt.Errorf("pushing an image needs tags")
		}
		if err := addAnnotations(t.Annotations, attrs); err != nil {
			return err
		}
	}
	if err := out.connect(ctx, kind, id, dest, dir, attrs); err != nil {
		return err
	}
	out.exporters = append(out.exporters, &controlapi.Exporter{Type: kind, Attrs: attrs})
	return nil
}

// connect sets up where an exporter writes on this machine.
func (out *outputs) connect(ctx context.Context, kind string, id int, dest, dir string, attrs map[string]string) error {
	switch {
	case kind == "local", (kind == "oci" || kind == "docker") && attrs["tar"] == "false":
		if dest == "" || dest == "-" {
			return fmt.Errorf("needs a dest directory")
		}
		if isTrue(attrs["delete"]) || attrs["mode"] == "delete" {
			out.targets = append(out.targets, filesync.WithFSSyncDirDelete(id, absolute(dir, dest)))
			return nil
		}
		out.targets = append(out.targets, filesync.WithFSSyncDir(id, absolute(dir, dest)))
	case kind == "docker" && dest == "":
		l := &loader{ctx: ctx, dockerContext: attrs["context"]}
		delete(attrs, "context")
		out.loads = append(out.loads, l)
		out.targets = append(out.targets, filesync.WithFSSync(id, l.open))
	case kind == "tar", kind == "oci", kind == "docker":
		if dest == "" {
			return fmt.Errorf("needs a dest file")
		}
		if dest == "-" {
			out.targets = append(out.targets, filesync.WithFSSync(id, func(map[string]string) (io.WriteCloser, error) {
				return keepOpen{os.Stdout}, nil
			}))
			return nil
		}
		path := absolute(dir, dest)
		out.targets = append(out.targets, filesync.WithFSSync(id, func(map[string]string) (io.WriteCloser, error) {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return nil, err
			}
			return newAtomicFile(path)
		}))
	}
	return nil
}

// wait waits until loaded images have arrived in docker.
func (out *outputs) wait() error {
	for _, l := range out.loads {
		if err := l.wait(); err != nil {
			return err
		}
	}
	return nil
}

// addAnnotations turns "[type[,type]][platform]:key=value" into exporter attributes
// (BuildKit: exporter/containerimage/exptypes/annotations.go).
func addAnnotations(annotations []string, attrs map[string]string) error {
	for _, a := range annotations {
		key, value, ok := strings.Cut(a, "=")
		if !ok {
			return fmt.Errorf("annotation %q is not key=value", a)
		}
		scopes := []string{""}
		if scope, name, found := strings.Cut(key, ":"); found && isAnnotationScope(scope) {
			scopes, key = strings.Split(scope, ","), name
		}
		for _, scope := range scopes {
			kind, platform, found := strings.Cut(strings.TrimSuffix(scope, "]"), "[")
			prefix := "annotation"
			if kind != "" {
				prefix = "annotation-" + kind
			}
			if found {
				prefix += "[" + platform + "]"
			}
			attrs[prefix+"."+key] = value
		}
	}
	return nil
}

// isAnnotationScope tells "manifest,index" and "manifest[linux/amd64]" from a key that has a colon of its own.
func isAnnotationScope(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		kind, _, _ := strings.Cut(part, "[")
		switch kind {
		case "manifest", "index", "manifest-descriptor", "index-descriptor":
		default:
			return false
		}
	}
	return true
}

// loader pipes an image into `docker load`.
type loader struct {
	ctx           context.Context
	dockerContext string

	mu     sync.Mutex
	cmd    *exec.Cmd
	stderr strings.Builder
}

func (l *loader) open(map[string]string) (io.WriteCloser, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	args := []string{"load", "--quiet"}
	if l.dockerContext != "" {
		args = append([]string{"--context", l.dockerContext}, args...)
	}
	l.cmd = exec.CommandContext(l.ctx, "docker", args...)
	l.cmd.Stderr = &l.stderr
	w, err := l.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("docker load: %w", err)
	}
	if err := l.cmd.Start(); err != nil {
		return nil, fmt.Errorf("docker load: %w", err)
	}
	return w, nil
}

func (l *loader) wait() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cmd == nil {
		return nil
	}
	if err := l.cmd.Wait(); err != nil {
		return fmt.Errorf("docker load: %w: %s", err, strings.TrimSpace(l.stderr.String()))
	}
	return nil
}

// keepOpen is a writer whose Close leaves the file open.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

// atomicFile is a file that gets its name when it is whole.
type atomicFile struct {
	*os.File
	path string
}

func newAtomicFile(path string) (*atomicFile, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, err
	}
	return &atomicFile{File: f, path: path}, nil
}

// Close finishes the file and moves it to its place.
func (f *atomicFile) Close() error {
	if err := f.File.Close(); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.path)
}
