package backend

import (
	"context"

	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Current is what a location holds at the moment it is read.
type Current struct {
	// Cache is the decoded, validated cache.
	Cache *cache.Cache
	// Root is the descriptor of what the location's name points at: a manifest or index.
	Root ocispec.Descriptor
	// Image is set when the name points at an image or an index of images; Cache is then what these carry inline.
	Image bool
	// MadeBy is the program that wrote the cache, "" when it does not say.
	MadeBy string
	// Note is what stands beside the cache; see cache.WithNote.
	Note string
	// Blobs reads the cache's layers.
	Blobs blob.Fetcher
}

// Native is how BuildKit itself is told to import exactly what was read: a cache import type and its attributes, pinned by digest.
type Native struct {
	Type  string
	Attrs map[string]string
}

// Source is a location that a cache can be imported from.
type Source interface {
	// Name is the location for people: type and ref or path, with no secret in it.
	Name() string
	// Host groups locations that share connection limits and can take blobs over from each other, for instance a registry's
	// host:port. "" is this machine.
	Host() string
	// Read resolves the name and returns what is there, verified: the manifest and the config match their digests and are within BuildKit's
	// limits. Nothing there is an error wrapping blob.ErrNotFound; something unusable is an error that says what is wrong with it, and comes
	// with a Current that has a Root and no Cache when the name points at something.
	Read(ctx context.Context) (*Current, error)
	// Native returns the import entry for BuildKit for what Read returned.
	Native(cur *Current) Native
	// Missing returns those of the cache's layers that the location does not hold (any more).
	Missing(ctx context.Context, cur *Current) ([]ocispec.Descriptor, error)
}

// Destination is a location that a cache can be published to.
type Destination interface {
	Source
	// Key is equal for two destinations exactly when writing one overwrites the other.
	Key() string
	// Check fails if the destination cannot be written, without writing anything that stays.
	Check(ctx context.Context) error
	// Blobs is where layers are pushed before Publish.
	Blobs() blob.Pusher
	// Format says how caches are written here.
	Format() cache.Format
	// Publish makes c what the location's name points at. All of c's layers have been pushed. It writes the config and the manifest by
	// digest, reads them back, and moves the name last; a reader sees the old cache or the new one, never a mixture.
	// replaces is the root that the caller has seen at the name (zero digest: nothing): when the name points elsewhere by now,
	// Publish returns ErrConflict and leaves the name as it is.
	Publish(ctx context.Context, c *cache.Cache, replaces ocispec.Descriptor) (ocispec.Descriptor, error)
}

// Peeker is a Destination whose manifest can be read without the rest, in one request.
type Peeker interface {
	// Peek returns the manifest that the location's name points at. Nothing there is an error wrapping blob.ErrNotFound.
	Peek(ctx context.Context) (*cache.Manifest, ocispec.Descriptor, error)
}

// Lossy is implemented by sources that BuildKit may import though layers are lost: it looks for each layer before it takes a result, and executes the
// step of one that is gone. Of other places it takes for granted that they hold what they say, and fails.
type Lossy interface {
	// ImportsLossy does nothing; that it is there says so.
	ImportsLossy()
}

// Renewer is implemented by destinations whose owners may delete by age what nobody has written for a while.
type Renewer interface {
	// Renew gives c, which root names and of which nothing need be written, today's date where it is older than the destination's attributes
	// allow.
	Renew(ctx context.Context, c *cache.Cache, root ocispec.Descriptor) error
}

// Format reads how a destination wants its caches written.
func Format(mode string, oci, imageManifest bool) cache.Format {
	return cache.Format{Mode: cache.Mode(mode), OCI: oci, ImageManifest: imageManifest && oci}
}
