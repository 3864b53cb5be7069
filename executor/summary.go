package executor

import (
	"errors"
	"time"

	"github.com/cachectl/cachectl/planner"
)

// summarise fills in what each target and transfer came to.
func (r *run) summarise(report *Report) {
	results := map[planner.StepID]*StepResult{}
	for _, res := range report.Steps {
		results[res.Step.ID] = res
	}
	for _, res := range report.Steps {
		switch s := res.Step; s.Kind {
		case planner.KindBuild:
			sum := newTargetResult(s.Build.Target.Name, res, s.Build.Sources, s.Build.Exports, results)
			if b := r.builds[s.Build.Target.Name]; b != nil {
				sum.Cached, sum.Total, sum.Metadata = b.Cached, b.Total, b.Response
			}
			if v := r.verdicts[s.ID]; v != nil {
				sum.Reasons = v.Why
			}
			for _, to := range s.Build.Native {
				sum.Destinations = append(sum.Destinations, DestinationResult{Name: to.Type, Outcome: res.Outcome, ByBuilder: true})
			}
			report.Targets = append(report.Targets, sum)
		case planner.KindMerge:
			report.Transfers = append(report.Transfers, newTargetResult(s.Merge.Transfer.Name, res, s.Merge.Sources, s.Merge.Exports, results))
		}
	}
}

// newTargetResult adds up the steps of one target or transfer.
func newTargetResult(name string, own *StepResult, sources, exports []planner.StepID, results map[planner.StepID]*StepResult) *TargetResult {
	sum := &TargetResult{Name: name, Outcome: own.Outcome, Err: own.Err, BytesIn: own.BytesIn, BytesOut: own.BytesOut}
	first, last := own.Started, own.Started.Add(own.Duration)
	for _, id := range sources {
		res := results[id]
		sum.Sources = append(sum.Sources, SourceResult{Name: locationName(res), Outcome: res.Outcome, Digest: res.Digest.String(), Err: res.Err})
	}
	for _, id := range exports {
		res := results[id]
		sum.BytesIn += res.BytesIn
		sum.BytesOut += res.BytesOut
		sum.Destinations = append(sum.Destinations, destination(res))
		if res.Outcome == OutcomeFailed && sum.Outcome == OutcomeDone {
			sum.Outcome = OutcomeFailed
		}
		if own.Outcome == OutcomeDone {
			sum.Err = errors.Join(sum.Err, failure(res))
		}
		if end := res.Started.Add(res.Duration); end.After(last) {
			last = end
		}
	}
	if !first.IsZero() {
		sum.Duration = max(last.Sub(first), time.Duration(0))
	}
	return sum
}

func failure(res *StepResult) error {
	if res.Outcome == OutcomeFailed {
		return res.Err
	}
	return nil
}

func destination(res *StepResult) DestinationResult {
	d := DestinationResult{Name: locationName(res), Outcome: res.Outcome, Err: res.Err, Pushed: res.BytesOut}
	if p := res.Published; p != nil {
		d.Digest, d.Layers, d.Bytes, d.Changed, d.DryRun = p.Root.Digest.String(), p.Layers, p.Bytes, p.Changed, p.DryRun
	}
	return d
}

// locationName is what a source or destination is called in the plan: the step's ID without what kind of step it is.
func locationName(res *StepResult) string {
	switch s := res.Step; s.Kind {
	case planner.KindImport:
		return s.Import.Source.Name()
	case planner.KindExport:
		return s.Export.Destination.Name()
	}
	return string(res.Step.ID)
}
