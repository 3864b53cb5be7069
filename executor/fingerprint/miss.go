package fingerprint

import "strings"

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
