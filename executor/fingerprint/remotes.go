package fingerprint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/cachectl/cachectl/config/remote"
	digest "github.com/opencontainers/go-digest"
)

// Remotes resolves what lies in Git repositories and behind HTTP addresses. Each is asked for once in its life. Files that were read of a commit are kept in a
// directory between runs. It is safe for concurrent use.
type Remotes struct {
	dir string

	mu        sync.Mutex
	commits   map[string]func() (remote.Commit, error)
	downloads map[string]func() (string, error)
}

// NewRemotes returns a resolver that keeps files of commits in dir; "" keeps none.
func NewRemotes(dir string) *Remotes {
	return &Remotes{dir: dir, commits: map[string]func() (remote.Commit, error){}, downloads: map[string]func() (string, error){}}
}

// once calls get for the first who asks for key, and gives all others what came of it.
func once[T any](mu *sync.Mutex, have map[string]func() (T, error), key string, get func() (T, error)) (T, error) {
	mu.Lock()
	f := have[key]
	if f == nil {
		f = sync.OnceValues(get)
		have[key] = f
	}
	mu.Unlock()
	return f()
}

// Commit resolves a branch or tag. header is the Authorization header for the repository, "" for none.
func (r *Remotes) Commit(ctx context.Context, l *remote.Location, key, header string) (remote.Commit, error) {
	return once(&r.mu, r.commits, key, func() (remote.Commit, error) { return l.Commit(ctx, remote.Options{Authorization: header}) })
}

// File reads a file of a commit. The error wraps remote.ErrMissing if there is none, or a link in its place.
func (r *Remotes) File(ctx context.Context, l *remote.Location, c remote.Commit, key, name, header string) ([]byte, error) {
	kept := ""
	if r.dir != "" {
		kept = filepath.Join(r.dir, digest.FromString(fmt.Sprintf("%q %q %q", key, c.Commit, name)).Encoded())
		if raw, err := os.ReadFile(kept); err == nil {
			return raw, nil
		}
		if _, err := os.Stat(kept + missing); err == nil {
			return nil, remote.ErrMissing
		}
	}
	files, err := l.At(c).Fetch(ctx, []string{name}, false, remote.Options{Authorization: header, NoLinks: true})
	switch {
	case err != nil && (kept == "" || !errors.Is(err, remote.ErrMissing)):
		return nil, err
	case err != nil:
		keep(kept+missing, nil)
		return nil, err
	case kept != "":
		keep(kept, files[0].Data)
	}
	return files[0].Data, nil
}

// missing ends the name of what stands for a file that a commit does not have.
const missing = ".missing"

// Download asks what an address gives, as a text that is another one when the content is: the validators of the answer, where they are strong, or the digest
// of what is sent. req is asked with HEAD first.
func (r *Remotes) Download(req *http.Request, key string) (string, error) {
	return once(&r.mu, r.downloads, key, func() (string, error) { return validate(req) })
}

// keep writes a file in one step. A directory that cannot be written costs a request in the next run and nothing else.
func keep(path string, raw []byte) {
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".document-*")
	if err != nil {
		return
	}
	_, err = f.Write(raw)
	if errors.Join(err, f.Close()) != nil || os.Rename(f.Name(), path) != nil {
		_ = os.Remove(f.Name())
	}
}
