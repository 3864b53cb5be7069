package build

import (
	"slices"
	"strings"
	"sync"
)

// tally counts the steps of a build and those taken from a cache. Steps go by their names: when two builds run the same step at once,
// BuildKit tells the one that waits of both its own vertex and the other's.
type tally struct {
	mu       sync.Mutex
	steps    map[string]map[string]bool // name → vertex → cached
	open     map[string]bool            // vertices that have started and not ended
	activity chan struct{}
}

func newTally() *tally {
	return &tally{steps: map[string]map[string]bool{}, open: map[string]bool{}, activity: make(chan struct{}, 1)}
}

// add takes in one status message.
func (t *tally) add(st *Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range st.Vertexes {
		if v.Completed != nil {
			delete(t.open, v.Digest.String())
		} else if v.Started != nil {
			t.open[v.Digest.String()] = true
		}
		if IsStep(v.Name) && (v.Started != nil || v.Cached) {
			if t.steps[v.Name] == nil {
				t.steps[v.Name] = map[string]bool{}
			}
			// What came from a cache is told of again, as if it were executed, while its layers are pulled (BuildKit: util/progress/controller).
			key := v.Digest.String()
			t.steps[v.Name][key] = v.Error == "" && (v.Cached || t.steps[v.Name][key])
		}
	}
	select {
	case t.activity <- struct{}{}:
	default:
	}
}

// settled tells whether everything that has started has ended.
func (t *tally) settled() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open) == 0
}

// count returns how many steps were cached, of how many. A step counts as cached when nobody executed it for this build.
func (t *tally) count() (cached, total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, vertices := range t.steps {
		if !executed(vertices) {
			cached++
		}
	}
	return cached, len(t.steps)
}

// executed are the names of the steps that were executed, sorted.
func (t *tally) executed() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for name, vertices := range t.steps {
		if executed(vertices) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// executed tells of the vertices of a step, which were cached or not, whether one was executed.
func executed(vertices map[string]bool) bool {
	for _, cached := range vertices {
		if !cached {
			return true
		}
	}
	return false
}

// IsStep tells instructions of a Dockerfile ("[build 2/5] RUN make") from what the frontend and the exporters do besides.
func IsStep(name string) bool {
	if !strings.HasPrefix(name, "[") {
		return false
	}
	bracket, _, _ := strings.Cut(name, "]")
	return !strings.HasSuffix(bracket, "internal") && bracket != "[auth" && !strings.HasPrefix(bracket, "[context ")
}
