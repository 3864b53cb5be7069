package view

import (
	"bytes"
	"fmt"
	"strings"
)

// context is how many unchanged lines stand around a change.
const diffContext = 3

// Diff is a unified diff between two texts of one file that have the same number of lines or nearly so, as formatting leaves them; nil when they are
// equal.
func Diff(name string, before, after []byte) []byte {
	if bytes.Equal(before, after) {
		return nil
	}
	ops := edits(lines(before), lines(after))
	var b strings.Builder
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", name, name)
	for _, h := range hunks(ops) {
		h.write(&b, ops)
	}
	return []byte(b.String())
}

// edit is one line of a diff: kept (' '), removed ('-') or added ('+').
type edit struct {
	op   byte
	line string
}

func lines(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	return strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
}

// edits finds a short way from one text to the other. Only what lies between the first and the last differing line is compared, at a cost of its
// size squared; a change too large for that is shown as one.
func edits(a, b []string) []edit {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var ops []edit
	for _, l := range a[:head] {
		ops = append(ops, edit{' ', l})
	}
	ops = append(ops, middle(a[head:len(a)-tail], b[head:len(b)-tail])...)
	for _, l := range a[len(a)-tail:] {
		ops = append(ops, edit{' ', l})
	}
	return ops
}

// largestDiff bounds the table of middle, in cells.
const largestDiff = 16 << 20

// middle is the longest common subsequence.
func middle(a, b []string) []edit {
	var ops []edit
	if len(a)*len(b) > largestDiff {
		for _, l := range a {
			ops = append(ops, edit{'-', l})
		}
		for _, l := range b {
			ops = append(ops, edit{'+', l})
		}
		return ops
	}
	longest := make([][]int32, len(a)+1)
	for i := range longest {
		longest[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			ops = append(ops, edit{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			ops = append(ops, edit{'-', a[i]})
			i++
		default:
			ops = append(ops, edit{'+', b[j]})
			j++
		}
	}
	return ops
}

// hunk is a run of edits from start to end with the lines around it.
type hunk struct{ start, end int }

func hunks(ops []edit) []hunk {
	var out []hunk
	for i, op := range ops {
		if op.op == ' ' {
			continue
		}
		start, end := max(0, i-diffContext), min(len(ops), i+diffContext+1)
		if n := len(out); n > 0 && start <= out[n-1].end {
			out[n-1].end = end
			continue
		}
		out = append(out, hunk{start, end})
	}
	return out
}

func (h hunk) write(b *strings.Builder, ops []edit) {
	oldLine, newLine := 1, 1
	for _, op := range ops[:h.start] {
		if op.op != '+' {
			oldLine++
		}
		if op.op != '-' {
			newLine++
		}
	}
	oldCount, newCount := 0, 0
	for _, op := range ops[h.start:h.end] {
		if op.op != '+' {
			oldCount++
		}
		if op.op != '-' {
			newCount++
		}
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", oldLine, oldCount, newLine, newCount)
	for _, op := range ops[h.start:h.end] {
		b.WriteString(string(op.op) + strings.TrimSuffix(op.line, "\n") + "\n")
	}
}
