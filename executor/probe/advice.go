package probe

import (
	"errors"
	"fmt"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/planner"
	"github.com/docker/go-units"
	"github.com/hashicorp/hcl/v2"
)

// nearlyFull is the share of BuildKit's limit, in percent, from which a cache's config or manifest is told of.
const nearlyFull = 80

// Advise says what the places that were looked at mean for the plan, in the order of its steps. writes tells whether anything in the configuration, in this
// run or not, publishes to where a source reads.
func Advise(plan *planner.Plan, found map[planner.StepID]*Place, writes func(config.Cache) bool) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, s := range plan.Steps {
		p := found[s.ID]
		switch {
		case p == nil:
		case s.Import != nil:
			diags = append(diags, source(s, p, writes)...)
		case s.Export != nil:
			diags = append(diags, destination(s, p)...)
		}
	}
	return diags
}

func source(s *planner.Step, p *Place, writes func(config.Cache) bool) hcl.Diagnostics {
	switch {
	case p.Missing() && !writes(s.Import.Source):
		return warning(s, "Cache source does not exist", "There is nothing at %s, and nothing in this configuration writes it: no step is ever taken from there. Check how it is spelled, or add the cache-to that is to write it.", p.Name)
	case errors.Is(p.Err, blob.ErrDenied):
		return warning(s, "Cache source is not readable", "%s refuses to be read: %v. Log in, for instance with docker login.", p.Name, p.Err)
	case p.Err != nil && (p.Digest != "" || errors.Is(p.Err, cache.ErrInvalid) || errors.Is(p.Err, cache.ErrTooLarge)):
		return warning(s, "Cache source is not usable", "What is at %s is no cache that can be read: %v. Publish it again, or take the source out.", p.Name, p.Err)
	case p.Err != nil:
		return warning(s, "Cache source is not readable", "%s cannot be read now: %v. Builds go on without it.", p.Name, p.Err)
	}
	return nil
}

func destination(s *planner.Step, p *Place) hcl.Diagnostics {
	to := s.Export.Destination
	switch {
	case p.Image && to.String("on-conflict") != "overwrite":
		return failure(s, "Cache in place of an image", "%s holds an image, which the cache of %s would replace. Give the cache a reference of its own, or set on-conflict = \"overwrite\".", p.Name, s.Export.Owner)
	case to.String("on-conflict") == "fail" && p.Digest != "" && !p.Image:
		return warning(s, "Destination is taken", "%s holds a cache already, and on-conflict = \"fail\" refuses to change it. Leave on-conflict out to join the two.", p.Name)
	}
	for _, part := range []struct {
		name string
		size int
	}{{"config", p.ConfigBytes}, {"manifest", p.ManifestBytes}} {
		if part.size*100 >= cache.ImportLimit*nearlyFull && to.String("on-conflict") == "merge" {
			return warning(s, "Cache nearly full", "The %s of the cache at %s has %s of the %s that BuildKit imports: soon its oldest results have to be left out. Give targets, platforms or branches caches of their own, or remove what is old.",
				part.name, p.Name, units.BytesSize(float64(part.size)), units.BytesSize(cache.ImportLimit))
		}
	}
	return nil
}

func warning(s *planner.Step, summary, detail string, args ...any) hcl.Diagnostics {
	return diagnostic(hcl.DiagWarning, s, summary, detail, args...)
}

func failure(s *planner.Step, summary, detail string, args ...any) hcl.Diagnostics {
	return diagnostic(hcl.DiagError, s, summary, detail, args...)
}

func diagnostic(severity hcl.DiagnosticSeverity, s *planner.Step, summary, detail string, args ...any) hcl.Diagnostics {
	d := &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
	if at := s.Range; at.Filename != "" {
		d.Subject = &at
	}
	return hcl.Diagnostics{d}
}
