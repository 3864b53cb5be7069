package fingerprint

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	digest "github.com/opencontainers/go-digest"
)

// String is another one once the file was written, replaced or renamed, even if its content is the same again. Device and inode are left out: some
// network file systems number files anew at any time.
func (s status) String() string {
	return fmt.Sprintf("%o %d %d %d", s.Mode, s.Size, s.Mtime, s.Ctime)
}

// touches collects what the file system said of the files that a fingerprint was made of.
type touches struct {
	mu   sync.Mutex
	seen map[string]struct{}
}

// add enters a file or what stands for many.
func (t *touches) add(name, status string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = map[string]struct{}{}
	}
	t.seen[fmt.Sprintf("%q %s\n", name, status)] = struct{}{}
}

func (t *touches) digest() digest.Digest {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := newHasher()
	for _, line := range slices.Sorted(maps.Keys(t.seen)) {
		sum.add("%s", line)
	}
	return sum.digest()
}

// Same tells whether a later fingerprint of the same target says that nothing it is built from was another one between the two: the digest is the same,
// and no file was written, replaced or renamed, not even to be put back.
func (f *Fingerprint) Same(later *Fingerprint) bool {
	return f.Pinned() && later.Pinned() && f.Digest == later.Digest && f.touched == later.touched
}
