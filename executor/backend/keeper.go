package backend

import (
	"context"
	"errors"
	"time"

	"github.com/cachectl/cachectl/config"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ErrCannotDelete says that a store does not let anybody, or this user, delete. The text says what to do about it.
var ErrCannotDelete = errors.New("nothing can be deleted here")

// ErrBusy says that somebody is writing to a store, and that nothing can be deleted before they have ended.
var ErrBusy = errors.New("somebody is writing here")

// Name is one name of a store: a tag of a repository or directory, a manifest object of a bucket, a scope.
type Name struct {
	Name string
	// Root is the digest of what the name points at, "" where a listing does not tell.
	Root digest.Digest
	// Modified is when the name was last written, zero where the store does not tell.
	Modified time.Time
}

// Keeper is implemented by destinations whose store can list its names and remove them. It is optional: a backend that cannot leaves it out.
// A store is all that is kept at one place under different names: a repository, a directory, a bucket with its prefix.
type Keeper interface {
	Destination
	// Store is equal for two destinations exactly when they share names and blobs. It is fit for people and holds no secret.
	Store() string
	// Label is this destination's own name in its store.
	Label() string
	// Names lists every name of the store, sorted. A store that is not there has none.
	Names(ctx context.Context) ([]Name, error)
	// Entry is the cache entry of another name at the same place: this destination's attributes with that name.
	Entry(name string) config.Cache
	// Remove takes a name away if it still points at root, and nothing that another name needs. A name that is gone already is no error; one
	// that points elsewhere by now is ErrConflict, and a store that does not delete is ErrCannotDelete.
	Remove(ctx context.Context, name string, root digest.Digest) error
}

// Object is a blob of a store: layer, config or manifest.
type Object struct {
	Digest digest.Digest
	Size   int64
	// Modified is when the object was written or last refreshed by an export that relies on it.
	Modified time.Time
}

// Sweeper is a Keeper whose blobs stay when no name needs them any more, and that can delete them. Registries have a garbage collection of their
// own and are not Sweepers.
//
// Blobs are deleted in two phases (package prune): unneeded ones are marked, and those whose mark is older than a grace period, and that are
// still unneeded and unchanged, go. An export that relies on a blob it did not write itself must keep it from going: it refreshes the blob's Modified
// (BuildKit: touch_refresh of cache/remotecache/s3), or checks under the store's lock, before the name moves, that the blobs are still there.
type Sweeper interface {
	Keeper
	// Objects calls fn for every blob of the store, in any order, without holding all of them. fn's error ends it.
	Objects(ctx context.Context, fn func(Object) error) error
	// Needed returns what the store's names need at this moment: all that is reachable from them, manifests and configs included. A name
	// that cannot be read or understood is an error: what it needs is not known then.
	Needed(ctx context.Context) (map[digest.Digest]bool, error)
	// Marks reads, and SetMarks replaces, a small document that the store keeps for whoever sweeps it; nil is none. Other programs do not see it
	// as a cache.
	Marks(ctx context.Context) ([]byte, error)
	SetMarks(ctx context.Context, marks []byte) error
	// Delete deletes those of the objects that are what they were listed as (size and Modified) and that no name needs. It asks Needed again, and
	// keeps names from moving meanwhile where the store has a lock. It returns what it deleted, also with an error; ErrBusy is one where a store
	// can tell that an export is under way that would not notice.
	Delete(ctx context.Context, objects []Object) ([]Object, error)
}

// RootDeleter is implemented by Keepers that are no Sweepers and can delete a manifest that no name points at any more, so that the store's own
// garbage collection can take what only it needed. One that a name points at stays, and is no error.
type RootDeleter interface {
	DeleteRoot(ctx context.Context, root digest.Digest) error
}

// Discarder is implemented by destinations that can drop one blob that turned out to be damaged, so that the next Push writes it anew and does
// not take it for one that is there. Dropping what is gone already is no error.
type Discarder interface {
	Discard(ctx context.Context, desc ocispec.Descriptor) error
}
