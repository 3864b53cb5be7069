package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/locations"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"github.com/cachectl/cachectl/executor/fingerprint"
	"github.com/cachectl/cachectl/planner"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// assessPerCPU is how many targets are looked at at once for each processor: most of the time is spent waiting for registries.
const assessPerCPU = 4

// verdict says whether a target has to be built, and why.
type verdict struct {
	planner.Assessment
	print *fingerprint.Fingerprint
	// misses are the steps that the cache in published need not hold, nil if that is not known.
	misses    *fingerprint.Misses
	published digest.Digest
}

// because adds a reason to build, once.
func (v *verdict) because(format string, args ...any) {
	if reason := fmt.Sprintf(format, args...); !slices.Contains(v.Why, reason) {
		v.Why = append(v.Why, reason)
	}
}

// assess fills in verdicts and idle. Targets of a run that is canceled have no verdict.
func (r *run) assess(ctx context.Context) {
	r.verdicts, r.idle = map[planner.StepID]*verdict{}, map[planner.StepID]bool{}
	computer := r.prints.now()
	err := r.eachBuild(ctx, func(ctx context.Context, s *planner.Step) error {
		v, err := r.judge(ctx, s, computer)
		if err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.verdicts[s.ID] = v
		return nil
	})
	if err != nil {
		r.log.Debug("looking what is up to date was stopped", "reason", err)
	}
	r.rest()
}

// rest finds the steps with nothing to do: those of targets that are up to date, and sources that nobody else reads.
func (r *run) rest() {
	read := map[planner.StepID]bool{}
	for _, s := range r.plan.Steps {
		switch {
		case s.Merge != nil:
			for _, id := range s.Merge.Sources {
				read[id] = true
			}
		case s.Build == nil:
		case r.upToDate(s.ID):
			r.idle[s.ID] = true
			for _, id := range s.Build.Exports {
				r.idle[id] = true
			}
		default:
			for _, id := range s.Build.Sources {
				read[id] = true
			}
		}
	}
	for _, s := range r.plan.Steps {
		if s.Import != nil && !read[s.ID] {
			r.idle[s.ID] = true
		}
	}
}

func (r *run) upToDate(id planner.StepID) bool {
	v := r.verdicts[id]
	return v != nil && v.Action == planner.ActionUpToDate
}

// judge decides about one target. It fails only when ctx ends.
func (r *run) judge(ctx context.Context, s *planner.Step, computer *fingerprint.Computer) (*verdict, error) {
	t := s.Build.Target
	made := r.opt.Prints[s.ID]
	if made == nil {
		var err error
		if made, err = computer.Compute(ctx, t); err != nil {
			return nil, err
		}
	}
	v := &verdict{Assessment: planner.Assessment{Action: planner.ActionBuild}, print: made}
	if r.opt.Check == CheckOff {
		return v, nil
	}
	for _, reason := range made.Unpinned {
		v.because("%s", reason)
	}
	if made.Broken {
		v.Action = planner.ActionBlocked
	}
	images, always := pushed(t)
	if always != "" {
		v.because("%s", always)
	}
	for _, n := range s.Build.Native {
		if n.Type != "inline" || len(images) == 0 {
			v.because("what %s holds is known to the builder only", n.Name())
		}
	}
	if len(s.Build.Exports) == 0 && len(images) == 0 && len(v.Why) == 0 {
		v.because("it has no cache-to and pushes no image: there is nothing to compare with")
	}
	if !made.Pinned() || always != "" {
		return v, nil // looking further would change nothing
	}
	if err := r.compare(ctx, s, v, images); err != nil {
		return nil, err
	}
	if len(v.Why) == 0 {
		v.Action = planner.ActionUpToDate
	}
	return v, nil
}

// maxAge is how old a build of a target may be: the shorter of what the run and what the target says, 0 for no limit.
func (r *run) maxAge(t *config.Target) time.Duration {
	if t.MaxAge == 0 || r.opt.MaxAge > 0 && r.opt.MaxAge < t.MaxAge {
		return r.opt.MaxAge
	}
	return t.MaxAge
}

