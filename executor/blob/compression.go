package blob

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
