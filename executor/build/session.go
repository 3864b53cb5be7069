package build

import (
	"context"
	"fmt"

	"github.com/cachectl/cachectl/config"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/moby/buildkit/session"
	sessioncontent "github.com/moby/buildkit/session/content"
	"github.com/moby/buildkit/session/filesync"
	"golang.org/x/sync/errgroup"
)

// sessions are the client's ends of a solve: one for the target, one for the files of each target it links to, because the frontend gives
// every target's context the same name.
type sessions struct {
	ctx   context.Context
	group *errgroup.Group
	all   []*session.Session
	// cleanup runs when the sessions have ended.
	cleanup []func()
}

func newSessions(ctx context.Context) *sessions {
	group, ctx := errgroup.WithContext(ctx)
	return &sessions{ctx: ctx, group: group}
}

// start opens a session that serves attachables.
func (ss *sessions) start(s *Solver, sharedKey string, attach ...session.Attachable) (*session.Session, error) {
	sess, err := session.NewSession(ss.ctx, sharedKey)
	if err != nil {
		return nil, fmt.Errorf("open session: %w", err)
	}
	for _, a := range attach {
		sess.Allow(a)
	}
	ss.all = append(ss.all, sess)
	ss.group.Go(func() error { return sess.Run(ss.ctx, s.client.Dialer()) })
	return sess, nil
}

// close ends all sessions and waits for them.
func (ss *sessions) close() {
	for _, sess := range ss.all {
		_ = sess.Close()
	}
	_ = ss.group.Wait()
	for _, f := range ss.cleanup {
		f()
	}
}

// attachables is what a target's own session serves.
func (s *Solver) attachables(targets []*config.Target, in *inputs, out *outputs, stores map[string]content.Store) ([]session.Attachable, error) {
	attach, err := s.credentials(targets)
	if err != nil {
		return nil, err
	}
	attach = append(attach, s.auth())
	if len(in.mounts) > 0 {
		attach = append(attach, filesync.NewFSSyncProvider(in.mounts))
	}
	if len(out.targets) > 0 {
		attach = append(attach, filesync.NewFSSyncTarget(out.targets...))
	}
	if len(stores) > 0 {
		attach = append(attach, sessioncontent.NewAttachable(stores))
	}
	return attach, nil
}
