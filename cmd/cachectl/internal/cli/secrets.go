package cli

import (
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/schema"
)

// secrets are the values of a configuration that must never be shown: what is written in, or taken from the environment for, attributes of caches
// that the schema marks as secret.
func secrets(res *config.Resolution, lookup func(string) (string, bool)) []string {
	var caches []config.Cache
	for _, t := range res.Targets {
		caches = append(append(caches, t.CacheFrom...), t.CacheTo...)
	}
	for _, t := range res.Transfers {
		caches = append(append(caches, t.CacheFrom...), t.CacheTo...)
	}
	var list []string
	for _, c := range caches {
		b := schema.LookupBackend(c.Type)
		if b == nil {
			continue
		}
		env := c.FromEnv(lookup)
		for _, a := range b.Attributes {
			if a.Secret {
				list = append(list, c.Attrs[a.Name], env[a.Name])
			}
		}
	}
	return list
}

// secretFields are the values of secret attributes in a cache of the command line, whether or not it can be read.
func secretFields(arg string) []string {
	var list []string
	for field := range strings.SplitSeq(arg, ",") {
		name, value, _ := strings.Cut(strings.Trim(field, `" `), "=")
		for _, b := range schema.Backends {
			if a := b.Attribute(strings.ToLower(strings.TrimSpace(name))); a != nil && a.Secret {
				list = append(list, value)
			}
		}
	}
	return list
}
