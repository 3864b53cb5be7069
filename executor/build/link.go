package build

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session/filesync"
	"github.com/moby/buildkit/solver/pb"
)

// linkDepth bounds chains of links; the planner has refused cycles before.
const linkDepth = 64

// linked returns all targets that t takes contexts from, directly or through others.
func (s *Solver) linked(t *config.Target) ([]*config.Target, error) {
	var out []*config.Target
	seen := map[string]bool{t.Name: true}
	queue := []*config.Target{t}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		for _, name := range linkNames(next) {
			if seen[name] {
				continue
			}
			seen[name] = true
			target, ok := s.opt.Targets[name]
			if !ok {
				return nil, fmt.Errorf("target %s: linked target %s is not part of this run", next.Name, name)
			}
			out = append(out, target)
			queue = append(queue, target)
		}
	}
	return out, nil
}

func linkNames(t *config.Target) []string {
	var names []string
	for _, key := range sortedKeys(t.Contexts) {
		if isLink(t.Contexts[key]) {
			names = append(names, strings.TrimPrefix(t.Contexts[key], LinkPrefix))
		}
	}
	return names
}

func isLink(value string) bool {
	return strings.HasPrefix(value, LinkPrefix)
}

// linkInputs takes the LLB of every target that in links to and enters it into attrs as a named context. It returns the frontend inputs.
func (s *Solver) linkInputs(ctx context.Context, ss *sessions, in *inputs, attrs map[string]string) (map[string]*pb.Definition, error) {
	return s.linkInputsAt(ctx, ss, in, attrs, 0)
}

func (s *Solver) linkInputsAt(ctx context.Context, ss *sessions, in *inputs, attrs map[string]string, depth int) (map[string]*pb.Definition, error) {
	if len(in.links) == 0 {
		return nil, nil
	}
	if depth > linkDepth {
		return nil, fmt.Errorf("targets are linked more than %d deep", linkDepth)
	}
	defs := map[string]*pb.Definition{}
	for _, name := range sortedKeys(in.links) {
		base, err := s.take(ctx, ss, s.opt.Targets[in.links[name]], depth+1)
		if err != nil {
			return nil, fmt.Errorf("linked target %s: %w", in.links[name], err)
		}
		for platform, st := range base {
			key := in.links[name] + platform
			defs[key] = st.definition
			attrs["context:"+name+platform] = "input:" + key
			if st.metadata != "" {
				attrs["input-metadata:"+key] = st.metadata
			}
		}
	}
	return defs, nil
}

// linkState is the result of a linked target, not evaluated. Its key is "" or "::os/arch".
type linkState struct {
	definition *pb.Definition
	metadata   string
}

// take asks the frontend for a target's LLB and evaluates none of it: a step evaluated behind a gateway callback would lose the imported
// cache. The target's local files are bound to a session that belongs to this solve alone.
func (s *Solver) take(ctx context.Context, ss *sessions, t *config.Target, depth int) (map[string]linkState, error) {
	in, err := newInputs(t, s.opt.Dir)
	if err != nil {
		return nil, err
	}
	attrs, err := s.frontendAttrs(t)
	if err != nil {
		in.close()
		return nil, err
	}
	sess, err := ss.start(s, in.sharedKey, s.auth(), filesync.NewFSSyncProvider(in.mounts))
	if err != nil {
		in.close()
		return nil, err
	}
	ss.cleanup = append(ss.cleanup, in.close)
	maps.Copy(attrs, in.attrs)
	for name := range in.mounts {
		attrs["local-sessionid:"+name] = sess.ID()
	}
	inputs, err := s.linkInputsAt(ctx, ss, in, attrs, depth)
	if err != nil {
		return nil, err
	}
	var states map[string]linkState
	opt := client.SolveOpt{SharedSession: sess, SessionPreInitialized: true, FrontendAttrs: map[string]string{}, Internal: true}
	_, err = s.client.Build(ctx, opt, "cachectl", func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		res, err := gw.Solve(ctx, gateway.SolveRequest{Frontend: frontend(attrs), FrontendOpt: attrs, FrontendInputs: inputs})
		if err != nil {
			return nil, err
		}
		states, err = linkStates(ctx, res)
		return gateway.NewResult(), err
	}, nil)
	return states, err
}

// linkStates reads the LLB of each platform out of a frontend's result.
func linkStates(ctx context.Context, res *gateway.Result) (map[string]linkState, error) {
	states := map[string]linkState{}
	if len(res.Refs) == 0 {
		st, err := newLinkState(ctx, res.Ref, res.Metadata[exptypes.ExporterImageConfigKey])
		states[""] = st
		return states, err
	}
	for platform, ref := range res.Refs {
		st, err := newLinkState(ctx, ref, res.Metadata[exptypes.ExporterImageConfigKey+"/"+platform])
		if err != nil {
			return nil, err
		}
		states["::"+platform] = st
	}
	return states, nil
}

func newLinkState(ctx context.Context, ref gateway.Reference, imageConfig []byte) (linkState, error) {
	state := llb.Scratch()
	if ref != nil {
		var err error
		if state, err = ref.ToState(); err != nil {
			return linkState{}, err
		}
	}
	def, err := state.Marshal(ctx)
	if err != nil {
		return linkState{}, err
	}
	st := linkState{definition: def.ToPB()}
	if len(imageConfig) > 0 {
		dt, err := json.Marshal(map[string][]byte{exptypes.ExporterImageConfigKey: imageConfig})
		if err != nil {
			return linkState{}, err
		}
		st.metadata = string(dt)
	}
	return st, nil
}
