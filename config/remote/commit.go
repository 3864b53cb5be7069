package remote

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/moby/buildkit/util/gitutil"
)

// Commit is what a repository's branch or tag points at.
type Commit struct {
	// Ref is the full name of the branch or tag, "" where a commit was named.
	Ref string
	// Object is what the name points at: a commit, or an annotated tag.
	Object string
	// Commit is the commit, of an annotated tag the one that it is a tag of.
	Commit string
}

// Repository is a location in a repository by its parts: the address, a branch, tag or commit ("" for the default branch), and a directory. The error says what
// of it cannot be given to git.
func Repository(address, ref, dir string) (*Location, error) {
	return gitLocation(address, &dfgitutil.GitRef{Remote: address, Ref: ref, SubDir: dir})
}

// At is the same place at a commit.
func (l *Location) At(c Commit) *Location {
	pinned := *l.git
	pinned.Checksum, pinned.FetchByCommit = c.Commit, c.Ref == ""
	if c.Ref != "" {
		pinned.Ref = c.Ref
	}
	return &Location{raw: l.raw, git: &pinned}
}

// Commit asks the repository what the location's branch or tag points at, as BuildKit does (source/git/source.go, resolveMetadataFromURL): a branch comes before a
// tag. Nothing is asked where the location names a commit. The error says what git said.
func (l *Location) Commit(ctx context.Context, opt Options) (Commit, error) {
	if l.git == nil {
		return Commit{}, errors.New("it is no repository")
	}
	if gitutil.IsCommitSHA(l.git.Ref) {
		return Commit{Object: l.git.Ref, Commit: l.git.Ref}, nil
	}
	ctx, cancel := opt.limit(ctx)
	defer cancel()
	r, err := l.repository(opt)
	if err != nil {
		return Commit{}, err
	}
	defer r.close()
	return r.resolve(ctx, l.git.Ref)
}

// branchOfHead finds the default branch in what ls-remote --symref says.
var branchOfHead = regexp.MustCompile(`(?m)^ref: (refs/heads/\S+)\tHEAD$`)

// resolve asks for a reference.
func (r *repository) resolve(ctx context.Context, ref string) (Commit, error) {
	if ref == "" {
		out, err := r.git(ctx, nil, "ls-remote", "--symref", "--", r.location.git.Remote, "HEAD")
		if err != nil {
			return Commit{}, err
		}
		branch := branchOfHead.FindSubmatch(out)
		if branch == nil {
			return Commit{}, errors.New("the repository has no default branch")
		}
		ref = string(branch[1])
	}
	out, err := r.git(ctx, nil, "ls-remote", "--", r.location.git.Remote, ref, ref+"^{}")
	if err != nil {
		return Commit{}, err
	}
	return choose(ref, string(out))
}

// choose finds what a reference means among those that ls-remote lists.
func choose(ref, listed string) (Commit, error) {
	have := map[string]string{}
	for line := range strings.Lines(listed) {
		object, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		have[name] = object
	}
	tag := "refs/tags/" + strings.TrimPrefix(ref, "refs/tags/")
	for _, name := range []string{"refs/" + strings.TrimPrefix(ref, "refs/"), "refs/heads/" + strings.TrimPrefix(ref, "refs/heads/"), tag} {
		object := have[name]
		if object == "" {
			continue
		}
		if !gitutil.IsCommitSHA(object) {
			return Commit{}, fmt.Errorf("the repository says that %s is %q", name, object)
		}
		c := Commit{Ref: name, Object: object, Commit: object}
		if of := have[name+"^{}"]; name == tag && gitutil.IsCommitSHA(of) {
			c.Commit = of
		}
		return c, nil
	}
	return Commit{}, fmt.Errorf("the repository has no branch or tag %s", ref)
}
