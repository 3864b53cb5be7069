package fingerprint

import (
	"fmt"
	"slices"

	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/entitlements"
)

// uncertain says why a step is executed, or fails, although nothing that it is made of has changed; "" for none. granted are the entitlements of the target
// that is built.
func (g *graph) uncertain(v *vertex, granted []string) string {
	exec := v.op.GetExec()
	for _, need := range []struct {
		is   bool
		what entitlements.Entitlement
	}{
		{exec.GetNetwork() == pb.NetMode_HOST, entitlements.EntitlementNetworkHost},
		{exec.GetSecurity() == pb.SecurityMode_INSECURE, entitlements.EntitlementSecurityInsecure},
	} {
		// BuildKit refuses the whole build (solver/llbsolver/vertex.go, ValidateEntitlements).
		if need.is && !slices.Contains(granted, need.what.String()) {
			return fmt.Sprintf("a step needs %s, which is not among the target's entitlements", need.what)
		}
	}
	if len(exec.GetCdiDevices()) > 0 {
		return "a step uses devices, and which these are is known to the builder only"
	}
	if v.op.Op == nil {
		return "" // it names the result
	}
	for i, in := range v.op.Inputs {
		if from := g.at[in.Digest]; from != nil && from.tree != nil && !v.byContent(int64(i)) {
			return fmt.Sprintf("a step stands on %s itself, and BuildKit executes such a step in every build; COPY its files to a stage", from.treeName)
		}
	}
	return ""
}

// byContent tells whether BuildKit knows an input by its content. If not, it knows a local directory by its session, which no other build has
// (source/local/source.go, CacheKey).
func (v *vertex) byContent(input int64) bool {
	switch {
	case v.op.GetFile() != nil:
		return v.fileByContent(input)
	case v.op.GetExec() != nil:
		return v.execByContent(input)
	}
	return false
}

// fileByContent is solver/llbsolver/ops/file.go, CacheMap: what is copied from is known by its content unless something is written onto it as well.
func (v *vertex) fileByContent(input int64) bool {
	copied := false
	for _, a := range v.op.GetFile().GetActions() {
		if a.Input == input {
			return false
		}
		copied = copied || a.GetCopy() != nil && a.SecondaryInput == input
	}
	return copied
}

// execByContent is solver/llbsolver/ops/exec.go, getMountDeps, for mounts of a Dockerfile: all but the root.
func (v *vertex) execByContent(input int64) bool {
	known := false
	for _, m := range v.op.GetExec().GetMounts() {
		if m.Input != input {
			continue
		}
		if m.Dest == pb.RootMount || m.ContentCache == pb.MountContentCache_OFF {
			return false
		}
		if m.Output != int64(pb.SkipOutput) && !m.Readonly && m.Selector != "" {
			return false
		}
		known = true
	}
	return known
}
