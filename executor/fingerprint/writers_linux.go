package fingerprint

import (
	"errors"

	"golang.org/x/sys/unix"
)

// openForWriting tells whether somebody has a file open for writing, also by a mapping in memory: only then is a lease to read it refused (fcntl(2), F_SETLEASE).
// The lease is given back at once. known is false where there are no leases, or not for this user.
func openForWriting(f *file) (open, known bool) {
	_, err := unix.FcntlInt(uintptr(f.fd), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(f.fd), unix.F_SETLEASE, unix.F_UNLCK)
		return false, err == nil
	}
	return true, errors.Is(err, unix.EAGAIN)
}
