package planner

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/distribution/reference"
)

// location identifies where a cache is: equal for two entries exactly when they name the same place. Attributes that say how to get there or
// what to write are not part of it.
func location(c config.Cache, dir string) string {
	switch c.Type {
	case "registry":
		return "registry " + normalRef(c.String("ref"))
	case "local":
		return "local " + localPath(c, dir)
	}
	parts := []string{c.Type}
	for _, attr := range []string{"endpoint_url", "account_url", "account_name", "url", "url_v2", "repository", "bucket", "container", "prefix", "manifests_prefix", "scope", "name"} {
		if v := c.String(attr); v != "" {
			parts = append(parts, attr+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

// normalRef spells a reference out: docker.io/library, :latest.
func normalRef(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.TagNameOnly(named).String()
}

func localPath(c config.Cache, dir string) string {
	path := c.String("dest")
	if path == "" {
		path = c.String("src")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if d := c.String("digest"); d != "" {
		return filepath.Clean(path) + "@" + d
	}
	return filepath.Clean(path) + ":" + c.String("tag")
}

// isNative tells whether a destination is written by BuildKit itself.
func isNative(c config.Cache) bool {
	return !slices.Contains([]string{"registry", "local"}, c.Type)
}
