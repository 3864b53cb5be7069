package wire

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// printableLimit is how much of a server's text is shown, in bytes.
const printableLimit = 300

// Printable bounds text from outside and drops what could move a terminal's cursor.
func Printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || (c >= 0x7f && c < 0xa0) {
			return -1
		}
		return c
	}, s)
	if len(s) > printableLimit {
		s = strings.ToValidUTF8(s[:printableLimit], "") + "…"
	}
	return s
}

// Temporary tells whether a connection's failure may pass.
func Temporary(err error) bool {
	// net.ErrClosed is how a connection that the other side has reset can look to its second user.
	for _, e := range []error{ErrIdle, net.ErrClosed, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT} {
		if errors.Is(err, e) {
			return true
		}
	}
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// WithoutURL drops the address from a client's error: it can carry a signature.
func WithoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// RetryAfter reads the header in both of its forms (RFC 9110, 10.2.3): how long after now nothing is to be asked for, false if it does not say.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseInt(v, 10, 32); err == nil && s >= 0 {
		return time.Duration(s) * time.Second, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now), 0), true
	}
	return 0, false
}
