package view

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	digest "github.com/opencontainers/go-digest"
)

// Progress shows a run while it goes on: BuildKit's own display, fed with the steps of all builds and with the run's own steps beside them.
// It is the executor's Events.
type Progress struct {
	ch   chan *client.SolveStatus
	done chan struct{}

	mu      sync.Mutex
	closed  bool
	started map[digest.Digest]*client.Vertex
}

// NewProgress starts a display on w: auto, plain, tty, rawjson or quiet. The caller closes it after the run.
func NewProgress(ctx context.Context, w io.Writer, mode string, style Style) (*Progress, error) {
	switch mode {
	case "auto", "plain", "tty", "rawjson", "quiet":
	default:
		return nil, fmt.Errorf("--progress %q is not auto, plain, tty, rawjson or quiet", mode)
	}
	if mode == "auto" && style.Width == 0 {
		mode = "plain"
	}
	display, err := progressui.NewDisplay(w, progressui.DisplayMode(mode), progressui.WithPhase("cachectl"))
	if err != nil {
		return nil, fmt.Errorf("--progress %s: %w", mode, err)
	}
	p := &Progress{ch: make(chan *client.SolveStatus, 64), done: make(chan struct{}), started: map[digest.Digest]*client.Vertex{}}
	go func() {
		defer close(p.done)
		// Interrupted runs still show how their steps end.
		_, _ = display.UpdateFrom(context.WithoutCancel(ctx), p.ch)
	}()
	return p, nil
}

// Close ends the display when it has shown everything.
func (p *Progress) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.ch)
	}
	p.mu.Unlock()
	<-p.done
}

func (p *Progress) send(st *client.SolveStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.ch <- st
	}
}

// BuildStatus shows BuildKit's progress for a target. Two targets can have the same vertex; it is shown for each.
func (p *Progress) BuildStatus(target string, st *executor.BuildStatus) {
	prefix := "[" + target + "] "
	own := func(d digest.Digest) digest.Digest { return digest.FromString(target + " " + d.String()) }
	out := &client.SolveStatus{}
	for _, v := range st.Vertexes {
		c := *v
		c.Digest, c.Name = own(v.Digest), prefix+v.Name
		c.Inputs = nil
		for _, in := range v.Inputs {
			c.Inputs = append(c.Inputs, own(in))
		}
		c.ProgressGroup = nil
		out.Vertexes = append(out.Vertexes, &c)
	}
	for _, s := range st.Statuses {
		c := *s
		c.Vertex = own(s.Vertex)
		out.Statuses = append(out.Statuses, &c)
	}
	for _, l := range st.Logs {
		c := *l
		c.Vertex = own(l.Vertex)
		out.Logs = append(out.Logs, &c)
	}
	for _, w := range st.Warnings {
		c := *w
		c.Vertex = own(w.Vertex)
		out.Warnings = append(out.Warnings, &c)
	}
	p.send(out)
}

// StepStarted shows a step that is not a build; builds show themselves.
func (p *Progress) StepStarted(step *planner.Step) {
	if step.Kind == planner.KindBuild {
		return
	}
	now := time.Now()
	v := &client.Vertex{Digest: stepDigest(step.ID), Name: string(step.ID), Started: &now}
	p.mu.Lock()
	p.started[v.Digest] = v
	p.mu.Unlock()
	p.send(&client.SolveStatus{Vertexes: []*client.Vertex{v}})
}

// StepEnded shows how a step ended.
func (p *Progress) StepEnded(res *executor.StepResult) {
	d := stepDigest(res.Step.ID)
	p.mu.Lock()
	v := p.started[d]
	p.mu.Unlock()
	if v == nil {
		if res.Step.Kind != planner.KindBuild || res.Outcome == executor.OutcomeDone {
			return
		}
		now := time.Now()
		v = &client.Vertex{Digest: d, Name: string(res.Step.ID), Started: &now}
	}
	now := time.Now()
	c := *v
	c.Completed = &now
	var logs []*client.VertexLog
	switch res.Outcome {
	case executor.OutcomeFailed, executor.OutcomeCanceled:
		c.Error = firstLine(res.Err)
	case executor.OutcomeMissing, executor.OutcomeIgnored, executor.OutcomeSkipped:
		logs = append(logs, &client.VertexLog{Vertex: d, Stream: 1, Data: []byte(printable(res.Err.Error()) + "\n"), Timestamp: now})
	}
	if pub := res.Published; pub != nil && !pub.Changed {
		c.Cached = true
	}
	p.send(&client.SolveStatus{Vertexes: []*client.Vertex{&c}, Logs: logs})
}

// StepProgress shows how far a transfer is.
func (p *Progress) StepProgress(id planner.StepID, what string, current, total int64) {
	now := time.Now()
	d := stepDigest(id)
	p.mu.Lock()
	v := p.started[d]
	p.mu.Unlock()
	if v == nil {
		return // layers that go out while their target still builds are summed up at the end
	}
	st := &client.VertexStatus{ID: what, Vertex: d, Name: what, Current: current, Total: total, Timestamp: now, Started: v.Started}
	if total > 0 && current >= total {
		st.Completed = &now
	}
	p.send(&client.SolveStatus{Statuses: []*client.VertexStatus{st}})
}

// StepWarning shows a warning at its step.
func (p *Progress) StepWarning(id planner.StepID, message string) {
	p.send(&client.SolveStatus{Logs: []*client.VertexLog{{
		Vertex: stepDigest(id), Stream: 2, Data: []byte("warning: " + printable(message) + "\n"), Timestamp: time.Now(),
	}}})
}

func stepDigest(id planner.StepID) digest.Digest { return digest.FromString("step " + string(id)) }

func firstLine(err error) string {
	if err == nil {
		return "canceled"
	}
	line, _, _ := strings.Cut(printable(err.Error()), "\n")
	return line
}
