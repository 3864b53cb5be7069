package view

import (
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// full shows each vertex of each build, with its target's name before it, and each step of the run that is not a build. With a fold, what did no
// work is left out.
type full struct {
	lines lineBuffer
	fold  *fold // nil shows everything
	steps map[planner.StepID]*client.Vertex
	moves map[string]bool // transfers that have ended
	// handover are the vertices in which a builder hands its cache over to this program, layer by layer: what counts is the export that follows.
	handover map[digest.Digest]bool
	raw      bool // shows even those layers
	cached   map[digest.Digest]bool
}

// handover is what BuildKit calls the vertex of an export over the session.
const handover = "exporting cache to client directory"

func newFull(folded bool) *full {
	f := &full{handover: map[digest.Digest]bool{}, cached: map[digest.Digest]bool{}, steps: map[planner.StepID]*client.Vertex{}, moves: map[string]bool{}}
	if folded {
		f.fold = newFold()
	}
	return f
}

// build gives a target's vertices names and digests of their own: two targets can have the same vertex.
func (f *full) build(target string, st *client.SolveStatus) *client.SolveStatus {
	prefix := "[" + target + "] "
	own := func(d digest.Digest) digest.Digest { return digest.FromString(target + " " + d.String()) }
	out := &client.SolveStatus{}
	for _, v := range st.Vertexes {
		c := *v
		c.Digest, c.Name, c.Error, c.ProgressGroup = own(v.Digest), prefix+oneLine(v.Name), printable(v.Error), nil
		c.Inputs = nil
		for _, in := range v.Inputs {
			c.Inputs = append(c.Inputs, own(in))
		}
		// What came from a cache is told of again, as if it were executed, while its layers are pulled.
		c.Cached = v.Error == "" && (v.Cached || f.cached[c.Digest])
		f.cached[c.Digest] = c.Cached
		if strings.HasPrefix(v.Name, handover) {
			f.handover[c.Digest] = true
		}
		if v.Completed != nil {
			if rest := f.lines.end(c.Digest); rest != nil {
				out.Logs = append(out.Logs, rest)
			}
		}
		out.Vertexes = append(out.Vertexes, &c)
	}
	for _, s := range st.Statuses {
		c := *s
		c.Vertex, c.ID, c.Name = own(s.Vertex), oneLine(s.ID), oneLine(s.Name)
		if f.handover[c.Vertex] && !f.raw {
			continue
		}
		out.Statuses = append(out.Statuses, &c)
	}
	for _, l := range st.Logs {
		c := *l
		c.Vertex = own(l.Vertex)
		if whole := f.lines.add(&c); whole != nil {
			out.Logs = append(out.Logs, whole)
		}
	}
	for _, w := range st.Warnings {
		c := *w
		c.Vertex, c.Short = own(w.Vertex), []byte(oneLine(string(w.Short)))
		out.Warnings = append(out.Warnings, &c)
	}
	if f.fold != nil {
		return f.fold.filter(target, out)
	}
	return out
}

// started shows a step that is not a build; builds show themselves.
func (f *full) started(step *planner.Step, now time.Time) *client.SolveStatus {
	v := &client.Vertex{Digest: stepDigest(step.ID), Name: stepName(step), Started: &now}
	f.steps[step.ID] = v
	if step.Kind == planner.KindBuild {
		return nil
	}
	if f.fold != nil {
		return f.fold.filter("", &client.SolveStatus{Vertexes: []*client.Vertex{v}})
	}
	return &client.SolveStatus{Vertexes: []*client.Vertex{v}}
}

// ended shows how a step ended. That a build failed its own vertex has said.
func (f *full) ended(res *executor.StepResult, now time.Time) *client.SolveStatus {
	v := f.steps[res.Step.ID]
	if v == nil && res.Outcome == executor.OutcomeUpToDate && res.Step.Kind == planner.KindBuild && f.fold == nil { // else the summary counts them
		return &client.SolveStatus{Vertexes: []*client.Vertex{{
			Digest: stepDigest(res.Step.ID), Name: "[" + res.Step.Build.Target.Name + "] up to date", Started: &now, Completed: &now, Cached: true,
		}}}
	}
	if v == nil {
		return nil // skipped: the summary has it
	}
	c := *v
	c.Completed = &now
	if res.Step.Kind == planner.KindBuild {
		if f.fold == nil || res.Outcome != executor.OutcomeDone {
			return nil
		}
		return f.fold.summary(res.Step.Build.Target.Name, &c)
	}
	st := &client.SolveStatus{Vertexes: []*client.Vertex{&c}}
	switch res.Outcome {
	case executor.OutcomeFailed, executor.OutcomeCanceled:
		c.Error = firstLine(res.Err)
	case executor.OutcomeMissing, executor.OutcomeIgnored:
		if len(res.Warnings) == 0 { // a warning has said why
			st.Logs = []*client.VertexLog{{Vertex: c.Digest, Stream: 1, Data: []byte(firstLine(res.Err) + "\n"), Timestamp: now}}
		}
	}
	if pub := res.Published; pub != nil && !pub.Changed {
		c.Cached = true
	}
	if f.fold != nil {
		return f.fold.filter("", st)
	}
	return st
}

// moved shows how far a transfer is.
func (f *full) moved(id planner.StepID, what string, current, total int64, now time.Time) *client.SolveStatus {
	v := f.steps[id]
	if v == nil {
		return nil // layers that go out while their target still builds are summed up at the end
	}
	key := string(id) + " " + what
	if f.moves[key] {
		return nil // told of its end already
	}
	what = shortDigests(oneLine(what))
	s := &client.VertexStatus{ID: what, Vertex: v.Digest, Name: what, Current: current, Total: total, Timestamp: now, Started: v.Started}
	if total > 0 && current >= total {
		s.Completed = &now
		f.moves[key] = true
	}
	st := &client.SolveStatus{Statuses: []*client.VertexStatus{s}}
	if f.fold != nil {
		return f.fold.filter("", st)
	}
	return st
}

// warned shows a warning as a vertex of its own: it may concern a step that has none.
func (f *full) warned(id planner.StepID, message string, now time.Time) *client.SolveStatus {
	name := string(id)
	if v := f.steps[id]; v != nil {
		name = v.Name
	}
	d := digest.FromString("warning " + string(id) + message)
	return &client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: d, Name: name + ": warning", Started: &now, Completed: &now}},
		Logs:     []*client.VertexLog{{Vertex: d, Stream: 2, Data: []byte(oneLine(message) + "\n"), Timestamp: now}},
	}
}

func (f *full) tick(now time.Time) *client.SolveStatus {
	if f.fold == nil {
		return nil
	}
	return f.fold.tick(now)
}

func stepDigest(id planner.StepID) digest.Digest { return digest.FromString("step " + string(id)) }

// stepName is a step in a display: what it belongs to, and what it does.
func stepName(step *planner.Step) string {
	switch step.Kind {
	case planner.KindBuild:
		return "[" + step.Build.Target.Name + "] build"
	case planner.KindMerge:
		return "[" + step.Merge.Transfer.Name + "] merge"
	case planner.KindExport:
		return "[" + step.Export.Owner + "] export to " + oneLine(step.Export.Destination.Name())
	}
	return oneLine(string(step.ID))
}

func firstLine(err error) string {
	if err == nil {
		return "canceled"
	}
	line, _, _ := strings.Cut(printable(err.Error()), "\n")
	return line
}
