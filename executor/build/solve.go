package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/cachectl/cachectl/config"
	"github.com/containerd/containerd/v2/core/content"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// manifestKey is where the exporter response has the descriptor of the exported cache
// (BuildKit: cache/remotecache/export.go, ExporterResponseManifestDesc).
const manifestKey = "cache.manifest"

// sinkID names the content store of the session that takes the cache export.
const sinkID = "cachectl"

// Solve builds one target and waits for the end. Cancelling ctx stops the build on the builder.
// The error of a failed step is BuildKit's own, with the step's log in the status stream.
func (s *Solver) Solve(ctx context.Context, req Request) (*Result, error) {
	in, err := newInputs(req.Target, s.opt.Dir)
	if err != nil {
		return nil, err
	}
	defer in.close()
	attrs, err := s.frontendAttrs(req.Target)
	if err != nil {
		return nil, err
	}
	out, err := newOutputs(ctx, req.Target, s.opt.Dir)
	if err != nil {
		return nil, err
	}
	linked, err := s.linked(req.Target)
	if err != nil {
		return nil, err
	}

	ss := newSessions(ctx)
	defer ss.close()
	attach, err := s.attachables(append([]*config.Target{req.Target}, linked...), in, out, stores(req, in))
	if err != nil {
		return nil, err
	}
	sess, err := ss.start(s, in.sharedKey, attach...)
	if err != nil {
		return nil, err
	}
	maps.Copy(attrs, in.attrs)
	states, err := s.linkInputs(ss.ctx, ss, in, attrs)
	if err != nil {
		return nil, err
	}
	res, err := s.control(ctx, s.request(req, sess, attrs, states, out), req.Status)
	if err != nil {
		return nil, err
	}
	return res, out.wait()
}

// stores are the content stores the session serves: the sink, local caches and OCI layouts.
func stores(req Request, in *inputs) map[string]content.Store {
	m := maps.Clone(in.stores)
	if req.Sink != nil {
		m["local:"+sinkID] = req.Sink
	}
	for src, store := range req.Stores {
		m["local:"+src] = store
	}
	return m
}

// request is the API call for a target.
func (s *Solver) request(req Request, sess *session.Session, attrs map[string]string, states map[string]*pb.Definition, out *outputs) *controlapi.SolveRequest {
	imports := entries(req.Imports)
	if len(imports) > 0 {
		// Frontends take cache imports as an attribute too (frontend/dockerui/config.go, keyCacheImports).
		if dt, err := json.Marshal(imports); err == nil {
			attrs["cache-imports"] = string(dt)
		}
	}
	r := &controlapi.SolveRequest{
		Ref:            identity.NewID(),
		Session:        sess.ID(),
		Frontend:       frontend(attrs),
		FrontendAttrs:  attrs,
		FrontendInputs: states,
		Exporters:      out.exporters,
		Cache:          &controlapi.CacheOptions{Imports: imports, Exports: entries(append(sinkExport(req), req.Exports...))},
		Entitlements:   Entitlements(req.Target),
	}
	if len(out.exporters) > 0 {
		// Builders before v0.13 know one exporter only, under these names.
		r.ExporterDeprecated, r.ExporterAttrsDeprecated = out.exporters[0].Type, out.exporters[0].Attrs
	}
	return r
}

// sinkExport asks for the cache over the session, layers as the builder has them and new ones uncompressed: compressing is done once, here,
// for all destinations.
func sinkExport(req Request) []CacheEntry {
	if req.Sink == nil {
		return nil
	}
	mode := "min"
	if req.Max {
		mode = "max"
	}
	return []CacheEntry{{Type: "local", Attrs: map[string]string{
		"dest": sinkID, "mode": mode, "compression": "uncompressed", "oci-mediatypes": strconv.FormatBool(true), "image-manifest": strconv.FormatBool(true),
	}}}
}

func entries(list []CacheEntry) []*controlapi.CacheOptionsEntry {
	var out []*controlapi.CacheOptionsEntry
	for _, e := range list {
		out = append(out, &controlapi.CacheOptionsEntry{Type: e.Type, Attrs: e.Attrs})
	}
	return out
}

// Entitlements are what a build of the target asks the builder to allow: what it declares, and what network = "host" needs.
func Entitlements(t *config.Target) []string {
	list := append([]string(nil), t.Entitlements...)
	if t.Network != nil && *t.Network == "host" {
		list = append(list, "network.host")
	}
	return list
}

// control runs a solve and follows its status to the end.
func (s *Solver) control(ctx context.Context, r *controlapi.SolveRequest, status func(*Status)) (*Result, error) {
	steps := newTally()
	statusCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := s.watch(statusCtx, r.Ref, func(st *Status) {
		steps.add(st)
		if status != nil {
			status(st)
		}
	})
	resp, err := s.client.ControlClient().Solve(ctx, r)
	waitQuiet(done, steps, stop)
	if err != nil {
		return nil, fmt.Errorf("solve: %w", contextError(ctx, err))
	}
	res := &Result{Response: resp.ExporterResponse}
	res.Cached, res.Total = steps.count()
	res.Executed = steps.executed()
	if dt := resp.ExporterResponse[manifestKey]; dt != "" {
		res.Cache = &ocispec.Descriptor{}
		if err := json.Unmarshal([]byte(dt), res.Cache); err != nil {
			return nil, fmt.Errorf("read exporter response %s: %w", manifestKey, err)
		}
	}
	return res, nil
}

// contextError prefers the caller's own cancellation over what the connection made of it.
func contextError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		return errors.Join(cause, err)
	}
	return err
}
