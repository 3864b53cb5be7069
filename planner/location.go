package planner

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/distribution/reference"
)

// placeAttributes say where a cache is, rather than how to get there or what to write. "name" may hold several, see names.
var placeAttributes = []string{
	"ref", "dest", "src", "tag", "digest",
	"endpoint_url", "account_url", "account_name", "url", "url_v2", "repository", "bucket", "container", "prefix", "manifests_prefix", "scope", "name",
}

// location identifies where a source is, or the first place of a destination: equal for two entries exactly when they name the same place,
// however they spell it. It is fit for people and holds no secret.
func (d *draft) location(c config.Cache) string {
	switch c.Type {
	case "registry":
		return registryLocation(d.refs.normal(c.String("ref")))
	case "local":
		return "local " + localPath(c, d.dir)
	}
	return objectLocation(c, names(c)[0])
}

// places are what a destination writes: one, but for object stores with a list of names.
func (d *draft) places(c config.Cache) []string {
	if c.Type == "registry" || c.Type == "local" {
		return []string{d.location(c)}
	}
	var list []string
	for _, name := range names(c) {
		list = append(list, objectLocation(c, name))
	}
	return list
}

// names are the names of a cache in an object store: all are written, the first is read (BuildKit: cache/remotecache/s3).
func names(c config.Cache) []string {
	var list []string
	for name := range strings.SplitSeq(c.String("name"), ";") {
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

func registryLocation(ref string) string { return "registry " + ref }

func objectLocation(c config.Cache, name string) string {
	parts := []string{c.Type}
	for _, attr := range placeAttributes {
		v := c.String(attr)
		if attr == "name" {
			v = name
		}
		if v != "" {
			parts = append(parts, attr+"="+withoutUser(v))
		}
	}
	return strings.Join(parts, " ")
}

// withoutUser is an address without the credentials that may stand in it; what is no address stays as it is.
func withoutUser(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return s
	}
	u.User = nil
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/")
}

// refs are references spelled out, by what was written: the same few are written many times.
type refs map[string]string

// normal spells a reference out: docker.io/library, :latest. A digest says all, whatever tag stands before it.
func (r refs) normal(ref string) string {
	if out, ok := r[ref]; ok {
		return out
	}
	r[ref] = normalRef(ref)
	return r[ref]
}

func normalRef(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	if digested, ok := named.(reference.Digested); ok {
		return reference.TrimNamed(named).Name() + "@" + digested.Digest().String()
	}
	return reference.TagNameOnly(named).String()
}

// localPath is a directory and the tag or digest in it, relative to dir if it lies below.
func localPath(c config.Cache, dir string) string {
	path := c.String("dest")
	if path == "" {
		path = c.String("src")
	}
	if filepath.IsAbs(path) {
		if below, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(below) {
			path = below
		}
	} else if clean := filepath.Clean(path); !filepath.IsLocal(clean) {
		path = filepath.Join(dir, clean)
	}
	path = filepath.Clean(path)
	if d := c.String("digest"); d != "" {
		return path + "@" + d
	}
	return path + ":" + c.String("tag")
}

// isNative tells whether a destination is written by BuildKit itself.
func isNative(c config.Cache) bool {
	return c.Type != "registry" && c.Type != "local"
}
