package config

import (
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// Validate checks the caches of everything that takes part, before any work: attributes that do not exist, values that cannot be, and
// combinations that make no sense. Bake leaves all that to the builder.
func (r *Resolution) Validate() hcl.Diagnostics {
	var diags hcl.Diagnostics
	both := func(from, to []Cache) {
		for _, c := range from {
			diags = append(diags, c.validate(schema.From, r.lookupEnv)...)
		}
		for _, c := range to {
			diags = append(diags, c.validate(schema.To, r.lookupEnv)...)
		}
	}
	for _, t := range r.Targets {
		both(t.CacheFrom, t.CacheTo)
	}
	for _, t := range r.Transfers {
		both(t.CacheFrom, t.CacheTo)
	}
	return sorted(diags)
}

var sideNames = map[schema.Side]string{schema.From: "cache-from", schema.To: "cache-to"}

func (c Cache) validate(side schema.Side, lookupEnv func(string) (string, bool)) hcl.Diagnostics {
	backend := schema.LookupBackend(c.Type)
	if backend == nil {
		return hcl.Diagnostics{errorf(c.At(""), "Unknown cache backend", "%q is not a place for a cache; there are registry, local, inline, gha, s3 and azblob.%s", c.Type, didYouMean(c.Type, schema.BackendNames()))}
	}
	if c.Type == "inline" && side == schema.From {
		return hcl.Diagnostics{errorf(c.At(""), "Inline cache has no location", "A cache inside an image is read by the image's reference: cache-from \"registry\" { ref = \"IMAGE\" }.")}
	}
	var diags hcl.Diagnostics
	for _, name := range sortedNames(c.Attrs) {
		diags = append(diags, c.validateAttribute(backend, side, name)...)
	}
	env := map[string]string{}
	if lookupEnv != nil {
		env = c.FromEnv(lookupEnv)
	}
	for _, a := range backend.Attributes {
		if a.Required && a.Side&side != 0 && c.Attrs[a.Name] == "" && env[a.Name] == "" {
			diags = append(diags, errorf(c.At(""), "Missing cache attribute", "A %s %q needs %s: %s", sideNames[side], c.Type, a.Name, a.Doc))
		}
	}
	if diags.HasErrors() {
		return diags
	}
	return append(diags, c.validateTogether()...)
}

// validateAttribute checks one attribute by itself.
func (c Cache) validateAttribute(backend *schema.Backend, side schema.Side, name string) hcl.Diagnostics {
	a, v, at := backend.Attribute(name), c.Attrs[name], c.At(name)
	switch {
	case a == nil:
		return hcl.Diagnostics{errorf(at, "Unknown cache attribute", "A %s %q has no attribute %q.%s", sideNames[side], c.Type, name, didYouMean(name, backend.Names(side)))}
	case a.Side&side == 0:
		return hcl.Diagnostics{errorf(at, "Misplaced cache attribute", "%q of a %s cache does not belong to %s.", name, c.Type, sideNames[side])}
	case a.Ignored:
		return hcl.Diagnostics{warningf(at, "Attribute without effect", "BuildKit takes %q for a %s cache and ignores it.", name, c.Type)}
	case a.Secret && c.AttrRanges[name].Filename != "" && v != "":
		where := "the environment"
		if a.Env != "" {
			where += " (" + a.Env + ")"
		}
		return hcl.Diagnostics{warningf(at, "Secret in the configuration", "%q is a secret. Leave it to %s rather than to a file.", name, where)}
	case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return hcl.Diagnostics{errorf(at, "Invalid cache attribute", "The value of %q has control characters in it.", name)}
	}
	return validateValue(a, v, at)
}

// validateTogether checks what attributes say about each other.
func (c Cache) validateTogether() hcl.Diagnostics {
	b := schema.LookupBackend(c.Type)
	if a := b.Attribute("compression"); a == nil || a.Ignored {
		return nil
	}
	var diags hcl.Diagnostics
	if c.Type == "gha" {
		diags = append(diags, c.validateListing()...)
	}
	media := b.Attribute("oci-mediatypes")
	oci := media == nil || media.Ignored || c.Bool("oci-mediatypes")
	if !oci && c.Attrs["image-manifest"] != "" && c.Bool("image-manifest") {
		diags = append(diags, errorf(c.At("image-manifest"), "Conflicting cache attributes", "image-manifest=true needs OCI media types, and oci-mediatypes is false. Leave one of them out."))
	}
	compression := c.String("compression")
	if known := schema.LookupCompression(compression); !oci && known != nil && known.OCI {
		diags = append(diags, errorf(c.At("compression"), "Conflicting cache attributes", "compression=%s exists with OCI media types only, and oci-mediatypes is false.", compression))
	}
	if level, ok := c.Int("compression-level"); ok {
		diags = append(diags, c.validateLevel(compression, level)...)
	}
	return diags
}

// validateListing tells that of two attributes which are of use together only one is there.
func (c Cache) validateListing() hcl.Diagnostics {
	for has, lacks := range map[string]string{"repository": "ghtoken", "ghtoken": "repository"} {
		if c.Attrs[has] != "" && c.Attrs[lacks] == "" {
			return hcl.Diagnostics{warningf(c.At(has), "Attribute without effect", "%q is for listing keys, which needs %q too.", has, lacks)}
		}
	}
	return nil
}

func (c Cache) validateLevel(compression string, level int) hcl.Diagnostics {
	known := schema.LookupCompression(compression)
	switch {
	case known == nil: // told already
	case known.Levels == schema.NoLevels:
		return hcl.Diagnostics{errorf(c.At("compression-level"), "Invalid compression level", "compression=%s has no levels; leave compression-level out.", compression)}
	case level < 0 || level > known.Levels:
		return hcl.Diagnostics{errorf(c.At("compression-level"), "Invalid compression level", "compression-level is %d; %s has levels 0 to %d.", level, compression, known.Levels)}
	}
	return nil
}
