package cli

import (
	"context"
	"errors"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/executor/verify"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// placesAtOnce is how many caches are looked at at once.
const placesAtOnce = 4

// verifyFlags are the flags of the verb.
type verifyFlags struct {
	subjects
	check      verify.Options
	repair     bool
	repairFrom []string
	json       bool
}

func newVerify(g *globals) *cobra.Command {
	v := &verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify [REF|DIR[:TAG] | TARGET|GROUP|TRANSFER...]",
		Short: "Check that caches are whole, and repair them",
		Long: `Verify reads caches and says what is wrong with them, one line for each thing: a layer that is gone, a config that BuildKit would not import.
With --deep every layer is read besides, and its digest and that of what it unpacks to are compared. Arguments are caches, or targets of the
configuration, whose cache-from and cache-to are checked then, and without arguments all of the configuration are. A cache of a configuration that does not exist (yet)
is no error. Caches that are left to BuildKit (inline) are not checked.

With --repair results that cannot be used are dropped and what is whole is published under the same name, unless somebody else published meanwhile.
With --repair-from broken layers are put back from other caches first: the same blobs, or the same layers in another compression.

The exit code is 0 if everything is whole, or was repaired, and 6 if something is broken.`,
		Example: `  cachectl verify registry.example.com/team/app-cache:main
  cachectl verify --deep ./cache
  cachectl verify -f cache.hcl api --json
  cachectl verify --deep --repair-from ./mirror registry.example.com/team/app-cache:main`,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), g, args) },
	}
	v.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&v.check.Deep, "deep", false, "read every layer and compare digests")
	f.VarP((*limit)(&v.check.Jobs), "jobs", "j", "layers read at once from one cache (default 4)")
	f.BoolVar(&v.repair, "repair", false, "drop what is broken and publish what is whole")
	f.StringArrayVar(&v.repairFrom, "repair-from", nil, "repair, putting layers back from this cache first, repeatable")
	f.BoolVar(&v.json, "json", false, "print JSON")
	return cmd
}

// errBroken says that a cache that was verified is broken. It has been shown.
type errBroken struct{ cause error }

func (e errBroken) Error() string { return "something is broken" }

// Unwrap is why, for the exit code.
func (e errBroken) Unwrap() error { return e.cause }

func (v *verifyFlags) run(ctx context.Context, g *globals, args []string) error {
	at, err := v.open(ctx, g, args)
	defer at.close()
	if err != nil {
		return err
	}
	others, err := v.others(ctx, at)
	if err != nil {
		return err
	}
	checked := make([]*view.Verified, len(at.subjects))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(placesAtOnce)
	for i, p := range at.subjects {
		if _, native := locations.Native(p.cache, g.in.LookupEnv); native {
			continue
		}
		group.Go(func() (err error) {
			checked[i], err = v.verify(gctx, p, others, at.env)
			return err
		})
	}
	done := g.waiting("verify caches")
	err = group.Wait()
	done()
	if err != nil {
		return err
	}
	var list []*view.Verified
	for _, c := range checked {
		if c != nil {
			list = append(list, c)
		}
	}
	if err := v.show(g, list); err != nil {
		return err
	}
	return brokenOf(list)
}

func (v *verifyFlags) show(g *globals, list []*view.Verified) error {
	if v.json {
		return view.VerifyJSON(g.out, list)
	}
	return view.Verify(g.out, list)
}

// brokenOf is nil if everything is whole or was repaired. That something is broken weighs more than that something could not be read.
func brokenOf(list []*view.Verified) error {
	var cause error
	for _, c := range list {
		if c.Broken() {
			return errBroken{cache.ErrInvalid}
		}
		if err := c.Unread(); err != nil && cause == nil {
			cause = errBroken{err}
		}
	}
	return cause
}

// others opens what --repair-from names.
func (v *verifyFlags) others(ctx context.Context, at *opened) ([]*backend.Current, error) {
	var sources []backend.Source
	for _, arg := range v.repairFrom {
		src, err := at.source(arg, v.insecure)
		if err != nil {
			return nil, err
		}
		sources = append(sources, src)
	}
	return verify.Others(ctx, sources)
}

// verify checks one cache and repairs it if that is asked for. What could not be reached is in the result.
func (v *verifyFlags) verify(ctx context.Context, p subject, others []*backend.Current, env locations.Env) (*view.Verified, error) {
	src, err := locations.OpenSource(p.cache, env)
	if err != nil {
		return nil, usageError{err}
	}
	out := &view.Verified{Name: src.Name(), Named: p.named}
	out.Result, out.Err = verify.Check(ctx, src, v.check)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if out.Broken() && (v.repair || len(others) > 0) {
		err = v.mend(ctx, p, out, others, env)
	}
	return out, err
}

// mend repairs what is broken.
func (v *verifyFlags) mend(ctx context.Context, p subject, out *view.Verified, others []*backend.Current, env locations.Env) error {
	cur := out.Result.Current
	if cur == nil {
		cur = &backend.Current{}
	}
	dest, err := locations.OpenAsIs(p.cache, cur, env)
	if err != nil {
		return usageError{err}
	}
	out.Repaired, out.Err = verify.Repair(ctx, dest, out.Result, others, v.check)
	if errors.Is(out.Err, verify.ErrBeyondRepair) {
		out.Beyond, out.Err = out.Err, nil
	}
	return nil
}
