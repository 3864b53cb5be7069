package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cachectl/cachectl/planner"
)

// assessed is a plan of n targets of which one is to be built.
func assessed(n int) *planner.Plan {
	plan := newRun(n).plan
	found := map[planner.StepID]*planner.Assessment{}
	for _, s := range plan.Steps {
		if s.Build != nil {
			found[s.ID] = &planner.Assessment{Action: planner.ActionUpToDate}
		}
	}
	found["build t03"] = &planner.Assessment{Action: planner.ActionBuild, Why: []string{"argument VERSION changed"}}
	plan.Assess(found)
	return plan
}

func TestPlansOfManyTargetsShowWhatIsToBeDone(t *testing.T) {
	for n, want := range map[int]int{6: 6, 50: 1} {
		var buf bytes.Buffer
		if err := Plan(&buf, assessed(n), Style{}); err != nil {
			t.Fatal(err)
		}
		got := buf.String()
		if heads := strings.Count(got, "cache.hcl:"); heads != want || !strings.Contains(got, "build t03 ") {
			t.Errorf("of %d targets %d are shown, want %d:\n%s", n, heads, want, got)
		}
	}
}

func TestExplanationsOfManyTargetsAreOfThoseToBeBuilt(t *testing.T) {
	var buf bytes.Buffer
	if err := Explain(&buf, assessed(50), Style{}); err != nil {
		t.Fatal(err)
	}
	if want := "t03: build\n  why   argument VERSION changed\n49 targets: up to date\n"; buf.String() != want {
		t.Errorf("got %q, want %q", buf.String(), want)
	}
}
