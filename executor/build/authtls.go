package build

import (
	"path/filepath"

	"github.com/cachectl/cachectl/config"
	"github.com/moby/buildkit/session/auth/authprovider"
)

// AuthTLS says how the token servers of registries are reached, by host, from the registry blocks of the configuration.
func AuthTLS(registries []*config.Registry, dir string) map[string]*authprovider.AuthTLSConfig {
	out := map[string]*authprovider.AuthTLSConfig{}
	for _, r := range registries {
		if r.CA == "" && !r.Insecure {
			continue
		}
		c := &authprovider.AuthTLSConfig{Insecure: r.Insecure}
		if r.CA != "" {
			path := r.CA
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			c.RootCAs = []string{path}
		}
		out[r.Host] = c
	}
	return out
}
