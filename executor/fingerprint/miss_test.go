package fingerprint_test

import (
	"testing"

	"github.com/cachectl/cachectl/executor/fingerprint"
)

// TestAnEarlierStepIsFound compares a step with those that a builder executed.
func TestAnEarlierStepIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		step     string
		executed []string
		want     string
	}{
		"itself and what follows": {"[build 3/5] RUN", []string{"[build 3/5] RUN make", "[build 4/5] COPY . .", "[stage-1 1/2] COPY --from=build / /"}, ""},
		"one before it":           {"[build 3/5] RUN", []string{"[build 2/5] COPY go.mod .", "[build 3/5] RUN make"}, "[build 2/5] COPY go.mod ."},
		"other stages":            {"[build 3/5] RUN", []string{"[test 1/2] COPY . ."}, ""},
		"an only stage":           {"[2/3] RUN", []string{"[1/3] FROM base", "[2/3] RUN make"}, "[1/3] FROM base"},
		"platforms":               {"[linux/amd64 build 3/5] RUN", []string{"[linux/arm64 build 2/5] RUN x"}, ""},
		"nothing":                 {"[build 3/5] RUN", nil, ""},
		"no step":                 {"[internal] load", []string{"exporting to image", "[build 1/5] RUN"}, ""},
	} {
		if got := (&fingerprint.Step{Name: c.step}).Earlier(c.executed); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
