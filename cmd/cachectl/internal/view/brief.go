package view

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/build"
	"github.com/cachectl/cachectl/planner"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// brief shows one line for each target and transfer, which says what it is doing, and one for all imports: what fits a terminal when there are many.
type brief struct {
	owners  map[string]*owner
	ofStep  map[planner.StepID]*owner
	imports *client.Vertex
	read    int // imports that ended
	reads   int
	lines   lineBuffer
	order   []*owner
	shown   bool // all lines have been announced
}

// tailLines is how much of a step's output is shown when it fails.
const tailLines = 100

// owner is a target or transfer on its line.
type owner struct {
	name   string
	vertex client.Vertex
	left   int // steps that have not ended
	// running are the vertices under way, in the order they started.
	steps   tally
	running []*client.Vertex
	stage   string // what the run itself does for it
	sent    map[string]int64
	sending map[string]int64
	// tails are the last lines of the vertices under way.
	tails    map[digest.Digest][]*client.VertexLog
	failed   bool
	canceled bool
	upToDate bool
}

func newBrief(plan *planner.Plan) *brief {
	b := &brief{owners: map[string]*owner{}, ofStep: map[planner.StepID]*owner{}}
	for _, s := range plan.Steps {
		name := ""
		switch s.Kind {
		case planner.KindImport:
			b.reads++
			continue
		case planner.KindBuild:
			name = s.Build.Target.Name
		case planner.KindMerge:
			name = s.Merge.Transfer.Name
		case planner.KindExport:
			name = s.Export.Owner
		}
		o := b.owners[name]
		if o == nil {
			o = &owner{
				name: name, vertex: client.Vertex{Digest: digest.FromString("owner " + name)},
				steps: tally{}, sent: map[string]int64{}, sending: map[string]int64{}, tails: map[digest.Digest][]*client.VertexLog{},
			}
			b.owners[name] = o
			b.order = append(b.order, o)
		}
		o.left++
		b.ofStep[s.ID] = o
	}
	return b
}

func (b *brief) build(target string, st *client.SolveStatus) *client.SolveStatus {
	o := b.owners[target]
	if o == nil {
		return nil
	}
	out := &client.SolveStatus{}
	for _, l := range st.Logs {
		c := *l
		c.Vertex = lineKey(target, l.Vertex)
		o.log(out, l.Vertex, b.lines.add(&c))
	}
	for _, v := range st.Vertexes {
		o.take(v)
		if v.Completed == nil {
			continue
		}
		o.log(out, v.Digest, b.lines.end(lineKey(target, v.Digest)))
		if v.Error != "" && !strings.HasSuffix(v.Error, context.Canceled.Error()) {
			o.fail(out, v)
		}
		delete(o.tails, v.Digest)
	}
	if o.vertex.Started != nil {
		out.Vertexes = append(out.Vertexes, o.line())
	}
	return out
}

// log shows lines of a vertex below the owner's line, and keeps the last of them.
func (o *owner) log(out *client.SolveStatus, vertex digest.Digest, l *client.VertexLog) {
	if l == nil {
		return
	}
	tail := append(o.tails[vertex], l)
	o.tails[vertex] = tail[max(0, len(tail)-tailLines):]
	c := *l
	c.Vertex = o.vertex.Digest
	out.Logs = append(out.Logs, &c)
}

// fail shows what failed on a line of its own, with its last output.
func (o *owner) fail(out *client.SolveStatus, v *client.Vertex) {
	o.failed = true
	c := *v
	c.Digest = digest.FromString("failed " + o.name + " " + v.Digest.String())
	c.Name, c.Error, c.Inputs, c.ProgressGroup = "["+o.name+"] "+oneLine(v.Name), printable(v.Error), nil, nil
	out.Vertexes = append(out.Vertexes, &c)
	for _, l := range o.tails[v.Digest] {
		line := *l
		line.Vertex = c.Digest
		out.Logs = append(out.Logs, &line)
	}
}

func lineKey(target string, d digest.Digest) digest.Digest {
	return digest.FromString(target + " " + d.String())
}

// take notes what a vertex of the target's build has come to.
func (o *owner) take(v *client.Vertex) {
	if v.Started == nil {
		return
	}
	o.steps.take(v.Name, v)
	at := slices.IndexFunc(o.running, func(r *client.Vertex) bool { return r.Digest == v.Digest })
	switch {
	case v.Completed != nil && at >= 0:
		o.running = slices.Delete(o.running, at, at+1)
	case v.Completed == nil && at < 0:
		o.running = append(o.running, v)
	}
}

