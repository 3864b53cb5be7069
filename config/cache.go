package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// Cache is one cache-from source or one cache-to destination.
// The three spellings (labelled block, CSV string, object) all end here and mean the same.
type Cache struct {
	// Type is the backend: registry, local, inline, gha, s3 or azblob.
	Type string
	// Attrs holds the attributes that were written, in BuildKit's names and string form ("true", "3").
	// Defaults are not filled in; the accessors apply them.
	Attrs map[string]string
	// Range is where the entry was written, AttrRanges where each attribute was (absent for strings and objects).
	Range      hcl.Range
	AttrRanges map[string]hcl.Range
}

// String is an attribute's value or its default.
func (c Cache) String(name string) string {
	if v, ok := c.Attrs[name]; ok {
		return v
	}
	if b := schema.LookupBackend(c.Type); b != nil {
		if a := b.Attribute(name); a != nil {
			return a.Default
		}
	}
	return ""
}

// Bool is an attribute's truth. image-manifest defaults to what oci-mediatypes says, as an image manifest needs OCI media types.
func (c Cache) Bool(name string) bool {
	if _, written := c.Attrs[name]; name == "image-manifest" && !written && !c.Bool("oci-mediatypes") {
		return false
	}
	b, err := strconv.ParseBool(c.String(name))
	return err == nil && b
}

// Int is an attribute's number; false if there is none.
func (c Cache) Int(name string) (int, bool) {
	n, err := strconv.Atoi(c.String(name))
	return n, err == nil
}

// At is where an attribute was written, or the entry.
func (c Cache) At(name string) *hcl.Range {
	if r, ok := c.AttrRanges[name]; ok {
		return &r
	}
	r := c.Range
	return &r
}

// Name is the cache for people: its type and what identifies it, nothing secret.
func (c Cache) Name() string {
	for _, attr := range []string{"ref", "dest", "src"} {
		if v := c.Attrs[attr]; v != "" {
			if tag := c.Attrs["tag"]; tag != "" {
				v += ":" + tag
			}
			return c.Type + " " + v
		}
	}
	var parts []string
	for _, attr := range []string{"scope", "bucket", "container", "prefix", "name"} {
		if v := strings.Trim(c.String(attr), "/"); v != "" {
			parts = append(parts, v)
		}
	}
	return strings.TrimSpace(c.Type + " " + strings.Join(parts, "/"))
}

// Names are what a cache is called in a bucket: the parts of name between semicolons, each once. All are written; what of several is read is
// the backend's to say. A cache without a name has none.
func (c Cache) Names() []string {
	var list []string
	for name := range strings.SplitSeq(c.String("name"), ";") {
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Named is the cache with one name.
func (c Cache) Named(name string) Cache {
	c.Attrs = maps.Clone(c.Attrs)
	if c.Attrs == nil {
		c.Attrs = map[string]string{}
	}
	c.Attrs["name"] = name
	return c
}

// WithEnv is the cache with what it takes from the environment.
func (c Cache) WithEnv(lookup func(string) (string, bool)) Cache {
	attrs := c.FromEnv(lookup)
	maps.Copy(attrs, c.Attrs)
	c.Attrs = attrs
	return c
}

// FromEnv returns the attributes that are not written and that the environment has.
func (c Cache) FromEnv(lookup func(string) (string, bool)) map[string]string {
	out := map[string]string{}
	b := schema.LookupBackend(c.Type)
	if b == nil {
		return out
	}
	for _, a := range b.Attributes {
		_, written := c.Attrs[a.Name]
		_, other := c.Attrs[a.EnvWith]
		if written || other || a.Env == "" {
			continue
		}
		if v, ok := lookup(a.Env); ok && v != "" {
			out[a.Name] = v
		}
	}
	return out
}
