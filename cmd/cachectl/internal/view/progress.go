package view

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	digest "github.com/opencontainers/go-digest"
)

// From this many targets and transfers on a run is shown in brief: a line for each on a terminal, where room is short, and in a log only the steps
// that did work.
const (
	manyOnTerminal = 4
	manyInLog      = 7
)

// tickTime is how often steps are looked at that say nothing.
const tickTime = 500 * time.Millisecond

// shaper turns what happens in a run into BuildKit's status messages, which its display shows. Its methods are called one at a time.
type shaper interface {
	build(target string, st *client.SolveStatus) *client.SolveStatus
	started(step *planner.Step, now time.Time) *client.SolveStatus
	ended(res *executor.StepResult, now time.Time) *client.SolveStatus
	moved(id planner.StepID, what string, current, total int64, now time.Time) *client.SolveStatus
	warned(id planner.StepID, message string, now time.Time) *client.SolveStatus
	tick(now time.Time) *client.SolveStatus
}

// Progress shows a run while it goes on: BuildKit's own display, fed with the steps of all builds and with the run's own steps beside them.
// It is the executor's Events.
type Progress struct {
	ch   chan *client.SolveStatus
	done chan struct{}
	stop chan struct{}
	out  *Output
	// held takes log lines that would tear the display apart; nil lets them through.
	held *bytes.Buffer
	term *terminal
	// stopped shows that the run was told to stop, once.
	stopped func()

	mu     sync.Mutex
	closed bool
	// began is when the display did, looking what it shows until the first event if that takes long, nil before and after; told says that there was one.
	began    time.Time
	looking  *client.Vertex
	told     bool
	shape    shaper
	warnings map[string][]string
}

// ProgressOptions say how a run is shown.
type ProgressOptions struct {
	// Mode is auto, plain, tty, rawjson or quiet.
	Mode  string
	Style Style
	Plan  *planner.Plan
}

// NewProgress starts a display on standard error. The caller closes it after the run.
func NewProgress(ctx context.Context, out *Output, opt ProgressOptions) (*Progress, error) {
	mode := opt.Mode
	switch mode {
	case "auto":
		mode = "plain"
		if opt.Style.Width > 0 && !opt.Style.Dumb {
			mode = "tty"
		}
	case "plain", "tty", "rawjson", "quiet":
	default:
		return nil, fmt.Errorf("--progress %q is not auto, plain, tty, rawjson or quiet", mode)
	}
	p := &Progress{
		ch: make(chan *client.SolveStatus, 64), done: make(chan struct{}), stop: make(chan struct{}),
		out: out, began: time.Now(), shape: newShaper(mode, opt.Plan), warnings: map[string][]string{},
	}
	w := io.Writer(out)
	if mode == "tty" {
		p.term = &terminal{Output: out, color: opt.Style.Color}
		w = p.term
	}
	if mode == "quiet" {
		p.shape = &quiet{out: out}
	}
	if mode == "tty" || mode == "rawjson" {
		p.held = &bytes.Buffer{}
	}
	display, err := progressui.NewDisplay(w, progressui.DisplayMode(mode), progressui.WithPhase("cachectl"))
	if err != nil {
		return nil, fmt.Errorf("--progress %s: %w", opt.Mode, err)
	}
	go func() {
		defer close(p.done)
		// Interrupted runs still show how their steps end.
		_, _ = display.UpdateFrom(context.WithoutCancel(ctx), p.ch)
	}()
	go p.tick()
	p.stopped = sync.OnceFunc(func() { p.tellOfStop(ctx) })
	go func() {
		select {
		case <-p.stop:
		case <-ctx.Done():
			p.stopped()
		}
	}()
	return p, nil
}

// newShaper chooses how much is shown.
func newShaper(mode string, plan *planner.Plan) shaper {
	owners := 0
	for _, s := range plan.Steps {
		if s.Kind == planner.KindBuild || s.Kind == planner.KindMerge {
			owners++
		}
	}
	if mode == "tty" && owners >= manyOnTerminal {
		return newBrief(plan)
	}
	f := newFull(mode == "plain" && owners >= manyInLog)
	f.raw = mode == "rawjson"
	return f
}

// Close ends the display when it has shown everything.
func (p *Progress) Close() {
	p.stopped()
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		p.looked()
		close(p.stop)
		close(p.ch)
	}
	p.mu.Unlock()
	<-p.done
	if p.term != nil {
		p.term.flush()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		_, _ = p.out.Write(p.held.Bytes())
		p.held = nil
	}
}

// Log is where log lines go while the display is there: they are held back until it is closed if they would tear it apart.
func (p *Progress) Log() io.Writer { return progressLog{p} }

