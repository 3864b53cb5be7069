package cli

import (
	"regexp"
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

// secretArgument matches names of build arguments whose values are not shown. BuildKit writes values into the names of instructions.
var secretArgument = regexp.MustCompile(`(?i)secret|token|passw|credential|private_?key|api_?key|access_?key`)

// secretArguments are the values of build arguments that are secrets by their names, written in or from the environment.
func secretArguments(res *config.Resolution, lookup func(string) (string, bool)) []string {
	var list []string
	for _, t := range res.Targets {
		for name, value := range t.Args {
			switch {
			case !secretArgument.MatchString(name):
			case value != nil:
				list = append(list, *value)
			default:
				v, _ := lookup(name)
				list = append(list, v)
			}
		}
	}
	return list
}

// withPassword matches what names a user and a password before a host; a digest is none.
var withPassword = regexp.MustCompile(`^(?:[a-z]+://)?[^/@,=]+:[^/@]+@([^@]+)$`)

// passwordHost is the host of an argument that has a password in it.
func passwordHost(arg string) (string, bool) {
	m := withPassword.FindStringSubmatch(arg)
	if m == nil || strings.HasPrefix(m[1], "sha256:") {
		return "", false
	}
	host, _, _ := strings.Cut(m[1], "/")
	return host, true
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
