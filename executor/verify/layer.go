package verify

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	digest "github.com/opencontainers/go-digest"
)

// readLayer reads a layer's blob through once, hashing it and what it unpacks to, and returns how many bytes it read and what is wrong, nil for
// nothing. It holds a buffer and a decoder's window, whatever the layer's size.
func readLayer(ctx context.Context, from blob.Fetcher, l cache.Layer) (int64, *Finding) {
	rc, err := from.Fetch(ctx, l.Descriptor)
	if err != nil {
		return 0, failed(l, err)
	}
	defer rc.Close() //nolint:errcheck // read side
	in := &source{r: rc}
	got, unpackErr := unpack(in, l)
	// The rest, for the digest of the blob: what a decoder leaves unread, and all of it when it gave up.
	_, _ = io.Copy(io.Discard, in)
	switch {
	case !errors.Is(in.err, io.EOF):
		return in.n, failed(l, in.err)
	case errors.Is(unpackErr, errCompression):
		return in.n, wrong(l, Compression, blob.ErrIntegrity, "is not compressed as %s, which its media type %s says", blob.CompressionOf(l.Descriptor), l.Descriptor.MediaType)
	case unpackErr != nil:
		return in.n, wrong(l, DiffID, unpackErr, "cannot be unpacked: %v", unpackErr)
	case got != l.DiffID:
		return in.n, wrong(l, DiffID, blob.ErrIntegrity, "unpacks to %s, and the cache says %s", got, l.DiffID)
	}
	return in.n, nil
}

// failed is the finding for a blob that could not be read to its end.
func failed(l cache.Layer, err error) *Finding {
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return wrong(l, Missing, err, "is gone")
	case errors.Is(err, blob.ErrIntegrity):
		return wrong(l, Damaged, err, "is damaged: %v", err)
	}
	return wrong(l, Unread, err, "could not be read: %v", err)
}

// errCompression says that a blob is compressed otherwise than its descriptor says.
var errCompression = errors.New("another compression")

// unpack returns the digest of what a blob unpacks to.
func unpack(in io.Reader, l cache.Layer) (digest.Digest, error) {
	br := bufio.NewReaderSize(in, 64<<10)
	head, err := br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if is, said := blob.Sniff(head), blob.CompressionOf(l.Descriptor); is != said && (is != blob.Gzip || said != blob.EStargz) {
		return "", errCompression
	}
	plain, err := blob.NewDecoder(br)
	if err != nil {
		return "", err
	}
	defer plain.Close() //nolint:errcheck // read side
	h := l.DiffID.Algorithm().Digester()
	if _, err := io.Copy(h.Hash(), plain); err != nil {
		return "", err
	}
	return h.Digest(), nil
}

// source counts what is read and remembers how reading ended.
type source struct {
	r   io.Reader
	n   int64
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.err = err
	return n, err
}
