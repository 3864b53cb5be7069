package cli

import (
	"context"
	"slices"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/fingerprint"
	"github.com/cachectl/cachectl/planner"
	digest "github.com/opencontainers/go-digest"
)

// prints are the fingerprints of a plan's targets, by build step.
type prints map[planner.StepID]*fingerprint.Fingerprint

// prints computes the fingerprints of the plan's targets.
func (l *loaded) prints(ctx context.Context, g *globals, builder string) (made prints, err error) {
	err = g.looking(ctx, l.resolution, executor.Options{Builder: builder}, func(opt executor.Options) error {
		made, err = executor.Fingerprints(ctx, l.plan, opt)
		return err
	})
	return made, err
}

// saved is what the fingerprints say, in the order of the plan's steps.
func (p prints) saved(plan *planner.Plan) []planner.SavedTarget {
	var list []planner.SavedTarget
	for _, s := range plan.Steps {
		f := p[s.ID]
		if f == nil {
			continue
		}
		light := fingerprint.NewRecord(f, "", time.Time{}, "")
		t := planner.SavedTarget{Target: s.Build.Target.Name, Files: light.Files}
		if f.Pinned() {
			t.Digest = f.Digest.String()
		}
		for _, part := range light.Parts {
			t.Parts = append(t.Parts, planner.SavedPart{Kind: string(part.Kind), Name: part.Name, Value: part.Value})
		}
		list = append(list, t)
	}
	return list
}

// moved lists the targets that would be built from something else than when a plan was saved. What had no digest then is not compared.
func (p prints) moved(saved *planner.Saved, plan *planner.Plan) []planner.Moved {
	var list []planner.Moved
	for _, s := range plan.Steps {
		now := p[s.ID]
		at := slices.IndexFunc(saved.Targets, func(t planner.SavedTarget) bool { return now != nil && t.Target == s.Build.Target.Name })
		if at < 0 || saved.Targets[at].Digest == "" {
			continue
		}
		then := saved.Targets[at]
		m := planner.Moved{What: "target " + then.Target, Then: then.Digest, Now: now.Digest.String(), Why: fingerprint.Why(recordOf(then), now)}
		if !now.Pinned() {
			m.Now, m.Why = "not known", now.Unpinned
		}
		if m.Then != m.Now {
			list = append(list, m)
		}
	}
	return list
}

// recordOf is what a saved target tells about what it was to be built from.
func recordOf(t planner.SavedTarget) fingerprint.Record {
	r := fingerprint.Record{Digest: digest.Digest(t.Digest), Files: t.Files}
	for _, p := range t.Parts {
		r.Parts = append(r.Parts, fingerprint.Part{Kind: fingerprint.Kind(p.Kind), Name: p.Name, Value: p.Value})
	}
	return r
}
