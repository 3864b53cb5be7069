package fingerprint

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/build"
)

// builtIn is the frontend that is part of BuildKit.
const builtIn = "dockerfile.v0"

// linkDepth bounds chains of links; the planner has refused cycles before.
const linkDepth = 64

// Options is what a Computer needs to know of a run.
type Options struct {
	// Build is how targets are built: all targets of the run are in it.
	Build build.SolverOptions
	// Images resolves base images.
	Images Images
	// Remotes resolves Git references and downloads.
	Remotes *Remotes
	// Memo remembers digests of files.
	Memo *Memo
	// Builder tells builders apart whose own platform is not this machine's, "" for those on this machine. It is part of the fingerprint of
	// targets that do not say what they are built for.
	Builder string
}

// Computer computes the fingerprints of a run's targets. Files are read and images resolved once in its life, so a Computer is for one moment:
// what changes while it is in use may go unnoticed. It is safe for concurrent use.
type Computer struct {
	opt   Options
	trees *trees
}

// New returns a Computer.
func New(opt Options) *Computer {
	return &Computer{opt: opt, trees: newTrees(opt.Memo)}
}

// work is one fingerprint in the making.
type work struct {
	*Computer
	target string
	print  *Fingerprint
	// dirs are the local directories of the target and of those it links to, by target and name.
	dirs map[string]map[string]string
	// frontends are those that took part, and what those were given that are not part of BuildKit.
	frontends []string
	// whole says that contexts are digested whole, whatever part of them the build graph asks for.
	whole bool
	// touches are the files that were read.
	touches touches
	// close are the definitions to be closed.
	close []*build.Definition
}

// Compute returns the fingerprint of a target. It fails only when ctx ends: a target whose Dockerfile or context cannot be read has a
// fingerprint that is not pinned and says so.
func (c *Computer) Compute(ctx context.Context, t *config.Target) (*Fingerprint, error) {
	w := &work{
		Computer: c, target: t.Name, dirs: map[string]map[string]string{},
		print: &Fingerprint{Files: map[string]map[string]string{}, Lines: map[string]string{}},
	}
	defer func() {
		for _, d := range w.close {
			d.Close()
		}
	}()
	w.asked(t)
	if err := w.compute(ctx, t); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		w.print.unpin(whyUnpinned(err))
		w.print.Broken = !errors.As(err, new(*unpinned)) && !w.whole
	}
	w.print.sortParts()
	return w.print, nil
}

// asked notes what the target itself asks to be built anew.
func (w *work) asked(t *config.Target) {
	if t.NoCache != nil && *t.NoCache {
		w.print.unpin("no-cache is set")
	}
	if t.Call != nil && *t.Call != "" && *t.Call != "build" {
		w.print.unpin("call = " + *t.Call + " builds nothing")
	}
}

func (w *work) compute(ctx context.Context, t *config.Target) error {
	f, err := w.frontend(ctx, t, 0)
	if err != nil {
		return err
	}
	sum := newHasher()
	sum.add("%s\n%q\n", version, w.frontends)
	w.print.add(KindFrontend, "frontend", f.kind)
	w.platforms(t, func(s string) { sum.add("%s\n", s) })
	w.args(f.attrs)
	for _, r := range f.results {
		g, err := decode(r.definition)
		if err != nil {
			return err
		}
		if err := g.digestAll(func(v *vertex) (string, error) { return w.pin(ctx, v) }); err != nil {
			return err
		}
		for _, v := range g.list {
			if why := g.uncertain(v, build.Entitlements(t)); why != "" {
				w.print.unpin(why)
			}
			if v.tree != nil {
				w.touches.add("tree", v.tree.touched.String())
			}
		}
		w.steps(g)
		sum.add("result %s %s\n", r.name, g.root())
	}
	if out := w.outputs(t, f); out != "" {
		sum.add("output %s\n", out)
	}
	w.print.Digest, w.print.touched = sum.digest(), w.touches.digest()
	return nil
}

// platforms enters what is built for; a target that does not say depends on the builder.
func (w *work) platforms(t *config.Target, sum func(string)) {
	value := strings.Join(t.Platforms, ",")
	if value == "" && w.opt.Builder != "" {
		value = "of builder " + w.opt.Builder
	}
	if value != "" {
		w.print.add(KindPlatform, "platforms", value)
	}
	sum("platforms " + value)
}

// args enters the build arguments that were given. Which of them matter is in the build graph.
func (w *work) args(attrs map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		if name, ok := strings.CutPrefix(key, "build-arg:"); ok {
			w.print.add(KindArg, name, trace(name, attrs[key]))
		}
	}
}

// outputs is what an image that is made besides the cache depends on: its config, names and attestations. "" when none is made.
func (w *work) outputs(t *config.Target, f *frontendResult) string {
	image := false
	sum := newHasher()
	for _, o := range t.Outputs {
		if o.Type == "cacheonly" {
			continue
		}
		image = true
		sum.add("%s", o.Type)
		for _, k := range slices.Sorted(maps.Keys(o.Attrs)) {
			sum.add(" %q=%q", k, o.Attrs[k])
		}
		sum.add("\n")
	}
	if !image {
		return ""
	}
	sum.add("%q %q\n", t.Tags, t.Annotations)
	for _, key := range slices.Sorted(maps.Keys(f.attrs)) {
		if strings.HasPrefix(key, "attest:") || isAttested(key, f.attrs) {
			sum.add("%q=%q\n", key, f.attrs[key])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.metadata)) {
		sum.add("%q=%q\n", name, f.metadata[name])
	}
	for _, to := range t.CacheTo {
		if to.Type == "inline" {
			sum.add("cache inline\n")
		}
	}
	d := sum.digest()
	w.print.add(KindOutput, "image", brief(d))
	return d.String()
}
