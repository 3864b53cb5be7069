package fingerprint

import (
	"context"
	"errors"
	"fmt"
	gofs "io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	digest "github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"
)

// selection is what of a directory is sent to a builder, in the attributes of a local source.
type selection struct {
	dir                      string
	include, exclude, follow []string
}

func (s selection) key() string {
	return fmt.Sprintf("%q %q %q %q", s.dir, s.include, s.exclude, s.follow)
}

// tree is the digest of what is sent of a directory.
type tree struct {
	digest digest.Digest
	// files are short digests by path, of all but directories.
	files map[string]string
	// dirs are those of directories.
	dirs map[string]string
	// links are where the symbolic links among them point.
	links map[string]string
	// touched is the digest of what the file system said of the files before they were read.
	touched digest.Digest
}

// trees digests directories, each selection once.
type trees struct {
	memo *Memo

	mu   sync.Mutex
	done map[string]func() (*tree, error)
}

func newTrees(memo *Memo) *trees { return &trees{memo: memo, done: map[string]func() (*tree, error){}} }

// digest digests a selection. Who asks for one that is under way waits.
func (t *trees) digest(ctx context.Context, s selection) (*tree, error) {
	return once(&t.mu, t.done, s.key(), func() (*tree, error) { return digestTree(ctx, s, t.memo) })
}

// digestTree walks a directory just as the client of a build does when it sends it (BuildKit: session/filesync; fsutil), and digests of each
// entry what decides the result of a step that copies it: path, type, permissions, content or target, device numbers and extended
// attributes, but neither times nor owners, which are sent as root's (BuildKit: cache/contenthash).
func digestTree(ctx context.Context, s selection, memo *Memo) (*tree, error) {
	root, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return nil, err
	}
	all, err := fsutil.NewFS(root)
	if err != nil {
		return nil, err
	}
	sent, err := fsutil.NewFilterFS(all, &fsutil.FilterOpt{IncludePatterns: s.include, ExcludePatterns: s.exclude, FollowPaths: s.follow})
	if err != nil {
		return nil, err
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	w := &walk{root: root, remembered: memo.of(root), group: group}
	err = sent.Walk(gctx, "", w.visit)
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	return sum(w.entries), nil
}

// walk is a walk over a directory. Files are read beside it.
type walk struct {
	root       string
	remembered *rootMemo
	group      *errgroup.Group
	entries    []*entry
}

// visit takes in what is sent next.
func (w *walk) visit(path string, e gofs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	info, err := e.Info()
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*fstypes.Stat)
	if !ok {
		return fmt.Errorf("%s: no file status", path)
	}
	entry := &entry{path: filepath.ToSlash(path), stat: stat}
	w.entries = append(w.entries, entry)
	switch {
	case info.IsDir():
	case info.Mode().IsRegular():
		w.group.Go(func() error { return w.read(entry, path) })
	default:
		entry.status, _ = statusAt(filepath.Join(w.root, path)) // zero if it is gone
	}
	return nil
}

// read digests a regular file. What cannot be opened, such as a socket, is sent without content (fsutil: send.go, sendFile).
func (w *walk) read(e *entry, path string) (err error) {
	e.content, e.status, err = w.remembered.digest(filepath.Join(w.root, path), path)
	if errors.Is(err, gofs.ErrPermission) || errors.Is(err, syscall.ENXIO) {
		e.content, err = "unreadable", nil
	}
	return err
}
