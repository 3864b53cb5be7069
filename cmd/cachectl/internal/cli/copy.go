package cli

import (
	"context"
	"errors"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/cachectl/cachectl/schema"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// copying is the flags of the verb that moves caches.
type copying struct {
	apply
	to            []string
	files         []string
	insecure      bool
	dryRun        bool
	ignoreMissing bool
	written       [][2]string // attributes and values that flags ask of destinations
}

func newCopy(g *globals) *cobra.Command {
	c := &copying{}
	cmd := &cobra.Command{
		Use:   "copy SOURCE... DESTINATION | SOURCE... --to DESTINATION",
		Short: "Copy, merge or convert caches without a builder",
		Long: `Copy publishes the cache of SOURCE at DESTINATION: the last argument, as cp has it, or each --to, and then all arguments are sources. Several
sources become one cache that holds what any of them holds. A destination keeps what it holds besides, unless --on-conflict says otherwise.

Only layers that a destination lacks are moved; within one registry they are mounted rather than sent. Layers keep their compression, but for
uncompressed ones, which are compressed as --compression says; --force-compression converts all. Flags about the form of a cache hold for every
destination that does not say otherwise itself. Unlike a build's cache-to, copy takes all layers (mode=max) if nothing else is said.

` + argumentForms,
		Example: `  cachectl copy registry.example.com/app-cache:feature registry.example.com/app-cache:main
  cachectl copy cache:amd64 cache:arm64 registry.example.com/app-cache:all
  cachectl copy eu.example.com/app-cache:main --to us.example.com/app-cache:main --to ./backup
  cachectl copy ./cache type=registry,ref=localhost:5000/app-cache,compression=zstd,force-compression=true
  cachectl copy --dry-run ./cache localhost:5000/app-cache:main`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.written = formAttributes(cmd.Flags())
			return c.run(cmd.Context(), g, args)
		},
	}
	c.flags(cmd)
	return cmd
}

func (c *copying) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&c.to, "to", nil, "destination, repeatable; all arguments are sources then")
	f.String("mode", "max", "max takes all layers, min those of final results only")
	f.String("compression", "gzip", "compression of layers that are compressed now: uncompressed, gzip, estargz or zstd")
	f.Int("compression-level", 0, "its level: gzip and estargz 0 to 9, zstd 0 to 22 (default: the encoder's)")
	f.Bool("force-compression", false, "compress layers again that have another compression")
	f.Bool("oci-mediatypes", true, "OCI media types rather than Docker's")
	f.Bool("image-manifest", true, "an image manifest rather than an index")
	f.String("on-conflict", "merge", "results of others at a destination are kept (merge), replaced (overwrite), or the copy is refused (fail)")
	f.String("fit", "prune", "what is too large for BuildKit to import loses its oldest results (prune), or is refused (fail)")
	f.BoolVar(&c.dryRun, "dry-run", false, "show what would be moved, and write nothing")
	f.BoolVar(&c.ignoreMissing, "ignore-missing", false, "go on without sources that hold no usable cache, as long as one does")
	f.BoolVar(&c.insecure, "insecure", false, "allow plain HTTP and do not verify certificates")
	f.StringArrayVarP(&c.files, "file", "f", nil, "configuration file whose registry blocks say how to reach hosts")
	f.VarP((*limit)(&c.jobs), "jobs", "j", "steps at once; 0 is as many as hosts allow")
	f.StringVar(&c.progress, "progress", "auto", "progress on standard error: auto, plain, tty, rawjson or quiet")
	f.BoolVar(&c.json, "json", false, "print the report as JSON on standard output")
	f.StringVar(&c.dataDir, "data-dir", "", "where embedded registries keep their content (default: the user's data directory)")
	values(cmd, "mode", "min", "max")
	values(cmd, "compression", "uncompressed", "gzip", "estargz", "zstd")
	values(cmd, "on-conflict", "merge", "overwrite", "fail")
	values(cmd, "fit", "prune", "fail")
	values(cmd, "progress", "auto", "plain", "tty", "rawjson", "quiet")
}

// formAttributes are the attributes of destinations that flags ask for. Every flag that is called as an attribute is one.
func formAttributes(flags *pflag.FlagSet) [][2]string {
	var list [][2]string
	flags.Visit(func(f *pflag.Flag) {
		if schema.LookupBackend("registry").Attribute(f.Name) != nil {
			list = append(list, [2]string{f.Name, f.Value.String()})
		}
	})
	return list
}

func (c *copying) run(ctx context.Context, g *globals, args []string) error {
	sources, destinations := args, c.to
	if len(c.to) == 0 {
		if len(args) < 2 {
			return usageError{errors.New("copy needs a source and a destination; see cachectl copy --help")}
		}
		sources, destinations = args[:len(args)-1], args[len(args)-1:]
	}
	plan, res, err := c.transfer(ctx, g, sources, destinations)
	if err != nil {
		return err
	}
	return c.execute(ctx, g, plan, res, executor.Options{DryRun: c.dryRun, AllSources: !c.ignoreMissing})
}

// transfer plans a transfer as a transfer block would, from what stands on the command line.
func (c *copying) transfer(ctx context.Context, g *globals, sources, destinations []string) (*planner.Plan, *config.Resolution, error) {
	registries, err := registryBlocks(ctx, g, c.files)
	if err != nil {
		return nil, nil, err
	}
	line := &arguments{g: g, insecure: c.insecure}
	t := &config.Transfer{Name: "copy"}
	if t.CacheFrom, err = line.caches(sources, schema.From); err != nil {
		return nil, nil, err
	}
	if t.CacheTo, err = line.caches(destinations, schema.To); err != nil {
		return nil, nil, err
	}
	for _, to := range t.CacheTo {
		c.form(to)
	}
	res := config.NewResolution([]*config.Transfer{t}, registries, g.in.LookupEnv)
	g.secrets.Add(secrets(res, g.in.LookupEnv)...)
	diags := res.Validate()
	var plan *planner.Plan
	if !diags.HasErrors() {
		p, more := planner.New(res, planner.Options{Dir: g.in.Dir})
		plan, diags = p, append(diags, more...)
	}
	return plan, res, g.report(diags, line.files())
}

// form writes what flags say into a destination, where it does not say it itself.
func (c *copying) form(to config.Cache) {
	for _, f := range c.written {
		if _, said := to.Attrs[f[0]]; !said {
			to.Attrs[f[0]] = f[1]
		}
	}
}
