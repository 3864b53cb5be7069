package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/spf13/cobra"
)

func newSchedule(g *globals) *cobra.Command {
	var s selection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "schedule [NAME...]",
		Short: "List schedules and when they are next due",
		Long: `A schedule block says what is rebuilt at which times. Where something else keeps the time, such as cron or a CI system, let it call
"cachectl apply --schedule NAME"; where nothing does, "cachectl schedule run" stays and applies what is due.`,
		Example: `  cachectl schedule -f cache.hcl
  cachectl apply -f cache.hcl --schedule nightly
  cachectl schedule run -f cache.hcl nightly`,
		RunE: func(cmd *cobra.Command, names []string) error {
			list, err := s.schedules(cmd.Context(), g, names)
			if err != nil {
				return err
			}
			if asJSON {
				return view.SchedulesJSON(g.out, list, time.Now())
			}
			if len(list) == 0 {
				view.Note(g.err, "There is no schedule in the configuration.")
				return nil
			}
			return view.Schedules(g.out, list, time.Now())
		},
	}
	cmd.Flags().StringArrayVarP(&s.files, "file", "f", nil, "configuration file, repeatable; - is standard input")
	cmd.Flags().StringArrayVar(&s.vars, "var", nil, "set a variable: NAME=VALUE, repeatable")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.AddCommand(newScheduleRun(g))
	return cmd
}

// schedules are those of the names, or all.
func (s *selection) schedules(ctx context.Context, g *globals, names []string) ([]*config.Schedule, error) {
	l := &loaded{}
	l.config, l.diags = s.config(ctx, g)
	if err := g.report(l.diags, l.files()); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, diags := l.config.Scheduled(name); diags.HasErrors() {
			return nil, g.report(diags, l.files())
		}
	}
	return slices.DeleteFunc(l.config.Schedules(), func(sch *config.Schedule) bool {
		return len(names) > 0 && !slices.Contains(names, sch.Name)
	}), nil
}

func newScheduleRun(g *globals) *cobra.Command {
	a := &apply{}
	var runs int
	cmd := &cobra.Command{
		Use:   "run [NAME...]",
		Short: "Stay and apply schedules when they are due",
		Long: `Run waits for the next time of any of the schedules and applies what it selects, as "cachectl apply --schedule NAME" does; the files are read
again each time. What becomes due during a run starts after it, once. A run that fails is reported, and the next one is waited for; the exit
code is that of the last failure.`,
		Example: `  cachectl schedule run -f cache.hcl
  cachectl schedule run -f cache.hcl nightly --runs 1`,
		RunE: func(cmd *cobra.Command, names []string) error { return a.runSchedules(cmd.Context(), g, names, runs) },
	}
	a.flags(cmd, g)
	a.runFlags(cmd)
	cmd.Flags().Var((*limit)(&runs), "runs", "end after this many runs; 0 is never")
	_ = cmd.Flags().MarkHidden("schedule")
	cmd.ValidArgsFunction = nil
	return cmd
}

func (a *apply) runSchedules(ctx context.Context, g *globals, names []string, runs int) error {
	var failure error
	after := time.Now()
	for n := 0; runs == 0 || n < runs; n++ {
		list, err := a.schedules(ctx, g, names)
		if err != nil {
			return err
		}
		due, at := next(list, after)
		if due == nil {
			return usageError{errors.New("there is no schedule that is ever due")}
		}
		view.Next(g.err, due.Name, at)
		if err := sleep(ctx, time.Until(at)); err != nil {
			return errors.Join(failure, err)
		}
		after = at
		if late := time.Now().Add(-time.Second); late.After(after) {
			after = late // what became due meanwhile is done once
		}
		a.schedule = due.Name
		if err := a.run(ctx, g, nil); err != nil {
			if ctx.Err() != nil {
				return err
			}
			failure = fmt.Errorf("schedule %s: %w", due.Name, err)
			view.Error(g.err, failure)
		}
	}
	return failure
}

// next is the schedule that is due first after a time, and when.
func next(list []*config.Schedule, after time.Time) (due *config.Schedule, at time.Time) {
	for _, s := range list {
		if t := s.Next(after); !t.IsZero() && (due == nil || t.Before(at)) {
			due, at = s, t
		}
	}
	return due, at
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
