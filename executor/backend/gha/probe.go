package gha

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
	actionscache "github.com/tonistiigi/go-actions-cache"
)

// Probe looks at what the token allows and what the service answers; see backend.Prober. It writes nothing: a key that is taken cannot be given back.
func (l *Location) Probe(ctx context.Context, tell func(backend.Finding)) error {
	tell(l.probeToken())
	x, err := l.readIndex(ctx, indexKey(l.scope, l.branches[0]))
	if err != nil && !errors.Is(err, blob.ErrDenied) {
		return err
	}
	tell(l.probeService(x, err))
	if err == nil {
		tell(l.probeKeys())
		tell(l.probeListing(ctx))
	}
	if x != nil {
		tell(l.probeRanges(ctx, x))
	}
	return context.Cause(ctx)
}

// probeToken says what the token allows.
func (l *Location) probeToken() backend.Finding {
	var reads []string
	for _, s := range l.scopes {
		if s.Permission&actionscache.PermissionRead != 0 {
			reads = append(reads, wire.Printable(s.Scope))
		}
	}
	return backend.Finding{
		Feature: "token", Answer: backend.Yes,
		Seen:  fmt.Sprintf("reads %s, writes %s, until %s", strings.Join(reads, ", "), wire.Printable(l.branches[0]), l.expires.UTC().Format(time.RFC3339)),
		Means: "a source is what all of these branches hold, a destination is the one that is written",
	}
}

// probeService says what was found under the cache's name.
func (l *Location) probeService(x *index, err error) backend.Finding {
	version := "version 1"
	if l.v2 {
		version = "version 2"
	}
	f := backend.Finding{Feature: "service", Answer: backend.Yes, Seen: version + ", nothing under this scope yet", Means: "caches can be read"}
	switch {
	case err != nil:
		f.Answer, f.Seen, f.Means, f.Err = backend.No, version+", "+err.Error(), "the service does not take the token", err
	case x != nil:
		f.Seen = fmt.Sprintf("%s, %d bytes under %s", version, len(x.raw), wire.Printable(x.key))
	}
	return f
}

// probeKeys says what is known of reservations.
func (l *Location) probeKeys() backend.Finding {
	if l.v2 {
		return backend.Finding{Feature: "unique-keys", Answer: backend.Yes, Seen: "as version 2 promises", Means: "jobs that publish at once cannot pass each other unseen"}
	}
	return backend.Finding{Feature: "unique-keys", Answer: backend.Unknown, Seen: "not tried, as a key that is taken cannot be given back", Means: "it is found out when something is published; without it a publication waits a second longer"}
}

// probeRanges asks for the last byte of the newest config.
func (l *Location) probeRanges(ctx context.Context, x *index) backend.Finding {
	f := backend.Finding{Feature: "range", Answer: backend.No, Means: "a download that breaks off fails"}
	e, err := l.exactly(ctx, x.key)
	if err == nil && e == nil {
		err = blob.ErrNotFound
	}
	if err != nil {
		f.Answer, f.Seen = backend.Unknown, err.Error()
		return f
	}
	resp, err := l.storage.do(ctx, request{method: http.MethodGet, url: e.url, header: http.Header{"Range": {"bytes=1-"}}})
	if err != nil {
		f.Answer, f.Seen = backend.Unknown, err.Error()
		return f
	}
	_ = resp.Body.Close()
	f.Seen = resp.Status
	if resp.StatusCode == http.StatusPartialContent {
		f.Answer, f.Means = backend.Yes, "a download that breaks off is carried on"
	}
	return f
}

// probeListing asks for the list of layers.
func (l *Location) probeListing(ctx context.Context) backend.Finding {
	f := backend.Finding{Feature: "listing", Answer: backend.Unknown, Seen: "repository and ghtoken are not given", Means: "layers are looked for one by one, and nothing can be deleted"}
	if l.repository == "" {
		return f
	}
	n := 0
	if err := l.listed(ctx, l.branches[0], blobPrefix, func(listed) { n++ }); err != nil {
		f.Answer, f.Seen = backend.No, err.Error()
		return f
	}
	f.Answer, f.Seen, f.Means = backend.Yes, fmt.Sprintf("%d layers of %s in %s", n, wire.Printable(l.branches[0]), l.repository), "layers are looked for all at once"
	return f
}
