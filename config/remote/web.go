package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"time"
)

// fetchWeb gets one file over HTTP.
func (l *Location) fetchWeb(ctx context.Context) (File, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.web.String(), nil)
	if err != nil {
		return File{}, Stripped(err)
	}
	client := &http.Client{CheckRedirect: redirect, Transport: transport()}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return File{}, Stripped(err)
	}
	defer res.Body.Close() //nolint:errcheck // read side
	if res.StatusCode == http.StatusNotFound {
		return File{}, ErrMissing
	}
	if res.StatusCode != http.StatusOK {
		return File{}, fmt.Errorf("the server answers %s", res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, MaxFile+1))
	if err != nil {
		return File{}, Stripped(err)
	}
	if len(data) > MaxFile {
		return File{}, errTooLarge
	}
	if archive(data) {
		return File{}, errors.New("it is an archive, not a definition; name a git repository, or the file itself")
	}
	return File{Name: path.Base(l.web.Path), Data: data}, nil
}

var errTooLarge = fmt.Errorf("it is larger than %d bytes", MaxFile)

// redirect follows a server elsewhere a few times, and never from an encrypted connection to a plain one.
func redirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("redirected more than %d times", maxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("redirected from https to %s", req.URL.Scheme)
	}
	return nil
}

// transport is the default one with bounds on headers and on waiting for them.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = 64 << 10
	t.ResponseHeaderTimeout = 30 * time.Second
	return t
}

// Stripped takes the address, which may hold a password, out of an error of the client.
func Stripped(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// archive tells a bzip2, gzip or xz stream or a tar file by its first bytes, as Bake does.
func archive(data []byte) bool {
	for _, magic := range []string{"BZh", "\x1f\x8b\x08", "\xfd7zXZ\x00"} {
		if bytes.HasPrefix(data, []byte(magic)) {
			return true
		}
	}
	return len(data) > 262 && string(data[257:262]) == "ustar"
}
