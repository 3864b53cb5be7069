package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/prune"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pruneFlags are the flags of the verb. Those that are called like attributes of a retention block win over them.
type pruneFlags struct {
	subjects
	maxAge, maxIdle, maxSize, maxResults, grace string
	keep, names                                 []string
	branches                                    bool
	dryRun, json                                bool
}

func newPrune(g *globals) *cobra.Command {
	p := &pruneFlags{subjects: subjects{everything: true}}
	cmd := &cobra.Command{
		Use:   "prune [REF|DIR[:TAG] | TARGET|TRANSFER...]",
		Short: "Make caches smaller by policy, and delete what nothing needs",
		Long: `Prune takes from caches what the retention blocks of the configuration, or the flags of the same names, do not let stay. It governs what targets and
transfers write, or the caches that arguments name; for a cache that no block governs the flags are the policy. What stays is whole: every result
that is left can be found by its keys. A smaller cache is published under the same name, unless somebody else published meanwhile: then it is looked at again. Names
of which nothing stays, or whose branch is gone, are removed. Images are never touched.

BuildKit stores when a result was made and not when it was used. --max-age goes by the first; --max-idle and the order in which --max-size takes things go by the last
use that can be known: where something newer was built on a result.

In directories and buckets blobs that nothing needs are deleted in two phases: a run marks them, and a later one deletes those that were marked --grace ago and
are still not needed. Without any limit that is all it does. In a registry manifests are deleted; their layers are left to its own garbage collection.

--branches compares names with the branches of the git repository of the configuration, and of its remotes, which are asked.`,
		Example: `  cachectl prune -f cache.hcl --dry-run
  cachectl prune --max-idle 14d --max-size 20GB registry.example.com/team/app-cache:main
  cachectl prune --names 'app-*' --branches --keep main registry.example.com/team/cache:app-main
  cachectl prune ./cache --grace 1h`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), g, cmd.Flags(), args) },
	}
	p.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&p.maxAge, "max-age", "", "drop results that were made longer ago, for instance 336h or 14d")
	f.StringVar(&p.maxIdle, "max-idle", "", "drop results whose last known use is longer ago")
	f.StringVar(&p.maxSize, "max-size", "", "bytes of all caches of one repository, directory or bucket together, for instance 20GB")
	f.StringVar(&p.maxResults, "max-results", "", "results of all caches of one repository, directory or bucket together")
	f.StringArrayVar(&p.keep, "keep", nil, "name (tag), branch, or pattern of them that nothing is taken from, repeatable")
	f.StringArrayVar(&p.names, "names", nil, "pattern of further names at the same places that the limits hold for, repeatable")
	f.BoolVar(&p.branches, "branches", false, "remove names that fit --names, whose * stands for a branch, when git has no such branch")
	f.StringVar(&p.grace, "grace", "24h", "how long blobs that nothing needs stay after they were marked; in buckets an hour at least")
	f.BoolVar(&p.dryRun, "dry-run", false, "show what would go and what would stay, and change nothing")
	f.BoolVar(&p.json, "json", false, "print JSON")
	return cmd
}

// errNotPruned says that something could not be pruned. It has been shown.
type errNotPruned struct{ cause error }

func (e errNotPruned) Error() string { return "not everything could be pruned" }

// Unwrap is why, for the exit code.
func (e errNotPruned) Unwrap() error { return e.cause }

func (p *pruneFlags) run(ctx context.Context, g *globals, flags *pflag.FlagSet, args []string) error {
	at, err := p.open(ctx, g, args)
	defer at.close()
	if err != nil {
		return err
	}
	inputs, err := p.inputs(g, at, flags)
	if err != nil {
		return usageError{err}
	}
	done := g.waiting("read caches")
	defer done()
	stores, err := prune.Run(ctx, inputs, prune.Options{
		Env: at.env, DryRun: p.dryRun,
		Branches: func(ctx context.Context) ([]string, error) {
			list, err := prune.GitBranches(ctx, p.repository(g))
			if err != nil {
				err = usageError{err}
			}
			return list, err
		},
	})
	done()
	if err != nil {
		return err
	}
	if p.json {
		err = view.PruneJSON(g.out, stores, p.dryRun)
	} else {
		err = view.Prune(g.out, stores, p.dryRun)
	}
	return errors.Join(err, notPruned(stores))
}