// line is the owner's vertex as it is now.
func (o *owner) line() *client.Vertex {
	v := o.vertex
	var parts []string
	if len(o.steps) > 0 {
		ended, cached := o.steps.count()
		parts = append(parts, fmt.Sprintf("%d/%d steps, %d cached", ended, len(o.steps), cached))
	}
	var sent, sending int64
	for k := range o.sending {
		sent, sending = sent+o.sent[k], sending+o.sending[k]
	}
	if sending > 0 {
		parts = append(parts, fmt.Sprintf("sent %s of %s", size(sent), size(sending)))
	}
	switch {
	case o.upToDate:
		parts = append(parts, "up to date")
	case o.failed:
		parts = append(parts, "failed")
	case v.Completed != nil:
	case o.current() != "":
		parts = append(parts, o.current())
	case o.stage != "":
		parts = append(parts, o.stage)
	}
	v.Name = "[" + o.name + "] " + strings.Join(parts, ", ")
	return &v
}

// current is what the build is doing: a step of the Dockerfile rather than anything else.
func (o *owner) current() string {
	for _, v := range slices.Backward(o.running) {
		if build.IsStep(v.Name) {
			return oneLine(v.Name)
		}
	}
	if n := len(o.running); n > 0 {
		return oneLine(o.running[n-1].Name)
	}
	return ""
}

func (b *brief) started(step *planner.Step, now time.Time) *client.SolveStatus {
	out := b.announce()
	if step.Kind == planner.KindImport {
		if b.imports == nil {
			b.imports = &client.Vertex{Digest: digest.FromString("imports"), Started: &now}
		}
		out.Vertexes = append(out.Vertexes, b.importLine(now))
		return out
	}
	o := b.ofStep[step.ID]
	if o == nil {
		return out
	}
	if o.vertex.Started == nil {
		o.vertex.Started = &now
	}
	o.stage = map[planner.Kind]string{planner.KindBuild: "wait for the builder", planner.KindMerge: "merge", planner.KindExport: "publish"}[step.Kind]
	out.Vertexes = append(out.Vertexes, o.line())
	return out
}

// announce tells of all lines before the first starts, so that the display counts them.
func (b *brief) announce() *client.SolveStatus {
	out := &client.SolveStatus{}
	if b.shown {
		return out
	}
	b.shown = true
	for _, o := range b.order {
		out.Vertexes = append(out.Vertexes, o.line())
	}
	return out
}

// importLine is the line of all imports as it is now.
func (b *brief) importLine(now time.Time) *client.Vertex {
	v := *b.imports
	v.Name = fmt.Sprintf("read cache sources, %d of %d", b.read, b.reads)
	if b.read == b.reads {
		v.Completed = &now
	}
	return &v
}

func (b *brief) ended(res *executor.StepResult, now time.Time) *client.SolveStatus {
	if res.Step.Kind == planner.KindImport {
		b.read++
		if b.imports == nil {
			return nil
		}
		return &client.SolveStatus{Vertexes: []*client.Vertex{b.importLine(now)}}
	}
	o := b.ofStep[res.Step.ID]
	if o == nil {
		return nil
	}
	o.left--
	o.stage = ""
	if res.Outcome == executor.OutcomeUpToDate {
		return b.restful(o, now)
	}
	if o.vertex.Started == nil {
		return nil // skipped: the summary has it
	}
	out := &client.SolveStatus{}
	o.canceled = o.canceled || res.Outcome == executor.OutcomeCanceled
	if res.Outcome == executor.OutcomeFailed && (!o.failed || res.Step.Kind != planner.KindBuild) {
		name := strings.TrimPrefix(stepName(res.Step), "["+o.name+"] ")
		o.fail(out, &client.Vertex{Digest: stepDigest(res.Step.ID), Name: name, Started: &now, Completed: &now, Error: firstLine(res.Err)})
	}
	if o.left == 0 {
		o.running = nil
		o.vertex.Completed = &now
		if o.canceled {
			o.vertex.Error = context.Canceled.Error() // BuildKit's display shows what ends so as canceled
		}
	}
	out.Vertexes = append(out.Vertexes, o.line())
	return out
}

// restful shows a target with nothing to do, when all of its steps have said so.
func (b *brief) restful(o *owner, now time.Time) *client.SolveStatus {
	if o.left > 0 {
		return nil
	}
	o.upToDate = true
	o.vertex.Started, o.vertex.Completed, o.vertex.Cached = &now, &now, true
	if !b.shown {
		return nil // the announcement has it
	}
	return &client.SolveStatus{Vertexes: []*client.Vertex{o.line()}}
}

func (b *brief) moved(id planner.StepID, what string, current, total int64, _ time.Time) *client.SolveStatus {
	o := b.ofStep[id]
	if o == nil || o.vertex.Started == nil {
		return nil
	}
	key := string(id) + " " + what
	o.sent[key], o.sending[key] = current, total
	return &client.SolveStatus{Vertexes: []*client.Vertex{o.line()}}
}

// warned leaves warnings to the summary: they would scroll away.
func (b *brief) warned(planner.StepID, string, time.Time) *client.SolveStatus { return nil }

func (b *brief) tick(time.Time) *client.SolveStatus { return nil }
