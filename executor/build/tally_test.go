package build

import (
	"slices"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// While the layers of a step that came from a cache are pulled, BuildKit tells of its vertex as of one that is executed. One whose cached result
// could not be loaded is executed indeed.
func TestPulledStepsCountAsCached(t *testing.T) {
	now := time.Now()
	vertex := func(name string, cached bool, failure string) *Status {
		return &Status{Vertexes: []*client.Vertex{{Digest: digest.FromString(name), Name: name, Started: &now, Completed: &now, Cached: cached, Error: failure}}}
	}
	c := newTally()
	for _, st := range []*Status{
		vertex("[1/3] COPY a /a", true, ""), vertex("[1/3] COPY a /a", false, ""),
		vertex("[2/3] RUN make", true, "failed to load cache"), vertex("[2/3] RUN make", false, ""),
		vertex("[3/3] RUN test", false, ""),
	} {
		c.add(st)
	}
	if cached, total := c.count(); cached != 1 || total != 3 {
		t.Errorf("%d of %d steps are cached, want 1 of 3", cached, total)
	}
	if got, want := c.executed(), []string{"[2/3] RUN make", "[3/3] RUN test"}; !slices.Equal(got, want) {
		t.Errorf("executed are %q, want %q", got, want)
	}
}