// notPruned is nil if everything could be done.
func notPruned(stores []*prune.Store) error {
	var all []error
	for _, s := range stores {
		all = append(all, s.Err)
		for _, c := range s.Caches {
			all = append(all, c.Err)
		}
	}
	if err := errors.Join(all...); err != nil {
		return errNotPruned{err}
	}
	return nil
}

// repository is a directory in the repository of the configuration.
func (p *pruneFlags) repository(g *globals) string {
	if len(p.files) > 0 && p.files[0] != "-" {
		return filepath.Dir(g.absolute(p.files[0]))
	}
	return g.in.Dir
}

// inputs pairs each cache that is written with its policy.
func (p *pruneFlags) inputs(g *globals, at *opened, flags *pflag.FlagSet) ([]prune.Input, error) {
	alone, err := p.policy(&config.Retention{Grace: config.DefaultGrace}, flags)
	if err != nil {
		return nil, err
	}
	policies := map[string]*config.Retention{}
	owners := map[string][]string{}
	if at.resolution != nil {
		for _, r := range at.resolution.Retentions {
			if policies[r.Name], err = p.policy(r, flags); err != nil {
				return nil, fmt.Errorf("retention %q: %w", r.Name, err)
			}
		}
		for _, pl := range subjectsOf(at.resolution) {
			owners[subjectKey(pl.cache)] = pl.owners
		}
	}
	var inputs []prune.Input
	for _, pl := range at.subjects {
		if _, native := locations.Native(pl.cache, g.in.LookupEnv); native || !pl.written {
			continue
		}
		governed := false
		for _, r := range retentions(at.resolution) {
			for _, owner := range append(pl.owners, owners[subjectKey(pl.cache)]...) {
				if r.Governs(owner) {
					inputs = append(inputs, prune.Input{Cache: pl.cache, Policy: policies[r.Name]})
					governed = true
					break
				}
			}
		}
		if !governed && (pl.named || len(policies) == 0) {
			inputs = append(inputs, prune.Input{Cache: pl.cache, Policy: alone})
		}
	}
	if len(inputs) == 0 {
		return nil, errors.New("there is no cache to prune: name one, or give a configuration whose targets write some")
	}
	return inputs, nil
}

func retentions(res *config.Resolution) []*config.Retention {
	if res == nil {
		return nil
	}
	return res.Retentions
}

// policy is a policy with what flags say instead.
func (p *pruneFlags) policy(base *config.Retention, flags *pflag.FlagSet) (*config.Retention, error) {
	r := *base
	for _, f := range []struct {
		name  string
		parse func() error
	}{
		{"max-age", func() (err error) { r.MaxAge, err = config.ParseAge(p.maxAge); return err }},
		{"max-idle", func() (err error) { r.MaxIdle, err = config.ParseAge(p.maxIdle); return err }},
		{"grace", func() (err error) { r.Grace, err = config.ParseAge(p.grace); return err }},
		{"max-size", func() (err error) { r.MaxSize, err = config.ParseSize(p.maxSize); return err }},
		{"max-results", func() (err error) { r.MaxResults, err = config.ParseCount(p.maxResults); return err }},
		{"keep", func() error { r.Keep = p.keep; return config.CheckPatterns(p.keep) }},
		{"names", func() error { r.Names = p.names; return config.CheckPatterns(p.names) }},
		{"branches", func() error { r.Branches = p.branches; return nil }},
	} {
		if !flags.Changed(f.name) {
			continue
		}
		if err := f.parse(); err != nil {
			return nil, fmt.Errorf("--%s: %w", f.name, err)
		}
	}
	return &r, r.CheckBranches()
}
