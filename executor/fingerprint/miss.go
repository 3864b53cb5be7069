package fingerprint

import (
	"strconv"
	"strings"
)

// Step is an instruction of a Dockerfile that comes to something else than before.
type Step struct {
	// Name is the stage and place in it, and the instruction: "[build 2/5] RUN".
	Name string
	// Line is where it stands, "" if that is not known.
	Line string
	// Edited says that the instruction itself is another one; else it is what it copies.
	Edited bool
	// Gone says that steps that stood after it are gone.
	Gone bool
}

// Title is the step for people.
func (s *Step) Title() string {
	title := s.Name
	if s.Line != "" {
		title += " (" + s.Line + ")"
	}
	if s.Gone {
		title += ", after which steps are gone"
	}
	return title
}

// Earlier returns a step among those that BuildKit executed that stands before s in its stage, "" for none. If there is one, s was not the first to
// miss. Names are those of BuildKit's vertices.
func (s *Step) Earlier(executed []string) string {
	stage, at, ok := position(s.Name)
	for _, name := range executed {
		if other, n, known := position(name); ok && known && other == stage && n < at {
			return name
		}
	}
	return ""
}

// position is the stage of "[build 2/5] RUN make", with its platform if it is named, and the place in it.
func position(name string) (stage string, at int, ok bool) {
	head, _, found := strings.Cut(strings.TrimPrefix(name, "["), "] ")
	i := strings.LastIndex(head, " ") // an only stage has no name
	count, _, counted := strings.Cut(head[i+1:], "/")
	at, err := strconv.Atoi(count)
	return head[:max(i, 0)], at, found && counted && err == nil
}

// Miss finds the first step that BuildKit does not find in the cache of a recorded build, in the order of dependencies; nil if all are found or the record does
// not say.
func Miss(old Record, now *Fingerprint) *Step {
	return firstStep(old.Parts, now, func(before, after string) bool { return before != after })
}

// firstStep is the first step that differs.
func firstStep(before []Part, now *Fingerprint, differs func(before, after string) bool) *Step {
	if len(before) == 0 {
		return nil
	}
	old := map[string]string{}
	for _, p := range before {
		if p.isStep() {
			old[place(p.Name)] = p.Value
		}
	}
	last := ""
	for _, p := range now.Parts {
		if !p.isStep() {
			continue
		}
		was, had := old[place(p.Name)]
		if !had || differs(was, p.Value) {
			return &Step{Name: p.Name, Line: now.Lines[p.Name], Edited: own(was) != own(p.Value)}
		}
		delete(old, place(p.Name))
		last = p.Name
	}
	if len(old) > 0 && last != "" {
		return &Step{Name: last, Line: now.Lines[last], Gone: true}
	}
	return nil
}

// isStep tells whether something is executed for a part. An image that is built on is none: what stands on it is.
func (p Part) isStep() bool { return p.Kind == KindStep && !strings.HasSuffix(p.Name, " FROM") }

// own is what a step's value says of the instruction itself.
func own(value string) string {
	itself, _, _ := strings.Cut(value, ".")
	return itself
}

// place is a step's name without how many there are in its stage.
func place(name string) string {
	bracket, rest, _ := strings.Cut(name, "]")
	if i := strings.LastIndex(bracket, "/"); i >= 0 {
		bracket = bracket[:i]
	}
	return strings.Join(strings.Fields(bracket), " ") + "]" + rest
}
