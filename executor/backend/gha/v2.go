package gha

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/cachectl/cachectl/executor/backend/wire"
)

const (
	// partV2 is how large a block of an upload is, at least; blocks go to storage and not to the service. There are no more than maxBlocks in a
	// blob (Azure, "Scalability and performance targets for Blob storage").
	partV2    = 8 << 20
	maxBlocks = 50_000
)

// v2 is the second version of the service: the Twirp service github.actions.results.api.v1.CacheService, with the bytes in Azure's blob storage at
// signed addresses (actions/toolkit, packages/cache/src/generated/results/api/v1/cache.ts).
type v2 struct {
	api
	// storage is where signed addresses lead; its pauses are not the service's.
	storage *client
}

// cacheRequest is what all methods of the service are asked with.
type cacheRequest struct {
	Key         string   `json:"key"`
	RestoreKeys []string `json:"restore_keys,omitempty"`
	SizeBytes   int64    `json:"size_bytes,omitempty"`
	Version     string   `json:"version"`
}

func (p *v2) twirp(ctx context.Context, method string, in cacheRequest, out any) error {
	in.Version = entryVersion
	return p.call(ctx, p.join("/twirp/github.actions.results.api.v1.CacheService/"+method), p.header("application/json"), in, out)
}

func (p *v2) find(ctx context.Context, key string) (*entry, error) {
	var found struct {
		OK  bool   `json:"ok"`
		URL string `json:"signed_download_url"`
		Key string `json:"matched_key"`
	}
	if err := p.twirp(ctx, "GetCacheEntryDownloadURL", cacheRequest{Key: key, RestoreKeys: []string{key}}, &found); err != nil {
		return nil, err
	}
	if !found.OK {
		return nil, nil
	}
	return &entry{key: found.Key, url: found.URL}, p.given(found.URL)
}

func (p *v2) reserve(ctx context.Context, key string) (upload, error) {
	var reserved struct {
		OK      bool   `json:"ok"`
		URL     string `json:"signed_upload_url"`
		Message string `json:"message"`
	}
	if err := p.twirp(ctx, "CreateCacheEntry", cacheRequest{Key: key}, &reserved); err != nil {
		return nil, err
	}
	if !reserved.OK {
		return nil, notOK(reserved.Message)
	}
	if err := p.given(reserved.URL); err != nil {
		return nil, err
	}
	return &uploadV2{v2: p, key: key, url: reserved.URL}, nil
}

// notOK is an answer that says of itself that it is none, with the service's reason (actions/toolkit, packages/cache: saveCacheV2).
func notOK(message string) error {
	if message == "" {
		message = "no reason is given"
	}
	return &StatusError{Status: http.StatusOK, Code: "but not ok", Message: wire.Printable(message)}
}

type uploadV2 struct {
	*v2
	key, url string

	// block is the size of a block, blocks how many there are; 0 for an entry that goes in one piece.
	block, blocks int64
}

func (u *uploadV2) plan(size int64) int64 {
	if size <= partV2 {
		return size
	}
	u.block = max(partV2, (size+maxBlocks-1)/maxBlocks)
	u.blocks = (size + u.block - 1) / u.block
	return u.block
}

// blockID is the id of the block at a place: all ids of a blob have the same length.
func blockID(n int64) string {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], uint64(n))
	return base64.StdEncoding.EncodeToString(raw[:])
}

// send puts a block, or the whole blob (Azure, "Put Block" and "Put Blob").
func (u *uploadV2) send(ctx context.Context, off int64, part *io.SectionReader) error {
	body := func() io.Reader { return io.NewSectionReader(part, 0, part.Size()) }
	if u.blocks == 0 {
		return u.put(ctx, nil, http.Header{"X-Ms-Blob-Type": {"BlockBlob"}}, body, part.Size())
	}
	return u.put(ctx, url.Values{"comp": {"block"}, "blockid": {blockID(off / u.block)}}, nil, body, part.Size())
}

// put sends something to the signed address with further query parameters and headers.
func (u *uploadV2) put(ctx context.Context, query url.Values, header http.Header, body func() io.Reader, size int64) error {
	at, err := url.Parse(u.url)
	if err != nil {
		return errAddress
	}
	if at.RawQuery != "" && len(query) > 0 {
		at.RawQuery += "&" // what is signed stays as it is
	}
	at.RawQuery += query.Encode()
	h := http.Header{"X-Ms-Version": {"2020-10-02"}, "Content-Type": {"application/octet-stream"}}
	maps.Copy(h, header)
	resp, err := u.storage.do(ctx, request{method: http.MethodPut, url: at.String(), header: h, body: body, size: size})
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	_, err = reply(resp)
	return err
}

// commit makes a blob of the blocks and tells the service that it is whole.
func (u *uploadV2) commit(ctx context.Context, size int64) error {
	if err := u.list(ctx); err != nil {
		return err
	}
	var done struct {
		OK      bool   `json:"ok"`
		Message string `json:"message"`
	}
	if err := u.twirp(ctx, "FinalizeCacheEntryUpload", cacheRequest{Key: u.key, SizeBytes: size}, &done); err != nil {
		return err
	}
	if !done.OK {
		return notOK(done.Message)
	}
	return nil
}

// list makes a blob of the blocks (Azure, "Put Block List").
func (u *uploadV2) list(ctx context.Context) error {
	if u.blocks == 0 {
		return nil
	}
	var doc struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string `xml:"Latest"`
	}
	for n := range u.blocks {
		doc.Latest = append(doc.Latest, blockID(n))
	}
	raw, err := xml.Marshal(doc)
	if err != nil {
		return err
	}
	return u.put(ctx, url.Values{"comp": {"blocklist"}}, nil, func() io.Reader { return bytes.NewReader(raw) }, int64(len(raw)))
}
