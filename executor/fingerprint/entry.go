package fingerprint

import (
	"os"
	"slices"
	"strings"

	digest "github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// entry is a file, a directory or something else that is sent.
type entry struct {
	path    string
	stat    *fstypes.Stat
	content string // sha256 of a regular file
	status  status // zero for directories, in which files that are not sent come and go
}

// sum is the digest of all entries.
func sum(entries []*entry) *tree {
	slices.SortFunc(entries, func(a, b *entry) int { return strings.Compare(a.path, b.path) })
	out := &tree{files: map[string]string{}, dirs: map[string]string{}, links: map[string]string{}}
	whole, touched := newHasher(), newHasher()
	for _, e := range entries {
		d := e.digest()
		whole.add("%q %s\n", e.path, d)
		touched.add("%q %s\n", e.path, e.status)
		if os.FileMode(e.stat.Mode).IsDir() {
			out.dirs[e.path] = brief(d)
		} else {
			out.files[e.path] = brief(d)
			if os.FileMode(e.stat.Mode)&os.ModeSymlink != 0 {
				out.links[e.path] = e.stat.Linkname
			}
		}
	}
	out.digest, out.touched = whole.digest(), touched.digest()
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
