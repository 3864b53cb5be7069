package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/config/remote"
	"github.com/cachectl/cachectl/planner"
	"github.com/cachectl/cachectl/planner/dockerfile"
	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

// globals are the flags of every verb.
type globals struct {
	in Surroundings
	// out and err are the process's standard output and standard error, without secrets.
	out, err    *view.Output
	secrets     *view.Secrets
	noColor     bool
	diagnostics string
	logLevel    string
}

// style is how to print on standard error.
func (g *globals) style() view.Style {
	return view.NewStyle(g.in.Stderr, g.in.LookupEnv, g.noColor)
}

// waiting says on a terminal what is going on, if it takes long; what it returns ends that.
func (g *globals) waiting(what string) func() { return view.Waiting(g.err, g.style(), what) }

// logger logs to w.
func (g *globals) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %q is not debug, info, warn or error", g.logLevel)}
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})), nil
}

// report shows diagnostics and returns an error if there are errors among them.
func (g *globals) report(diags hcl.Diagnostics, files map[string]*hcl.File) error {
	forms := []string{g.diagnostics}
	if g.diagnostics == "" {
		forms = []string{"text"}
		if on, _ := g.in.LookupEnv("GITHUB_ACTIONS"); on == "true" {
			forms = append(forms, "github")
		}
	}
	for _, form := range forms {
		if err := view.Diagnostics(g.err, diags, files, form, g.style()); err != nil {
			return usageError{err}
		}
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

	noCache, pull    bool
	sbom, provenance string
	// source is the address that holds the files, context the one that takes the place of the working directory; see located.
	source, context string
	// allow is what definitions from elsewhere may touch; shown is set by verbs that only show them.
	allow []string
	shown bool
	// call is a frontend method that takes the place of every target's, "" for none.
	call string
	// schedule names a schedule whose targets and options are selected, "" for none.
	schedule string
	// everything selects all targets and transfers when none is named, rather than the default.
	everything bool
	// changed tells whether a flag was given.
	changed func(string) bool
}

func (s *selection) flags(cmd *cobra.Command, g *globals) {
	f := cmd.Flags()
	f.StringArrayVarP(&s.files, "file", "f", nil, "configuration file, repeatable; - is standard input")
	f.StringArrayVar(&s.vars, "var", nil, "set a variable: NAME=VALUE, repeatable")
	f.StringArrayVar(&s.sets, "set", nil, "change targets: PATTERN.ATTRIBUTE[.KEY][+]=VALUE, repeatable")
	f.BoolVar(&s.push, "push", false, "push images: --set '*.push=true'")
	f.BoolVar(&s.load, "load", false, "load images into docker: --set '*.load=true'")
	f.BoolVar(&s.noCache, "no-cache", false, "execute every step again: --set '*.no-cache=true'")
	f.BoolVar(&s.pull, "pull", false, "look for newer base images: --set '*.pull=true'")
	f.StringVar(&s.sbom, "sbom", "", "attest an SBOM: --set '*.attest=type=sbom'")
	f.StringVar(&s.provenance, "provenance", "", "attest provenance: --set '*.attest=type=provenance'")
	f.StringVar(&s.schedule, "schedule", "", "take the targets and options of this schedule")
	f.StringArrayVar(&s.allow, "allow", nil, "what a fetched configuration may touch of this machine: fs=PATH, fs.read=PATH, fs.write=PATH, ssh, network.host, security.insecure, …; repeatable")
	values(cmd, "allow", "fs=", "fs.read=", "fs.write=", "ssh", "network.host", "security.insecure", "device")
	s.changed = f.Changed
	cmd.ValidArgsFunction = func(cmd *cobra.Command, have []string, prefix string) ([]string, cobra.ShellCompDirective) {
		return s.complete(cmd.Context(), g, have, prefix), cobra.ShellCompDirectiveNoFileComp
	}
	s.completeFlags(cmd, g)
}

func (s *selection) config(ctx context.Context, g *globals) (*config.Config, hcl.Diagnostics) {
	for _, address := range append([]string{s.source}, s.files...) {
		if l, err := remote.Parse(address); err == nil {
			g.secrets.Add(l.Password())
		}
	}
	return config.Load(ctx, config.Options{
		Files: s.files, Stdin: g.in.Stdin, Vars: s.vars, LookupEnv: g.in.LookupEnv, Dir: g.in.Dir, Source: s.source, CommandContext: s.context, Allow: s.allow,
	})
}

// located takes an address off the names, which holds the files, and a second one, which takes the place of the working directory, as Bake does.
func (s *selection) located(names []string) []string {
	for _, to := range []*string{&s.source, &s.context} {
		if len(names) == 0 || !remote.Is(names[0]) {
			break
		}
		*to, names = names[0], names[1:]
	}
	return names
}

// loaded is a configuration as far as it could be taken, with all that is to be said about it.
type loaded struct {
	config     *config.Config
	resolution *config.Resolution
	plan       *planner.Plan
	diags      hcl.Diagnostics
}

// files are the sources that diagnostics point into.
func (l *loaded) files() map[string]*hcl.File {
	if l.config == nil {
		return nil
	}
	return l.config.Sources()
}

// take reads the files and resolves names; it stops at errors.
func (s *selection) take(ctx context.Context, g *globals, names []string) *loaded {
	l := &loaded{}
	names = s.located(names)
	l.config, l.diags = s.config(ctx, g)
	if l.config == nil || !l.config.Complete() {
		return l
	}
	if s.everything && len(names) == 0 {
		names = selectable(l.config)
	}
	sel := config.Selection{Names: names, Set: s.allSets()}
	if s.schedule != "" {
		scheduled, d := l.config.Scheduled(s.schedule)
		l.diags = append(l.diags, d...)
		sel.Names = append(sel.Names, scheduled.Names...)
		sel.Set = append(scheduled.Set, sel.Set...)
	}
	if l.diags.HasErrors() && s.schedule != "" {
		return l
	}
	var more hcl.Diagnostics
	l.resolution, more = l.config.Resolve(sel)
	l.diags = append(l.diags, more...)
	if !more.HasErrors() {
		g.secrets.Add(secrets(l.resolution, g.in.LookupEnv)...)
		if !s.shown {
			g.secrets.Add(secretArguments(l.resolution, g.in.LookupEnv)...)
			l.diags = append(l.diags, l.resolution.CheckAccess()...)
		}
	}
	if l.diags.HasErrors() && !more.HasErrors() {
		// Names that do not exist stop everything; what else is wrong is told with them.
		l.diags = append(l.diags, l.resolution.Validate()...)
	}
	return l
}

// checkFiles reports secrets and keys that are not on this machine.
func (l *loaded) checkFiles(g *globals) {
	if !l.diags.HasErrors() {
		l.diags = append(l.diags, l.resolution.CheckFiles(g.in.Dir)...)
	}
}

// check takes what was loaded as far as a plan; it stops at errors.
func (l *loaded) check(g *globals) {
	if l.diags.HasErrors() {
		return
	}
	l.diags = append(l.diags, l.resolution.Validate()...)
	if l.diags.HasErrors() {
		return
	}
	var more hcl.Diagnostics
	l.plan, more = planner.New(l.resolution, planner.Options{
		Dir: g.in.Dir, Stages: dockerfile.Stages(l.resolution.Targets, g.in.Dir), Sources: l.files(), Bake: !l.config.Strict(),
	})
	l.diags = append(l.diags, more...)
}

// resolve loads the configuration and selects names from it, showing what is to be said about either.
func (s *selection) resolve(ctx context.Context, g *globals, names []string) (*config.Resolution, error) {
	l := s.take(ctx, g, names)
	l.checkFiles(g)
	return l.resolution, g.report(l.diags, l.files())
}

// allSets are the --set options, and after them those that other flags stand for.
func (s *selection) allSets() []string {
	sets := slices.Clone(s.sets)
	for _, b := range []struct {
		name string
		on   bool
	}{{"push", s.push}, {"load", s.load}, {"no-cache", s.noCache}, {"pull", s.pull}} {
		if s.changed != nil && s.changed(b.name) {
			sets = append(sets, fmt.Sprintf("*.%s=%t", b.name, b.on))
		}
	}
	if s.call != "" {
		sets = append(sets, "*.call="+s.call)
	}
	for _, a := range []struct{ kind, value string }{{"sbom", s.sbom}, {"provenance", s.provenance}} {
		if a.value == "" {
			continue
		}
		if on, err := strconv.ParseBool(a.value); err == nil {
			a.value = fmt.Sprintf("disabled=%t", !on)
		}
		sets = append(sets, "*.attest=type="+a.kind+","+a.value)
	}
	return sets
}

// plan resolves, checks the caches and plans, showing what is to be said.
func (s *selection) plan(ctx context.Context, g *globals, names []string) (*planner.Plan, *config.Resolution, error) {
	l := s.take(ctx, g, names)
	l.checkFiles(g)
	l.check(g)
	return l.plan, l.resolution, g.report(l.diags, l.files())
}

// selectable are the targets and transfers that can be named, without templates.
func selectable(c *config.Config) []string {
	var names []string
	for _, l := range c.Names() {
		if (l.Kind == "target" || l.Kind == "transfer") && !strings.HasPrefix(l.Name, "_") {
			names = append(names, l.Name)
		}
	}
	return names
}
