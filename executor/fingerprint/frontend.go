package fingerprint

import (
	"context"
	"errors"
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
	work   *work
	opts   map[string]string
	target string
	dirs   map[string]string
	inputs map[string]*pb.Definition

	mu sync.Mutex
	// read are digests of the files that were read.
	read map[string]digest.Digest
	// unread are files that could not be read from elsewhere, which the frontend may have passed over.
	unread []string
}

// settle says what the frontend passed over.
func (c *inProcess) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, reason := range c.unread {
		c.work.print.unpin(reason)
	}
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

// ResolveSourceMetadata resolves an image of a registry or an OCI layout.
func (c *inProcess) ResolveSourceMetadata(ctx context.Context, op *pb.SourceOp, opt sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	platform := platforms.DefaultSpec()
	switch {
	case opt.ImageOpt != nil && opt.ImageOpt.Platform != nil:
		platform = *opt.ImageOpt.Platform
	case opt.OCILayoutOpt != nil && opt.OCILayoutOpt.Platform != nil:
		platform = *opt.OCILayoutOpt.Platform
	}
	var img Image
	var err error
	switch scheme, ref, _ := strings.Cut(op.Identifier, "://"); scheme {
	case "docker-image":
		if img, err = c.work.opt.Images.Resolve(ctx, ref, platform); err != nil {
			err = unpin("base image %s cannot be resolved: %v", ref, err)
		}
	case "oci-layout":
		img, err = c.work.layoutImage(ctx, op, platform, opt)
	default:
		err = unpin("a source of type %s is not resolved without a builder", scheme)
	}
	if err != nil {
		return nil, err
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

// ReadFile reads a file of a source: of a local directory, following links within it as BuildKit does, of a commit, or what is behind an address.
func (u *unsolved) ReadFile(ctx context.Context, req gateway.ReadRequest) ([]byte, error) {
	raw, err := u.file(ctx, req.Filename)
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

// file reads a whole file.
func (u *unsolved) file(ctx context.Context, name string) ([]byte, error) {
	src, err := u.source()
	if err != nil {
		return nil, err
	}
	raw, err := u.client.readSource(ctx, src, name)
	if e := new(unpinned); errors.As(err, &e) && e.err == nil {
		u.client.mu.Lock()
		u.client.unread = append(u.client.unread, e.reason)
		u.client.mu.Unlock()
	}
	return raw, err
}

func (c *inProcess) readSource(ctx context.Context, src *pb.SourceOp, name string) ([]byte, error) {
	scheme, rest, _ := strings.Cut(src.Identifier, "://")
	switch scheme {
	case "local":
		path, err := fs.RootPath(c.dirs[rest], name)
		if err != nil {
			return nil, err
		}
		now, _ := statusAt(path) // zero if there is nothing
		c.work.touches.add(path, now.String())
		return os.ReadFile(path)
	case "git":
		return c.work.readGit(ctx, src, name)
	case "http", "https":
		return c.work.readDownload(ctx, src)
	}
	return nil, unpin("%s is read by the builder only", withoutUser(src.Identifier))
}

// StatFile tells the size and mode of a file of a local directory.
func (u *unsolved) StatFile(_ context.Context, req gateway.StatRequest) (*fstypes.Stat, error) {
	src, err := u.source()
	if err != nil {
		return nil, err
	}
	local, ok := strings.CutPrefix(src.Identifier, "local://")
	if !ok {
		return nil, unpin("%s is read by the builder only", withoutUser(src.Identifier))
	}
	path, err := fs.RootPath(u.client.dirs[local], req.Path)
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

// source is what the definition reads. One that makes something of what it reads has to be solved.
func (u *unsolved) source() (*pb.SourceOp, error) {
	ops, err := decode(u.definition)
	if err != nil {
		return nil, err
	}
	var src *pb.SourceOp
	for _, v := range ops.list {
		switch {
		case v.op.GetSource() != nil && src == nil:
			src = v.op.GetSource()
		case v.op.Op != nil:
			return nil, unpin("the Dockerfile is itself the result of a build")
		}
	}
	if src == nil {
		return nil, errors.New("nothing to read from")
	}
	return src, nil
}
