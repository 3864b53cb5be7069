package fingerprint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pin says what a source is to be known by. What has no digest of its own is an unpinned reason of the fingerprint.
func (w *work) pin(ctx context.Context, v *vertex) (string, error) {
	pinned, err := w.pinned(ctx, v)
	if u := new(unpinned); errors.As(err, &u) {
		w.print.unpin(u.reason)
		return v.op.GetSource().Identifier, nil
	}
	return pinned, err
}

// pinned is pin, with an unpinned error for what has no digest.
func (w *work) pinned(ctx context.Context, v *vertex) (string, error) {
	src := v.op.GetSource()
	scheme, rest, _ := strings.Cut(src.Identifier, "://")
	switch scheme {
	case "local":
		return w.pinLocal(ctx, v, rest)
	case "docker-image":
		return w.pinImage(ctx, v, rest)
	case "git":
		return w.pinGit(ctx, src)
	case "http", "https":
		return w.pinDownload(ctx, src)
	case "oci-layout":
		return w.pinLayout(rest)
	}
	return "", unpin("a source of type %s cannot be pinned", scheme)
}

// pinLocal knows a local directory by the files that would be sent.
func (w *work) pinLocal(ctx context.Context, v *vertex, name string) (string, error) {
	src := v.op.GetSource()
	target := src.Attrs[pb.AttrLocalSessionID]
	dir := w.dirs[target][name]
	if dir == "" {
		return "", fmt.Errorf("local source %s of target %s is not known", name, target)
	}
	s := selection{dir: dir}
	for attr, list := range map[string]*[]string{pb.AttrIncludePatterns: &s.include, pb.AttrExcludePatterns: &s.exclude, pb.AttrFollowPaths: &s.follow} {
		if v := src.Attrs[attr]; v != "" {
			if err := json.Unmarshal([]byte(v), list); err != nil {
				return "", fmt.Errorf("read patterns of local source %s: %w", name, err)
			}
		}
	}
	if w.whole {
		s.include, s.follow = nil, nil
	}
	t, err := w.trees.digest(ctx, s)
	if err != nil {
		return "", fmt.Errorf("read context %s: %w", name, err)
	}
	v.tree, v.treeName = t, w.contextName(target, name)
	w.addTree(v.treeName, t)
	return "local " + t.digest.String(), nil
}

// contextName is what a directory is called for people: "context", "context assets", "context of base".
func (w *work) contextName(target, name string) string {
	title := "context"
	if name != "context" {
		title += " " + strings.TrimPrefix(name, "_")
	}
	if target != w.target {
		title += " of " + target
	}
	return title
}

// addTree enters a directory as a part. One that is sent in several selections has their digests together.
func (w *work) addTree(name string, t *tree) {
	for i, p := range w.print.Parts {
		if p.Kind == KindContext && p.Name == name {
			if !strings.Contains(p.Value, brief(t.digest)) {
				w.print.Parts[i].Value += " " + brief(t.digest)
			}
			w.addFiles(name, t)
			return
		}
	}
	w.print.add(KindContext, name, brief(t.digest))
	w.addFiles(name, t)
}

func (w *work) addFiles(name string, t *tree) {
	if w.print.Files[name] == nil {
		w.print.Files[name] = map[string]string{}
	}
	for path, d := range t.files {
		w.print.Files[name][path] = d
	}
}

// pinImage knows an image by its digest.
func (w *work) pinImage(ctx context.Context, v *vertex, ref string) (string, error) {
	name, dgst, pinned := strings.Cut(ref, "@")
	if !pinned {
		platform := platforms.DefaultSpec()
		if p := v.op.Platform; p != nil {
			platform = ocispec.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion, OSFeatures: p.OSFeatures}
		}
		img, err := w.opt.Images.Resolve(ctx, ref, platform)
		if err != nil {
			return "", unpin("image %s cannot be resolved: %v", ref, err)
		}
		dgst = img.Digest.String()
	}
	w.addImage(name, dgst)
	return "docker-image " + name + "@" + dgst, nil
}

func (w *work) addImage(name, dgst string) {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
	w.print.addOnce(KindImage, name, dgst)
}
