package fingerprint

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// steps enters the instructions of a build graph. The value of each is a digest of the instruction itself and, after a dot, one of the files it takes from local
// directories directly: so it can be told whether an instruction was edited or what it copies.
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
		w.print.add(KindStep, title, g.value(v))
		if line := g.line(v); line != "" {
			w.print.Lines[title] = line
		}
	}
}

// value is what a step is known by. One that is a source itself, ADD of an address, is its name and takes what is there.
func (g *graph) value(v *vertex) string {
	if src := v.op.GetSource(); src != nil {
		return brief(digest.FromString(src.Identifier)) + "." + brief(v.own)
	}
	return brief(v.own) + "." + g.taken(v)
}

// taken is a short digest of what an instruction takes that no other instruction makes: files of local directories, images, here-documents. "" if it takes
// nothing of the kind.
func (g *graph) taken(v *vertex) string {
	sum, some := newHasher(), false
	take := func(in *pb.Input, src string) {
		from := g.at[in.Digest]
		switch {
		case from == nil, from.title() != "" && from.op.GetSource() == nil:
			return
		case from.tree != nil:
			sum.add("%q %s\n", src, from.tree.part(src, linkHops))
		default:
			sum.add("%s\n", from.canonical)
		}
		some = true
	}
	paths := map[int64][]string{}
	for _, a := range v.op.GetFile().GetActions() {
		if c := a.GetCopy(); c != nil {
			paths[a.SecondaryInput] = append(paths[a.SecondaryInput], c.Src)
		}
	}
	for _, m := range v.op.GetExec().GetMounts() {
		paths[m.Input] = append(paths[m.Input], m.Selector)
	}
	for i, in := range v.op.Inputs {
		if len(paths[int64(i)]) == 0 {
			take(in, "")
		}
		for _, src := range paths[int64(i)] {
			take(in, src)
		}
	}
	if !some {
		return ""
	}
	return brief(sum.digest())
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
