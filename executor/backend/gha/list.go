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
	"time"

	digest "github.com/opencontainers/go-digest"
)

const (
	// perPage is how many keys are listed at once, maxPages how often: the service holds 10 GB for a repository by default.
	perPage  = 100
	maxPages = 1000
	// pageLimit is how large the answer with one page may be.
	pageLimit = 4 << 20
)

// listed is an entry as GitHub's REST API lists it.
type listed struct {
	ID      int64     `json:"id"`
	Key     string    `json:"key"`
	Version string    `json:"version"`
	Size    int64     `json:"size_in_bytes"`
	Created time.Time `json:"created_at"`
}

// list asks GitHub's REST API for all layers at once, if the cache says for which repository and with which token; that spares a request for each.
// When that fails, layers are looked for one by one, as BuildKit does.
func (s *service) list(ctx context.Context) {
	if s.repository == "" {
		return
	}
	held := map[digest.Digest]int64{}
	for _, scope := range s.scopes {
		err := s.listed(ctx, scope.Scope, blobPrefix, func(e listed) {
			d := digest.Digest(strings.TrimPrefix(strings.ToLower(e.Key), blobPrefix))
			if _, ok := held[d]; !ok && d.Validate() == nil {
				held[d] = e.Size
			}
		})
		if err != nil {
			s.log.Warn("the keys of the cache service cannot be listed; layers are looked for one by one", "repository", s.repository, "reason", err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.all = held, true
}

// listed calls fn for each entry of a branch whose key starts with prefix (GitHub REST, "List GitHub Actions caches for a repository").
func (s *service) listed(ctx context.Context, branch, prefix string, fn func(listed)) error {
	for page := 1; page <= maxPages; page++ {
		var keys struct {
			Total  int      `json:"total_count"`
			Caches []listed `json:"actions_caches"`
		}
		q := url.Values{"key": {prefix}, "ref": {branch}, "per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
		if err := s.page(ctx, q, &keys); err != nil {
			return err
		}
		for _, e := range keys.Caches {
			if e.Version == "" || e.Version == entryVersion {
				fn(e)
			}
		}
		if len(keys.Caches) == 0 || keys.Total <= page*perPage {
			return nil
		}
	}
	return errors.New("there are too many")
}

// caches is the address of the repository's caches.
func (s *service) caches() string {
	return fmt.Sprintf("%s/repos/%s/actions/caches", strings.TrimRight(s.api, "/"), s.repository)
}

func (s *service) restHeader() http.Header {
	return http.Header{
		"Authorization": {"Bearer " + s.ghtoken}, "Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"},
	}
}

// page reads one page.
func (s *service) page(ctx context.Context, q url.Values, out any) error {
	resp, err := s.rest.do(ctx, request{method: http.MethodGet, url: s.caches() + "?" + q.Encode(), header: s.restHeader()})
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read side
	return json.NewDecoder(io.LimitReader(resp.Body, pageLimit)).Decode(out)
}
