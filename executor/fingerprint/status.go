package fingerprint

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// status is what must be the same for a digest to be still true.
type status struct {
	Dev, Ino           uint64
	Mode               uint32
	Size, Mtime, Ctime int64
}

func newStatus(st *unix.Stat_t) status {
	return status{
		Dev: uint64(st.Dev), Ino: st.Ino, Mode: uint32(st.Mode), Size: st.Size, //nolint:unconvert,gosec,nolintlint // types differ by system; an identity, not a number
		Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(),
	}
}

// statusAt is the status of what is at a path, of a link itself. Times are in nanoseconds.
func statusAt(path string) (status, error) {
	var st unix.Stat_t
	if err := again(func() error { return unix.Lstat(path, &st) }); err != nil {
		return status{}, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	return newStatus(&st), nil
}

// again calls what a signal may interrupt until it was not interrupted.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR { //nolint:errorlint // an error number
			return err
		}
	}
}
