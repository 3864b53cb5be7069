package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor"
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
}

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
	err     string
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
				steps: tally{}, sent: map[string]int64{}, sending: map[string]int64{},
			}
			b.owners[name] = o
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
	for _, v := range st.Vertexes {
		o.take(v)
		if v.Completed != nil {
			if rest := b.lines.end(lineKey(target, v.Digest)); rest != nil {
				rest.Vertex = o.vertex.Digest
				out.Logs = append(out.Logs, rest)
			}
		}
	}
	for _, l := range st.Logs {
		c := *l
		c.Vertex = lineKey(target, l.Vertex)
		if whole := b.lines.add(&c); whole != nil {
			whole.Vertex = o.vertex.Digest
			out.Logs = append(out.Logs, whole)
		}
	}
	if o.vertex.Started != nil {
		out.Vertexes = []*client.Vertex{o.line()}
	}
	return out
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
	if v.Error != "" && !strings.HasSuffix(v.Error, "context canceled") {
		o.err = oneLine(v.Error)
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
		if isStep(v.Name) {
			return oneLine(v.Name)
		}
	}
	if n := len(o.running); n > 0 {
		return oneLine(o.running[n-1].Name)
	}
	return ""
}

func (b *brief) started(step *planner.Step, now time.Time) *client.SolveStatus {
	if step.Kind == planner.KindImport {
		if b.imports == nil {
			b.imports = &client.Vertex{Digest: digest.FromString("imports"), Started: &now}
		}
		return b.importLine(now)
	}
	o := b.ofStep[step.ID]
	if o == nil {
		return nil
	}
	if o.vertex.Started == nil {
		o.vertex.Started = &now
	}
	o.stage = map[planner.Kind]string{planner.KindBuild: "build", planner.KindMerge: "merge", planner.KindExport: "publish"}[step.Kind]
	return &client.SolveStatus{Vertexes: []*client.Vertex{o.line()}}
}

func (b *brief) importLine(now time.Time) *client.SolveStatus {
	v := *b.imports
	v.Name = fmt.Sprintf("read cache sources, %d of %d", b.read, b.reads)
	if b.read == b.reads {
		v.Completed = &now
	}
	return &client.SolveStatus{Vertexes: []*client.Vertex{&v}}
}

func (b *brief) ended(res *executor.StepResult, now time.Time) *client.SolveStatus {
	if res.Step.Kind == planner.KindImport {
		b.read++
		if b.imports == nil {
			return nil
		}
		return b.importLine(now)
	}
	o := b.ofStep[res.Step.ID]
	if o == nil {
		return nil
	}
	o.left--
	o.stage = ""
	switch res.Outcome {
	case executor.OutcomeFailed:
		if o.err == "" {
			o.err = firstLine(res.Err)
		}
	case executor.OutcomeCanceled:
		if o.err == "" {
			o.err = "context canceled" // BuildKit's display shows what ends so as canceled
		}
	}
	if o.vertex.Started == nil {
		return nil // skipped: the summary has it
	}
	if o.left == 0 {
		o.running = nil
		o.vertex.Completed, o.vertex.Error = &now, o.err
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