type progressLog struct{ p *Progress }

func (l progressLog) Write(b []byte) (int, error) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if l.p.held != nil {
		return l.p.held.Write(b)
	}
	return l.p.out.Write(b)
}

// send shows what fn makes of an event.
func (p *Progress) send(fn func(shaper) *client.SolveStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if st := fn(p.shape); st != nil && (len(st.Vertexes) > 0 || len(st.Statuses) > 0 || len(st.Logs) > 0 || len(st.Warnings) > 0) {
		p.looked()
		p.hide(st)
		p.ch <- st
	}
}

// look shows that a run has begun of which nothing can be told yet: it looks at destinations.
func (p *Progress) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.told || p.looking != nil {
		return
	}
	p.looking = &client.Vertex{Digest: digest.FromString("look"), Name: "look what is up to date", Started: &p.began}
	p.ch <- &client.SolveStatus{Vertexes: []*client.Vertex{p.looking}}
}

// looked ends that.
func (p *Progress) looked() {
	p.told = true
	if p.looking == nil {
		return
	}
	now, v := time.Now(), *p.looking
	v.Completed, p.looking = &now, nil
	p.ch <- &client.SolveStatus{Vertexes: []*client.Vertex{&v}}
}

// hide takes secrets out of the texts of a message: a display may cut or encode them, and then they would not be found any more.
func (p *Progress) hide(st *client.SolveStatus) {
	for _, v := range st.Vertexes {
		v.Name, v.Error = p.out.secrets.Hide(v.Name), p.out.secrets.Hide(v.Error)
	}
	for _, s := range st.Statuses {
		s.ID, s.Name = p.out.secrets.Hide(s.ID), p.out.secrets.Hide(s.Name)
	}
	for _, l := range st.Logs {
		l.Data = []byte(p.out.secrets.Hide(string(l.Data)))
	}
	for _, w := range st.Warnings {
		w.Short = []byte(p.out.secrets.Hide(string(w.Short)))
	}
}

// tellOfStop says that the run was told to stop, if it was, and that it can be ended at once.
func (p *Progress) tellOfStop(ctx context.Context) {
	if ctx.Err() == nil {
		return
	}
	now := time.Now()
	v := &client.Vertex{
		Digest: digest.FromString("stop"), Started: &now, Completed: &now,
		Name: oneLine(context.Cause(ctx).Error()) + ", ending what is under way; a second signal does not wait",
	}
	p.send(func(shaper) *client.SolveStatus { return &client.SolveStatus{Vertexes: []*client.Vertex{v}} })
}

// tick lets the shaper look at what has been silent.
func (p *Progress) tick() {
	ticker := time.NewTicker(tickTime)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-ticker.C:
			p.look()
			p.send(func(s shaper) *client.SolveStatus { return s.tick(now) })
		}
	}
}

// BuildStatus shows BuildKit's progress for a target.
func (p *Progress) BuildStatus(target string, st *executor.BuildStatus) {
	p.send(func(s shaper) *client.SolveStatus {
		for _, w := range st.Warnings {
			p.note(target, w)
		}
		return s.build(target, st)
	})
}

// note keeps a warning of BuildKit for the summary, once.
func (p *Progress) note(target string, w *client.VertexWarning) {
	text := oneLine(string(w.Short))
	if w.SourceInfo != nil && len(w.Range) > 0 && !strings.HasSuffix(text, ")") {
		text += fmt.Sprintf(" (%s:%d)", oneLine(w.SourceInfo.Filename), w.Range[0].Start.Line)
	}
	if !slices.Contains(p.warnings[target], text) {
		p.warnings[target] = append(p.warnings[target], text)
	}
}

// BuildWarnings are BuildKit's own warnings about Dockerfiles, by target.
func (p *Progress) BuildWarnings() map[string][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.warnings
}

// StepStarted shows a step.
func (p *Progress) StepStarted(step *planner.Step) {
	p.send(func(s shaper) *client.SolveStatus { return s.started(step, time.Now()) })
}

// StepEnded shows how a step ended.
func (p *Progress) StepEnded(res *executor.StepResult) {
	p.send(func(s shaper) *client.SolveStatus { return s.ended(res, time.Now()) })
}

// StepProgress shows how far a transfer is.
func (p *Progress) StepProgress(id planner.StepID, what string, current, total int64) {
	p.send(func(s shaper) *client.SolveStatus { return s.moved(id, what, current, total, time.Now()) })
}

// StepWarning shows a warning.
func (p *Progress) StepWarning(id planner.StepID, message string) {
	p.send(func(s shaper) *client.SolveStatus { return s.warned(id, message, time.Now()) })
}
