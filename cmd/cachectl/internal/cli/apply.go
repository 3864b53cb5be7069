package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/registryd"
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
	json     bool
	dataDir  string
}

func newApply(g *globals) *cobra.Command {
	a := &apply{}
	cmd := &cobra.Command{
		Use:   "apply [TARGET|GROUP|TRANSFER...]",
		Short: "Build targets and publish their caches",
		Long: `Apply imports the cache sources, builds what is not in them, and publishes the caches to every destination. A source that is missing never
fails a build. A destination shows its old cache or its new one at every moment, never something between. Without names it applies "default",
or everything whose name does not start with "_".`,
		Example: `  cachectl apply -f cache.hcl
  cachectl apply -f cache.hcl api web --jobs 8
  BRANCH=feature/login cachectl apply -f cache.hcl
  cachectl apply --set 'api.args.VERSION=1.2' --push api
  cat cache.hcl | cachectl apply -f -`,
		RunE: func(cmd *cobra.Command, names []string) error { return a.run(cmd.Context(), g, names) },
	}
	a.flags(cmd, g)
	f := cmd.Flags()
	f.IntVarP(&a.jobs, "jobs", "j", 0, "steps at once; 0 is as many as hosts and builder allow")
	f.BoolVar(&a.failFast, "fail-fast", false, "stop at the first failure instead of finishing what does not depend on it")
	f.StringVar(&a.builder, "builder", "", "builder block, buildx builder, address, or embedded")
	f.StringVar(&a.progress, "progress", "auto", "progress on standard error: auto, plain, tty, rawjson or quiet")
	f.StringVar(&a.metadata, "metadata-file", "", "write what was built, by target, to this file")
	f.BoolVar(&a.json, "json", false, "print the report as JSON on standard output")
	f.StringVar(&a.dataDir, "data-dir", "", "where the embedded builder and registries keep their state (default: the user's data directory)")
	return cmd
}

func (a *apply) run(ctx context.Context, g *globals, names []string) error {
	logger, err := g.logger()
	if err != nil {
		return err
	}
	plan, res, err := a.plan(ctx, g, names)
	if err != nil {
		return err
	}
	servers, err := serveEmbedded(ctx, res.Registries, a.dataDir)
	defer closeAll(servers)
	if err != nil {
		return err
	}
	progress, err := view.NewProgress(ctx, g.in.Stderr, a.progress, g.style())
	if err != nil {
		return usageError{err}
	}
	report, err := executor.Run(ctx, plan, executor.Options{
		Jobs: a.jobs, FailFast: a.failFast, Builder: a.builder, Builders: res.Builders, Registries: res.Registries,
		Dir: g.in.Dir, DataDir: a.dataDir, Events: progress, Logger: logger, LookupEnv: g.in.LookupEnv,
	})
	progress.Close()
	if report == nil {
		return err
	}
	return errors.Join(a.show(g, report), err)
}

// show prints the report and returns an error if something failed.
func (a *apply) show(g *globals, report *executor.Report) error {
	if a.progress != "quiet" {
		view.Report(g.in.Stderr, report, g.style())
	} else if report.Failed() {
		view.Failures(g.in.Stderr, report, g.style())
	}
	if err := view.CI(g.in.Stderr, report, g.in.LookupEnv); err != nil {
		return err
	}
	if a.json {
		if err := view.ReportJSON(g.in.Stdout, report); err != nil {
			return err
		}
	}
	if a.metadata != "" {
		path := a.metadata
		if !filepath.IsAbs(path) {
			path = filepath.Join(g.in.Dir, path)
		}
		if err := view.Metadata(path, report); err != nil {
			return fmt.Errorf("write metadata: %w", err)
		}
	}
	if report.Failed() {
		return failedRun{report}
	}
	return nil
}

// serveEmbedded serves the registries that are declared embedded. One that another run of cachectl serves already is used as it is.
func serveEmbedded(ctx context.Context, registries []*config.Registry, dataDir string) ([]*registryd.Server, error) {
	var servers []*registryd.Server
	for _, r := range registries {
		if !r.Embedded {
			continue
		}
		dir := r.Dir
		if dir == "" {
			base, err := dataHome(dataDir)
			if err != nil {
				return servers, err
			}
			dir = filepath.Join(base, "registry", filepath.Base(r.Host))
		}
		s, err := registryd.Serve(ctx, registryd.Options{Addr: r.Host, Dir: dir})
		if errors.Is(err, registryd.ErrInUse) {
			continue
		}
		if err != nil {
			return servers, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

func closeAll(servers []*registryd.Server) {
	for _, s := range servers {
		_ = s.Close()
	}
}
