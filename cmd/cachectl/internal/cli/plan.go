package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view/page"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/probe"
	"github.com/cachectl/cachectl/planner"
	"github.com/spf13/cobra"
)

// plan is the flags of the verb that shows what would be done.
type plan struct {
	selection
	json     bool
	online   bool
	detailed bool
	graph    string
	html     string
	out      string
	builder  string
	fresh    upToDate
}

func newPlan(g *globals) *cobra.Command {
	p := &plan{}
	cmd := &cobra.Command{
		Use:   "plan [TARGET|GROUP|TRANSFER...]",
		Short: "Show what apply would do",
		Long: `Plan reads and checks the configuration and shows the steps that apply would take. It contacts nothing: no builder, no registry; with --online it
looks at the caches, and says which targets are up to date, and why the others are built. With -out it looks as well, and writes what it found to a file, which apply takes in place of names: it does what was planned, or nothing if
what it builds from, settings or caches are not as they were. The file holds no secret and no value of an argument or variable.`,
		Example: `  cachectl plan -f cache.hcl
  cachectl plan -f cache.hcl --graph dot | dot -Tsvg > plan.svg
  cachectl plan -f cache.hcl --online
  cachectl plan -f cache.hcl -out plan.json && cachectl apply plan.json
  cachectl plan -f cache.hcl --html plan.html
  cachectl plan -f cache.hcl --json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			made, err := p.run(cmd.Context(), g, names)
			if !p.detailed {
				return err
			}
			return detailedExit(made, err)
		},
	}
	p.flags(cmd, g)
	onlineFlag(cmd, &p.online)
	f := cmd.Flags()
	f.BoolVar(&p.json, "json", false, "print the plan as JSON (docs/plan.schema.json)")
	f.BoolVar(&p.detailed, "detailed-exitcode", false, "exit with 0 if there is nothing to do, 1 after an error, 2 if there is work to do")
	f.StringVar(&p.graph, "graph", "", "print the plan as a graph: "+strings.Join(graphFormats, ", "))
	f.StringVar(&p.html, "html", "", "write the plan as a page to this file as well")
	f.StringVar(&p.builder, "builder", "", "with --online or -out: the builder that apply will be given; it is not contacted")
	p.fresh.flags(cmd)
	f.StringVar(&p.out, "out", "", "write the plan to this file as well, for apply")
	values(cmd, "graph", graphFormats...)
	return cmd
}

func (p *plan) run(ctx context.Context, g *globals, names []string) (*planner.Plan, error) {
	if p.graph != "" && (p.json || !slices.Contains(graphFormats, p.graph)) {
		return nil, usageError{fmt.Errorf("--graph is %s, and excludes --json", strings.Join(graphFormats, ", "))}
	}
	if p.out != "" && slices.Contains(p.files, "-") {
		return nil, usageError{fmt.Errorf("--out saves no plan of what comes from standard input: apply could not read it again")}
	}
	l := p.take(ctx, g, names)
	l.check(g)
	var found map[planner.StepID]*probe.Place
	if p.online || p.out != "" {
		var err error
		if found, err = l.look(ctx, g); err != nil {
			return nil, err
		}
	}
	if err := g.report(l.diags, l.files()); err != nil {
		return nil, err
	}
	var made prints
	if p.out != "" {
		var err error
		if made, err = l.prints(ctx, g, p.builder); err != nil {
			return nil, err
		}
		if err := p.save(g, l, names, found, made); err != nil {
			return nil, err
		}
	}
	if p.online || p.out != "" { // after saving: what is up to date now is looked at again when the plan is carried out
		if err := p.assess(ctx, g, l, made); err != nil {
			return nil, err
		}
	}
	if p.html != "" {
		doc, err := page.Plan(l.plan, l.diags, g.pageOptions())
		if err != nil {
			return nil, err
		}
		if err := replaceFile(g.absolute(p.html), doc); err != nil {
			return nil, fmt.Errorf("write the page: %w", err)
		}
	}
	if err := p.show(g, l.plan); err != nil || p.out == "" {
		return l.plan, err
	}
	return l.plan, view.Saved(g.err, p.out, p.again())
}

// again are the flags that apply has to be given with the saved plan, values left out.
func (p *plan) again() []string {
	var list []string
	for _, f := range p.given() {
		list = append(list, f+"=…")
	}
	if p.builder != "" {
		list = append(list, "--builder "+p.builder)
	}
	return list
}

// assess finds out which targets are up to date and why the others are built.
func (p *plan) assess(ctx context.Context, g *globals, l *loaded, made prints) error {
	if l.plan == nil || l.diags.HasErrors() {
		return nil
	}
	check, err := p.fresh.check(false)
	if err != nil {
		return err
	}
	return g.assess(ctx, l.plan, l.resolution, executor.Options{Check: check, MaxAge: p.fresh.maxAge, Builder: p.builder, Prints: made})
}

func (p *plan) show(g *globals, made *planner.Plan) error {
	switch {
	case p.graph != "":
		return drawGraph(g, made, p.graph)
	case p.json:
		raw, err := made.JSON()
		if err != nil {
			return err
		}
		return view.Bytes(g.out, raw)
	}
	return view.Plan(g.out, made, view.NewStyle(g.in.Stdout, g.in.LookupEnv, g.noColor))
}

// detailedExit turns how planning ended into the codes of --detailed-exitcode.
func detailedExit(made *planner.Plan, err error) error {
	switch {
	case err != nil:
		return exitWith{exitInternal, err}
	case work(made):
		return exitWith{code: exitWork}
	}
	return nil
}

// work tells whether a plan has anything to do.
func work(made *planner.Plan) bool {
	return slices.ContainsFunc(made.Steps, func(s *planner.Step) bool {
		if a := made.Assessment(s.ID); a != nil && a.Action == planner.ActionUpToDate {
			return false
		}
		return s.Kind == planner.KindBuild || s.Kind == planner.KindMerge
	})
}
