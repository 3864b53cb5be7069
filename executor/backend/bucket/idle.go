package bucket

import (
	"context"
	"errors"
	"io"
	"time"
)

// idleTimeout is how long a read may stand still. There is no limit on how long one takes.
var idleTimeout = time.Minute

// errIdle says that a read stood still. It may pass.
var errIdle = errors.New("no byte came for too long")

// get opens an object of the service. A reader that stands still breaks off.
func (s *Store) get(ctx context.Context, key string, from int64, tag string) (io.ReadCloser, Object, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(idleTimeout, func() { cancel(errIdle) })
	watch.Stop() // until the body is read: how long an answer may take is the service's to say
	body, obj, err := s.service.Get(ctx, key, from, tag)
	if err != nil {
		cancel(nil)
		return nil, obj, err
	}
	return &watched{ReadCloser: body, ctx: ctx, watch: watch, cancel: cancel}, obj, nil
}

// watched is a body whose reads are timed.
type watched struct {
	io.ReadCloser
	ctx    context.Context
	watch  *time.Timer
	cancel context.CancelCauseFunc
}

func (w *watched) Read(p []byte) (int, error) {
	w.watch.Reset(idleTimeout)
	defer w.watch.Stop()
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF && errors.Is(context.Cause(w.ctx), errIdle) {
		err = errIdle
	}
	return n, err
}

func (w *watched) Close() error {
	w.watch.Stop()
	err := w.ReadCloser.Close()
	w.cancel(nil)
	return err
}
