package fingerprint

import (
	"io/fs"
	"syscall"
)

// statusOf is what the kernel tells of a file; false if it does not.
func statusOf(st fs.FileInfo) (status, bool) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return status{}, false
	}
	return status{
		Dev: uint64(sys.Dev), Ino: sys.Ino, Mode: uint32(sys.Mode), Size: sys.Size, //nolint:gosec // an identity, not a number
		Mtime: sys.Mtimespec.Nano(), Ctime: sys.Ctimespec.Nano(),
	}, true
}
