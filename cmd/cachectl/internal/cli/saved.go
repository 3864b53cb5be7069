package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/probe"
	"github.com/cachectl/cachectl/planner"
	"github.com/cachectl/cachectl/planner/dockerfile"
	digest "github.com/opencontainers/go-digest"
)

// movedError says that a saved plan no longer holds.
type movedError struct {
	path  string
	moved []planner.Moved
	// again are flags that were given when the plan was made, and are not now.
	again []string
}

func (e movedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s no longer holds; nothing was started:", e.path)
	for _, m := range e.moved {
		b.WriteString("\n  " + m.String())
	}
	if len(e.again) > 0 {
		fmt.Fprintf(&b, "\nThe plan was made with %s; values are not in the file and have to be given again.", strings.Join(e.again, ", "))
	}
	return b.String() + "\nPlan again: cachectl plan -out " + e.path
}

// saltSize is the size in bytes of what the traces of a saved plan are made with.
const saltSize = 16

// save writes the plan for apply.
func (p *plan) save(g *globals, l *loaded, names []string, found map[planner.StepID]*probe.Place, made prints) error {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return err
	}
	saved := p.saved(g, l, names, found, salt)
	saved.Targets = made.saved(l.plan)
	raw, err := l.plan.Save(saved)
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	if err := replaceFile(g.absolute(p.out), []byte(g.secrets.Hide(string(raw)))); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

// saved is what a plan is made from.
func (s *selection) saved(g *globals, l *loaded, names []string, found map[planner.StepID]*probe.Place, salt []byte) *planner.Saved {
	out := &planner.Saved{
		Names: append([]string{}, names...), Configs: append([]string{}, s.files...), SBOM: s.sbom, Provenance: s.provenance,
		Given: append([]string{}, s.given()...), Files: l.contents(g), Salt: hex.EncodeToString(salt), Settings: l.plan.Settings(salt),
		Places: []planner.SavedPlace{},
	}
	for _, flag := range []struct {
		name  string
		value bool
		to    **bool
	}{{"push", s.push, &out.Push}, {"load", s.load, &out.Load}, {"no-cache", s.noCache, &out.NoCache}, {"pull", s.pull, &out.Pull}} {
		if s.changed(flag.name) {
			*flag.to = &flag.value
		}
	}
	for _, step := range l.plan.Steps {
		if place := found[step.ID]; place != nil && decides(step) {
			out.Places = append(out.Places, savedPlace(step.ID, place))
		}
	}
	return out
}

// given are the flags that set values, without the values.
func (s *selection) given() []string {
	var list []string
	for _, v := range s.vars {
		name, _, _ := strings.Cut(v, "=")
		list = append(list, "--var "+name)
	}
	for _, v := range s.sets {
		name, _, _ := strings.Cut(v, "=")
		list = append(list, "--set "+strings.TrimSuffix(name, "+"))
	}
	return list
}

// decides tells whether what is at a step's place decides what the step does: sources, and destinations that are not joined with what is there.
func decides(s *planner.Step) bool {
	return s.Import != nil || s.Export != nil && s.Export.Destination.String("on-conflict") != "merge"
}

func savedPlace(id planner.StepID, p *probe.Place) planner.SavedPlace {
	out := planner.SavedPlace{Step: id, Digest: p.Digest.String()}
	if p.Err != nil && p.Digest == "" {
		out.State = "not readable"
	}
	return out
}

// contents are the digests of the configuration's files and of the Dockerfiles.
func (l *loaded) contents(g *globals) []planner.SavedFile {
	list := []planner.SavedFile{}
	for name, f := range l.files() {
		list = append(list, planner.SavedFile{Name: name, Digest: digest.FromBytes(f.Bytes).String()})
	}
	for name, content := range dockerfile.Files(l.resolution.Targets, g.in.Dir) {
		list = append(list, planner.SavedFile{Name: name, Digest: digest.FromBytes(content).String()})
	}
	slices.SortFunc(list, func(a, b planner.SavedFile) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(list)
}

// savedSuffix ends the names of saved plans; names of targets, groups and transfers have no dots.
const savedSuffix = ".json"

// planned is plan, or where the only name is that of a saved plan, the same plan made again: it must be what it was. Fingerprints are those that were computed
// to compare them.
func (a *apply) planned(ctx context.Context, g *globals, names []string) (*planner.Plan, *config.Resolution, prints, error) {
	if len(names) != 1 || !strings.HasSuffix(names[0], savedSuffix) {
		plan, res, err := a.plan(ctx, g, names)
		return plan, res, nil, err
	}
	path := names[0]
	file, err := os.Open(g.absolute(path))
	if err != nil {
		return nil, nil, nil, usageError{fmt.Errorf("read the plan: %w", err)}
	}
	defer file.Close() //nolint:errcheck // it was only read
	plan, err := planner.ReadSaved(file)
	if err != nil {
		return nil, nil, nil, usageError{fmt.Errorf("%s: %w", path, err)}
	}
	return a.again(ctx, g, path, plan)
}

// again makes a saved plan again and compares the two.
func (a *apply) again(ctx context.Context, g *globals, path string, plan *planner.SavedPlan) (*planner.Plan, *config.Resolution, prints, error) {
	saved := plan.Saved()
	salt, err := hex.DecodeString(saved.Salt)
	if err != nil {
		return nil, nil, nil, usageError{fmt.Errorf("%s: %w", path, planner.ErrNotSaved)}
	}
	a.restore(saved)
	l := a.take(ctx, g, saved.Names)
	l.check(g)
	found, err := l.look(ctx, g)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := g.report(l.diags, l.files()); err != nil {
		return nil, nil, nil, err
	}
	made, err := l.prints(ctx, g, a.builder)
	if err != nil {
		return nil, nil, nil, err
	}
	if moved := append(plan.Moved(l.plan, a.saved(g, l, saved.Names, found, salt)), made.moved(saved, l.plan)...); len(moved) > 0 {
		again := slices.DeleteFunc(slices.Clone(saved.Given), func(flag string) bool { return slices.Contains(a.given(), flag) })
		return nil, nil, nil, movedError{path: path, moved: moved, again: again}
	}
	return l.plan, l.resolution, made, nil
}

// restore takes over the flags of a saved plan that are not given now.
func (s *selection) restore(saved *planner.Saved) {
	if len(s.files) == 0 {
		s.files = saved.Configs
	}
	given := s.changed
	restored := map[string]bool{}
	for _, flag := range []struct {
		name  string
		value *bool
		to    *bool
	}{{"push", saved.Push, &s.push}, {"load", saved.Load, &s.load}, {"no-cache", saved.NoCache, &s.noCache}, {"pull", saved.Pull, &s.pull}} {
		if flag.value != nil && !given(flag.name) {
			*flag.to, restored[flag.name] = *flag.value, true
		}
	}
	s.changed = func(name string) bool { return given(name) || restored[name] }
	if s.sbom == "" {
		s.sbom = saved.SBOM
	}
	if s.provenance == "" {
		s.provenance = saved.Provenance
	}
}
