package executor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/planner"
	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
)

// drainTime is how long a canceled run may take to put things away.
const drainTime = 8 * time.Second

// Run carries out plan and returns what happened. Steps that fail are in the Report; the error is for what concerns the run as a whole: it
// could not start, or ctx was canceled. The Report is there in every case but the first. Cancelling ctx stops builds and transfers, starts
// no further write, and returns within seconds.
func Run(ctx context.Context, plan *planner.Plan, opt Options) (*Report, error) {
	r, err := newRun(plan, opt)
	if err != nil {
		return nil, err
	}
	report := &Report{Started: time.Now()}
	r.assess(ctx)
	report.Steps = r.walk(ctx)
	report.Duration = time.Since(report.Started)
	r.summarise(report)

	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	r.env.Hosts.Close()
	r.env.Actions.Close()
	err = errors.Join(r.builder.stop(drain), r.spool.Close())
	if saved := r.prints.save(); saved != nil {
		r.log.Warn("digests of files are not remembered", "reason", saved)
	}
	if ctx.Err() != nil {
		return report, context.Cause(ctx)
	}
	return report, err
}

// newRun sets up what the steps share.
func newRun(plan *planner.Plan, opt Options) (*run, error) {
	opt = opt.withDefaults()
	if opt.DryRun && len(plan.Targets) > 0 {
		return nil, errors.New("builds cannot be run dry, only transfers")
	}
	hosts, err := registry.NewHosts(registry.HostsOptions{Registries: opt.Registries, Dir: opt.Dir, Logger: opt.Logger, Turns: Turns(opt.LookupEnv)})
	if err != nil {
		return nil, fmt.Errorf("set up registries: %w", err)
	}
	spool, err := blob.NewSpool(opt.TempDir)
	if err != nil {
		return nil, fmt.Errorf("set up spool: %w", err)
	}
	r := &run{
		opt: opt, plan: plan, log: opt.Logger, events: opt.Events,
		steps: map[planner.StepID]*planner.Step{}, pool: newPool(), spool: spool, uploads: newFlights(),
		env: locations.Env{
			Hosts: hosts, Dir: opt.Dir, Buckets: &bucket.Stores{}, LookupEnv: opt.LookupEnv,
			Actions: gha.NewServices(gha.Options{TempDir: opt.TempDir, Logger: opt.Logger}),
		},
		imports: map[planner.StepID]*imported{}, unusable: map[planner.StepID]error{}, produced: map[planner.StepID]*produced{},
		builds: map[string]*build.Result{}, brokenExports: map[planner.StepID]error{},
	}
	for _, s := range plan.Steps {
		r.steps[s.ID] = s
	}
	r.prints = newPrints(r)
	r.builder = &lazyBuilder{open: r.openBuilder}
	return r, nil
}

// openBuilder finds or starts a builder and returns a solver on it.
func (r *run) openBuilder(ctx context.Context) (*build.Solver, func(context.Context) error, error) {
	endpoint, err := build.Discover(ctx, r.builderOptions())
	if err != nil {
		return nil, nil, err
	}
	c, err := endpoint.Client(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, endpoint.Close(ctx))
	}
	return build.NewSolver(c, r.solverOptions()), func(ctx context.Context) error { return errors.Join(c.Close(), endpoint.Close(ctx)) }, nil
}

// builderOptions says where a builder is looked for.
func (r *run) builderOptions() build.Options {
	return build.Options{
		Name: r.opt.Builder, Builders: r.opt.Builders, Registries: r.opt.Registries,
		LookupEnv: r.opt.LookupEnv, Logger: r.log, DataDir: r.opt.DataDir,
	}
}

// solverOptions is what all solves share.
func (r *run) solverOptions() build.SolverOptions {
	targets := map[string]*config.Target{}
	for _, t := range r.plan.Targets {
		targets[t.Name] = t
	}
	return build.SolverOptions{
		Targets: targets, Dir: r.opt.Dir, LookupEnv: r.opt.LookupEnv, Logger: r.log,
		DockerConfig: r.dockerConfig(),
		TLS:          build.AuthTLS(r.opt.Registries, r.opt.Dir),
	}
}

// perform runs one step and says how it ended.
func (r *run) perform(ctx context.Context, step *planner.Step) *StepResult {
	res := &StepResult{Step: step, Outcome: OutcomeDone, Started: time.Now()}
	if r.idle[step.ID] {
		res.Outcome = OutcomeUpToDate
		r.events.StepEnded(res)
		return res
	}
	r.events.StepStarted(step)
	err := r.do(ctx, step, res)
	res.Duration = time.Since(res.Started)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		res.Outcome, res.Err = OutcomeCanceled, context.Cause(ctx)
	default:
		res.Outcome, res.Err = OutcomeFailed, err
	}
	r.events.StepEnded(res)
	return res
}

func (r *run) do(ctx context.Context, step *planner.Step, res *StepResult) error {
	switch step.Kind {
	case planner.KindImport:
		return r.importStep(ctx, step, res)
	case planner.KindBuild:
		return r.buildStep(ctx, step, res)
	case planner.KindMerge:
		return r.mergeStep(ctx, step, res)
	case planner.KindExport:
		return r.exportStep(ctx, step, res)
	}
	return fmt.Errorf("step %s is of unknown kind %q", step.ID, step.Kind)
}

// warn tells of something that the run goes on in spite of.
func (r *run) warn(res *StepResult, message string) {
	res.Warnings = append(res.Warnings, message)
	r.events.StepWarning(res.Step.ID, message)
}

func (r *run) setBuild(target string, b *build.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.builds[target] = b
}

func (o Options) withDefaults() Options {
	if o.Events == nil {
		o.Events = noEvents{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	return o
}

// noEvents drops everything.
type noEvents struct{}

func (noEvents) StepStarted(*planner.Step)                         {}
func (noEvents) StepEnded(*StepResult)                             {}
func (noEvents) StepProgress(planner.StepID, string, int64, int64) {}
func (noEvents) StepWarning(planner.StepID, string)                {}
func (noEvents) BuildStatus(string, *build.Status)                 {}

// dockerConfig is the user's docker configuration: registry credentials and proxies. One that cannot be read is told in the log and counts as
// empty, as docker's own tools have it.
func (r *run) dockerConfig() *configfile.ConfigFile {
	dir, ok := r.opt.LookupEnv("DOCKER_CONFIG")
	if !ok || dir == "" {
		dir = dockerconfig.Dir()
	}
	c, err := dockerconfig.Load(dir)
	if err != nil {
		r.log.Warn("the docker configuration cannot be read", "dir", dir, "reason", err)
		return configfile.New("")
	}
	if !c.ContainsAuth() {
		c.CredentialsStore = credentials.DetectDefaultStore(c.CredentialsStore)
	}
	return c
}
