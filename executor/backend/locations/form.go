package locations

import (
	"maps"
	"strconv"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/schema"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// OpenAsIs opens a location for writing what it holds again: in the form that cur has, whatever c says about that.
func OpenAsIs(c config.Cache, cur *backend.Current, env Env) (backend.Destination, error) {
	b := schema.LookupBackend(c.Type)
	if b == nil || b.Attribute("image-manifest") == nil {
		return OpenDestination(c, env)
	}
	attrs := map[string]string{}
	maps.Copy(attrs, c.Attrs)
	docker := strings.HasPrefix(cur.Root.MediaType, "application/vnd.docker.")
	attrs["oci-mediatypes"] = strconv.FormatBool(!docker)
	attrs["image-manifest"] = strconv.FormatBool(cur.Root.MediaType == ocispec.MediaTypeImageManifest)
	c.Attrs = attrs
	return OpenDestination(c, env)
}
