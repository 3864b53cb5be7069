package fingerprint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config/remote"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

const (
	// downloadLimit is the largest content, in bytes, that is read where a server says nothing else of it that can be relied on.
	downloadLimit = 256 << 20
	// fileLimit is the largest Dockerfile behind an HTTP address, in bytes, that is read.
	fileLimit = 2 << 20
	// downloadTime is how long asking for one address may take.
	downloadTime = 2 * time.Minute
)

// Secrets that BuildKit looks for before it downloads (source/http/source.go, newHTTPRequest).
const (
	downloadHeaderSecret = "HTTP_AUTH_HEADER_"
	downloadTokenSecret  = "HTTP_AUTH_TOKEN_"
)

// pinDownload knows a download by its checksum, else by what the server says of it now.
func (w *work) pinDownload(ctx context.Context, src *pb.SourceOp) (string, error) {
	if src.Attrs[pb.AttrHTTPChecksum] != "" {
		return src.Identifier, nil
	}
	req, err := w.request(ctx, src)
	if err != nil {
		return "", err
	}
	validator, err := w.opt.Remotes.Download(req, req.URL.String()+" "+req.Header.Get("Authorization"))
	if err != nil {
		return "", unpin("download %s cannot be resolved: %v; ADD can name its digest with --checksum", withoutUser(src.Identifier), err)
	}
	w.print.addOnce(KindDownload, withoutUser(src.Identifier), brief(digest.FromString(validator)))
	return "http " + validator, nil
}

// readDownload reads the file that is behind an address: a Dockerfile.
func (w *work) readDownload(ctx context.Context, src *pb.SourceOp) ([]byte, error) {
	req, err := w.request(ctx, src)
	if err != nil {
		return nil, err
	}
	var raw []byte
	err = answer(req, http.MethodGet, func(res *http.Response) error {
		raw, err = io.ReadAll(io.LimitReader(res.Body, fileLimit+1))
		return err
	})
	if err != nil {
		return nil, unpin("%s cannot be read: %v", withoutUser(src.Identifier), err)
	}
	if len(raw) > fileLimit {
		return nil, unpin("%s is larger than %d bytes: what it holds is known to the builder only", withoutUser(src.Identifier), fileLimit)
	}
	return raw, nil
}

// request is how BuildKit asks for an address.
func (w *work) request(ctx context.Context, src *pb.SourceOp) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, src.Identifier, nil)
	if err != nil {
		return nil, unpin("%s is no address", withoutUser(src.Identifier))
	}
	for name, value := range src.Attrs {
		if header, ok := strings.CutPrefix(name, pb.AttrHTTPHeaderPrefix); ok {
			req.Header.Set(header, value)
		}
	}
	if id := src.Attrs[pb.AttrHTTPAuthHeaderSecret]; id != "" {
		req.Header.Set("Authorization", w.secret(ctx, id))
		return req, nil
	}
	if v := w.secret(ctx, downloadHeaderSecret+req.URL.Hostname()); v != "" {
		req.Header.Set("Authorization", v)
	}
	if v := w.secret(ctx, downloadTokenSecret+req.URL.Hostname()); v != "" {
		req.Header.Set("Authorization", "Bearer "+v)
	}
	return req, nil
}

// validate asks what an address gives. A strong ETag stands for the content (RFC 9110, section 8.8), as it does for BuildKit; where there is none, the content is
// read. BuildKit's key for a download has the time of its last change in it, so this has, too.
func validate(req *http.Request) (string, error) {
	var validator string
	err := answer(req, http.MethodHead, func(res *http.Response) error {
		if tag := res.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
			validator = fmt.Sprintf("etag %q modified %q", tag, res.Header.Get("Last-Modified"))
		}
		return nil
	})
	if err == nil && validator != "" {
		return validator, nil
	}
	err = answer(req, http.MethodGet, func(res *http.Response) error {
		sum := sha256.New()
		n, err := io.Copy(sum, io.LimitReader(res.Body, downloadLimit+1))
		if err != nil {
			return err
		}
		if n > downloadLimit {
			return fmt.Errorf("it has no strong ETag and more than %d bytes", downloadLimit)
		}
		validator = fmt.Sprintf("sha256 %s modified %q", hex.EncodeToString(sum.Sum(nil)), res.Header.Get("Last-Modified"))
		return nil
	})
	return validator, err
}

// answer sends a request and gives use the response, if it is one with a content. Errors do not name the address, which may hold a secret.
func answer(req *http.Request, method string, use func(*http.Response) error) error {
	ctx, cancel := context.WithTimeout(req.Context(), downloadTime)
	defer cancel()
	req = req.Clone(ctx)
	req.Method = method
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return remote.Stripped(err)
	}
	defer res.Body.Close() //nolint:errcheck // read side
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", res.Status)
	}
	return use(res)
}
