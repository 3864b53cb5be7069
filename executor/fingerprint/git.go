package fingerprint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config/remote"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/gitutil"
)

// gitSource is a directory of a repository, as a build graph has it (BuildKit: client/llb/source.go, Git).
type gitSource struct {
	location *remote.Location
	// address is the repository's, ref the branch, tag or commit, "" for the default branch.
	address, ref, dir string
	// checksum is what the commit has to begin with, keep whether the repository's own directory comes with its files.
	checksum string
	keep     bool
	// more are further settings that decide about the files.
	more string
	// secrets are names of secrets that hold the Authorization header, or a token, in the order they are looked for.
	secrets []gitSecret
}

type gitSecret struct {
	id    string
	token bool
}

// undecisive are attributes of a Git source that say how it is reached.
var undecisive = []string{
	pb.AttrFullRemoteURL, pb.AttrAuthTokenSecret, pb.AttrAuthHeaderSecret, pb.AttrKnownSSHHosts, pb.AttrMountSSHSock, pb.AttrGitAdvice, pb.AttrGitChecksum, pb.AttrKeepGitDir,
}

// newGitSource reads what a build graph says of a Git source. The error is an unpinned one.
func newGitSource(src *pb.SourceOp) (*gitSource, error) {
	address, fragment, _ := strings.Cut(strings.TrimPrefix(src.Identifier, "git://"), "#")
	if full := src.Attrs[pb.AttrFullRemoteURL]; full != "" {
		address = full
	} else {
		address = "https://" + address
	}
	g := &gitSource{address: address, checksum: strings.ToLower(src.Attrs[pb.AttrGitChecksum]), keep: src.Attrs[pb.AttrKeepGitDir] == "true"}
	g.ref, g.dir, _ = strings.Cut(fragment, ":")
	g.dir = strings.TrimPrefix(path.Join("/", g.dir), "/")
	for _, k := range slices.Sorted(maps.Keys(src.Attrs)) {
		if !slices.Contains(undecisive, k) {
			g.more += fmt.Sprintf(" %q=%q", k, src.Attrs[k])
		}
	}
	g.secrets = gitSecrets(address, src.Attrs[pb.AttrAuthHeaderSecret], src.Attrs[pb.AttrAuthTokenSecret])
	var err error
	if g.location, err = remote.Repository(address, g.ref, g.dir); err != nil {
		return nil, unpin("Git repository %s: %v", withoutUser(src.Identifier), err)
	}
	return g, nil
}

// gitSecrets are the secrets that BuildKit looks for (source/git/source.go, authSecretNames).
func gitSecrets(address, header, token string) []gitSecret {
	var list []gitSecret
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	for _, suffix := range []string{"." + u.Host, ""} {
		if header != "" {
			list = append(list, gitSecret{id: header + suffix})
		}
		if token != "" {
			list = append(list, gitSecret{id: token + suffix, token: true})
		}
	}
	return list
}

// key tells repositories and references apart.
func (g *gitSource) key() string { return g.address + "#" + g.ref }

// name is the repository and reference for people.
func (g *gitSource) name() string {
	name := withoutUser(g.address)
	if g.ref != "" && !gitutil.IsCommitSHA(g.ref) {
		name += "#" + g.ref
	}
	return name
}

// pinned is the commit where it is known without asking.
func (g *gitSource) pinned() (remote.Commit, bool) {
	switch {
	case gitutil.IsCommitSHA(g.ref):
		return remote.Commit{Object: g.ref, Commit: g.ref}, true
	case gitutil.IsCommitSHA(g.checksum):
		return remote.Commit{Ref: g.ref, Object: g.checksum, Commit: g.checksum}, true
	}
	return remote.Commit{}, false
}

// commit is what a Git source comes to. The error is an unpinned one.
func (w *work) commit(ctx context.Context, g *gitSource) (remote.Commit, error) {
	if c, ok := g.pinned(); ok {
		return c, nil
	}
	c, err := w.opt.Remotes.Commit(ctx, g.location, g.key(), w.authorization(ctx, g.secrets))
	if err != nil {
		return c, unpin("Git repository %s cannot be asked for its commit: %v", g.name(), err)
	}
	if !strings.HasPrefix(c.Commit, g.checksum) && !strings.HasPrefix(c.Object, g.checksum) {
		return c, unpin("Git repository %s is at commit %s, and %s is asked for", g.name(), c.Commit, g.checksum)
	}
	return c, nil
}

// pinGit knows a Git source by its commit and what is taken of it: what BuildKit's key for it is made of (source/git/source.go, shaToCacheKey).
func (w *work) pinGit(ctx context.Context, src *pb.SourceOp) (string, error) {
	g, err := newGitSource(src)
	if err != nil {
		return "", err
	}
	c, err := w.commit(ctx, g)
	if err != nil {
		return "", err
	}
	w.print.addOnce(KindRepository, g.name(), c.Commit)
	if g.keep {
		return fmt.Sprintf("git %s %q %q%s", c.Object, c.Ref, g.dir, g.more), nil
	}
	return fmt.Sprintf("git %s %q%s", c.Commit, g.dir, g.more), nil
}

// readGit reads a file of a Git source. A file that is not there may lie in a submodule or behind a link, so it is not known to be missing.
func (w *work) readGit(ctx context.Context, src *pb.SourceOp, name string) ([]byte, error) {
	g, err := newGitSource(src)
	if err != nil {
		return nil, err
	}
	c, err := w.commit(ctx, g)
	if err != nil {
		return nil, err
	}
	raw, err := w.opt.Remotes.File(ctx, g.location, c, g.key()+":"+g.dir, name, w.authorization(ctx, g.secrets))
	switch {
	case errors.Is(err, remote.ErrMissing):
		return nil, &unpinned{reason: fmt.Sprintf("%s is not among the files of Git repository %s at commit %s", name, g.name(), c.Commit), err: fs.ErrNotExist}
	case err != nil:
		return nil, unpin("%s of Git repository %s cannot be read: %v", name, g.name(), err)
	}
	return raw, nil
}

// authorization is the header that the target's secrets hold for a repository, "" for none.
func (w *work) authorization(ctx context.Context, secrets []gitSecret) string {
	for _, s := range secrets {
		raw := w.secret(ctx, s.id)
		switch {
		case raw == "":
		case s.token:
			return remote.TokenAuthorization(raw)
		default:
			return raw
		}
	}
	return ""
}

// secret is the value of a secret that the target or one it links to declares, "" if there is none.
func (w *work) secret(ctx context.Context, id string) string {
	for _, def := range w.close {
		if raw, err := def.Secret(ctx, id); err == nil && len(raw) > 0 {
			return string(raw)
		}
	}
	return ""
}
