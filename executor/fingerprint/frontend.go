package fingerprint

import (
	"context"
	"errors"
	"maps"
	"os"
	"strings"
	"sync"

	"github.com/containerd/continuity/fs"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// Image is what the frontend needs to know of an image.
type Image struct {
	// Digest is what the reference points at: an index or a manifest.
	Digest digest.Digest
	// Config is the image's config for one platform.
	Config []byte
}

// Images resolves references of images. Its errors say what could not be resolved and why.
type Images interface {
	Resolve(ctx context.Context, ref string, platform ocispec.Platform) (Image, error)
}

// inProcess is a gateway to no builder: what the dockerfile frontend asks of it, it answers from this machine and the registries. Solving
// a definition does nothing but keep it.
type inProcess struct {
	opts   map[string]string
	target string
	dirs   map[string]string
	inputs map[string]*pb.Definition
	images Images

	mu sync.Mutex
	// read are digests of the files that were read.
	read map[string]digest.Digest
}

func newInProcess(target string, opts, dirs map[string]string, inputs map[string]*pb.Definition, images Images) *inProcess {
	return &inProcess{opts: maps.Clone(opts), target: target, dirs: dirs, inputs: inputs, images: images, read: map[string]digest.Digest{}}
}

// external is a frontend that is an image.
type external struct{ ref string }

func (e *external) Error() string { return "the frontend " + e.ref + " is not part of cachectl" }

// BuildOpts are those of a builder of the version that cachectl is linked with, on this machine's platform.
func (c *inProcess) BuildOpts() gateway.BuildOpts {
	return gateway.BuildOpts{
		Opts: c.opts, SessionID: c.target, Product: "cachectl",
		Workers: []gateway.WorkerInfo{{ID: "none", Platforms: []ocispec.Platform{platforms.Normalize(platforms.DefaultSpec())}}},
		LLBCaps: pb.Caps.CapSet(pb.Caps.All()), Caps: gwpb.Caps.CapSet(gwpb.Caps.All()),
	}
}

// Inputs are the results of linked targets.
func (c *inProcess) Inputs(context.Context) (map[string]llb.State, error) {
	states := map[string]llb.State{}
	for name, def := range c.inputs {
		op, err := llb.NewDefinitionOp(def)
		if err != nil {
			return nil, err
		}
		states[name] = llb.NewState(op)
	}
	return states, nil
}

// Solve keeps the definition.
func (c *inProcess) Solve(_ context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	if req.Frontend != "" {
		return nil, &external{ref: req.FrontendOpt["source"]}
	}
	res := gateway.NewResult()
	if req.Definition != nil {
		res.SetRef(&unsolved{client: c, definition: req.Definition})
	}
	return res, nil
}

// ResolveImageConfig resolves an image.
func (c *inProcess) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return sourceresolver.NewImageMetaResolver(c).ResolveImageConfig(ctx, ref, opt)
}

// ResolveSourceMetadata resolves an image; nothing else can be resolved here.
func (c *inProcess) ResolveSourceMetadata(ctx context.Context, op *pb.SourceOp, opt sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	ref, ok := strings.CutPrefix(op.Identifier, "docker-image://")
	if !ok {
		scheme, _, _ := strings.Cut(op.Identifier, "://")
		return nil, unpin("a source of type %s is not resolved without a builder", scheme)
	}
	platform := platforms.DefaultSpec()
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		platform = *opt.ImageOpt.Platform
	}
	img, err := c.images.Resolve(ctx, ref, platform)
	if err != nil {
		return nil, unpin("base image %s cannot be resolved: %v", ref, err)
	}
	return &sourceresolver.MetaResponse{
		Op: op, Image: &sourceresolver.ResolveImageResponse{Digest: img.Digest, Config: img.Config},
	}, nil
}

// NewContainer runs nothing.
func (c *inProcess) NewContainer(context.Context, gateway.NewContainerRequest) (gateway.Container, error) {
	return nil, errors.New("no container can be started without a builder")
}

// Warn drops what the frontend's linter says; the builder says it again.
func (c *inProcess) Warn(context.Context, digest.Digest, string, gateway.WarnOpts) error { return nil }

// unsolved is a definition that nobody evaluates. Files can be read from it when it is a local directory.
type unsolved struct {
	client     *inProcess
	definition *pb.Definition
}

func (u *unsolved) ToState() (llb.State, error) {
	op, err := llb.NewDefinitionOp(u.definition)
	if err != nil {
		return llb.State{}, err
	}
	return llb.NewState(op), nil
}

func (u *unsolved) Evaluate(context.Context) error { return nil }

// ReadFile reads a file of a local directory, following links within it as BuildKit does.
func (u *unsolved) ReadFile(_ context.Context, req gateway.ReadRequest) ([]byte, error) {
	path, err := u.path(req.Filename)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	u.client.mu.Lock()
	u.client.read[req.Filename] = digest.FromBytes(raw)
	u.client.mu.Unlock()
	if req.Range == nil {
		return raw, nil
	}
	from := min(req.Range.Offset, len(raw))
	to := len(raw)
	if req.Range.Length > 0 {
		to = min(from+req.Range.Length, len(raw))
	}
	return raw[from:to], nil
}

// StatFile tells the size of a file of a local directory.
func (u *unsolved) StatFile(_ context.Context, req gateway.StatRequest) (*fstypes.Stat, error) {
	path, err := u.path(req.Path)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return &fstypes.Stat{Path: req.Path, Mode: uint32(st.Mode()), Size: st.Size()}, nil
}

// ReadDir is not asked for by the dockerfile frontend.
func (u *unsolved) ReadDir(context.Context, gateway.ReadDirRequest) ([]*fstypes.Stat, error) {
	return nil, errors.New("directories are not listed without a builder")
}

// path is where a file of the definition is on this machine.
func (u *unsolved) path(name string) (string, error) {
	ops, err := decode(u.definition)
	if err != nil {
		return "", err
	}
	for _, o := range ops.list {
		src := o.op.GetSource()
		if src == nil {
			continue
		}
		local, ok := strings.CutPrefix(src.Identifier, "local://")
		if !ok {
			return "", unpin("the context %s is read by the builder only", withoutUser(src.Identifier))
		}
		return fs.RootPath(u.client.dirs[local], name)
	}
	return "", errors.New("nothing to read from")
}
