package gha

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// partV1 is how large a chunk of an upload is, as in BuildKit (go-actions-cache, UploadChunkSize): each is a request to the service.
const partV1 = 32 << 20

// v1 is the first version of the service: REST below _apis/artifactcache (go-actions-cache, api.md). GitHub has ended it; GitHub Enterprise
// Server and runners of others still speak it.
type v1 struct{ api }

func (p *v1) header(contentType string) http.Header {
	h := p.api.header(contentType)
	h["Accept"] = []string{"application/json;api-version=6.0-preview.1"}
	return h
}

func (p *v1) path(name string) string { return p.join("/_apis/artifactcache/" + name) }

func (p *v1) find(ctx context.Context, key string) (*entry, error) {
	q := url.Values{"keys": {key}, "version": {entryVersion}}
	resp, err := p.do(ctx, request{method: http.MethodGet, url: p.path("cache") + "?" + q.Encode(), header: p.header("")})
	if err != nil {
		return nil, err
	}
	raw, err := reply(resp)
	if err != nil || resp.StatusCode == http.StatusNoContent || len(raw) == 0 {
		return nil, err
	}
	var found struct {
		Key string `json:"cacheKey"`
		URL string `json:"archiveLocation"`
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		return nil, fmt.Errorf("the cache service answers with what is not JSON: %w", err)
	}
	if found.Key == "" {
		return nil, nil
	}
	return &entry{key: found.Key, url: found.URL}, p.given(found.URL)
}

func (p *v1) reserve(ctx context.Context, key string) (upload, error) {
	var reserved struct {
		ID int64 `json:"cacheId"`
	}
	err := p.call(ctx, p.path("caches"), p.header("application/json"), map[string]string{"key": key, "version": entryVersion}, &reserved)
	if err != nil {
		return nil, err
	}
	if reserved.ID == 0 {
		return nil, errors.New("the cache service reserves a key and gives no id")
	}
	return &uploadV1{p, p.path("caches/" + strconv.FormatInt(reserved.ID, 10))}, nil
}

type uploadV1 struct {
	*v1
	url string
}

func (u *uploadV1) plan(int64) int64 { return partV1 }

func (u *uploadV1) send(ctx context.Context, off int64, part *io.SectionReader) error {
	h := u.header("application/octet-stream")
	h["Content-Range"] = []string{fmt.Sprintf("bytes %d-%d/*", off, off+part.Size()-1)}
	resp, err := u.do(ctx, request{
		method: http.MethodPatch, url: u.url, header: h,
		body: func() io.Reader { return io.NewSectionReader(part, 0, part.Size()) }, size: part.Size(),
	})
	if err != nil {
		return err
	}
	_, err = reply(resp)
	return err
}

func (u *uploadV1) commit(ctx context.Context, size int64) error {
	return u.call(ctx, u.url, u.header("application/json"), map[string]int64{"size": size}, nil)
}
