package build

import (
	"strings"
	"sync"

	digest "github.com/opencontainers/go-digest"
)

// tally counts the steps of a build and those taken from a cache.
type tally struct {
	mu       sync.Mutex
	steps    map[digest.Digest]bool // step → cached
	activity chan struct{}
}

func newTally() *tally {
	return &tally{steps: map[digest.Digest]bool{}, activity: make(chan struct{}, 1)}
}

// add takes in one status message.
func (t *tally) add(st *Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range st.Vertexes {
		if isStep(v.Name) && (v.Started != nil || v.Cached) {
			t.steps[v.Digest] = v.Cached
		}
	}
	select {
	case t.activity <- struct{}{}:
	default:
	}
}

// count returns how many steps were cached, of how many.
func (t *tally) count() (cached, total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.steps {
		if c {
			cached++
		}
	}
	return cached, len(t.steps)
}

// isStep tells instructions of a Dockerfile ("[build 2/5] RUN make") from what the frontend and the exporters do besides.
func isStep(name string) bool {
	if !strings.HasPrefix(name, "[") {
		return false
	}
	for _, p := range []string{"[internal]", "[auth]", "[context "} {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	return true
}
