package planner

import (
	"bytes"
	"encoding/json"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
)

// FormatVersion is the version of the JSON form. Within a major version fields are only added.
const FormatVersion = "1.0"

type planJSON struct {
	FormatVersion string     `json:"format_version"`
	Steps         []stepJSON `json:"steps"`
}

type stepJSON struct {
	ID       StepID            `json:"id"`
	Kind     Kind              `json:"kind"`
	Needs    []StepID          `json:"needs,omitempty"`
	Optional []StepID          `json:"optional,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Action   Action            `json:"action,omitempty"`
	Why      []string          `json:"why,omitempty"`
	Miss     string            `json:"first_miss,omitempty"`
	At       string            `json:"at,omitempty"`
	Target   string            `json:"target,omitempty"`
	Transfer string            `json:"transfer,omitempty"`
	For      []string          `json:"for,omitempty"`
	After    string            `json:"after,omitempty"`
	Cache    map[string]string `json:"cache,omitempty"`
	Sources  []StepID          `json:"sources,omitempty"`
	Exports  []StepID          `json:"exports,omitempty"`
	Native   []string          `json:"native,omitempty"`
	Links    map[string]string `json:"links,omitempty"`
}

// JSON is the plan for programs. It holds no secret: of a cache only attributes that are not secret.
func (p *Plan) JSON() ([]byte, error) {
	doc := planJSON{FormatVersion: FormatVersion, Steps: []stepJSON{}}
	for _, s := range p.Steps {
		j := newStepJSON(s)
		if a := p.Assessment(s.ID); a != nil {
			j.Action, j.Why, j.Miss = a.Action, a.Why, a.Miss
		}
		doc.Steps = append(doc.Steps, j)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(doc)
	return buf.Bytes(), err
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
		if a := b.Attribute(k); a != nil && !a.Secret {
			out[k] = withoutUser(v)
		}
	}
	return out
}
