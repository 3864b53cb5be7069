package fingerprint

import (
	"strings"
)

// Step is an instruction of a Dockerfile that comes to something else than before.
type Step struct {
	// Name is the stage and place in it, and the instruction: "[build 2/5] RUN".
	Name string
	// Line is where it stands, "" if that is not known.
	Line string
	// Edited says that the instruction itself is another one; else it is what it copies or stands on.
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

// Misses are the steps of a build that the cache of a recorded build need not hold.
type Misses struct {
	// First is the first of them in the order of dependencies.
	First *Step
	// names are all of them, as title has them; empty when steps are only gone.
	names map[string]bool
}

// Miss compares a recorded build with what would be built now; nil if no step is another one or the record does not say. A step is known by what it does, the
// files it takes and the steps it stands on, so it does not matter where in the Dockerfile it stands or what its stage is called.
func Miss(old Record, now *Fingerprint) *Misses {
	if len(old.Parts) == 0 {
		return nil
	}
	held, at := map[string]bool{}, map[string]string{}
	for _, p := range old.Parts {
		if p.Kind == KindStep {
			held[whole(p.Value)], at[place(p.Name)] = true, p.Value
		}
	}
	misses := &Misses{names: map[string]bool{}}
	last := ""
	for _, p := range now.Parts {
		if !p.isStep() {
			continue
		}
		last = p.Name
		if held[whole(p.Value)] {
			continue
		}
		if misses.First == nil {
			misses.First = &Step{Name: p.Name, Line: now.Lines[p.Name], Edited: own(at[place(p.Name)]) != own(p.Value)}
		}
		name, _, _ := strings.Cut(p.Name, " #")
		misses.names[name] = true
	}
	if misses.First == nil && last != "" && stepsGone(held, now) {
		misses.First = &Step{Name: last, Line: now.Lines[last], Gone: true}
	}
	if misses.First == nil {
		return nil
	}
	return misses
}

// stepsGone tells whether a recorded build had steps that are not among those of now.
func stepsGone(held map[string]bool, now *Fingerprint) bool {
	have := map[string]bool{}
	for _, p := range now.Parts {
		have[whole(p.Value)] = p.Kind == KindStep
	}
	for value := range held {
		if !have[value] {
			return true
		}
	}
	return false
}

// Unforeseen returns a step among those that BuildKit executed that the recorded build's cache was to hold, "" for none. Names are those of BuildKit's vertices.
// Steps of different targets that are called the same are not told apart. That an image is fetched is nobody's step.
func (m *Misses) Unforeseen(executed []string) string {
	for _, name := range executed {
		t := titleOf(name)
		if t != "" && !strings.HasSuffix(t, " FROM") && !m.names[t] {
			return name
		}
	}
	return ""
}

// Len is how many steps there are.
func (m *Misses) Len() int { return len(m.names) }

// firstEdit is the first step of which the instruction at the same place in a recorded build was another one.
func firstEdit(before []Part, now *Fingerprint) *Step {
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
		if !had || own(was) != own(p.Value) {
			return &Step{Name: p.Name, Line: now.Lines[p.Name], Edited: true}
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

// whole is what a step's value says of the instruction and all that it is made of.
func whole(value string) string {
	_, all, _ := strings.Cut(value, ".")
	return all
}

// place is a step's name without how many there are in its stage.
func place(name string) string {
	bracket, rest, _ := strings.Cut(name, "]")
	if i := strings.LastIndex(bracket, "/"); i >= 0 {
		bracket = bracket[:i]
	}
	return strings.Join(strings.Fields(bracket), " ") + "]" + rest
}
