package gha

import (
	"context"
	"errors"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// settleWait is how long it takes until two entries under one key can be told apart where there can be two: such servers go by the second.
const settleWait = 1200 * time.Millisecond

// answer is what was found out about a server.
type answer string

const (
	yes answer = "yes"
	no  answer = "no"
)

// isUnique tells whether the service lets a key be reserved once only. GitHub does. The servers that nektos/act, Gitea and Forgejo bring for the first
// version do not, and the second who writes an entry hides the first's. key is one that is reserved.
func (s *service) isUnique(ctx context.Context, key string) (bool, error) {
	s.mu.Lock()
	known := s.unique
	s.mu.Unlock()
	if s.v2 || known != "" {
		return s.v2 || known == yes, nil
	}
	// What is reserved and not filled is not seen by anybody, and goes after some minutes.
	_, err := s.reserve(ctx, key)
	if err != nil && !errors.Is(err, errTaken) {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unique = no; err != nil {
		s.unique = yes
	}
	return s.unique == yes, nil
}

// alone fails with backend.ErrConflict when somebody else has filled the same key meanwhile, which can be only where keys are not unique.
func (s *service) alone(ctx context.Context, key string) error {
	if unique, err := s.isUnique(ctx, key); err != nil || unique {
		return err
	}
	e, err := s.exactly(ctx, key)
	if err == nil && e != nil {
		err = backend.ErrConflict
	}
	return err
}

// Settle waits, where keys are not unique, for a writer who has taken the same number and not seen root; see backend.Settler.
func (l *Location) Settle(ctx context.Context, root ocispec.Descriptor) error {
	l.mu.Lock()
	passed := l.unique == no
	l.mu.Unlock()
	if !passed {
		return nil
	}
	if err := l.storage.sleep(ctx, settleWait); err != nil {
		return err
	}
	now, err := l.readIndex(ctx, indexKey(l.scope, l.branches[0]))
	if err != nil {
		return err
	}
	if now.root().Digest != root.Digest {
		return backend.ErrConflict
	}
	return nil
}
