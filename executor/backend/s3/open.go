// Package s3 reads and publishes caches in buckets of S3 and of what speaks like it, as BuildKit's s3 cache backend has them
// (cache/remotecache/s3).
package s3

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/bucket"
	"github.com/cachectl/cachectl/schema"
)

// settings are the attributes that say how a bucket is reached and where in it caches are.
type settings struct {
	bucket, region                       string
	prefix, blobsPrefix, manifestsPrefix string
	endpoint                             string
	pathStyle                            bool
	accessKey, secretKey, sessionToken   string
	retryMode                            string
	retryMaxAttempts                     int
	disableAcceptEncoding                bool
}

// OpenSource returns the cache that a cache-from "s3" names: of several names the first.
func OpenSource(c config.Cache, stores *bucket.Stores) (*bucket.Location, error) {
	if names := c.Names(); len(names) > 1 {
		c = c.Named(names[0])
	}
	return open(c, stores)
}

// OpenDestination returns the place that a cache-to "s3" with one name writes. Several names are as many destinations.
func OpenDestination(c config.Cache, stores *bucket.Stores) (*bucket.Location, error) {
	if names := c.Names(); len(names) > 1 {
		return nil, fmt.Errorf("name %q: each name is a destination of its own", c.String("name"))
	}
	return open(c, stores)
}

func open(c config.Cache, stores *bucket.Stores) (*bucket.Location, error) {
	attempts, _ := c.Int("retry_max_attempts")
	parallel, _ := c.Int("upload_parallelism")
	set := settings{
		bucket: c.String("bucket"), region: c.String("region"),
		prefix: c.String("prefix"), blobsPrefix: c.String("blobs_prefix"), manifestsPrefix: c.String("manifests_prefix"),
		endpoint: c.String("endpoint_url"), pathStyle: c.Bool("use_path_style"),
		accessKey: c.String("access_key_id"), secretKey: c.String("secret_access_key"), sessionToken: c.String("session_token"),
		retryMode: c.String("retry_mode"), retryMaxAttempts: attempts, disableAcceptEncoding: c.Bool("disable_accept_encoding"),
	}
	for name, v := range map[string]string{"bucket": set.bucket, "region": set.region} {
		if v == "" {
			return nil, fmt.Errorf("s3 cache without %s", name)
		}
	}
	host, err := set.host()
	if err != nil {
		return nil, err
	}
	renew, err := time.ParseDuration(c.String("touch_refresh"))
	if err != nil {
		return nil, fmt.Errorf("touch_refresh %q: %w", c.String("touch_refresh"), err)
	}
	store := stores.Get(fmt.Sprintf("%#v", set), func() bucket.Service { return newService(set) })
	s := store.Service().(*service) //nolint:forcetypeassert // the key is of this package alone
	place := set.bucket
	if set.endpoint != "" {
		place = host + "/" + set.bucket
	}
	return bucket.Open(store, bucket.Options{
		Type: "s3", Place: place, Host: host + "/" + set.bucket, Name: strings.Join(c.Names(), ""), Mode: c.String("mode"),
		Parallel: parallel, RenewAfter: renew,
		Native: func() backend.Native { return native(c, s) },
	}), nil
}

// host is whom the bucket is asked for.
func (s settings) host() (string, error) {
	if s.endpoint == "" {
		return "s3." + s.region + ".amazonaws.com", nil
	}
	u, err := url.Parse(s.endpoint)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("endpoint_url is not an address like https://storage.example.com")
	}
	return u.Host, nil
}

// native is the entry for BuildKit: what was written, and the credentials that were used. BuildKit would look for those where the builder
// runs, which is seldom where they are.
func native(c config.Cache, s *service) backend.Native {
	attrs := map[string]string{}
	for _, a := range schema.LookupBackend("s3").Attributes {
		if v, ok := c.Attrs[a.Name]; ok && a.Side&schema.From != 0 {
			attrs[a.Name] = v
		}
	}
	maps.Copy(attrs, s.credentials())
	return backend.Native{Type: "s3", Attrs: attrs}
}
