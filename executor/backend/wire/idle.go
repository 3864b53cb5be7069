package wire

import (
	"context"
	"errors"
	"io"
	"time"
)

// IdleTimeout is how long a transfer may stand still. There is no limit on how long one takes.
const IdleTimeout = time.Minute

// ErrIdle says that a transfer stood still. It may pass.
var ErrIdle = errors.New("no byte was moved for too long")

// Received returns the body of a response whose reads fail with ErrIdle when one takes longer than idle. How slow its reader is does not count. ctx is the
// request's, and cancel ends it: Close does so too.
func Received(ctx context.Context, cancel context.CancelCauseFunc, body io.ReadCloser, idle time.Duration) io.ReadCloser {
	timer := time.AfterFunc(idle, func() { cancel(ErrIdle) })
	timer.Stop()
	return &received{ReadCloser: body, ctx: ctx, cancel: cancel, timer: timer, idle: idle}
}

type received struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	idle   time.Duration
}

func (r *received) Read(p []byte) (int, error) {
	r.timer.Reset(r.idle)
	n, err := r.ReadCloser.Read(p)
	r.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = Idle(r.ctx, err)
	}
	return n, err
}

func (r *received) Close() error {
	r.timer.Stop()
	err := r.ReadCloser.Close()
	r.cancel(nil)
	return err
}

// Idle is the failure of a transfer: ErrIdle if that is why its context ended, else err.
func Idle(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrIdle) {
		return ErrIdle
	}
	return err
}
