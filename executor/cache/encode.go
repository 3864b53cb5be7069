package cache

import (
	"encoding/json"
	"fmt"

	types "github.com/moby/buildkit/cache/remotecache/v1/types"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Encoded is a cache as it is written: a config and the manifest over it.
type Encoded struct {
	Config     []byte
	ConfigDesc ocispec.Descriptor
	// Manifest is nil for a config that stands alone; ManifestDesc, which is what a location's name points at, is the config's then.
	Manifest     []byte
	ManifestDesc ocispec.Descriptor
	// Layers are the blobs the manifest lists, each once.
	Layers []ocispec.Descriptor
}

// Encode writes the cache in a format. Equal caches give equal bytes. The error wraps ErrTooLarge when BuildKit would not import the
// result (see Format.Limit, and Fit), ErrInvalid for a format that does not exist.
func (c *Cache) Encode(f Format) (*Encoded, error) {
	enc, err := c.encode(f)
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		name string
		size int
	}{{"config", len(enc.Config)}, {"manifest", len(enc.Manifest)}} {
		if int64(part.size) > f.Limit() {
			return nil, fmt.Errorf("%w: the %s has %d bytes, the limit is %d", ErrTooLarge, part.name, part.size, f.Limit())
		}
	}
	return enc, nil
}

func (c *Cache) encode(f Format) (*Encoded, error) {
	if f.SelfDescribed {
		f.OCI, f.ImageManifest = true, false
	}
	if f.ImageManifest && !f.OCI {
		return nil, invalid("an image manifest needs OCI media types")
	}
	enc := &Encoded{}
	var err error
	if enc.Config, err = json.Marshal(c.config(f)); err != nil {
		return nil, fmt.Errorf("encode cache config: %w", err)
	}
	enc.ConfigDesc = ocispec.Descriptor{MediaType: types.CacheConfigMediaTypeV0, Digest: digest.FromBytes(enc.Config), Size: int64(len(enc.Config))}
	seen := map[digest.Digest]bool{}
	for _, l := range c.layers {
		if seen[l.Descriptor.Digest] {
			continue
		}
		seen[l.Descriptor.Digest] = true
		desc := l.Descriptor
		desc.MediaType = convertMediaType(desc.MediaType, f.OCI)
		enc.Layers = append(enc.Layers, desc)
	}
	if f.SelfDescribed {
		enc.ManifestDesc = enc.ConfigDesc
		return enc, nil
	}
	mediaType, doc := c.manifest(f, enc)
	if enc.Manifest, err = json.Marshal(doc); err != nil {
		return nil, fmt.Errorf("encode cache manifest: %w", err)
	}
	enc.ManifestDesc = ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(enc.Manifest), Size: int64(len(enc.Manifest))}
	return enc, nil
}

// manifest is the document over a config (BuildKit: cache/remotecache/export.go, ExportableCache).
func (c *Cache) manifest(f Format, enc *Encoded) (string, any) {
	version := specs.Versioned{SchemaVersion: 2}
	by := map[string]string{AnnotationMadeBy: madeBy}
	if c.note != "" {
		by[AnnotationNote], by[AnnotationNoteOf] = c.note, noteOf(enc.ConfigDesc, enc.Layers)
	}
	if f.ImageManifest {
		return ocispec.MediaTypeImageManifest, ocispec.Manifest{
			Versioned: version, MediaType: ocispec.MediaTypeImageManifest, Config: enc.ConfigDesc, Layers: enc.Layers, Annotations: by,
		}
	}
	mediaType := ocispec.MediaTypeImageIndex
	if !f.OCI {
		mediaType, by = mediaTypeDockerManifestList, nil // Docker's form has no annotations
	}
	entries := append(append([]ocispec.Descriptor{}, enc.Layers...), enc.ConfigDesc)
	return mediaType, ocispec.Index{Versioned: version, MediaType: mediaType, Manifests: entries, Annotations: by}
}

// config is the cache in BuildKit's own form. A layer without a parent says -1: an absent parent would mean layer 0.
func (c *Cache) config(f Format) configDocument {
	var cfg configDocument
	for _, l := range c.layers {
		layer := configLayer{Blob: l.Descriptor.Digest, ParentIndex: l.Parent}
		if f.SelfDescribed {
			layer.Annotations = describe(l)
		}
		cfg.Layers = append(cfg.Layers, layer)
	}
	for _, r := range c.records {
		rec := types.CacheRecord{Digest: r.Digest}
		for _, alternatives := range r.Inputs {
			var list []types.CacheInput
			for _, l := range alternatives {
				list = append(list, types.CacheInput{Selector: l.Selector, LinkIndex: l.Record})
			}
			rec.Inputs = append(rec.Inputs, list)
		}
		for _, res := range r.Results {
			rec.Results = append(rec.Results, types.CacheResult{LayerIndex: res.Layer, CreatedAt: res.CreatedAt})
		}
		for _, ch := range r.Chains {
			rec.ChainedResults = append(rec.ChainedResults, types.ChainedResult{LayerIndexes: ch.Layers, CreatedAt: ch.CreatedAt})
		}
		cfg.Records = append(cfg.Records, rec)
	}
	if f.SelfDescribed {
		cfg.Note = c.note
	}
	return cfg
}

// Layer media types of OCI and Docker for the same bytes (BuildKit: util/compression, toOCILayerType and toDockerLayerType).
var mediaTypePairs = [][2]string{
	{ocispec.MediaTypeImageLayer, "application/vnd.docker.image.rootfs.diff.tar"},
	{ocispec.MediaTypeImageLayerGzip, "application/vnd.docker.image.rootfs.diff.tar.gzip"},
	{ocispec.MediaTypeImageLayerZstd, "application/vnd.docker.image.rootfs.diff.tar.zstd"},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar"},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"},
}

// convertMediaType names a layer's format in OCI's or in Docker's words; what it does not know stays.
func convertMediaType(mediaType string, oci bool) string {
	for _, p := range mediaTypePairs {
		if mediaType == p[0] || mediaType == p[1] {
			if oci {
				return p[0]
			}
			return p[1]
		}
	}
	return mediaType
}
