package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"
)

const (
	// PartSize is how large the parts of an upload are, in bytes; what is no larger is sent as a whole.
	PartSize = 8 << 20
	// partsAtOnce is how many parts of one layer are under way; how many layers are is said by the location.
	partsAtOnce = 2
)

// buffers are parts that are not in use.
var buffers = sync.Pool{New: func() any { b := make([]byte, PartSize); return &b }}

// Whole reads size bytes, at most PartSize, from r to its end and hands them to send. Nothing is sent of a reader that fails.
func Whole(r io.Reader, size int64, send func(body []byte) error) error {
	body, release := buffer(size)
	defer release()
	if _, err := io.ReadFull(r, body); err != nil {
		return unreadable(err)
	}
	if err := atEnd(r); err != nil {
		return err
	}
	return send(body)
}

// Parts reads size bytes from r in parts, no more than most, and hands each to send, several at once. It returns how many there were, and an
// error if r failed or did not end there: the parts must not be made an object then.
func Parts(ctx context.Context, r io.Reader, size int64, most int64, send func(ctx context.Context, number int, body []byte) error) (int, error) {
	length := max(int64(PartSize), (size+most-1)/most)
	count := int((size + length - 1) / length)
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	var readErr error
	for i := range count {
		if gctx.Err() != nil {
			break
		}
		body, release := buffer(min(length, size-int64(i)*length))
		if _, readErr = io.ReadFull(r, body); readErr != nil {
			release()
			break
		}
		group.Go(func() error {
			defer release()
			return send(gctx, i, body)
		})
	}
	err := group.Wait()
	switch {
	case readErr != nil:
		return 0, unreadable(readErr)
	case err != nil:
		return 0, err
	}
	return count, atEnd(r)
}

// buffer is memory for a part and what gives it back.
func buffer(length int64) (body []byte, release func()) {
	if length > PartSize {
		return make([]byte, length), func() {}
	}
	b := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	return (*b)[:length], func() { buffers.Put(b) }
}

func unreadable(err error) error { return fmt.Errorf("read what is to be uploaded: %w", err) }

// atEnd reads the end of r, which is where a layer of other bytes shows.
func atEnd(r io.Reader) error {
	var one [1]byte
	switch n, err := r.Read(one[:]); {
	case n > 0:
		return errors.New("there is more to upload than was said")
	case err != io.EOF:
		return unreadable(err)
	}
	return nil
}
