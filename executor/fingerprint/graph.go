package fingerprint

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// graph is a build graph: each vertex after those it takes its inputs from.
type graph struct {
	list []*vertex
	at   map[string]*vertex
	// source says where operations come from.
	source *pb.Source
}

// vertex is one operation.
type vertex struct {
	op     *pb.Op
	digest string
	meta   *pb.OpMetadata
	// tree is what is sent of a local directory.
	tree *tree
	// treeName is what that directory is called for people.
	treeName string
	// canonical is the digest of the operation and all it depends on, of nothing that is different in each run.
	canonical digest.Digest
	// own is that of the operation alone.
	own digest.Digest
	// step is that of the operation and all it depends on, where a local directory stands for the files that are taken from it.
	step digest.Digest
}

// decode reads a definition.
func decode(def *pb.Definition) (*graph, error) {
	g := &graph{at: map[string]*vertex{}, source: def.Source}
	for _, raw := range def.Def {
		v := &vertex{op: &pb.Op{}, digest: digest.FromBytes(raw).String()}
		if err := v.op.UnmarshalVT(raw); err != nil {
			return nil, fmt.Errorf("read build graph: %w", err)
		}
		v.meta = def.Metadata[v.digest]
		g.at[v.digest] = v
		g.list = append(g.list, v)
	}
	return g, nil
}

// digestAll gives every vertex its digests. pin says what a source is to be known by.
func (g *graph) digestAll(pin func(*vertex) (string, error)) error {
	for _, v := range g.list {
		own, err := v.alone(pin)
		if err != nil {
			return err
		}
		v.own = digest.FromBytes(own)
		sum := newHasher()
		sum.add("%s\x00%s\x00", version, v.own)
		for _, in := range v.op.Inputs {
			from := g.at[in.Digest]
			if from == nil || from.canonical == "" {
				return fmt.Errorf("the build graph is not in order")
			}
			sum.add("%s %d\x00", from.canonical, in.Index)
		}
		v.canonical = sum.digest()
		v.step = g.stepDigest(v)
	}
	return nil
}

// alone is the operation without its inputs and without what decides nothing: proxies, which BuildKit leaves out of its cache keys too
// (solver/llbsolver/ops/exec.go), and how a local directory is sent or a repository reached.
func (v *vertex) alone(pin func(*vertex) (string, error)) ([]byte, error) {
	op, ok := proto.Clone(v.op).(*pb.Op)
	if !ok {
		return nil, fmt.Errorf("copy of an operation is none")
	}
	op.Inputs = nil
	if exec := op.GetExec(); exec != nil && exec.Meta != nil {
		exec.Meta.ProxyEnv = nil
	}
	if src := op.GetSource(); src != nil {
		pinned, err := pin(v)
		if err != nil {
			return nil, err
		}
		src.Identifier = pinned
		if scheme, _, _ := strings.Cut(v.op.GetSource().Identifier, "://"); scheme == "local" || scheme == "git" {
			src.Attrs = nil
		}
		delete(src.Attrs, pb.AttrOCILayoutSessionID)
		delete(src.Attrs, pb.AttrOCILayoutStoreID)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(op)
}

// root is what the graph comes to: the last vertex names it (BuildKit: client/llb/state.go, Marshal).
func (g *graph) root() digest.Digest {
	if len(g.list) == 0 {
		return digest.FromString(version + " scratch")
	}
	return g.list[len(g.list)-1].canonical
}

// title is what a vertex is called for people: "[build 2/5] RUN". The rest of its name may hold values of arguments.
func (v *vertex) title() string {
	return titleOf(v.meta.GetDescription()["llb.customname"])
}

func titleOf(name string) string {
	if !strings.HasPrefix(name, "[") {
		return ""
	}
	bracket, rest, ok := strings.Cut(name, "] ")
	if !ok || strings.HasSuffix(bracket, "internal") || bracket == "[auth" || strings.HasPrefix(bracket, "[context ") {
		return ""
	}
	word, _, _ := strings.Cut(rest, " ")
	return bracket + "] " + word
}

// withoutUser is an address without the credentials that may stand in it.
func withoutUser(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	u.User, u.RawQuery, u.ForceQuery = nil, "", false
	return u.String()
}
