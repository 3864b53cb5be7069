package bucket

import (
	"context"
	"io"

	"github.com/cachectl/cachectl/executor/backend/wire"
)

// idleTimeout is how long a read may stand still. How long an answer may take is the service's to say.
var idleTimeout = wire.IdleTimeout

// get opens an object of the service. A reader that stands still breaks off.
func (s *Store) get(ctx context.Context, key string, from int64, tag string) (io.ReadCloser, Object, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	body, obj, err := s.service.Get(ctx, key, from, tag)
	if err != nil {
		cancel(nil)
		return nil, obj, err
	}
	return wire.Received(ctx, cancel, body, idleTimeout), obj, nil
}
