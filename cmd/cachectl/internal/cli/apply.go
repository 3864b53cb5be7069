package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view/page"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/planner"
	"github.com/spf13/cobra"
)

// apply is the flags of the verb that does the work.
type apply struct {
	selection
	jobs     int
	failFast bool
	builder  string
	progress string
	metadata string
	report   string
	json     bool
	force    bool
	dataDir  string
	fresh    upToDate
}

func newApply(g *globals) *cobra.Command {
	a := &apply{}
	cmd := &cobra.Command{
		Use:   "apply [TARGET|GROUP|TRANSFER... | PLAN.json]",
		Short: "Build targets and publish their caches",
		Long: `Apply imports the cache sources, builds what is not in them, and publishes the caches to every destination. A source that is missing never
fails a build. A target whose destinations all hold what a build would make is up to date: it is not built, and without others no builder is
started. A destination shows its old cache or its new one at every moment, never something between. Without names it applies "default",
or everything whose name does not start with "_". A plan that plan -out has saved stands for the names it was made with: it is done as planned, or, with exit
code 3, not at all if what it builds from, settings or caches have changed since.`,
		Example: `  cachectl apply -f cache.hcl
  cachectl apply -f cache.hcl api web --jobs 8
  BRANCH=feature/login cachectl apply -f cache.hcl
  cachectl apply -f cache.hcl --report run.html
  cachectl plan -f cache.hcl -out plan.json && cachectl apply plan.json
  cachectl apply --set 'api.args.VERSION=1.2' --push api
  cat cache.hcl | cachectl apply -f -`,
		RunE: func(cmd *cobra.Command, names []string) error { return a.run(cmd.Context(), g, names) },
	}
	a.flags(cmd, g)
	a.runFlags(cmd)
	a.fresh.flags(cmd)
	cmd.Flags().BoolVar(&a.force, "force", false, "build targets that are up to date too")
	return cmd
}

// runFlags are those that say how to run, beside those that say what.
func (a *apply) runFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.VarP((*limit)(&a.jobs), "jobs", "j", "steps at once; 0 is as many as hosts and builder allow")
	f.BoolVar(&a.failFast, "fail-fast", false, "stop at the first failure instead of finishing what does not depend on it")
	f.StringVar(&a.builder, "builder", "", "builder block, buildx builder, address, or embedded")
	f.StringVar(&a.progress, "progress", "auto", "progress on standard error: auto, plain, tty, rawjson or quiet")
	f.StringVar(&a.metadata, "metadata-file", "", "write what was built, by target, to this file")
	f.StringVar(&a.report, "report", "", "write a page about the run to this file")
	f.BoolVar(&a.json, "json", false, "print the report as JSON on standard output")
	f.StringVar(&a.dataDir, "data-dir", "", "where the embedded builder and registries keep their state (default: the user's data directory)")
	values(cmd, "progress", "auto", "plain", "tty", "rawjson", "quiet")
}

func (a *apply) run(ctx context.Context, g *globals, names []string) error {
	check, err := a.fresh.check(a.force)
	if err != nil {
		return err
	}
	plan, res, made, err := a.planned(ctx, g, names)
	if err != nil {
		return err
	}
	if err := build.CheckName(build.Options{Name: a.builder, Builders: res.Builders, LookupEnv: g.in.LookupEnv}); err != nil {
		return usageError{err}
	}
	return a.execute(ctx, g, plan, res, executor.Options{Builder: a.builder, Builders: res.Builders, Check: check, MaxAge: a.fresh.maxAge, Prints: made})
}

// execute runs a plan and shows it; opt has what is not the same for every verb that does so.
func (a *apply) execute(ctx context.Context, g *globals, plan *planner.Plan, res *config.Resolution, opt executor.Options) error {
	progress, err := view.NewProgress(ctx, g.err, view.ProgressOptions{Mode: a.mode(g), Style: g.style(), Plan: plan})
	if err != nil {
		return usageError{err}
	}
	defer progress.Close()
	logger, err := g.logger(progress.Log())
	if err != nil {
		return err
	}
	servers, err := g.serveEmbedded(ctx, res.Registries, a.dataDir, logger)
	defer servers.close()
	if err != nil {
		return err
	}
	recorder := page.NewRecorder(progress)
	opt.Jobs, opt.FailFast, opt.Registries = a.jobs, a.failFast, res.Registries
	opt.Dir, opt.DataDir, opt.Events, opt.Logger, opt.LookupEnv = g.in.Dir, g.absolute(a.dataDir), recorder, logger, g.in.LookupEnv
	report, err := executor.Run(ctx, plan, opt)
	progress.Close()
	if report == nil {
		return err
	}
	warnings := progress.BuildWarnings()
	shown := a.show(g, report, warnings)
	if bad := a.writePage(g, page.Ended{Plan: plan, Report: report, Builds: recorder, Warnings: warnings}); bad != nil {
		if shown == nil {
			return bad
		}
		view.Error(g.err, bad) // the run's own failure decides the exit code
	}
	return errors.Join(shown, err)
}

// mode is the progress to show: the flag's, else the one that docker's users have set.
func (a *apply) mode(g *globals) string {
	if v, _ := g.in.LookupEnv("BUILDKIT_PROGRESS"); a.progress == "auto" && v != "" {
		return v
	}
	return a.progress
}

// writePage writes the page about a run, if one is wanted.
func (a *apply) writePage(g *globals, e page.Ended) error {
	if a.report == "" {
		return nil
	}
	doc, err := page.Run(e, g.pageOptions())
	if err != nil {
		return err
	}
	if err := replaceFile(g.absolute(a.report), doc); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// show prints the report and returns an error if something failed.
func (a *apply) show(g *globals, report *executor.Report, warnings map[string][]string) error {
	if a.mode(g) != "quiet" {
		view.Report(g.err, report, warnings, g.style())
	} else if report.Failed() {
		view.Failures(g.err, report, g.style())
	}
	if err := view.CI(g.err, report, g.in.LookupEnv); err != nil {
		return err
	}
	if a.json {
		if err := view.ReportJSON(g.out, report); err != nil {
			return err
		}
	}
	if a.metadata != "" {
		doc, err := view.Metadata(report)
		if err != nil {
			return err
		}
		if err := replaceFile(g.absolute(a.metadata), doc); err != nil {
			return fmt.Errorf("write metadata: %w", err)
		}
	}
	if report.Failed() {
		return failedRun{report}
	}
	return nil
}
