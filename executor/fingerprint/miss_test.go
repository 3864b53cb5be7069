package fingerprint_test

import (
	"testing"
	"time"

	"github.com/cachectl/cachectl/executor/fingerprint"
)

// TestAnUnforeseenStepIsFound compares what a builder executed with the steps that were to miss: a file of one stage of two has changed.
func TestAnUnforeseenStepIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("Dockerfile", "FROM scratch AS one\nCOPY aim /\nCOPY data.txt /\nFROM scratch AS two\nCOPY owned /\nFROM one\nCOPY --from=two / /two\nCOPY --from=one / /one\n")
	before := w.print()
	w.write("data.txt", "changed")
	misses := fingerprint.Miss(fingerprint.NewRecord(before, "", time.Now(), ""), w.print())
	if misses == nil || misses.First.Name != "[one 2/2] COPY" || misses.First.Edited || misses.Len() != 3 {
		t.Fatalf("the steps that miss are %+v", misses)
	}
	for name, c := range map[string]struct {
		executed []string
		want     string
	}{
		"itself and what stands on it": {[]string{"[one 2/2] COPY data.txt /", "[stage-2 1/2] COPY --from=two / /two", "[stage-2 2/2] COPY --from=one / /one"}, ""},
		"only a part of them":          {[]string{"[one 2/2] COPY data.txt /"}, ""},
		"one before it":                {[]string{"[one 1/2] COPY aim /", "[one 2/2] COPY data.txt /"}, "[one 1/2] COPY aim /"},
		"one of another stage":         {[]string{"[one 2/2] COPY data.txt /", "[two 1/1] COPY owned /"}, "[two 1/1] COPY owned /"},
		"an image that is fetched":     {[]string{"[one 1/3] FROM docker.io/library/base"}, ""},
		"what is no step":              {[]string{"[internal] load build context", "exporting to image", "[auth] token"}, ""},
		"nothing":                      {nil, ""},
	} {
		if got := misses.Unforeseen(c.executed); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestARenamedStageMissesNothing renames a stage and moves another: their steps are those that were built.
func TestARenamedStageMissesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("Dockerfile", "FROM scratch AS one\nCOPY aim /\nFROM scratch AS two\nCOPY owned /\nFROM scratch\nCOPY --from=two / /\nCOPY --from=one / /\n")
	before := w.print()
	w.write("Dockerfile", "FROM scratch AS deux\nCOPY owned /\nFROM scratch AS un\nCOPY aim /\nFROM scratch\nCOPY --from=deux / /\nCOPY --from=un / /\nCOPY data.txt /\n")
	misses := fingerprint.Miss(fingerprint.NewRecord(before, "", time.Now(), ""), w.print())
	if misses == nil || misses.First.Name != "[stage-2 3/3] COPY" || misses.Len() != 1 {
		t.Errorf("the steps that miss are %+v", misses)
	}
}
