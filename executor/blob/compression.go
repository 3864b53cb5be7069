package blob

import (
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// CompressionType names a layer compression in BuildKit's words (util/compression).
type CompressionType string

// The compressions a layer can have.
const (
	Uncompressed CompressionType = "uncompressed"
	Gzip         CompressionType = "gzip"
	EStargz      CompressionType = "estargz"
	Zstd         CompressionType = "zstd"
)

// Compression is a compression and its level.
type Compression struct {
	Type CompressionType
	// Level is the compression level: gzip and estargz 0 to 9, zstd 0 to 22; nil is the encoder's default.
	Level *int
}

// String is equal for compressions that give equal bytes.
func (c Compression) String() string {
	if c.Level == nil {
		return string(c.Type)
	}
	return fmt.Sprintf("%s-%d", c.Type, *c.Level)
}

// MediaType is the OCI media type of a layer in this compression.
func (t CompressionType) MediaType() string {
	switch t {
	case Gzip, EStargz:
		return ocispec.MediaTypeImageLayerGzip
	case Zstd:
		return ocispec.MediaTypeImageLayerZstd
	default:
		return ocispec.MediaTypeImageLayer
	}
}

// tocAnnotation marks an eStargz layer (stargz-snapshotter: estargz.TOCJSONDigestAnnotation).
const tocAnnotation = "containerd.io/snapshot/stargz/toc.digest"

// CompressionOf tells how the blob of a descriptor is compressed, from its media type and annotations.
func CompressionOf(desc ocispec.Descriptor) CompressionType {
	switch {
	case desc.Annotations[tocAnnotation] != "":
		return EStargz
	case strings.HasSuffix(desc.MediaType, "+gzip"), strings.HasSuffix(desc.MediaType, ".gzip"):
		return Gzip
	case strings.HasSuffix(desc.MediaType, "+zstd"), strings.HasSuffix(desc.MediaType, ".zstd"):
		return Zstd
	}
	return Uncompressed
}
