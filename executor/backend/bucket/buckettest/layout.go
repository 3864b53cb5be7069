package buckettest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cachectl/cachectl/executor/backend/backendtest"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/executor/blob"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Keys are the keys that a cache with one layer has under some attributes: before is put before the layer's digest, name is the name's key.
type Keys struct {
	Attrs        map[string]string
	Before, Name string
}

// RunKeys publishes a cache under each of the attributes and looks for its objects.
func RunKeys(t *testing.T, s Side, cases []Keys) {
	t.Helper()
	sample := backendtest.NewSample(t, "keys", 1)
	layer := sample.Cache.Layers()[0].Descriptor.Digest.String()
	for _, c := range cases {
		backendtest.Publish(t, s.Open(t, nil, c.Attrs), sample, ocispec.Descriptor{})
		if got, want := s.Keys(t), []string{c.Before + layer, c.Name}; !slices.Equal(got, want) {
			t.Errorf("with %v the bucket has %q, want %q", c.Attrs, got, want)
		}
		for _, key := range s.Keys(t) {
			s.Remove(t, key)
		}
	}
}

// RunParts uploads layers around the size of a part, right and wrong: what is right arrives whole, what is wrong not at all.
func RunParts(t *testing.T, s Side) {
	t.Helper()
	const part = bucket.PartSize
	for _, size := range []int{0, 1, part - 1, part, part + 1, 2 * part, 2*part + 1} {
		raw := bytes.Repeat([]byte{byte(size), 7}, size/2+1)[:size]
		desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(raw), Size: int64(size)}
		wrong := bytes.Clone(raw)
		if size > 0 {
			wrong[size-1]++
			if err := s.Open(t, nil, nil).Blobs().Push(t.Context(), desc, Opener(wrong)); !errors.Is(err, blob.ErrIntegrity) {
				t.Errorf("%d wrong bytes: %v, want ErrIntegrity", size, err)
			}
			if got, _ := s.Get(t, Layer(desc.Digest)); got != nil {
				t.Errorf("%d wrong bytes are in the bucket", len(got))
			}
		}
		if err := s.Open(t, nil, nil).Blobs().Push(t.Context(), desc, Opener(raw)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if got, _ := s.Get(t, Layer(desc.Digest)); !bytes.Equal(got, raw) {
			t.Errorf("of %d bytes %d are in the bucket", size, len(got))
		}
	}
}
