// Package azblob reads and publishes caches in containers of Azure Blob Storage, as BuildKit's azblob cache backend has them
// (cache/remotecache/azblob).
package azblob

import (
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/schema"
)

// parallel is how many layers are uploaded at once.
const parallel = 4

// settings are the attributes that say how a container is reached and where in it caches are.
type settings struct {
	accountURL, accountName              string
	container                            string
	prefix, blobsPrefix, manifestsPrefix string
	key                                  string
}

// Open returns the cache that a cache-from or cache-to "azblob" with one name names. Several names are as many sources and destinations.
func Open(c config.Cache, stores *bucket.Stores) (*bucket.Location, error) {
	names := c.Names()
	if len(names) != 1 {
		return nil, fmt.Errorf("name %q: each name is a place of its own", c.String("name"))
	}
	set := settings{
		accountURL: c.String("account_url"), accountName: c.String("account_name"), container: c.String("container"),
		prefix: c.String("prefix"), blobsPrefix: c.String("blobs_prefix"), manifestsPrefix: c.String("manifests_prefix"),
		key: c.String("secret_access_key"),
	}
	u, err := url.Parse(set.accountURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("azblob cache without an account_url like https://account.blob.core.windows.net")
	}
	if set.accountName == "" {
		set.accountName, _, _ = strings.Cut(u.Hostname(), ".")
	}
	place := u.Host + strings.TrimRight(u.Path, "/") + "/" + set.container
	store := stores.Get(fmt.Sprintf("%#v", set), func() bucket.Service { return &service{set: set} })
	return bucket.Open(store, bucket.Options{
		Type: "azblob", Place: place, Host: place, Name: names[0], Mode: c.String("mode"), Parallel: parallel,
		Native: func() backend.Native { return native(c) },
	}), nil
}

// native is the entry for BuildKit: what was written. Without a key BuildKit takes the identity of where the builder runs.
func native(c config.Cache) backend.Native {
	attrs := maps.Clone(c.Attrs)
	maps.DeleteFunc(attrs, func(name, _ string) bool {
		a := schema.LookupBackend("azblob").Attribute(name)
		return a == nil || a.Side&schema.From == 0
	})
	return backend.Native{Type: "azblob", Attrs: attrs}
}
