package function

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

const (
	// maxTag is the longest tag of the OCI distribution specification.
	maxTag = 128
	// hashDigits is how much of a SHA-256 tells apart names that look the same once sanitised.
	hashDigits = 8
)

func refs() []entry {
	return []entry{{name: "sanitize_ref", fn: sanitizeRefFunc()}}
}

// hashed is how a name ends that was given a hash.
var hashed = regexp.MustCompile(`-[0-9a-f]{8}$`)

// SanitizeRef is the function sanitize_ref: a legal tag for any name that is not empty, "" for the empty one.
func SanitizeRef(name string) string {
	if name == "" {
		return ""
	}
	return sanitizeRef(name)
}

// sanitizeRefFunc makes a tag of any name, such as a branch's.
func sanitizeRefFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Makes a legal tag of any name. A name that had to be changed gets a short hash, so that two names never share a tag.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			if name == "" {
				return cty.NilVal, function.NewArgErrorf(0, "an empty name has no tag")
			}
			return cty.StringVal(sanitizeRef(name)), nil
		},
	})
}

// sanitizeRef returns name where it is a tag already. A tag that ends like one of ours gets a hash too: otherwise a branch could
// be named after the tag of another.
func sanitizeRef(name string) string {
	tag := strings.Map(tagRune, name)
	if tag[0] == '.' || tag[0] == '-' {
		tag = "_" + tag[1:]
	}
	if tag == name && len(tag) <= maxTag && !hashed.MatchString(tag) {
		return tag
	}
	sum := sha256.Sum256([]byte(name))
	tag = tag[:min(len(tag), maxTag-hashDigits-1)]
	return tag + "-" + hex.EncodeToString(sum[:])[:hashDigits]
}

func tagRune(r rune) rune {
	if isAlphanumeric(r) || r == '_' || r == '.' || r == '-' {
		return r
	}
	return '-'
}