// compare looks at all destinations of a target at once.
func (r *run) compare(ctx context.Context, s *planner.Step, v *verdict, images []string) error {
	found := make([]lookup, len(s.Build.Exports))
	group, gctx := errgroup.WithContext(ctx)
	for i, id := range s.Build.Exports {
		group.Go(func() error {
			found[i] = r.lookAt(gctx, r.steps[id].Export.Destination, s.Build.Target)
			return context.Cause(gctx)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var image digest.Digest
	maxAge := r.maxAge(s.Build.Target)
	for i, f := range found {
		to := r.steps[s.Build.Exports[i]].Export.Destination
		switch {
		case f.reason != "":
			v.because("%s", f.reason)
			if f.blocked && !to.Bool("ignore-error") {
				v.Action = planner.ActionBlocked
			}
		case f.record.Digest != v.print.Digest:
			for _, reason := range fingerprint.Why(f.record, v.print) {
				v.because("%s", reason)
			}
			if miss := fingerprint.Miss(f.record, v.print); miss != nil && v.Miss == "" {
				v.Miss = miss.First.Title()
				if to.String("mode") == string(cache.ModeMax) { // else it holds results alone, not each step
					v.misses, v.published = miss, f.root
				}
			}
		case f.record.To != options(to):
			v.because("%s was written in another form", to.Name())
		case maxAge > 0 && time.Since(f.record.At) > maxAge:
			v.because("older than %s: built %s", maxAge, f.record.At.Format(time.RFC3339))
		case image != "" && image != f.record.Image:
			v.because("the destinations are of different builds")
		default:
			image = f.record.Image
		}
	}
	if len(v.Why) == 0 {
		r.compareImages(ctx, v, images, image)
	}
	return nil
}

// compareImages looks whether the images that were pushed are there still.
func (r *run) compareImages(ctx context.Context, v *verdict, images []string, want digest.Digest) {
	for _, ref := range images {
		if want == "" {
			v.because("what was pushed as %s is not recorded", ref)
			continue
		}
		img, err := r.env.Hosts.Image(ref)
		if err != nil {
			v.because("%v", err)
			continue
		}
		switch have, err := img.Published(ctx); {
		case err != nil:
			v.because("image %s cannot be looked at: %v", ref, err)
		case have == "":
			v.because("image %s is missing", ref)
		case have != want:
			v.because("image %s is not the one that was pushed", ref)
		}
	}
}

// lookup is what was found at a destination.
type lookup struct {
	record fingerprint.Record
	// root is the digest of what the record stands beside.
	root digest.Digest
	// blocked says that nothing can be published there.
	blocked bool
	// reason says why the record does not count.
	reason string
}

// lookAt reads the record of a target at a destination.
func (r *run) lookAt(ctx context.Context, to config.Cache, t *config.Target) lookup {
	dest, err := locations.OpenDestination(to, r.env)
	if err != nil {
		return lookup{reason: err.Error()}
	}
	note, root, err := r.readNote(ctx, dest)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return lookup{reason: "destination missing: " + to.Name()}
	case errors.Is(err, cache.ErrNotCache) && conflictPolicy(to.String("on-conflict")) != conflictOverwrite:
		return lookup{reason: fmt.Sprintf("%s: %v", to.Name(), errImage), blocked: true}
	case err != nil:
		return lookup{reason: fmt.Sprintf("destination %s is not usable: %v", to.Name(), err), blocked: errors.Is(err, blob.ErrDenied)}
	}
	record, ok := fingerprint.DecodeRecords(note)[fingerprint.Key(t)]
	if !ok {
		return lookup{reason: fmt.Sprintf("%s does not say what its cache of %s was built from", to.Name(), t.Name)}
	}
	return lookup{record: record, root: root}
}

// readNote reads what stands beside the cache at a destination, and checks the cache as far as the run is to. root is the digest of what the name points at.
func (r *run) readNote(ctx context.Context, dest backend.Destination) (note string, root digest.Digest, err error) {
	peeker, ok := dest.(backend.Peeker)
	if !ok || r.opt.Check == CheckBlobs {
		cur, err := dest.Read(ctx)
		if err != nil {
			return "", "", err
		}
		if cur.Image || cur.Cache == nil {
			return "", "", cache.ErrNotCache
		}
		// Where layers are taken away while the name stays, the name alone says little.
		if _, lossy := dest.(backend.Lossy); r.opt.Check == CheckNone || r.opt.Check != CheckBlobs && !lossy {
			return cur.Note, cur.Root.Digest, nil
		}
		lost, err := dest.Missing(ctx, cur)
		if err == nil && len(lost) > 0 {
			err = fmt.Errorf("%d of its %d layers are gone", len(lost), len(cur.Cache.Layers()))
		}
		return cur.Note, cur.Root.Digest, err
	}
	m, desc, err := peeker.Peek(ctx)
	if err != nil {
		return "", "", err
	}
	if r.opt.Check == CheckNone {
		return m.Note, desc.Digest, nil
	}
	switch {
	case !m.IsCache:
		return "", "", cache.ErrNotCache
	case desc.Size > cache.ImportLimit, m.Config.Size > cache.ImportLimit:
		return "", "", cache.ErrTooLarge
	}
	return m.Note, desc.Digest, nil
}

// pushed are the references that a target's images are pushed to. always says why the target is built in any case: it writes something that
// cannot be looked at from here.
func pushed(t *config.Target) (images []string, always string) {
	for _, o := range t.Outputs {
		push, _ := strconv.ParseBool(o.Attrs["push"])
		byDigest, _ := strconv.ParseBool(o.Attrs["push-by-digest"])
		names := t.Tags
		if len(names) == 0 {
			names = splitNames(o.Attrs["name"])
		}
		switch {
		case o.Type == "cacheonly":
		case (o.Type == "registry" || o.Type == "image" && push) && !byDigest && len(names) > 0:
			images = append(images, names...)
		default:
			return nil, fmt.Sprintf("its output of type %s is made each time", o.Type)
		}
	}
	return images, ""
}
