package fingerprint

import (
	"cmp"
	"slices"

	digest "github.com/opencontainers/go-digest"
)

// version is part of every fingerprint: what is digested, and how.
const version = "cachectl fingerprint 1"

// Fingerprint is what decides a target's result.
type Fingerprint struct {
	// Digest is equal for two builds exactly when nothing that decides their result differs.
	Digest digest.Digest
	// Unpinned says why the digest does not tell: what cannot be pinned, or is to be built in any case. Empty when it does tell.
	Unpinned []string
	// Broken says that the frontend makes nothing of the target: a build would fail for the last reason in Unpinned.
	Broken bool
	// Parts are what the digest is made of, in an order that is the same in every run.
	Parts []Part
	// Files are digests of the files of local contexts, by the part's name and the file's path.
	Files map[string]map[string]string
	// Lines say where steps stand, "Dockerfile:12", by the part's name.
	Lines map[string]string

	// touched is the digest of what the file system said of all files before they were read.
	touched digest.Digest
}

// Pinned tells whether an equal digest means an equal result.
func (f *Fingerprint) Pinned() bool { return len(f.Unpinned) == 0 }

// Kind says what a part is.
type Kind string

// The kinds of parts.
const (
	KindFrontend Kind = "frontend" // what reads the Dockerfile
	KindPlatform Kind = "platform" // what is built for
	KindContext  Kind = "context"  // files of a local directory
	KindImage    Kind = "image"    // a base image
	// KindRepository is a directory of a Git repository, KindDownload what is behind an HTTP address.
	KindRepository Kind = "repository"
	KindDownload   Kind = "download"
	KindArg        Kind = "arg"    // a build argument that was given, whether or not it is used
	KindStep       Kind = "step"   // an instruction of the Dockerfile
	KindOutput     Kind = "output" // the image that is made besides the cache
)

// Part is one thing a fingerprint is made of. Value is a digest or what may be shown, never a secret.
type Part struct {
	Kind  Kind   `json:"k"`
	Name  string `json:"n"`
	Value string `json:"v"`
}

// add enters a part.
func (f *Fingerprint) add(kind Kind, name, value string) {
	f.Parts = append(f.Parts, Part{Kind: kind, Name: name, Value: value})
}

// addOnce enters a part that several operations may have in common.
func (f *Fingerprint) addOnce(kind Kind, name, value string) {
	if !slices.Contains(f.Parts, Part{Kind: kind, Name: name, Value: value}) {
		f.add(kind, name, value)
	}
}

// unpin says why the digest does not tell, each reason once.
func (f *Fingerprint) unpin(reason string) {
	if !slices.Contains(f.Unpinned, reason) {
		f.Unpinned = append(f.Unpinned, reason)
	}
}

// sortParts puts parts in order: by kind and name, steps as they stand.
func (f *Fingerprint) sortParts() {
	slices.SortStableFunc(f.Parts, func(a, b Part) int {
		if c := cmp.Compare(a.Kind, b.Kind); c != 0 || a.Kind == KindStep {
			return c
		}
		return cmp.Compare(a.Name, b.Name)
	})
}

// brief shortens a digest to what tells that something has changed.
func brief(d digest.Digest) string {
	const shown = 8
	return d.Encoded()[:shown]
}

// trace is a few bits of a value that must not be guessed from its digest: enough to tell that it has changed. The fingerprint's digest, not
// this, decides.
func trace(name, value string) string {
	const shown = 4
	return digest.FromString(version + "\x00" + name + "\x00" + value).Encoded()[:shown]
}
