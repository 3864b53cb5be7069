package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
	"github.com/distribution/reference"
)

// placeAttributes say where a cache is, rather than how to get there or what to write.
var placeAttributes = []string{
	"ref", "dest", "src", "tag", "digest",
	"endpoint_url", "account_url", "account_name", "bucket", "container", "prefix", "manifests_prefix", "scope", "name",
}

// location identifies where a source or destination is: equal for two entries exactly when they name the same place,
// however they spell it. It is fit for people and holds no secret.
func (d *draft) location(c config.Cache) string {
	switch c.Type {
	case "registry":
		return registryLocation(d.refs.normal(c.String("ref")))
	case "local":
		return "local " + localPath(c, d.dir)
	case "gha":
		return actionsLocation(c)
	}
	return objectLocation(c)
}

// actionsLocation is a cache in GitHub's service, of which there is one in a job.
func actionsLocation(c config.Cache) string {
	where := "gha scope=" + strings.ToLower(c.String("scope")) // keys do not tell upper from lower case
	attr := "url"
	if c.String("url_v2") != "" && c.String("version") != "1" {
		attr = "url_v2"
	}
	if v := c.String(attr); v != "" {
		where += " " + attr + "=" + withoutPath(v)
	}
	return where
}

// withoutPath is an address with a digest in place of its path, which is a secret where the cache service has its older form.
func withoutPath(s string) string {
	u, err := url.Parse(withoutUser(s))
	if err != nil || u.Host == "" {
		return "…"
	}
	host, path := u.Scheme+"://"+u.Host, strings.Trim(u.RequestURI(), "/")
	if path == "" {
		return host
	}
	sum := sha256.Sum256([]byte(path))
	return host + "/…" + hex.EncodeToString(sum[:4])
}

// places are the entries for each place that one entry of a configuration stands for: a cache in a bucket is written under all its names. Of
// several names S3's caches are read by the first, Azure's by all (BuildKit: cache/remotecache/s3 and azblob, the importers).
func places(c config.Cache, side schema.Side) []config.Cache {
	names := c.Names()
	if len(names) < 2 {
		return []config.Cache{c}
	}
	if side == schema.From && c.Type == "s3" {
		names = names[:1]
	}
	var list []config.Cache
	for _, name := range names {
		list = append(list, c.Named(name))
	}
	return list
}

func registryLocation(ref string) string { return "registry " + ref }

func objectLocation(c config.Cache) string {
	parts := []string{c.Type}
	for _, attr := range placeAttributes {
		if v := c.String(attr); v != "" {
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
	b := schema.LookupBackend(c.Type)
	return b == nil || b.ByBuilds
}
