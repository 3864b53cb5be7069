package bucket

import (
	"context"
	"errors"
	"io"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// Object is what is known of an object without its bytes.
type Object struct {
	// Size is in bytes, -1 if the service does not say.
	Size     int64
	Modified time.Time
	// Tag changes whenever the object is written.
	Tag string
	// Meta are the object's own words, with names in small letters.
	Meta map[string]string
}

// Condition is what must hold for a write: an object with Tag is there, or, without one, none is.
type Condition struct{ Tag string }

// ErrCondition says that a condition did not hold. Nothing was written.
var ErrCondition = errors.New("the object is another by now")

// Service is one bucket of one account, as it is reached by one set of attributes. Its errors wrap blob.ErrNotFound for what is not there and
// blob.ErrDenied for what is refused; it tries again by itself what may pass.
type Service interface {
	// BlobKey and ManifestKey are where a layer and a name are.
	BlobKey(d digest.Digest) string
	ManifestKey(name string) string
	// Stat looks at an object.
	Stat(ctx context.Context, key string) (Object, error)
	// Get opens an object at byte from; with tag it must be the object that had it. The caller closes the reader, which may break off.
	Get(ctx context.Context, key string, from int64, tag string) (io.ReadCloser, Object, error)
	// Put writes a small object with meta at once. cond is nil for a write without one. It returns ErrCondition if cond does not hold.
	Put(ctx context.Context, key string, body []byte, meta map[string]string, cond *Condition) error
	// Upload writes an object of size bytes. Nothing is to be seen of it before r has ended without an error.
	Upload(ctx context.Context, key string, size int64, r io.Reader) error
	// Conditional tells whether the service heeds a Condition. Some that speak a protocol do not know it, and write whatever is asked.
	Conditional(ctx context.Context) (bool, error)
	// Check fails if objects cannot be written. It leaves nothing that can be seen.
	Check(ctx context.Context) error
}

// Renewer is a Service whose objects can be given today's date.
type Renewer interface {
	// Renew makes the object as young as one that was just written, if it is still obj.
	Renew(ctx context.Context, key string, obj Object) error
}
