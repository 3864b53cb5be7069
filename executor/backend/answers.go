package backend

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
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
	for _, e := range []error{net.ErrClosed, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT} {
		if errors.Is(err, e) {
			return true
		}
	}
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
