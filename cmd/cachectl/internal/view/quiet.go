package view

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/planner"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// quiet shows nothing but the last output of what failed, in the form of BuildKit's display. It writes that itself: there is no display.
type quiet struct {
	out   io.Writer
	lines lineBuffer
	tails map[digest.Digest][]string
}

func (q *quiet) build(target string, st *client.SolveStatus) *client.SolveStatus {
	for _, l := range st.Logs {
		c := *l
		c.Vertex = lineKey(target, l.Vertex)
		q.keep(q.lines.add(&c))
	}
	for _, v := range st.Vertexes {
		if v.Completed == nil {
			continue
		}
		key := lineKey(target, v.Digest)
		q.keep(q.lines.end(key))
		if tail := q.tails[key]; v.Error != "" && len(tail) > 0 && !strings.HasSuffix(v.Error, context.Canceled.Error()) {
			_, _ = fmt.Fprintf(q.out, "------\n > [%s] %s:\n%s------\n", target, oneLine(v.Name), strings.Join(tail, ""))
		}
		delete(q.tails, key)
	}
	return nil
}

// keep takes down the lines of a log message.
func (q *quiet) keep(l *client.VertexLog) {
	if l == nil {
		return
	}
	if q.tails == nil {
		q.tails = map[digest.Digest][]string{}
	}
	tail := append(q.tails[l.Vertex], strings.SplitAfter(strings.TrimSuffix(string(l.Data), "\n")+"\n", "\n")...)
	if tail[len(tail)-1] == "" {
		tail = tail[:len(tail)-1]
	}
	q.tails[l.Vertex] = tail[max(0, len(tail)-tailLines):]
}

func (q *quiet) started(*planner.Step, time.Time) *client.SolveStatus { return nil }

func (q *quiet) ended(*executor.StepResult, time.Time) *client.SolveStatus { return nil }

func (q *quiet) moved(planner.StepID, string, int64, int64, time.Time) *client.SolveStatus {
	return nil
}

func (q *quiet) warned(planner.StepID, string, time.Time) *client.SolveStatus { return nil }

func (q *quiet) tick(time.Time) *client.SolveStatus { return nil }
