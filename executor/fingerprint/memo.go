package fingerprint

import (
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// settled is how long a file must have been left alone before its digest is remembered: a second change within the clock's grain would
	// leave no trace in its status.
	settled = 2 * time.Second
	// unseen is how long that is where it cannot be told whether somebody has the file open for writing: what is written through memory leaves a trace only
	// when the page was clean before, and the kernel cleans pages within half a minute (proc_sys_vm(5), dirty_expire_centisecs).
	unseen = time.Minute
	// memoLimit is the most files of one directory that are remembered.
	memoLimit = 1_000_000
	// memoAge is how long a directory that nobody builds from is remembered.
	memoAge = 30 * 24 * time.Hour
)

// Memo remembers digests of files between runs, by all that their status tells: device, inode, mode, size, modification and status change time
// in nanoseconds. A file of which any of these is different is read again. It is safe for concurrent use.
type Memo struct {
	dir string

	mu    sync.Mutex
	roots map[string]*rootMemo
}

// NewMemo returns a memo that is kept in a directory; "" keeps it for the life of the process only.
func NewMemo(dir string) *Memo { return &Memo{dir: dir, roots: map[string]*rootMemo{}} }

// known is a file as it was when it was read.
type known struct {
	Status status
	SHA256 [sha256.Size]byte
}

// rootMemo is what is remembered of one directory.
type rootMemo struct {
	mu      sync.Mutex
	files   map[string]known
	used    map[string]known
	changed bool
}

// of returns what is remembered of a directory.
func (m *Memo) of(root string) *rootMemo {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.roots[root]; r != nil {
		return r
	}
	r := &rootMemo{files: map[string]known{}, used: map[string]known{}}
	m.roots[root] = r
	if m.dir == "" {
		return r
	}
	f, err := os.Open(m.file(root))
	if err != nil {
		return r
	}
	defer f.Close() //nolint:errcheck // read side
	var have map[string]known
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && ownedByUser(st) && gob.NewDecoder(f).Decode(&have) == nil {
		r.files = have
	}
	return r
}

// file is where a directory's digests are kept.
func (m *Memo) file(root string) string {
	name := sha256.Sum256([]byte(root))
	return filepath.Join(m.dir, hex.EncodeToString(name[:12])+".memo")
}

// ownedByUser refuses what somebody else has written: a digest that is wrong would make a changed file look unchanged.
func ownedByUser(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Getuid() && st.Mode().Perm()&0o022 == 0
}

// digest is the content's, remembered or read, and the status that the file had then.
func (r *rootMemo) digest(path, name string) (string, status, error) {
	if have, ok := r.known(name); ok {
		now, err := statusAt(path)
		if err != nil {
			return "", status{}, err
		}
		if have.Status == now {
			r.use(name, have)
			return hex.EncodeToString(have.SHA256[:]), now, nil
		}
	}
	sum, before, quiet, err := read(path)
	if err != nil {
		return "", status{}, err
	}
	if quiet > 0 && lastTouched(before).Before(time.Now().Add(-quiet)) {
		r.use(name, known{Status: before, SHA256: sum})
	}
	return hex.EncodeToString(sum[:]), before, nil
}

// known is what is remembered of a file.
func (r *rootMemo) known(name string) (known, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if have, ok := r.used[name]; ok {
		return have, true
	}
	have, ok := r.files[name]
	return have, ok
}

// use remembers a file for the next run, too.
func (r *rootMemo) use(name string, k known) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = r.changed || r.files[name] != k
	r.used[name] = k
}

func lastTouched(s status) time.Time {
	return time.Unix(0, max(s.Mtime, s.Ctime))
}

// buffers are reused: trees have many small files.
var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// read digests a file and returns the status that it had before. quiet is how long the file must have been left alone for that status to tell of every change, 0
// when it does not tell.
func read(path string) (sum [sha256.Size]byte, before status, quiet time.Duration, err error) {
	f, err := open(path)
	if err != nil {
		return sum, before, 0, err
	}
	defer f.close()
	if before, err = f.status(); err != nil {
		return sum, before, 0, err
	}
	quiet = quietTime(f)
	h := sha256.New()
	buf, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, f, *buf); err != nil {
		return sum, before, 0, err
	}
	copy(sum[:], h.Sum(nil))
	after, err := f.status()
	if after != before {
		quiet = 0
	}
	return sum, before, quiet, err
}

// quietTime is how long a file must have been left alone for its status to tell of every change, 0 when somebody may write to it unseen.
func quietTime(f *file) time.Duration {
	switch written, known := openForWriting(f); {
	case !known:
		return unseen
	case written:
		return 0
	}
	return settled
}

// Save keeps what was remembered for the next run. What was not looked at in this one is kept too, unless there is too much of it.
func (m *Memo) Save() error {
	if m.dir == "" {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var failed error
	for root, r := range m.roots {
		failed = errors.Join(failed, m.save(root, r))
	}
	m.sweep()
	return failed
}

func (m *Memo) save(root string, r *rootMemo) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.changed {
		return nil
	}
	keep := r.used
	if len(r.files)+len(r.used) <= memoLimit {
		for name, k := range r.files {
			if _, ok := keep[name]; !ok {
				keep[name] = k
			}
		}
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return fmt.Errorf("remember digests: %w", err)
	}
	f, err := os.CreateTemp(m.dir, ".memo-*")
	if err != nil {
		return fmt.Errorf("remember digests: %w", err)
	}
	err = errors.Join(gob.NewEncoder(f).Encode(keep), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), m.file(root))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("remember digests: %w", err)
	}
	r.changed = false
	return nil
}

// sweep forgets directories that nobody has built from for long.
func (m *Memo) sweep() {
	list, err := filepath.Glob(filepath.Join(m.dir, "*.memo"))
	if err != nil {
		return
	}
	for _, path := range list {
		if st, err := os.Stat(path); err == nil && time.Since(st.ModTime()) > memoAge {
			_ = os.Remove(path)
		}
	}
}
