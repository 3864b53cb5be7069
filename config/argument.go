package config

import (
	"errors"
	"strings"

	"github.com/cachectl/cachectl/schema"
	"github.com/hashicorp/hcl/v2"
)

// ParseCache reads one cache in the CSV form of docker buildx, as it is given on a command line: type=registry,ref=… or a bare reference.
// A directory may be called src or dest, whichever side it is on. Attributes are not checked; see Resolution.Validate.
func ParseCache(s string, side schema.Side) (Cache, error) {
	list, err := parseItem(schema.Caches, strings.TrimSpace(s))
	switch {
	case err != nil:
		return Cache{}, err
	case len(list) != 1:
		return Cache{}, errors.New("not one cache; give each as an argument of its own")
	}
	c := caches(&value{items: list})[0]
	if c.Type == "local" {
		from, to := "dest", "src"
		if side == schema.To {
			from, to = to, from
		}
		if dir, ok := c.Attrs[from]; ok && c.Attrs[to] == "" {
			c.Attrs[to] = dir
			delete(c.Attrs, from)
		}
	}
	return c, nil
}

// NewResolution is a configuration of transfers that were not read from a file. lookupEnv may be nil, for no environment.
func NewResolution(transfers []*Transfer, registries []*Registry, lookupEnv func(string) (string, bool)) *Resolution {
	return &Resolution{Transfers: transfers, Registries: registries, values: map[string]attributes{}, lookupEnv: lookupEnv}
}

// On returns the cache as written at a place.
func (c Cache) On(at hcl.Range) Cache {
	c.Range, c.AttrRanges = at, nil
	return c
}
