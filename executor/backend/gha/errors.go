package gha

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cachectl/cachectl/executor/backend/wire"
	"github.com/cachectl/cachectl/executor/blob"
)

// errTaken says that a key was reserved before.
var errTaken = errors.New("the key is taken")

// StatusError is the service's refusal.
type StatusError struct {
	Status int
	// Code and Message are the service's own words, bounded and without control characters.
	Code, Message string
	// Busy says that the request was one too many for now.
	Busy bool
	// after is how long the service wants to be left alone.
	after time.Duration
}

func (e *StatusError) Error() string {
	s := strings.TrimSpace(fmt.Sprintf("the cache service answers %d %s", e.Status, http.StatusText(e.Status)))
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Busy && e.after > 0 {
		s += fmt.Sprintf(" (to be asked again in %s)", e.after.Round(time.Second))
	}
	return s
}

// Is makes errors.Is find what other packages ask for.
func (e *StatusError) Is(target error) bool {
	switch target {
	case errTaken:
		return e.taken()
	case blob.ErrNotFound:
		return e.Status == http.StatusNotFound
	case blob.ErrDenied:
		return (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) && !e.Busy
	}
	return false
}

// taken tells whether the refusal says that a key exists, in the words of either version (go-actions-cache, GithubAPIError.Is).
func (e *StatusError) taken() bool {
	return e.Code == "already_exists" || strings.Contains(e.Code, "AlreadyExists") || strings.Contains(strings.ToLower(e.Message), "already exists")
}

// mayPass tells whether the same request may succeed later.
func (e *StatusError) mayPass() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return !e.taken()
	}
	return false
}

// refusal reads a response that is no success, and closes it.
func refusal(resp *http.Response) error {
	after, _ := wire.RetryAfter(resp.Header, time.Now())
	e := &StatusError{Status: resp.StatusCode, after: after}
	e.Busy = e.Status == http.StatusTooManyRequests || (e.Status == http.StatusForbidden && resp.Header.Get("Retry-After") != "")
	raw, _ := reply(resp)
	var body struct {
		Code    string `json:"code"`    // Twirp
		Msg     string `json:"msg"`     // Twirp
		TypeKey string `json:"typeKey"` // version 1
		Message string `json:"message"` // version 1, REST
		Error   string `json:"error"`   // nektos/act
	}
	if json.Unmarshal(raw, &body) == nil {
		e.Code, e.Message = wire.Printable(body.Code+body.TypeKey), wire.Printable(body.Msg+body.Message+body.Error)
	}
	return e
}
