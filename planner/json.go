package planner

import (
	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
)

// FormatVersion is the version of the JSON form. Within a major version fields are only added.
const FormatVersion = "1.1"

type planJSON struct {
	FormatVersion string     `json:"format_version" doc:"version of this form; within a major version fields are only added"`
	Steps         []stepJSON `json:"steps" doc:"what runs, in an order in which each step comes after those it needs"`
	Saved         *Saved     `json:"saved,omitempty" doc:"what the plan was made from, in files that plan -out writes"`
}

type stepJSON struct {
	ID        StepID              `json:"id" doc:"name of the step, unique in the plan"`
	Kind      Kind                `json:"kind" doc:"what the step does: import, build, merge or export" enum:"import,build,merge,export"`
	Needs     []StepID            `json:"needs,omitempty" doc:"steps that must have ended before"`
	Optional  []StepID            `json:"optional,omitempty" doc:"those of needs whose failure does not skip this step"`
	Reason    string              `json:"reason,omitempty" doc:"why the step is in the plan"`
	Action    Action              `json:"action,omitempty" doc:"what a run would do, when that was looked at: build, transfer, up to date or blocked; of an import step: read, missing or not needed" enum:"build,transfer,up to date,blocked,read,missing,not needed"`
	Why       []string            `json:"why,omitempty" doc:"reasons for the action"`
	Miss      string              `json:"first_miss,omitempty" doc:"of a build step: the first step of the Dockerfile that the published cache does not hold"`
	At        string              `json:"at,omitempty" doc:"where it is declared: file and line"`
	Target    string              `json:"target,omitempty" doc:"of a build step: the target"`
	Transfer  string              `json:"transfer,omitempty" doc:"of a merge step: the transfer"`
	For       []string            `json:"for,omitempty" doc:"of an import or export step: targets and transfers it serves"`
	After     string              `json:"after,omitempty" doc:"of an import step: the target or transfer of this run whose publication it waits for"`
	Cache     map[string]string   `json:"cache,omitempty" doc:"of an import or export step: attributes of the cache, without secrets"`
	Sources   []StepID            `json:"sources,omitempty" doc:"of a build or merge step: import steps of its sources, in the order they are tried"`
	Fallbacks map[StepID][]StepID `json:"fallbacks,omitempty" doc:"of a build or merge step: sources that are used only if none of certain others is usable, with these"`
	Exports   []StepID            `json:"exports,omitempty" doc:"of a build or merge step: export steps of its destinations"`
	Native    []string            `json:"native,omitempty" doc:"of a build step: destinations that BuildKit writes"`
	Links     map[string]string   `json:"links,omitempty" doc:"of a build step: targets it takes contexts from, by context"`
}

// JSON is the plan for programs; docs/plan.schema.json describes it. It holds no secret: of a cache only attributes that are not secret.
func (p *Plan) JSON() ([]byte, error) { return encode(p.document()) }

func (p *Plan) document() planJSON {
	doc := planJSON{FormatVersion: FormatVersion, Steps: []stepJSON{}}
	for _, s := range p.Steps {
		j := newStepJSON(s)
		if a := p.Assessment(s.ID); a != nil {
			j.Action, j.Why, j.Miss = a.Action, a.Why, a.Miss
		}
		doc.Steps = append(doc.Steps, j)
	}
	return doc
}

func newStepJSON(s *Step) stepJSON {
	j := stepJSON{ID: s.ID, Kind: s.Kind, Needs: s.Needs, Optional: s.Optional, Reason: s.Reason}
	if s.Range.Filename != "" {
		j.At = place(s.Range)
	}
	switch s.Kind {
	case KindImport:
		j.For, j.After, j.Cache = s.Import.For, s.Import.After, shown(s.Import.Source)
	case KindBuild:
		j.Target, j.Sources, j.Exports = s.Build.Target.Name, s.Build.Sources, s.Build.Exports
		j.Fallbacks = s.Build.Fallbacks
		for _, n := range s.Build.Native {
			j.Native = append(j.Native, n.Name())
		}
		for context, t := range s.Build.Links {
			if j.Links == nil {
				j.Links = map[string]string{}
			}
			j.Links[context] = t.Name
		}
	case KindMerge:
		j.Transfer, j.Sources, j.Exports = s.Merge.Transfer.Name, s.Merge.Sources, s.Merge.Exports
		j.Fallbacks = s.Merge.Fallbacks
	case KindExport:
		j.For, j.Cache = []string{s.Export.Owner}, shown(s.Export.Destination)
	}
	return j
}

// shown are the attributes of a cache that may be shown.
func shown(c config.Cache) map[string]string {
	out := map[string]string{"type": c.Type}
	b := schema.LookupBackend(c.Type)
	if b == nil {
		return out
	}
	for k, v := range c.Attrs {
		switch a := b.Attribute(k); {
		case a == nil || a.Secret:
		case k == "url" || k == "url_v2":
			out[k] = withoutPath(v)
		default:
			out[k] = withoutUser(v)
		}
	}
	return out
}
