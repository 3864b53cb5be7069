package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/planner"
	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

// globals are the flags of every verb.
type globals struct {
	in          Surroundings
	noColor     bool
	diagnostics string
	logLevel    string
}

// style is how to print on standard error.
func (g *globals) style() view.Style {
	return view.NewStyle(g.in.Stderr, g.in.LookupEnv, g.noColor)
}

func (g *globals) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %q is not debug, info, warn or error", g.logLevel)}
	}
	return slog.New(slog.NewTextHandler(g.in.Stderr, &slog.HandlerOptions{Level: level})), nil
}

// report shows diagnostics and returns an error if there are errors among them.
func (g *globals) report(diags hcl.Diagnostics, files map[string]*hcl.File) error {
	if err := view.Diagnostics(g.in.Stderr, diags, files, g.diagnostics, g.style()); err != nil {
		return usageError{err}
	}
	if diags.HasErrors() {
		return diagnosed{diags}
	}
	return nil
}

// selection is the flags of verbs that load a configuration and select from it.
type selection struct {
	files []string
	vars  []string
	sets  []string
	push  bool
	load  bool
}

func (s *selection) flags(cmd *cobra.Command, g *globals) {
	f := cmd.Flags()
	f.StringArrayVarP(&s.files, "file", "f", nil, "configuration file, repeatable; - is standard input")
	f.StringArrayVar(&s.vars, "var", nil, "set a variable: NAME=VALUE, repeatable")
	f.StringArrayVar(&s.sets, "set", nil, "change targets: PATTERN.ATTRIBUTE[.KEY][+]=VALUE, repeatable")
	f.BoolVar(&s.push, "push", false, "push images: --set '*.push=true'")
	f.BoolVar(&s.load, "load", false, "load images into docker: --set '*.load=true'")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		return s.complete(cmd.Context(), g, prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

// complete lists names that start with prefix, for shell completion.
func (s *selection) complete(ctx context.Context, g *globals, prefix string) []string {
	if ctx == nil {
		ctx = context.Background()
	}
	c, diags := s.config(ctx, g)
	if diags.HasErrors() {
		return nil
	}
	var out []string
	for _, l := range c.Names() {
		if l.Kind == "variable" || !strings.HasPrefix(l.Name, prefix) {
			continue
		}
		if l.Description != "" {
			out = append(out, l.Name+"\t"+l.Description)
			continue
		}
		out = append(out, l.Name)
	}
	return out
}

func (s *selection) config(ctx context.Context, g *globals) (*config.Config, hcl.Diagnostics) {
	return config.Load(ctx, config.Options{Files: s.files, Stdin: g.in.Stdin, Vars: s.vars, LookupEnv: g.in.LookupEnv, Dir: g.in.Dir})
}

// resolve loads the configuration and selects names from it, showing what is to be said about either.
func (s *selection) resolve(ctx context.Context, g *globals, names []string) (*config.Resolution, *config.Config, error) {
	c, diags := s.config(ctx, g)
	if diags.HasErrors() {
		return nil, nil, g.report(diags, sources(c))
	}
	sets := s.sets
	if s.push {
		sets = append(sets, "*.push=true")
	}
	if s.load {
		sets = append(sets, "*.load=true")
	}
	res, more := c.Resolve(config.Selection{Names: names, Set: sets})
	return res, c, g.report(append(diags, more...), c.Sources())
}

// plan resolves, checks the caches and plans.
func (s *selection) plan(ctx context.Context, g *globals, names []string) (*planner.Plan, *config.Resolution, error) {
	res, c, err := s.resolve(ctx, g, names)
	if err != nil {
		return nil, nil, err
	}
	diags := res.Validate()
	if diags.HasErrors() {
		return nil, nil, g.report(diags, c.Sources())
	}
	plan, more := planner.New(res, planner.Options{Dir: g.in.Dir})
	return plan, res, g.report(append(diags, more...), c.Sources())
}

func sources(c *config.Config) map[string]*hcl.File {
	if c == nil {
		return nil
	}
	return c.Sources()
}
