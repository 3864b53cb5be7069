package blob_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is a tar of some megabytes, half of it compressible.
func sample(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := range 6 {
		content := bytes.Repeat([]byte(fmt.Sprintf("line %d of a file\n", i)), 30_000)
		if i%2 == 0 {
			if _, err := rand.Read(content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprint("file", i), Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func level(n int) *int { return &n }

var compressions = []blob.Compression{
	{Type: blob.Uncompressed}, {Type: blob.Gzip}, {Type: blob.Gzip, Level: level(0)}, {Type: blob.Gzip, Level: level(9)},
	{Type: blob.Zstd}, {Type: blob.Zstd, Level: level(0)}, {Type: blob.Zstd, Level: level(19)}, {Type: blob.EStargz}, {Type: blob.EStargz, Level: level(1)},
}

// encode compresses data in writes of n bytes.
func encode(t testing.TB, c blob.Compression, data []byte, n int) ([]byte, ocispec.Descriptor, digest.Digest) {
	t.Helper()
	var out bytes.Buffer
	e, err := blob.NewEncoder(&out, c)
	if err != nil {
		t.Fatal(err)
	}
	for rest := data; len(rest) > 0; {
		k := min(n, len(rest))
		if _, err := e.Write(rest[:k]); err != nil {
			t.Fatal(err)
		}
		rest = rest[k:]
	}
	desc, diffID, err := e.Close()
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), desc, diffID
}

func TestALayerComesBackFromEveryCompression(t *testing.T) {
	data := sample(t)
	for _, c := range compressions {
		t.Run(c.String(), func(t *testing.T) {
			out, desc, diffID := encode(t, c, data, 1<<20)
			if desc.Digest != digest.FromBytes(out) || desc.Size != int64(len(out)) || diffID != digest.FromBytes(data) {
				t.Errorf("descriptor %v and diffID %s do not describe what was written", desc, diffID)
			}
			r, err := blob.NewDecoder(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			back, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := desc.Annotations["containerd.io/uncompressed"]; got != digest.FromBytes(back).String() {
				t.Errorf("the annotated diffID is %s, it unpacks to %s", got, digest.FromBytes(back))
			}
			// eStargz has a table of contents behind the tar's files, and so a diffID of its own.
			if same := bytes.Equal(back, data); same == (c.Type == blob.EStargz) {
				t.Errorf("it unpacks to the same bytes: %t", same)
			}
			if got := blob.CompressionOf(desc); got != c.Type {
				t.Errorf("its descriptor says %s", got)
			}
		})
	}
}

func TestEqualInputGivesEqualBytes(t *testing.T) {
	data := sample(t)
	for _, c := range compressions {
		t.Run(c.String(), func(t *testing.T) {
			want, _, _ := encode(t, c, data, 1<<20)
			for _, procs := range []int{1, 2, 7} {
				old := runtime.GOMAXPROCS(procs)
				for _, n := range []int{997, 32 << 10, len(data)} {
					if got, _, _ := encode(t, c, data, n); !bytes.Equal(got, want) {
						t.Errorf("with %d processors and writes of %d bytes the output is another one", procs, n)
					}
				}
				runtime.GOMAXPROCS(old)
			}
		})
	}
}

func TestABombIsStoppedWhileItUnpacks(t *testing.T) {
	var out bytes.Buffer
	e, err := blob.NewEncoder(&out, blob.Compression{Type: blob.Zstd})
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	const size = 600 << 20
	for range size / len(zeros) {
		if _, err := e.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := e.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := blob.NewDecoder(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	if !errors.Is(err, blob.ErrIntegrity) || n >= size {
		t.Errorf("%d bytes were unpacked before %v", n, err)
	}
}

func TestVerifyTellsWrongBytes(t *testing.T) {
	data := []byte("the content of a blob")
	right := ocispec.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data))}
	for name, tc := range map[string]struct {
		data []byte
		desc ocispec.Descriptor
		ok   bool
	}{
		"right":     {data, right, true},
		"flipped":   {append([]byte("T"), data[1:]...), right, false},
		"too short": {data[:5], right, false},
		"too long":  {append(bytes.Clone(data), 'x'), right, false},
		"empty":     {nil, right, false},
	} {
		got, err := io.ReadAll(blob.Verify(io.NopCloser(bytes.NewReader(tc.data)), tc.desc))
		if tc.ok != (err == nil) || (!tc.ok && !errors.Is(err, blob.ErrIntegrity)) {
			t.Errorf("%s: %v", name, err)
		}
		if int64(len(got)) > tc.desc.Size {
			t.Errorf("%s: %d bytes were returned of %d", name, len(got), tc.desc.Size)
		}
	}
}

func spool(t *testing.T) (*blob.Spool, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := blob.NewSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, dir
}

func TestALayerIsCompressedOnceForAllWhileItComesIn(t *testing.T) {
	s, dir := spool(t)
	data := sample(t)
	in, err := s.Ingest(ocispec.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data))}, []blob.Compression{{Type: blob.Zstd}, {Type: blob.Gzip}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(data); err != nil {
		t.Fatal(err)
	}
	diffID, forms, err := in.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diffID != digest.FromBytes(data) || len(forms) != 2 {
		t.Fatalf("diffID %s, %d forms", diffID, len(forms))
	}
	for _, desc := range forms {
		rc, err := s.Fetch(t.Context(), desc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, rc); err != nil {
			t.Error(err)
		}
		_ = rc.Close()
	}
	// A third form is made from one of those; the two exist already.
	for _, c := range []blob.Compression{{Type: blob.Zstd}, {Type: blob.Uncompressed}} {
		desc, err := s.Transcode(t.Context(), forms[1], diffID, s, c)
		if err != nil || blob.CompressionOf(desc) != c.Type {
			t.Errorf("%s: %v, %v", c, desc, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestWrongBytesDoNotEnterTheSpool(t *testing.T) {
	s, _ := spool(t)
	data := sample(t)
	for name, got := range map[string][]byte{"flipped": append([]byte{1}, data[1:]...), "short": data[:1000]} {
		in, err := s.Ingest(ocispec.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data))}, []blob.Compression{{Type: blob.Gzip}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(got); err != nil {
			t.Fatal(err)
		}
		if _, _, err := in.Commit(context.Background()); !errors.Is(err, blob.ErrIntegrity) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACompressedBlobIsKeptAsItIs(t *testing.T) {
	s, _ := spool(t)
	data := sample(t)
	for _, c := range []blob.CompressionType{blob.Gzip, blob.Zstd} {
		out, desc, diffID := encode(t, blob.Compression{Type: c}, data, 1<<20)
		in, err := s.Ingest(ocispec.Descriptor{Digest: desc.Digest, Size: desc.Size}, []blob.Compression{{Type: blob.Uncompressed}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(out); err != nil {
			t.Fatal(err)
		}
		got, forms, err := in.Commit(t.Context())
		if err != nil || got != diffID || len(forms) != 1 || forms[0].Digest != desc.Digest || blob.CompressionOf(forms[0]) != c {
			t.Errorf("%s: diffID %s, forms %v, %v", c, got, forms, err)
		}
	}
}

func TestALayerThatUnpacksToSomethingElseIsRefused(t *testing.T) {
	s, _ := spool(t)
	data := sample(t)
	out, desc, _ := encode(t, blob.Compression{Type: blob.Gzip}, data, 1<<20)
	_, err := s.Transcode(t.Context(), desc, digest.FromString("another"), bytesFetcher(out), blob.Compression{Type: blob.Zstd})
	if !errors.Is(err, blob.ErrIntegrity) {
		t.Errorf("got %v", err)
	}
}

type bytesFetcher []byte

func (b bytesFetcher) Fetch(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	return blob.Verify(io.NopCloser(bytes.NewReader(b)), desc), nil
}
