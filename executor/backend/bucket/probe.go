package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
)

// cleanTime is how long putting things away may take after an interrupt.
const cleanTime = 10 * time.Second

// probe tries out one bucket. It remembers what it has written.
type probe struct {
	service Service
	seed    string
	keys    []string
}

// Probe tries the bucket out with objects of its own, where layers and names are; see backend.Prober.
func (l *Location) Probe(ctx context.Context, tell func(backend.Finding)) error {
	p := &probe{service: l.store.service, seed: "cachectl-doctor-" + strings.ToLower(rand.Text()[:12])}
	err := p.run(ctx, tell)
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	tell(p.clean(clean))
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// run tries one thing after another. It ends early when there is no use in going on.
func (p *probe) run(ctx context.Context, tell func(backend.Finding)) error {
	small := p.key("small")
	f := p.whole(ctx, small)
	if tell(f); f.Answer != backend.Yes {
		return nil
	}
	for _, try := range []func(context.Context, string) backend.Finding{p.parts, p.ranges, p.names, p.conditions, p.renewal} {
		tell(try(ctx, small))
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// whole uploads what goes in one request.
func (p *probe) whole(ctx context.Context, small string) backend.Finding {
	err := p.upload(ctx, small, 64)
	f := finding("upload", err, "layers of up to 8 MiB go in one request", "caches cannot be published here")
	if err != nil {
		f.Err = fmt.Errorf("an object cannot be written: %w", err)
	}
	return f
}

// finding is yes without an error, unknown where it was denied, else no.
func finding(feature string, err error, yes, no string) backend.Finding {
	switch {
	case err == nil:
		return backend.Finding{Feature: feature, Answer: backend.Yes, Seen: "done", Means: yes}
	case errors.Is(err, blob.ErrDenied):
		return backend.Finding{Feature: feature, Answer: backend.Unknown, Seen: err.Error(), Means: no}
	}
	return backend.Finding{Feature: feature, Answer: backend.No, Seen: err.Error(), Means: no}
}

// key is where a layer of the probe's own is, which is remembered.
func (p *probe) key(name string) string {
	key := p.service.BlobKey(digest.FromString(p.seed + " " + name))
	p.keys = append(p.keys, key)
	return key
}

func (p *probe) upload(ctx context.Context, key string, size int64) error {
	return p.service.Upload(ctx, key, size, io.LimitReader(zeros{}, size))
}

// zeros are bytes without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// parts uploads what is too large for one request.
func (p *probe) parts(ctx context.Context, _ string) backend.Finding {
	key := p.key("parts")
	err := p.upload(ctx, key, PartSize+1)
	if err == nil {
		var obj Object
		if obj, err = p.service.Stat(ctx, key); err == nil && obj.Size != PartSize+1 {
			err = fmt.Errorf("%d bytes were sent, and %d are there", PartSize+1, obj.Size)
		}
	}
	return finding("upload-in-parts", err, "larger layers go in parts, several at once", "layers of more than 8 MiB cannot be published")
}

func (p *probe) ranges(ctx context.Context, small string) backend.Finding {
	rc, _, err := p.service.Get(ctx, small, 5, "")
	if err == nil {
		_, err = io.Copy(io.Discard, rc)
		err = errors.Join(err, rc.Close())
	}
	return finding("range", err, "downloads that break off are carried on where they broke off", "downloads that break off begin anew")
}

// names writes an object with words of its own, and over it.
func (p *probe) names(ctx context.Context, _ string) backend.Finding {
	key := p.service.ManifestKey(p.seed)
	p.keys = append(p.keys, key)
	var err error
	for _, body := range []string{"first", "second"} {
		if err == nil {
			err = p.service.Put(ctx, key, []byte(body), map[string]string{digestName: body}, nil)
		}
	}
	var obj Object
	if err == nil {
		obj, err = p.service.Stat(ctx, key)
	}
	if err == nil && obj.Meta[digestName] != "second" {
		err = errors.New("the words that were written with the object are not those that are there")
	}
	return finding("replace", err, "a name is replaced as a whole, and what was written is checked against its digest", "caches cannot be replaced here")
}

func (p *probe) conditions(ctx context.Context, _ string) backend.Finding {
	f := backend.Finding{Feature: "conditional-write", Means: "the name is looked at before and after it is written, and caches of others found there are joined"}
	heeds, err := p.service.Conditional(ctx)
	switch {
	case err != nil:
		f.Answer, f.Seen = backend.Unknown, err.Error()
	case heeds:
		f.Answer, f.Seen, f.Means = backend.Yes, "a condition that does not hold was heeded", "of writers at the same moment none overwrites another's cache"
	default:
		f.Answer, f.Seen = backend.No, "a condition that does not hold was not heeded"
	}
	return f
}

func (p *probe) renewal(ctx context.Context, small string) backend.Finding {
	r, ok := p.service.(Renewer)
	if !ok {
		return backend.Finding{Feature: "renew", Answer: backend.No, Seen: "not part of the protocol", Means: "rules that delete by age must leave caches in use alone"}
	}
	obj, err := p.service.Stat(ctx, small)
	if err == nil {
		err = r.Renew(ctx, small, obj)
	}
	return finding("renew", err, "layers in use are made young again, so that rules that delete by age leave them alone", "rules that delete by age must leave caches in use alone")
}

// clean removes what was written.
func (p *probe) clean(ctx context.Context) backend.Finding {
	var left []error
	for _, key := range p.keys {
		if err := p.service.Delete(ctx, key, Object{}); err != nil && !errors.Is(err, blob.ErrNotFound) {
			left = append(left, fmt.Errorf("%s: %w", key, err))
		}
	}
	if len(left) == 0 {
		return backend.Finding{Feature: "clean-up", Answer: backend.Yes, Seen: "nothing is left behind"}
	}
	return backend.Finding{
		Feature: "clean-up", Answer: backend.No, Seen: fmt.Sprintf("%d objects stay: %v", len(left), errors.Join(left...)),
		Means: "delete them by hand; prune cannot remove anything here either",
	}
}
