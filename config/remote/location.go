package remote

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
)

// Location is where definitions lie: a git repository, or one file behind an HTTP address.
type Location struct {
	// raw is the location as it was given; it may hold a password.
	raw string
	git *dfgitutil.GitRef
	web *url.URL
}

// Is tells whether a string is a location rather than the name of a file or target.
func Is(s string) bool {
	for _, p := range []string{"http://", "https://", "git://", "ssh://", "git@", "github.com/"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// safeRef is a branch, tag, ref or commit that git takes for nothing else: no option, no refspec, no range.
var safeRef = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./@+-]*$`)

// Parse reads a location in BuildKit's forms (dfgitutil.ParseGitRef): https://HOST/PATH.git#REF:DIR, git://…, ssh://…, git@HOST:PATH, github.com/…
// with ?ref=, ?subdir=, ?checksum= besides, and for all else http:// or https:// the address of a file.
func Parse(s string) (*Location, error) {
	ref, isGit, err := dfgitutil.ParseGitRef(s)
	if isGit && err != nil {
		return nil, fmt.Errorf("%s: %w", Redacted(s), err)
	}
	if isGit {
		return gitLocation(s, ref)
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%s is neither a git repository nor an address of a file", Redacted(s))
	}
	u.Fragment = ""
	return &Location{raw: s, web: u}, nil
}

func gitLocation(s string, ref *dfgitutil.GitRef) (*Location, error) {
	if ref.IndistinguishableFromLocal {
		ref.Remote = "https://" + ref.Remote
	}
	for _, name := range []string{ref.Ref, ref.Checksum} {
		if name != "" && (!safeRef.MatchString(name) || strings.Contains(name, "..")) {
			return nil, fmt.Errorf("%q is no name of a branch, tag or commit", name)
		}
	}
	if u, err := url.Parse(ref.Remote); err == nil && u.Scheme != "" && (u.Host == "" || strings.HasPrefix(u.Host, "-")) || strings.HasPrefix(ref.Remote, "-") {
		return nil, errors.New("a git address names a host")
	}
	ref.SubDir = strings.TrimPrefix(path.Clean("/"+ref.SubDir), "/")
	return &Location{raw: s, git: ref}, nil
}

// IsGit tells a repository, in which files are named, from a file by itself.
func (l *Location) IsGit() bool { return l.git != nil }

// Context is the location as the context of a build, with a directory below it (Bake: remoteURLWithSubdir); "" when it is no repository.
func (l *Location) Context(dir string) string {
	if l.git == nil {
		return ""
	}
	if path.Clean(dir) == "." {
		return l.raw
	}
	sub := strings.TrimPrefix(path.Join("/", l.git.SubDir, dir), "/")
	remote, fragment, found := strings.Cut(l.raw, "#")
	if address, query, _ := strings.Cut(remote, "?"); !found {
		if values, err := url.ParseQuery(query); err == nil && values.Has("subdir") {
			values.Set("subdir", sub)
			return address + "?" + values.Encode()
		}
	}
	ref, _, _ := strings.Cut(fragment, ":")
	return remote + "#" + ref + ":" + sub
}

// Name is what diagnostics call a file of the location: no password, no query.
func (l *Location) Name(file string) string {
	if l.git == nil {
		return Redacted(l.raw)
	}
	remote, _, _ := strings.Cut(Redacted(l.raw), "#")
	return remote + "#" + l.git.Ref + ":" + path.Join("/", l.git.SubDir, file)
}

// Redacted is an address without what may be secret in it: user, password and query.
func Redacted(s string) string {
	s, fragment, found := strings.Cut(s, "#")
	s, _, _ = strings.Cut(s, "?")
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		if i := strings.LastIndex(host, "@"); i >= 0 {
			host = host[i+1:]
		}
		s = scheme + "://" + host + "/" + path
	}
	if found {
		s += "#" + fragment
	}
	return s
}

// Password is the secret part of the location, "" when there is none.
func (l *Location) Password() string {
	u, err := url.Parse(l.raw)
	if err != nil || u.User == nil {
		return ""
	}
	p, _ := u.User.Password()
	return p
}
