package fingerprint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerfile/builder"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// frontendResult is what the frontend made of a target.
type frontendResult struct {
	kind    string
	attrs   map[string]string
	results []platformResult
	// metadata is what the frontend says of the image: its config and time, for each platform.
	metadata map[string][]byte
}

// platformResult is the build graph for one platform. name is "" when there is one only.
type platformResult struct {
	name       string
	definition *pb.Definition
	config     []byte
}

// frontend runs the frontend for a target, and for those it links to before.
func (w *work) frontend(ctx context.Context, t *config.Target, depth int) (*frontendResult, error) {
	if depth > linkDepth {
		return nil, fmt.Errorf("targets are linked more than %d deep", linkDepth)
	}
	def, err := build.Define(t, w.opt.Build)
	if err != nil {
		return nil, err
	}
	w.close = append(w.close, def)
	w.dirs[t.Name] = def.Dirs
	attrs := maps.Clone(def.Attrs)
	inputs, err := w.links(ctx, def, attrs, depth)
	if err != nil {
		return nil, err
	}
	c := &inProcess{work: w, opts: maps.Clone(attrs), target: t.Name, dirs: def.Dirs, inputs: inputs, read: map[string]digest.Digest{}}
	defer c.settle()
	f := &frontendResult{kind: builtIn, attrs: attrs}
	res, err := builder.Build(ctx, c)
	if e := new(external); errors.As(err, &e) {
		if f.kind, err = w.external(ctx, e.ref); err != nil {
			return nil, err
		}
		c.opts["cmdline"] = e.ref // or it would be asked for again
		res, err = builder.Build(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	if f.results, err = results(res); err != nil {
		return nil, err
	}
	f.metadata = res.Metadata
	w.frontends = append(w.frontends, f.kind)
	if f.kind != builtIn {
		w.frontends = append(w.frontends, c.all().String())
	}
	return f, nil
}

// results takes the build graphs out of what the frontend returned, in the order of platforms, with those of attestations.
func results(res *gateway.Result) ([]platformResult, error) {
	var out []platformResult
	add := func(name string, ref gateway.Reference, config []byte) error {
		u, ok := ref.(*unsolved)
		if !ok && ref != nil {
			return fmt.Errorf("the frontend returned a result of type %T", ref)
		}
		r := platformResult{name: name, definition: &pb.Definition{}, config: config}
		if u != nil {
			r.definition = u.definition
		}
		out = append(out, r)
		return nil
	}
	if len(res.Refs) == 0 {
		if err := add("", res.Ref, res.Metadata[exptypes.ExporterImageConfigKey]); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(res.Refs)) {
		if err := add(name, res.Refs[name], res.Metadata[exptypes.ExporterImageConfigKey+"/"+name]); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(res.Attestations)) {
		for i, a := range res.Attestations[name] {
			if a.Ref == nil {
				continue
			}
			if err := add(fmt.Sprintf("%s attestation %d", name, i), a.Ref, nil); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// links runs the frontend for linked targets and enters their results into attrs as named contexts, as a build does.
func (w *work) links(ctx context.Context, def *build.Definition, attrs map[string]string, depth int) (map[string]*pb.Definition, error) {
	inputs := map[string]*pb.Definition{}
	for _, name := range slices.Sorted(maps.Keys(def.Links)) {
		target := w.opt.Build.Targets[def.Links[name]]
		if target == nil {
			return nil, fmt.Errorf("linked target %s is not part of this run", def.Links[name])
		}
		linked, err := w.frontend(ctx, target, depth+1)
		if err != nil {
			return nil, fmt.Errorf("linked target %s: %w", target.Name, err)
		}
		for _, r := range linked.results {
			platform := ""
			if r.name != "" {
				platform = "::" + r.name
			}
			key := target.Name + platform
			inputs[key] = r.definition
			attrs["context:"+name+platform] = "input:" + key
			if len(r.config) > 0 {
				dt, err := json.Marshal(map[string][]byte{exptypes.ExporterImageConfigKey: r.config})
				if err != nil {
					return nil, err
				}
				attrs["input-metadata:"+key] = string(dt)
			}
		}
	}
	return inputs, nil
}
