package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client/ociindex"
	"github.com/moby/buildkit/session/filesync"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// LinkPrefix marks a named context that is the result of another target.
const LinkPrefix = "target:"

// inputs are a target's files: what the session serves and how the frontend is told about it.
type inputs struct {
	// mounts are the local directories by the name the frontend asks for.
	mounts filesync.StaticDirSource
	// dirs are where those are on this machine.
	dirs map[string]string
	// stores are OCI layouts used as named contexts, by store id.
	stores map[string]content.Store
	attrs  map[string]string
	// links maps named contexts to the targets whose results they are.
	links map[string]string
	// sharedKey lets the builder reuse what it was sent by an earlier session from the same directory.
	sharedKey string
	cleanup   []func()
}

// close removes the temporary files of the inputs.
func (in *inputs) close() {
	for _, f := range in.cleanup {
		f()
	}
}

// newInputs reads where a target's files are. The caller closes the result.
func newInputs(t *config.Target, dir string) (*inputs, error) {
	in := &inputs{
		mounts: filesync.StaticDirSource{},
		dirs:   map[string]string{},
		stores: map[string]content.Store{},
		attrs:  map[string]string{},
		links:  map[string]string{},
	}
	if err := in.addContext(t, dir); err != nil {
		in.close()
		return nil, err
	}
	for _, name := range sortedKeys(t.Contexts) {
		if err := in.addNamed(name, t.Contexts[name], dir); err != nil {
			in.close()
			return nil, err
		}
	}
	return in, nil
}

// addContext sets up the main context and the Dockerfile.
func (in *inputs) addContext(t *config.Target, dir string) error {
	contextPath, dockerfile := ".", "Dockerfile"
	if t.Context != nil && *t.Context != "" {
		contextPath = strings.TrimPrefix(*t.Context, "cwd://")
	}
	if t.Dockerfile != nil && *t.Dockerfile != "" {
		dockerfile = strings.TrimPrefix(*t.Dockerfile, "cwd://")
	}
	if contextPath == "-" || dockerfile == "-" {
		return fmt.Errorf("target %s: a context or Dockerfile from standard input is not possible when several targets are built", t.Name)
	}
	if config.IsRemote(contextPath) {
		in.attrs["context"] = contextPath
		return in.addDockerfile(t, "", dockerfile)
	}
	abs := absolute(dir, contextPath)
	if err := in.mount("context", abs); err != nil {
		return fmt.Errorf("target %s: context %s: %w", t.Name, contextPath, err)
	}
	in.sharedKey = sharedKey(abs)
	return in.addDockerfile(t, abs, dockerfile)
}

// addDockerfile makes the Dockerfile reachable: inline, beside a local context, or inside a remote one (contextDir "").
func (in *inputs) addDockerfile(t *config.Target, contextDir, dockerfile string) error {
	if t.DockerfileInline != nil && *t.DockerfileInline != "" {
		tmp, err := os.MkdirTemp("", "cachectl-dockerfile-")
		if err != nil {
			return fmt.Errorf("write inline Dockerfile: %w", err)
		}
		in.cleanup = append(in.cleanup, func() { _ = os.RemoveAll(tmp) })
		if err := os.WriteFile(filepath.Join(tmp, "Dockerfile"), []byte(*t.DockerfileInline), 0o600); err != nil {
			return fmt.Errorf("write inline Dockerfile: %w", err)
		}
		in.attrs["dockerfilekey"] = "dockerfile"
		in.attrs["filename"] = "Dockerfile"
		return in.mount("dockerfile", tmp)
	}
	if contextDir == "" && !filepath.IsAbs(dockerfile) {
		in.attrs["filename"] = dockerfile
		return nil
	}
	full := absolute(contextDir, dockerfile)
	if _, err := os.Stat(full); err != nil {
		if lower := filepath.Join(filepath.Dir(full), strings.ToLower(filepath.Base(full))); !exists(lower) {
			return fmt.Errorf("target %s: Dockerfile: %w", t.Name, err)
		}
	}
	if contextDir == "" {
		in.attrs["dockerfilekey"] = "dockerfile"
	}
	in.attrs["filename"] = filepath.Base(full)
	return in.mount("dockerfile", filepath.Dir(full))
}

// addNamed sets up one named context.
func (in *inputs) addNamed(name, value, dir string) error {
	switch {
	case isLink(value):
		in.links[name] = strings.TrimPrefix(value, LinkPrefix)
		return nil
	case config.IsRemote(value) || strings.HasPrefix(value, "docker-image://"):
		in.attrs["context:"+name] = value
		return nil
	case strings.HasPrefix(value, "oci-layout://"):
		return in.addLayout(name, strings.TrimPrefix(value, "oci-layout://"), dir)
	}
	local := name
	if name == "context" || name == "dockerfile" {
		local = "_" + name // the frontend's own names
	}
	abs := absolute(dir, strings.TrimPrefix(value, "cwd://"))
	if err := in.mount(local, abs); err != nil {
		return fmt.Errorf("context %s: %w", name, err)
	}
	in.attrs["context:"+name] = "local:" + local
	in.attrs["sharedkey:localdir:"+name] = sharedKey(abs)
	return nil
}

// layoutStore is what BuildKit puts before the name of an OCI layout's store (session/content).
const layoutStore = "oci:"

// addLayout serves an OCI layout directory ("path[:tag][@digest]") as a named context.
func (in *inputs) addLayout(name, value, dir string) error {
	path, digest, _ := strings.Cut(value, "@")
	tag := "latest"
	if i := strings.LastIndex(path, ":"); i > strings.LastIndex(path, "/") {
		path, tag = path[:i], path[i+1:]
	}
	path = absolute(dir, path)
	if digest == "" {
		desc, err := ociindex.NewStoreIndex(path).Get(tag)
		if err != nil {
			return fmt.Errorf("context %s: read OCI layout %s: %w", name, path, err)
		}
		if desc == nil {
			return fmt.Errorf("context %s: OCI layout %s has no tag %q", name, path, tag)
		}
		digest = desc.Digest.String()
	}
	store, err := contentlocal.NewStore(path)
	if err != nil {
		return fmt.Errorf("context %s: open OCI layout %s: %w", name, path, err)
	}
	id := "layout-" + hash(path) // BuildKit reads it as the name of an image
	in.stores[layoutStore+id] = store
	in.attrs["context:"+name] = "oci-layout://" + id + "@" + digest
	return nil
}

// mount serves dir under name, owned by root as every client sends it.
func (in *inputs) mount(name, dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return &fs.PathError{Op: "open", Path: dir, Err: fmt.Errorf("not a directory")}
	}
	root, err := fsutil.NewFS(dir)
	if err != nil {
		return err
	}
	in.dirs[name] = dir
	in.mounts[name], err = fsutil.NewFilterFS(root, &fsutil.FilterOpt{
		Map: func(_ string, st *fstypes.Stat) fsutil.MapResult {
			st.Uid, st.Gid = 0, 0
			return fsutil.MapResultKeep
		},
	})
	return err
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sharedKey names a directory of this machine without telling its path.
func sharedKey(abs string) string {
	return filepath.Base(abs) + ":" + hash(abs)
}

// hash is a short name for a path.
func hash(path string) string {
	const size = 8
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:size])
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
