package config

import "github.com/hashicorp/hcl/v2"

// Cache is one cache-from source or one cache-to destination, validated against the schema of its backend.
// The three spellings (labelled block, CSV string, object) all end here and mean the same.
type Cache struct {
	// Type is the backend: registry, local, inline, gha, s3 or azblob.
	Type string
	// Attrs holds the attributes that were written, in BuildKit's names and string form ("true", "3").
	// Defaults are not filled in; the accessors apply them.
	Attrs map[string]string
	// Range is where the entry was written, AttrRanges where each attribute was (absent for CSV strings).
	Range      hcl.Range
	AttrRanges map[string]hcl.Range
}
