package page

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/build"
)

// Recorder keeps what a run's builds did, instruction by instruction, and passes all events on.
type Recorder struct {
	executor.Events

	mu     sync.Mutex
	builds map[string]map[string]*step
}

// step is one instruction of a target's build. The builder can give it several vertices; it is a hit when none of them was executed.
type step struct {
	name       string
	executed   map[string]bool
	start, end time.Time
}

// NewRecorder returns a Recorder before next.
func NewRecorder(next executor.Events) *Recorder {
	return &Recorder{Events: next, builds: map[string]map[string]*step{}}
}

// BuildStatus records a message of BuildKit's progress.
func (r *Recorder) BuildStatus(target string, status *executor.BuildStatus) {
	r.record(target, status)
	r.Events.BuildStatus(target, status)
}

func (r *Recorder) record(target string, status *executor.BuildStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range status.Vertexes {
		if !build.IsStep(v.Name) || v.Started == nil && !v.Cached {
			continue
		}
		name := strings.Clone(v.Name)
		if r.builds[target] == nil {
			r.builds[target] = map[string]*step{}
		}
		s := r.builds[target][name]
		if s == nil {
			s = &step{name: name, executed: map[string]bool{}}
			r.builds[target][name] = s
		}
		// What came from a cache is told of again, as if it were executed, while its layers are pulled.
		executed, known := s.executed[v.Digest.String()]
		s.executed[v.Digest.String()] = v.Error != "" || !v.Cached && (!known || executed)
		if v.Started != nil && (s.start.IsZero() || v.Started.Before(s.start)) {
			s.start = *v.Started
		}
		if v.Completed != nil && v.Completed.After(s.end) {
			s.end = *v.Completed
		}
	}
}

// steps are the instructions of a target's build by when they started.
func (r *Recorder) steps(target string) []*step {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*step
	for _, s := range r.builds[target] {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *step) int { return cmp.Or(a.start.Compare(b.start), cmp.Compare(a.name, b.name)) })
	return list
}

func (s *step) hit() bool {
	for _, executed := range s.executed {
		if executed {
			return false
		}
	}
	return true
}

func (s *step) took() time.Duration { return max(0, s.end.Sub(s.start)) }
