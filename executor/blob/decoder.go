package blob

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// What a compressed layer may unpack to: protection against decompression bombs.
const (
	decodedLimit  = 64 << 30
	decodedRatio  = 1000
	decodedSlack  = 64 << 20
	zstdMaxWindow = 128 << 20
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// Sniff tells a layer's compression from its first bytes.
func Sniff(head []byte) CompressionType {
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		return Gzip
	case bytes.HasPrefix(head, zstdMagic):
		return Zstd
	}
	return Uncompressed
}

// NewDecoder returns a reader of the uncompressed tar of a layer. The compression is told from the bytes. The caller closes the result,
// which does not close r. Output beyond the limits against decompression bombs is an error wrapping ErrIntegrity.
func NewDecoder(r io.Reader) (io.ReadCloser, error) {
	in := &counter{r: r}
	br := bufio.NewReaderSize(in, 64<<10)
	head, err := br.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch Sniff(head) {
	case Gzip:
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("read gzip header: %w", err)
		}
		return &bounded{r: z, in: in, close: z.Close}, nil
	case Zstd:
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdMaxWindow))
		if err != nil {
			return nil, fmt.Errorf("read zstd header: %w", err)
		}
		return &bounded{r: z, in: in, close: func() error { z.Close(); return nil }}, nil
	}
	return io.NopCloser(br), nil
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded ends with an error when far more comes out than went in.
type bounded struct {
	r     io.Reader
	in    *counter
	out   int64
	close func() error
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.out += int64(n)
	if b.out > decodedLimit || b.out > b.in.n*decodedRatio+decodedSlack {
		return n, fmt.Errorf("layer unpacks to more than %d bytes from %d: %w", b.out, b.in.n, ErrIntegrity)
	}
	return n, err
}

func (b *bounded) Close() error { return b.close() }
