package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/blob"
)

const (
	// probeName is the scratch name that a bucket is tried out under.
	probeName = hiddenPrefix + "doctor"
	probeText = "written by cachectl doctor"
)

// Probe tries the bucket out under a scratch name; see backend.Prober. A container of Azure that is missing is made, as for a cache.
func (l *Location) Probe(ctx context.Context, tell func(backend.Finding)) error {
	p := prober{service: l.store.service, store: l.store, key: l.store.service.ManifestKey(probeName)}
	write, err := p.write(ctx)
	if err != nil {
		return err
	}
	tell(write)
	if write.Answer != backend.Yes {
		return nil
	}
	for _, try := range []func(context.Context) backend.Finding{p.parts, p.conditions, p.renew, p.list} {
		if context.Cause(ctx) != nil {
			break
		}
		tell(try(ctx))
	}
	tell(p.remove(context.WithoutCancel(ctx)))
	return context.Cause(ctx)
}

// prober tries one bucket out.
type prober struct {
	service Service
	store   *Store
	key     string
}

// write writes the scratch object. An error is for a service that cannot be reached or asked.
func (p *prober) write(ctx context.Context) (backend.Finding, error) {
	f := backend.Finding{Feature: "write", Answer: backend.Yes, Seen: "an object was written", Means: "caches can be written here"}
	err := p.service.Check(ctx)
	if err == nil {
		err = p.service.Put(ctx, p.key, []byte(probeText), map[string]string{digestName: "probe"}, nil)
	}
	if errors.Is(err, blob.ErrDenied) {
		f.Answer, f.Seen, f.Means, f.Err = backend.No, err.Error(), "caches cannot be written here", fmt.Errorf("an object cannot be written: %w", err)
		return f, nil
	}
	return f, err
}

func failed(f backend.Finding, err error, means string) backend.Finding {
	f.Answer, f.Seen, f.Means = backend.No, err.Error(), means
	return f
}

// parts reads the object from its middle.
func (p *prober) parts(ctx context.Context) backend.Finding {
	f := backend.Finding{Feature: "range", Answer: backend.Yes, Seen: "an object was read from its middle", Means: "downloads that break off are carried on"}
	obj, err := p.service.Stat(ctx, p.key)
	if err == nil {
		const from = 8
		var body io.ReadCloser
		if body, _, err = p.store.get(ctx, p.key, from, obj.Tag); err == nil {
			defer body.Close() //nolint:errcheck // read side
			var raw []byte
			if raw, err = io.ReadAll(io.LimitReader(body, 1024)); err == nil && string(raw) != probeText[from:] {
				err = fmt.Errorf("byte %d on is %.40q", from, raw)
			}
		}
	}
	if err != nil {
		return failed(f, err, "a download that breaks off fails")
	}
	return f
}

// conditions finds out whether writes can be bound to what is there.
func (p *prober) conditions(ctx context.Context) backend.Finding {
	f := backend.Finding{Feature: "if-match", Answer: backend.Yes, Seen: "a write whose condition does not hold was refused", Means: "writers of one name notice each other, and lose nothing"}
	heeds, err := p.store.heedsConditions(ctx)
	switch {
	case err != nil:
		f.Answer, f.Seen, f.Means = backend.Unknown, err.Error(), ""
	case !heeds:
		f.Answer, f.Seen = backend.No, "it was carried out all the same, or refused for having one"
		f.Means = "a name is read back a second after it was written; let few write one name at once"
	}
	return f
}

// renew makes the object young.
func (p *prober) renew(ctx context.Context) backend.Finding {
	f := backend.Finding{Feature: "renew", Answer: backend.Yes, Seen: "an object was renewed", Means: "layers in use are kept from rules that delete by age"}
	renewer, ok := p.service.(Renewer)
	if !ok {
		f.Answer, f.Seen, f.Means = backend.No, "there is no way to", "rules that delete by age take layers in use"
		return f
	}
	obj, err := p.service.Stat(ctx, p.key)
	if err == nil {
		err = renewer.Renew(ctx, p.key, obj)
	}
	if err != nil {
		return failed(f, err, "rules that delete by age take layers in use; leave such rules out")
	}
	return f
}

// list looks for the object in a listing.
func (p *prober) list(ctx context.Context) backend.Finding {
	f := backend.Finding{Feature: "list", Answer: backend.Yes, Seen: "the object was listed", Means: "names can be listed, and caches pruned"}
	found := false
	err := p.service.List(ctx, p.key, func(key string, _ Object) error {
		found = found || strings.HasPrefix(key, p.key)
		return nil
	})
	if err == nil && !found {
		err = errors.New("it is not in the listing")
	}
	if err != nil {
		return failed(f, err, "caches cannot be pruned here")
	}
	return f
}

// remove deletes the object.
func (p *prober) remove(ctx context.Context) backend.Finding {
	f := backend.Finding{Feature: "delete", Answer: backend.Yes, Seen: "the object was deleted", Means: "names and layers can be removed"}
	obj, err := p.service.Stat(ctx, p.key)
	if err == nil {
		err = p.service.Delete(ctx, p.key, obj)
	}
	if err != nil {
		return failed(f, err, "caches cannot be pruned here; "+p.key+" stays")
	}
	return f
}
