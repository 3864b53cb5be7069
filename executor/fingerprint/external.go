package fingerprint

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
)

// official are the frontends that read a Dockerfile as the one in this process does, or refuse it.
var official = []string{"docker/dockerfile", "docker/dockerfile-upstream"}

// external resolves a frontend that is an image. Only Docker's own are known to make of a Dockerfile what the frontend in this process makes of it, from
// the same files; of what others do nothing is known.
func (w *work) external(ctx context.Context, ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", unpin("the frontend %q is no image reference", ref)
	}
	path := reference.Path(named)
	if !slices.ContainsFunc(official, func(o string) bool { return path == o || strings.HasSuffix(path, "/"+o) }) {
		return "", unpin("the frontend %s is not one whose inputs are known", ref)
	}
	img, err := w.opt.Images.Resolve(ctx, reference.TagNameOnly(named).String(), platforms.DefaultSpec())
	if err != nil {
		return "", unpin("the frontend %s cannot be resolved: %v", ref, err)
	}
	w.whole = true
	return ref + "@" + img.Digest.String(), nil
}

// all is the digest of all that a frontend is given but the files of contexts: another release may make more of it than the build graph here shows.
func (c *inProcess) all() digest.Digest {
	sum := newHasher()
	for _, k := range slices.Sorted(maps.Keys(c.opts)) {
		if !strings.HasPrefix(k, "sharedkey:") { // a path of this machine
			sum.add("%q=%q\n", k, c.opts[k])
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(c.read)) {
		sum.add("%q %s\n", name, c.read[name])
	}
	return sum.digest()
}
