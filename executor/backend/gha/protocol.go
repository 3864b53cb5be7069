package gha

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/cachectl/cachectl/executor/backend/wire"
	digest "github.com/opencontainers/go-digest"
)

// entryVersion is the version that BuildKit's entries have: the service finds only entries of the version that is asked for
// (go-actions-cache, version).
var entryVersion = digest.FromString("|go-actionscache-1.0").Encoded()

// errAddress says that what the service gives as an address is none.
var errAddress = errors.New("the cache service gives an address that is none")

// entry is what the service holds under a key.
type entry struct {
	key string
	url string
}

// protocol is one version of the service.
type protocol interface {
	// find returns the entry of that key, else the newest whose key starts with it; nil when there is none.
	find(ctx context.Context, key string) (*entry, error)
	// reserve takes a key. The error is errTaken when it was taken before.
	reserve(ctx context.Context, key string) (upload, error)
}

// upload fills a reserved key.
type upload interface {
	// plan says how large the parts of an entry of size bytes are. One part is the whole entry.
	plan(size int64) (part int64)
	// send sends the part that starts at off; parts may be sent at once.
	send(ctx context.Context, off int64, part *io.SectionReader) error
	// commit makes the entry visible when all parts are sent.
	commit(ctx context.Context, size int64) error
}

// api is the address and the token that both versions are spoken to with.
type api struct {
	*client
	base  string
	token string
}

func (a *api) header(contentType string) http.Header {
	h := http.Header{"Authorization": {"Bearer " + a.token}}
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
	}
	return h
}

// call sends JSON and reads JSON.
func (a *api) call(ctx context.Context, url string, header http.Header, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	resp, err := a.do(ctx, request{
		method: http.MethodPost, url: url, header: header,
		body: func() io.Reader { return bytes.NewReader(raw) }, size: int64(len(raw)),
	})
	if err != nil {
		return err
	}
	raw, err = reply(resp)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("the cache service answers with what is not JSON: %w", err)
	}
	return nil
}

// given checks an address that the service has given.
func (a *api) given(address string) error {
	from, err := url.Parse(a.base)
	if err != nil {
		return err
	}
	to, err := url.Parse(address)
	if err != nil || to.Host == "" {
		return errAddress
	}
	return wire.CheckHop(peer, from, to)
}

// join is a path below the service's address.
func (a *api) join(path string) string { return strings.TrimRight(a.base, "/") + path }
