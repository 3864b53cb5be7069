package fingerprint

import (
	"context"
	"errors"
	"fmt"
	gofs "io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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
	// stamp tells that files were written, even if they are again what they were.
	stamp digest.Digest
}

// trees digests directories, each selection once.
type trees struct {
	memo *Memo

	mu   sync.Mutex
	done map[string]*treeFlight
}

type treeFlight struct {
	once sync.Once
	tree *tree
	err  error
}

func newTrees(memo *Memo) *trees { return &trees{memo: memo, done: map[string]*treeFlight{}} }

// digest digests a selection. Who asks for one that is under way waits.
func (t *trees) digest(ctx context.Context, s selection) (*tree, error) {
	t.mu.Lock()
	f := t.done[s.key()]
	if f == nil {
		f = &treeFlight{}
		t.done[s.key()] = f
	}
	t.mu.Unlock()
	f.once.Do(func() { f.tree, f.err = digestTree(ctx, s, t.memo) })
	return f.tree, f.err
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
	var entries []*entry
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	remembered := memo.of(root)
	err = sent.Walk(gctx, "", func(path string, e gofs.DirEntry, err error) error {
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
		entries = append(entries, entry)
		if !info.Mode().IsRegular() {
			return nil
		}
		group.Go(func() (err error) {
			entry.content, entry.status, err = remembered.digest(filepath.Join(root, path), path)
			if errors.Is(err, gofs.ErrPermission) || errors.Is(err, syscall.ENXIO) {
				// What cannot be opened, such as a socket, is sent without content (fsutil: send.go, sendFile).
				entry.content, err = "unreadable", nil
			}
			return err
		})
		return nil
	})
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	return sum(entries), nil
}

// entry is a file, a directory or something else that is sent.
type entry struct {
	path    string
	stat    *fstypes.Stat
	content string // sha256 of a regular file
	status  status
}

// sum is the digest of all entries.
func sum(entries []*entry) *tree {
	slices.SortFunc(entries, func(a, b *entry) int { return strings.Compare(a.path, b.path) })
	out := &tree{files: map[string]string{}, dirs: map[string]string{}, links: map[string]string{}}
	whole, stamp := newHasher(), newHasher()
	for _, e := range entries {
		stamp.add("%q %d %d\n", e.path, e.status.Mtime, e.status.Ctime)
		d := e.digest()
		whole.add("%q %s\n", e.path, d)
		if os.FileMode(e.stat.Mode).IsDir() {
			out.dirs[e.path] = brief(d)
		} else {
			out.files[e.path] = brief(d)
			if os.FileMode(e.stat.Mode)&os.ModeSymlink != 0 {
				out.links[e.path] = e.stat.Linkname
			}
		}
	}
	out.digest, out.stamp = whole.digest(), stamp.digest()
	return out
}

// digest is that of an entry without its path. A regular file with several names is known by its content, as in BuildKit.
func (e *entry) digest() digest.Digest {
	mode := os.FileMode(e.stat.Mode)
	link := e.stat.Linkname
	if mode&os.ModeSymlink == 0 {
		link = ""
	}
	sum := newHasher()
	sum.add("%o %q %d %d %s", uint32(mode&^(os.ModeSocket|os.ModeIrregular)), link, e.stat.Devmajor, e.stat.Devminor, e.content)
	names := make([]string, 0, len(e.stat.Xattrs))
	for name := range e.stat.Xattrs {
		// Those of the kernel are left out, but for capabilities (BuildKit: cache/contenthash/tarsum.go).
		if name == "security.capability" || !strings.HasPrefix(name, "security.") && !strings.HasPrefix(name, "system.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		sum.add(" %q=%q", name, e.stat.Xattrs[name])
	}
	return sum.digest()
}
