package config

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config/remote"
	"github.com/hashicorp/hcl/v2"
)

// cwd marks what lies on this machine when the definition comes from elsewhere.
const cwd = "cwd://"

// fetched is where definitions came from that are not of this machine. A nil one says that none were fetched.
type fetched struct {
	// base is the repository that relative contexts are in; nil when the definition is a file by itself.
	base *remote.Location
}

// gather reads the files of this machine and fetches the others; those that are fetched come first, as in Bake.
func gather(ctx context.Context, opt Options) ([]*file, *fetched, hcl.Diagnostics) {
	sources, inside, local := opt.split()
	if len(sources) == 0 {
		files, diags := readFiles(opt)
		return files, nil, diags
	}
	from := &fetched{}
	var files []*file
	for _, s := range sources {
		found, location, diags := fetch(ctx, s, inside, opt)
		if diags.HasErrors() {
			return nil, from, diags
		}
		if location.IsGit() && from.base != nil {
			return nil, from, hcl.Diagnostics{errorf(nil, "Two repositories", "Contexts can be relative to one repository only; %s is another one.", remote.Redacted(s))}
		}
		if location.IsGit() {
			from.base = location
		}
		files = append(files, found...)
	}
	if len(local) == 0 {
		return files, from, nil
	}
	opt.Files = local
	more, diags := readFiles(opt)
	return append(files, more...), from, diags
}

// split tells addresses to fetch, names of files there, and files of this machine apart.
func (o Options) split() (sources, inside, local []string) {
	names := o.Files
	if len(names) == 0 {
		names = filesFromEnv(o.LookupEnv)
	}
	if o.Source != "" {
		sources = []string{o.Source}
	}
	for _, n := range names {
		switch {
		case remote.Is(n) && !strings.HasPrefix(n, "github.com/"): // which can be a directory here
			sources = append(sources, n)
		case o.Source != "" && !strings.HasPrefix(n, cwd) && n != "-":
			inside = append(inside, n)
		default:
			local = append(local, n)
		}
	}
	return sources, inside, local
}

// fetch gets the named files of one location, or those that a configuration has by default.
func fetch(ctx context.Context, source string, names []string, opt Options) ([]*file, *remote.Location, hcl.Diagnostics) {
	refuse := func(err error) ([]*file, *remote.Location, hcl.Diagnostics) {
		return nil, nil, hcl.Diagnostics{errorf(nil, "Unreadable file", "%s cannot be fetched: %v.", remote.Redacted(source), err)}
	}
	location, err := remote.Parse(source)
	if err != nil {
		return refuse(err)
	}
	if !location.IsGit() && len(names) > 0 {
		return refuse(fmt.Errorf("it is a file, in which there is no %s; files of this machine are named cwd://FILE", names[0]))
	}
	byDefault := len(names) == 0
	if byDefault {
		names = slices.Concat(ownFiles, bakeFiles)
	}
	got, err := location.Fetch(ctx, names, byDefault, remote.Options{Authorization: remote.BakeAuthorization(opt.LookupEnv)})
	if err != nil {
		return refuse(err)
	}
	if byDefault && location.IsGit() {
		got = defaults(got)
	}
	if len(got) == 0 {
		return refuse(fmt.Errorf("there is no cache.hcl, docker-bake.hcl or compose file in it; name one with -f"))
	}
	var files []*file
	for _, f := range got {
		files = append(files, &file{name: location.Name(f.Name), data: bytes.TrimPrefix(f.Data, []byte("\xef\xbb\xbf"))})
	}
	return files, location, nil
}

// defaults are our own files, where there is one of them, else Bake's.
func defaults(files []remote.File) []remote.File {
	own := slices.ContainsFunc(files, func(f remote.File) bool { return slices.Contains(ownFiles, f.Name) })
	return slices.DeleteFunc(files, func(f remote.File) bool { return slices.Contains(ownFiles, f.Name) != own })
}

// fetchedTakesNothing refuses a block of a fetched file that would take in a file of this machine, and be it for the error that quotes it.
func fetchedTakesNothing(at hcl.Range) *hcl.Diagnostic {
	if !IsRemote(at.Filename) {
		return nil
	}
	return errorf(&at, "Fetched definition takes in a file", "A configuration that was fetched names no further files. Name them with -f; files of this machine are cwd://FILE.")
}

// located is a target's context where it is: below the repository that the definition came from, elsewhere, or on this machine.
func (c *Config) located(v *value) *value {
	dir := *v.text
	switch {
	case IsRemote(dir):
		return v
	case c.fetched != nil && c.fetched.base != nil && !strings.HasPrefix(dir, cwd):
		dir = c.fetched.base.Context(path.Clean(dir))
	default:
		dir = path.Clean(strings.TrimPrefix(dir, cwd))
	}
	return &value{text: &dir, rng: v.rng}
}

// locate does for the named contexts of a target what located does for its context, and finds a Dockerfile of this machine. Print shows both as they
// are written, as Bake does.
func (c *Config) locate(t *Target) {
	if c.fetched == nil {
		return
	}
	for name, at := range t.Contexts {
		if c.fetched.base != nil && isRelative(at) {
			t.Contexts[name] = c.fetched.base.Context(path.Clean(at))
		}
	}
	if t.Dockerfile != nil && strings.HasPrefix(*t.Dockerfile, cwd) {
		full := c.relative(path.Clean(strings.TrimPrefix(*t.Dockerfile, cwd)))
		t.Dockerfile = &full
	}
}

// isRelative tells whether a named context is a directory relative to where the definition is.
func isRelative(at string) bool {
	for _, prefix := range []string{cwd, linkPrefix, "docker-image:", "oci-layout:"} {
		if strings.HasPrefix(at, prefix) {
			return false
		}
	}
	return !IsRemote(at)
}
