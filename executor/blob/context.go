package blob

import (
	"context"
	"io"
)

// WithContext returns a reader of r that stops when the context ends; its error is then the context's cause.
func WithContext(ctx context.Context, r io.Reader) io.Reader { return readerWithContext{ctx, r} }

type readerWithContext struct {
	ctx context.Context
	r   io.Reader
}

func (r readerWithContext) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
