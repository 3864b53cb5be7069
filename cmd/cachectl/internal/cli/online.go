package cli

import (
	"context"
	"log/slog"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/backend/gha"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/probe"
	"github.com/cachectl/cachectl/planner"
	"github.com/spf13/cobra"
)

// onlineFlag adds --online to a verb that contacts nothing otherwise.
func onlineFlag(cmd *cobra.Command, online *bool) {
	cmd.Flags().BoolVar(online, "online", false, "look at sources and destinations as well: what is missing, unusable, taken or nearly full")
}

// look reads what is where the plan reads and writes, and adds what that means to the diagnostics. Without a plan there is nothing to look at.
func (l *loaded) look(ctx context.Context, g *globals) (map[planner.StepID]*probe.Place, error) {
	if l.plan == nil || l.diags.HasErrors() {
		return nil, nil
	}
	registries := l.resolution.Registries
	logger, err := g.logger(g.err)
	if err != nil {
		return nil, err
	}
	hosts, err := registry.NewHosts(registry.HostsOptions{Registries: registries, Dir: g.in.Dir, Logger: logger})
	if err != nil {
		return nil, err
	}
	servers, err := g.serveEmbedded(ctx, registries, "", slog.New(slog.DiscardHandler))
	defer servers.close()
	defer hosts.Close() // before the registries, which wait for what is open
	if err != nil {
		return nil, err
	}
	done := g.waiting("look at sources and destinations")
	defer done()
	found, err := probe.Look(ctx, l.plan, locations.Env{
		Hosts: hosts, Dir: g.in.Dir, Buckets: &bucket.Stores{}, Actions: gha.NewServices(gha.Options{}), LookupEnv: g.in.LookupEnv,
	})
	if err != nil {
		return nil, err
	}
	l.diags = append(l.diags, probe.Advise(l.plan, found, l.writes(g))...)
	return found, nil
}

// writes tells what the whole configuration publishes, whatever was selected of it.
func (l *loaded) writes(g *globals) func(config.Cache) bool {
	var names []string
	for _, n := range l.config.Names() {
		if n.Kind == "target" || n.Kind == "transfer" {
			names = append(names, n.Name)
		}
	}
	all, diags := l.config.Resolve(config.Selection{Names: names})
	if diags.HasErrors() {
		all = l.resolution
	}
	return planner.Writes(all, planner.Options{Dir: g.in.Dir})
}
