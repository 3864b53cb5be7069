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
	"strings"

	digest "github.com/opencontainers/go-digest"
)

const (
	// perPage is how many keys are listed at once, maxPages how often: the service holds 10 GB for a repository by default.
	perPage  = 100
	maxPages = 1000
	// pageLimit is how large the answer with one page may be.
	pageLimit = 4 << 20
)

// list asks GitHub's REST API for all layers at once, if the cache says for which repository and with which token; that spares a request for each.
// When that fails, layers are looked for one by one, as BuildKit does.
func (s *service) list(ctx context.Context) {
	if s.repository == "" {
		return
	}
	held := map[digest.Digest]int64{}
	for _, scope := range s.scopes {
		if err := s.listScope(ctx, scope.Scope, held); err != nil {
			s.log.Warn("the keys of the cache service cannot be listed; layers are looked for one by one", "repository", s.repository, "reason", err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.listed = held, true
}

// listScope adds the layers of one scope.
func (s *service) listScope(ctx context.Context, scope string, held map[digest.Digest]int64) error {
	for page := 1; page <= maxPages; page++ {
		var keys struct {
			Total  int `json:"total_count"`
			Caches []struct {
				Key     string `json:"key"`
				Version string `json:"version"`
				Size    int64  `json:"size_in_bytes"`
			} `json:"actions_caches"`
		}
		if err := s.page(ctx, scope, page, &keys); err != nil {
			return err
		}
		for _, c := range keys.Caches {
			d := digest.Digest(strings.TrimPrefix(strings.ToLower(c.Key), blobPrefix))
			if _, ok := held[d]; !ok && d.Validate() == nil && (c.Version == "" || c.Version == entryVersion) {
				held[d] = c.Size
			}
		}
		if len(keys.Caches) == 0 || keys.Total <= page*perPage {
			return nil
		}
	}
	return errors.New("there are too many")
}

// page reads one page (GitHub REST, "List GitHub Actions caches for a repository").
func (s *service) page(ctx context.Context, scope string, page int, out any) error {
	q := url.Values{"key": {blobPrefix}, "ref": {scope}, "per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
	resp, err := s.rest.do(ctx, request{
		method: http.MethodGet, url: fmt.Sprintf("%s/repos/%s/actions/caches?%s", strings.TrimRight(s.api, "/"), s.repository, q.Encode()),
		header: http.Header{
			"Authorization": {"Bearer " + s.ghtoken}, "Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"},
		},
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	return json.NewDecoder(io.LimitReader(resp.Body, pageLimit)).Decode(out)
}
