package fingerprint

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	digest "github.com/opencontainers/go-digest"
)

// steps enters the instructions of a build graph. The value of each is a digest of the instruction itself and, after a dot, one of the files it takes from local
// directories directly and of all it depends on: so it can be told whether an instruction was edited, and which steps a cache holds.
func (w *work) steps(g *graph) {
	seen := map[string]int{}
	for _, p := range w.print.Parts {
		if p.Kind == KindStep {
			name, _, _ := strings.Cut(p.Name, " #")
			seen[name]++
		}
	}
	for _, v := range g.list {
		title := v.title()
		if v.meta != nil && v.meta.IgnoreCache {
			stage := title
			if stage == "" {
				stage = "a stage"
			}
			w.print.unpin("no-cache is set for " + stage)
		}
		if title == "" {
			continue
		}
		seen[title]++
		if n := seen[title]; n > 1 {
			title = fmt.Sprintf("%s #%d", title, n)
		}
		w.print.add(KindStep, title, v.value())
		if line := g.line(v); line != "" {
			w.print.Lines[title] = line
		}
	}
}

// value is what a step is known by: the instruction itself, and all that decides whether it is found in a cache. One that is a source, ADD of an address, is
// its name.
func (v *vertex) value() string {
	own := v.own
	if src := v.op.GetSource(); src != nil {
		own = digest.FromString(src.Identifier)
	}
	return brief(own) + "." + brief(v.step)
}

// stepDigest is the digest of what decides whether BuildKit finds a step in a cache: the operation, the files that it takes from local directories, and
// what is behind its other inputs.
func (g *graph) stepDigest(v *vertex) digest.Digest {
	sum := newHasher()
	sum.add("%s\x00", v.own)
	paths := v.sources()
	for i, in := range v.op.Inputs {
		from := g.at[in.Digest]
		if from.tree == nil {
			sum.add("%s %d\x00", from.step, in.Index)
			continue
		}
		if len(paths[int64(i)]) == 0 {
			sum.add("%s\x00", from.tree.digest)
		}
		for _, src := range paths[int64(i)] {
			sum.add("%q %s\x00", src, from.tree.part(src, linkHops))
		}
	}
	return sum.digest()
}

// sources are the paths that an operation takes from each of its inputs; none is all of it.
func (v *vertex) sources() map[int64][]string {
	paths := map[int64][]string{}
	for _, a := range v.op.GetFile().GetActions() {
		if c := a.GetCopy(); c != nil {
			paths[a.SecondaryInput] = append(paths[a.SecondaryInput], c.Src)
		}
	}
	for _, a := range v.op.GetFile().GetActions() {
		delete(paths, a.Input)
	}
	for _, m := range v.op.GetExec().GetMounts() {
		paths[m.Input] = append(paths[m.Input], m.Selector)
	}
	return paths
}

// linkHops is how many symbolic links are followed on the way to a file.
const linkHops = 16

// part is the digest of what a path or pattern selects of a tree. Links are followed within it.
func (t *tree) part(src string, hops int) string {
	src = strings.TrimPrefix(path.Clean("/"+src), "/")
	if src == "" || hops == 0 {
		return t.digest.String()
	}
	for at := src; at != "."; at = path.Dir(at) {
		if to, ok := t.links[at]; ok {
			if !path.IsAbs(to) {
				to = path.Join(path.Dir(at), to)
			}
			return t.files[at] + " " + t.part(to+strings.TrimPrefix(src, at), hops-1)
		}
	}
	sum := newHasher()
	for _, link := range slices.Sorted(maps.Keys(t.links)) {
		switch {
		case !selects(strings.Join(strings.Split(src, "/")[:min(strings.Count(src, "/"), strings.Count(link, "/"))+1], "/"), link):
		case strings.Count(link, "/") < strings.Count(src, "/"):
			return t.digest.String() // a pattern may lead through it
		case strings.Count(link, "/") == strings.Count(src, "/"):
			sum.add("%q %s\n", link, t.part(link, hops-1))
		}
	}
	for _, entries := range []map[string]string{t.files, t.dirs} {
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			if selects(src, name) {
				sum.add("%q %s\n", name, entries[name])
			}
		}
	}
	return sum.digest().String()
}

// selects tells whether a path or pattern of COPY takes a file: its own name, or that of a directory above.
func selects(src, name string) bool {
	want, have := strings.Split(src, "/"), strings.Split(name, "/")
	if len(have) < len(want) {
		return false
	}
	for i, w := range want {
		if ok, err := path.Match(w, have[i]); w != have[i] && (err != nil || !ok) {
			return false
		}
	}
	return true
}

// line is where an instruction stands: "Dockerfile:12", "" if that is not known.
func (g *graph) line(v *vertex) string {
	for _, l := range g.source.GetLocations()[v.digest].GetLocations() {
		infos := g.source.GetInfos()
		if len(l.Ranges) > 0 && l.Ranges[0].Start != nil && l.SourceIndex >= 0 && int(l.SourceIndex) < len(infos) {
			return fmt.Sprintf("%s:%d", infos[l.SourceIndex].Filename, l.Ranges[0].Start.Line)
		}
	}
	return ""
}
