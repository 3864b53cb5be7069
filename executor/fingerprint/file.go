package fingerprint

import (
	"io"
	"io/fs"

	"golang.org/x/sys/unix"
)

// file is a file open for reading, with no more system calls than reading takes: contexts have many small files.
type file struct {
	fd   int
	path string
}

// open opens a file that is no link. The caller closes it.
func open(path string) (f *file, err error) {
	f = &file{path: path}
	err = again(func() (err error) {
		f.fd, err = unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, f.failed("open", err)
	}
	return f, nil
}

// Read is io.Reader's.
func (f *file) Read(p []byte) (n int, err error) {
	err = again(func() (err error) {
		n, err = unix.Read(f.fd, p)
		return err
	})
	switch {
	case err != nil:
		return 0, f.failed("read", err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

func (f *file) status() (status, error) {
	var st unix.Stat_t
	if err := again(func() error { return unix.Fstat(f.fd, &st) }); err != nil {
		return status{}, f.failed("fstat", err)
	}
	return newStatus(&st), nil
}

func (f *file) close() { _ = unix.Close(f.fd) } // it was only read

func (f *file) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.path, Err: err}
}
