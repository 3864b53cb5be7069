package fingerprint

import (
	"slices"
	"strings"
)

// isAttested tells whether the provenance in an image says what an option of the frontend was (BuildKit: solver/llbsolver/provenance/predicate.go, FilterArgs, and
// solver/llbsolver/provenance.go, scrubMinRequest). What is different on each machine does not count.
func isAttested(key string, attrs map[string]string) bool {
	provenance, ok := attrs["attest:provenance"]
	if !ok {
		return false
	}
	kind, _, _ := strings.Cut(key, ":")
	switch kind {
	case "attest", "cgroup-parent", "image-resolve-mode", "platform", "cache-imports", "sharedkey", "local-sessionid":
		return false
	case "build-arg", "label":
		return !slices.Contains(strings.Split(provenance, ","), "mode=min")
	}
	return true
}
