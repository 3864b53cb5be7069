package cli

import (
	"context"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
)

// assess finds out what a run would do with the steps of a plan and enters it there.
func (g *globals) assess(ctx context.Context, plan *planner.Plan, res *config.Resolution, opt executor.Options) error {
	return g.looking(ctx, res, opt, func(opt executor.Options) error {
		found, err := executor.Assess(ctx, plan, opt)
		if err != nil {
			return err
		}
		plan.Assess(found)
		return nil
	})
}

// looking gives look the options that every look has besides, and serves embedded registries meanwhile.
func (g *globals) looking(ctx context.Context, res *config.Resolution, opt executor.Options, look func(executor.Options) error) error {
	logger, err := g.logger(g.err)
	if err != nil {
		return err
	}
	servers, err := g.serveEmbedded(ctx, res.Registries, opt.DataDir, logger)
	defer servers.close()
	if err != nil {
		return err
	}
	opt.Builders, opt.Registries, opt.Dir, opt.Logger, opt.LookupEnv = res.Builders, res.Registries, g.in.Dir, logger, g.in.LookupEnv
	done := g.waiting("look what is up to date")
	defer done()
	return look(opt)
}
