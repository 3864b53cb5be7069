package fingerprint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/gitutil"
	digest "github.com/opencontainers/go-digest"
)

// Why says, for people, what differs between a recorded build and what would be built now: one reason a line, the most telling first. Nothing is
// returned when the fingerprints are equal.
func Why(old Record, now *Fingerprint) []string {
	if old.Digest == now.Digest {
		return nil
	}
	if len(old.Parts) == 0 {
		return []string{"its inputs changed; which of them is not recorded"}
	}
	d := &difference{before: partsOf(old.Parts), after: partsOf(now.Parts)}
	miss := Miss(old, now)
	used := ""
	if miss != nil && !miss.First.Edited {
		used = ", used from step " + miss.First.Title()
	}
	var why []string
	for _, reason := range append(d.contexts(old.Files, now.Files), d.moved()...) {
		why = append(why, reason+used)
	}
	why = append(why, d.edits(old.Parts, now)...)
	for _, kind := range []Kind{KindPlatform, KindFrontend} {
		why = append(why, d.plain(kind)...)
	}
	if len(why) == 0 && len(d.changed(KindOutput)) > 0 {
		why = append(why, "the image's labels, command, tags or other settings changed")
	}
	if len(why) == 0 {
		why = append(why, "what the Dockerfile comes to changed")
	}
	return why
}

// difference compares parts by kind and name.
type difference struct{ before, after map[Kind]map[string]string }

func partsOf(parts []Part) map[Kind]map[string]string {
	out := map[Kind]map[string]string{}
	for _, p := range parts {
		if out[p.Kind] == nil {
			out[p.Kind] = map[string]string{}
		}
		if have := out[p.Kind][p.Name]; have != "" {
			p.Value = have + " " + p.Value
		}
		out[p.Kind][p.Name] = p.Value
	}
	return out
}

// changed lists the names of a kind whose values differ, are new or gone, sorted.
func (d *difference) changed(kind Kind) []string {
	all := maps.Clone(d.before[kind])
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, d.after[kind])
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool { return d.before[kind][name] == d.after[kind][name] })
}

// contexts says which files changed, or that some did.
func (d *difference) contexts(before, after map[string]map[string]string) []string {
	var why []string
	for _, name := range d.changed(KindContext) {
		switch {
		case d.before[KindContext][name] == "":
			why = append(why, name+" is new")
		case d.after[KindContext][name] == "":
			why = append(why, name+" is not used any more")
		case before[name] == nil:
			why = append(why, fmt.Sprintf("%s: something changed among %d files", name, len(after[name])))
		default:
			why = append(why, name+": "+filesChanged(before[name], after[name]))
		}
	}
	return why
}

// filesChanged names the first file that changed and counts the others.
func filesChanged(before, after map[string]string) string {
	var list []string
	for _, path := range slices.Sorted(maps.Keys(after)) {
		switch old, ok := before[path]; {
		case !ok:
			list = append(list, path+" is new")
		case old != after[path]:
			list = append(list, path+" changed")
		}
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[path]; !ok {
			list = append(list, path+" is gone")
		}
	}
	switch len(list) {
	case 0:
		return "directories changed"
	case 1:
		return list[0]
	case 2:
		return list[0] + " (+1 file)"
	}
	return fmt.Sprintf("%s (+%d files)", list[0], len(list)-1)
}

// moved says which of the things that lie elsewhere are others now.
func (d *difference) moved() []string {
	var why []string
	for _, kind := range []struct {
		kind        Kind
		title, verb string
	}{{KindImage, "base image", "moved"}, {KindRepository, "Git repository", "moved"}, {KindDownload, "download", "changed"}} {
		for _, name := range d.changed(kind.kind) {
			old, now := d.before[kind.kind][name], d.after[kind.kind][name]
			switch {
			case old == "":
				why = append(why, fmt.Sprintf("%s %s is new", kind.title, name))
			case now == "":
				why = append(why, fmt.Sprintf("%s %s is not used any more", kind.title, name))
			case kind.kind == KindDownload:
				why = append(why, fmt.Sprintf("%s %s %s", kind.title, name, kind.verb))
			default:
				why = append(why, fmt.Sprintf("%s %s %s %s→%s", kind.title, name, kind.verb, shortDigest(old), strings.TrimPrefix(shortDigest(now), "sha256:")))
			}
		}
	}
	return why
}

// shortDigest is what people compare of a digest.
func shortDigest(s string) string {
	const shown = 12
	if gitutil.IsCommitSHA(s) {
		return s[:shown]
	}
	d := digest.Digest(s)
	if d.Validate() != nil || len(d.Encoded()) < shown {
		return s
	}
	return d.Algorithm().String() + ":" + d.Encoded()[:shown]
}

// edits says from which step on the Dockerfile comes to something else, and whether it may be an argument that makes it so.
func (d *difference) edits(before []Part, now *Fingerprint) []string {
	first := firstEdit(before, now)
	if first == nil {
		return nil
	}
	var why []string
	for _, name := range d.changed(KindArg) {
		why = append(why, fmt.Sprintf("ARG %s changed, used from step %s", name, first.Title()))
	}
	if len(why) == 0 {
		why = append(why, "Dockerfile changed, from step "+first.Title())
	}
	return why
}

// plain says what a setting was and is.
func (d *difference) plain(kind Kind) []string {
	var why []string
	for _, name := range d.changed(kind) {
		old, now := d.before[kind][name], d.after[kind][name]
		if old == "" {
			old = "none"
		}
		if now == "" {
			now = "none"
		}
		why = append(why, fmt.Sprintf("%s changed from %s to %s", name, old, now))
	}
	return why
}
