package cache

import (
	"encoding/json"
	"time"

	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// configDocument is a cache config as it is written: BuildKit's types.CacheConfig with what is ours in it, which BuildKit passes over.
type configDocument struct {
	Layers  []configLayer       `json:"layers,omitempty"`
	Records []types.CacheRecord `json:"records,omitempty"`
	// Note is Cache.WithNote's, where there is no manifest to carry it.
	Note string `json:"io.cachectl.note,omitempty"`
}

// Note is what was written with Cache.WithNote into a config that stands alone, "" for none. It is read from any config, also from one that
// Decode refuses.
func Note(config []byte) string {
	var doc struct {
		Note string `json:"io.cachectl.note"`
	}
	if len(config) > ConfigLimit || json.Unmarshal(config, &doc) != nil || len(doc.Note) > NoteLimit {
		return ""
	}
	return doc.Note
}

// configLayer is types.CacheLayer.
type configLayer struct {
	Blob        digest.Digest     `json:"blob,omitempty"`
	ParentIndex int               `json:"parent,omitempty"`
	Annotations *layerAnnotations `json:"annotations,omitempty"`
}

// layerAnnotations is how a layer describes itself where there is no manifest that does.
type layerAnnotations struct {
	types.LayerAnnotations
	// Others are annotations that BuildKit has no place for, see carried.
	Others map[string]string `json:"others,omitempty"`
}

// carried are the annotations of a layer that travel with it in Others: without them an eStargz layer is no longer known for one.
var carried = []string{AnnotationTar, "containerd.io/snapshot/stargz/toc.digest", "io.containers.estargz.uncompressed-size"}

// describe is how a layer describes itself.
func describe(l Layer) *layerAnnotations {
	a := &layerAnnotations{LayerAnnotations: types.LayerAnnotations{
		MediaType: convertMediaType(l.Descriptor.MediaType, true), DiffID: l.DiffID, Size: l.Descriptor.Size,
	}}
	if t, err := time.Parse(time.RFC3339Nano, l.Descriptor.Annotations[AnnotationCreatedAt]); err == nil && checkTime(t) == nil {
		a.CreatedAt = t.UTC()
	}
	for _, name := range carried {
		if v, ok := l.Descriptor.Annotations[name]; ok {
			if a.Others == nil {
				a.Others = map[string]string{}
			}
			a.Others[name] = v
		}
	}
	return a
}

// selfDescribed is the descriptor of a layer that describes itself.
func selfDescribed(l configLayer) (ocispec.Descriptor, bool) {
	a := l.Annotations
	if a == nil {
		return ocispec.Descriptor{}, false
	}
	d := ocispec.Descriptor{
		MediaType: a.MediaType, Digest: l.Blob, Size: a.Size,
		Annotations: map[string]string{AnnotationUncompressed: a.DiffID.String()},
	}
	if !a.CreatedAt.IsZero() {
		d.Annotations[AnnotationCreatedAt] = a.CreatedAt.UTC().Format(time.RFC3339Nano)
	}
	for _, name := range carried {
		if v, ok := a.Others[name]; ok {
			d.Annotations[name] = v
		}
	}
	return d, true
}
