package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// readsAtOnce is how many caches are read at once; the hosts' own limits apply besides.
const readsAtOnce = 8

func newDu(g *globals) *cobra.Command {
	var asJSON, insecure bool
	var s selection
	cmd := &cobra.Command{
		Use:   "du [CACHE... | TARGET|GROUP|TRANSFER...]",
		Short: "Show what caches take, and what they share with whom",
		Long: `Du reads the named caches, or those that the named targets of a configuration declare, or without names all that it declares, and shows how many bytes each takes. Unique is what no other
of them has in the same registry or directory: what would be free without it. What a configuration declares and is not there yet is listed as missing.

` + argumentForms,
		Example: `  cachectl du -f cache.hcl
  cachectl du registry.example.com/app-cache:main registry.example.com/app-cache:feature
  cachectl du -f cache.hcl --json | jq '.caches[] | select(.unique_bytes > 1000000000).name'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			d := &diskUse{g: g}
			err := d.open(cmd.Context(), &s, args, insecure)
			defer d.places.close()
			if err != nil {
				return err
			}
			rows, usage, err := d.measure(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				err = view.UsageJSON(g.out, rows, usage)
			} else {
				err = view.Usage(g.out, rows, usage)
			}
			return errors.Join(err, d.unreadable())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&insecure, "insecure", false, "allow plain HTTP and do not verify certificates")
	f.StringArrayVarP(&s.files, "file", "f", nil, "configuration file, repeatable; - is standard input")
	f.StringArrayVar(&s.vars, "var", nil, "set a variable: NAME=VALUE, repeatable")
	return cmd
}

// diskUse is the caches that are measured.
type diskUse struct {
	g      *globals
	places *places
	caches []*measured
}

// measured is a cache and who declares it.
type measured struct {
	source  backend.Source
	usedBy  []string
	current *backend.Current
	err     error
}

// missing tells whether nothing is there, or the place is not to be had from here and need not be.
func (m *measured) missing() bool {
	return errors.Is(m.err, blob.ErrNotFound) || errors.Is(m.err, backend.ErrElsewhere)
}

// open opens the named caches, or those that the configuration declares.
func (d *diskUse) open(ctx context.Context, s *selection, args []string, insecure bool) (err error) {
	named := slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return !isCacheArgument(arg, s.files, d.g.in.Dir) })
	if len(named) > 0 && len(named) < len(args) {
		return usageError{errors.New("name caches or targets, not both")}
	}
	if len(named) > 0 {
		if d.places, err = openPlaces(ctx, d.g, s.files); err != nil {
			return err
		}
		for _, arg := range args {
			src, err := d.places.source(arg, insecure)
			if err != nil {
				return err
			}
			d.add(src, "")
		}
		return nil
	}
	res, err := declared(ctx, d.g, s, args)
	if err != nil {
		return err
	}
	if d.places, err = newPlaces(ctx, d.g, res.Registries); err != nil {
		return err
	}
	for _, t := range res.Targets {
		d.declare(t.Name, t.CacheFrom, t.CacheTo)
	}
	for _, t := range res.Transfers {
		d.declare(t.Name, t.CacheFrom, t.CacheTo)
	}
	if len(d.caches) == 0 {
		return usageError{errors.New("the configuration declares no cache that can be looked at; name one")}
	}
	return nil
}

// declared is what names select from a configuration, without names all of it: every target and transfer whose name does not start with "_".
func declared(ctx context.Context, g *globals, s *selection, names []string) (*config.Resolution, error) {
	all := len(names) == 0
	c, diags := s.config(ctx, g)
	if diags.HasErrors() || c == nil {
		return nil, g.report(diags, (&loaded{config: c}).files())
	}
	for _, n := range c.Names() {
		if all && (n.Kind == "target" || n.Kind == "transfer") && !strings.HasPrefix(n.Name, "_") {
			names = append(names, n.Name)
		}
	}
	res, more := c.Resolve(config.Selection{Names: names})
	diags = append(diags, more...)
	if !more.HasErrors() {
		g.secrets.Add(secrets(res, g.in.LookupEnv)...)
		diags = append(diags, res.Validate()...)
	}
	return res, g.report(diags, c.Sources())
}

// declare adds the caches of a target or transfer. What only BuildKit can read is left out.
func (d *diskUse) declare(owner string, from, to []config.Cache) {
	for _, c := range from {
		if src, err := locations.OpenSource(c, d.places.env); err == nil {
			d.add(src, owner)
		}
	}
	for _, c := range to {
		if dest, err := locations.OpenDestination(c, d.places.env); err == nil {
			d.add(dest, owner)
		}
	}
}

// add enters a cache once, however often it is declared.
func (d *diskUse) add(src backend.Source, owner string) {
	at := slices.IndexFunc(d.caches, func(m *measured) bool { return place(m.source) == place(src) })
	if at < 0 {
		at = len(d.caches)
		d.caches = append(d.caches, &measured{source: src})
	}
	if m := d.caches[at]; owner != "" && !slices.Contains(m.usedBy, owner) {
		m.usedBy = append(m.usedBy, owner)
	}
}

// place is equal for two locations that are the same place.
func place(s backend.Source) string {
	if k, ok := s.(interface{ Key() string }); ok {
		return k.Key()
	}
	return s.Name()
}

// measure reads all caches and adds up. A cache that is declared and cannot be read has its reason in its row; the error is for one that is named.
func (d *diskUse) measure(ctx context.Context) ([]view.UsageRow, *cache.Usage, error) {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for _, m := range d.caches {
		group.Go(func() error {
			m.current, m.err = m.source.Read(gctx)
			if m.err != nil && len(m.usedBy) == 0 {
				return readError(m.source, m.err)
			}
			return nil
		})
	}
	done := d.g.waiting("read caches")
	err := group.Wait()
	done()
	if err != nil {
		return nil, nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	var rows []view.UsageRow
	var kept []cache.Kept
	for _, m := range d.caches {
		row := view.UsageRow{Name: m.source.Name(), UsedBy: m.usedBy, Missing: m.missing(), Err: m.err, Measured: -1}
		if m.err == nil {
			row.Current, row.Measured = m.current, len(kept)
			kept = append(kept, cache.Kept{Cache: m.current.Cache, Store: backend.Pool(m.source)})
		}
		rows = append(rows, row)
	}
	return rows, cache.Measure(kept), nil
}

// unreadable are the reasons of those caches that are there and could not be read.
func (d *diskUse) unreadable() error {
	var errs []error
	for _, m := range d.caches {
		if m.err != nil && !m.missing() {
			errs = append(errs, readError(m.source, m.err))
		}
	}
	return errors.Join(errs...)
}
