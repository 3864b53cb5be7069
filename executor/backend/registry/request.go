package registry

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
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

const errorBodyLimit = 64 << 10

// peer is what errors call whoever answers.
const peer = "the registry"

// What is asked of a registry's token server.
const (
	actionPull = "pull"
	actionPush = "pull,push"
	// actionDelete is asked for by requests that delete.
	actionDelete = "pull,push,delete"
)

// do sends a request for something of this repository: one made by request, or one for a URL that the registry has given. scopes are wanted
// besides the repository's own.
func (r *repository) do(req *http.Request, action string, scopes ...string) (*http.Response, error) {
	ctx, again := withRetries(req.Context())
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead
	if reads && r.writable.Load() {
		action = actionPush // the same token as for the writes that follow; some registries have no other for what does not exist yet
	}
	rt, scheme, err := r.host.authorized(req.Context(), append([]string{r.name.Scope(action)}, scopes...))
	if err != nil && reads && action == actionPush && errors.Is(err, blob.ErrDenied) {
		rt, scheme, err = r.host.authorized(req.Context(), append([]string{r.name.Scope(actionPull)}, scopes...))
	}
	if err != nil {
		return nil, err
	}
	req = req.WithContext(ctx)
	if req.URL.Host == "" {
		at := *req.URL
		at.Scheme, at.Host = scheme, r.name.RegistryStr()
		req.URL, req.Host = &at, at.Host
	}
	if ctx.Value(onceKey{}) == nil {
		// So that net/http repeats it when an idle connection turns out to be closed; the header itself is not sent.
		req.Header["Idempotency-Key"] = nil
	}
	client := &http.Client{Transport: rt, CheckRedirect: wire.Redirects(peer)}
	resp, err := client.Do(req)
	if err != nil {
		if cause := context.Cause(req.Context()); cause != nil {
			return nil, cause
		}
		err = fmt.Errorf("%s %s: %w", req.Method, r.name.Name(), classify(wire.WithoutURL(err)))
		if n := again.Load(); n > 0 {
			err = fmt.Errorf("%w (%d attempts)", err, n+1)
		}
		return nil, err
	}
	return resp, nil
}

// request makes a request for a path below the repository; do adds the host.
func (r *repository) request(ctx context.Context, method string, body io.Reader, elem ...string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "/v2/"+r.name.RepositoryStr()+"/"+strings.Join(elem, "/"), body)
	if err != nil {
		return nil, err
	}
	return req, nil
}

// location is where the registry wants what follows.
func location(resp *http.Response) (*url.URL, error) {
	loc, err := resp.Location()
	if err != nil {
		return nil, fmt.Errorf("registry gives no usable location for an upload: %w", wire.WithoutURL(err))
	}
	return loc, wire.CheckHop(peer, resp.Request.URL, loc)
}

// StatusError is a registry's refusal.
type StatusError struct {
	Status int
	// Code and Message are the registry's own words, bounded and without control characters.
	Code, Message string
	// RateLimited says that the registry refuses for being asked too often, whatever its status is.
	RateLimited bool
	// Attempts is how often the request was sent, 0 if that is not known.
	Attempts int64
}

func (e *StatusError) Error() string {
	s := strings.TrimSpace(fmt.Sprintf("registry answers %d %s", e.Status, http.StatusText(e.Status)))
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Attempts > 1 {
		s += fmt.Sprintf(" (%d attempts)", e.Attempts)
	}
	if e.Is(blob.ErrDenied) {
		s += "; the credentials are those that \"docker login\" keeps"
	}
	return s
}

// Is makes errors.Is find what other packages ask for.
func (e *StatusError) Is(target error) bool {
	switch e.Status {
	case http.StatusNotFound:
		return target == blob.ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return target == blob.ErrDenied && !e.RateLimited
	}
	return false
}

// check returns a StatusError unless the status is one of those.
func check(resp *http.Response, ok ...int) error {
	for _, s := range ok {
		if resp.StatusCode == s {
			return nil
		}
	}
	e := &StatusError{Status: resp.StatusCode}
	if resp.Request != nil {
		e.Attempts = retries(resp.Request.Context()) + 1
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, errorBodyLimit))
	e.RateLimited = saysRateLimit(raw) || e.Status == http.StatusTooManyRequests
	var body struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &body) == nil && len(body.Errors) > 0 {
		e.Code, e.Message = wire.Printable(body.Errors[0].Code), wire.Printable(body.Errors[0].Message)
	}
	return e
}

// classify finds the refusals inside go-containerregistry's errors.
func classify(err error) error {
	var te *transport.Error
	if !errors.As(err, &te) {
		return err
	}
	status := &StatusError{Status: te.StatusCode}
	if len(te.Errors) > 0 {
		status.Code, status.Message = wire.Printable(string(te.Errors[0].Code)), wire.Printable(te.Errors[0].Message)
	}
	return status
}
