package config

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// access is what a fetched definition may touch of this machine, by Bake's names for it (buildx, bake/entitlements.go). Unlike there, the working
// directory has to be named, too.
type access struct {
	dir         string
	read, write []string // directories and files without symbolic links
	rights      []string // ssh, network.host, security.insecure, device, device=NAME, buildx.local.delete
	// files is set when the environment turns the checks of files and agents off.
	files bool
}

// anywhere allows every path.
const anywhere = "*"

// rights are what --allow takes besides paths.
var rights = []string{"ssh", "network.host", "security.insecure", "device", "buildx.local.delete"}

// parseAccess reads the options of --allow.
func parseAccess(opt Options) (*access, hcl.Diagnostics) {
	a := &access{dir: opt.Dir, files: filesUnchecked(opt.LookupEnv)}
	var diags hcl.Diagnostics
	for _, o := range opt.Allow {
		key, value, found := strings.Cut(o, "=")
		switch {
		case found && value != "" && (key == "fs.read" || key == "fs"):
			a.read = append(a.read, a.real(value))
			if key == "fs" {
				a.write = append(a.write, a.real(value))
			}
		case found && value != "" && key == "fs.write":
			a.write = append(a.write, a.real(value))
		case !found && slices.Contains(rights, key), found && key == "device":
			a.rights = append(a.rights, o)
		case strings.HasPrefix(key, "image"): // Bake's, which has no effect there either
		default:
			diags = append(diags, errorf(nil, "Invalid --allow", "--allow %s is not fs=PATH, fs.read=PATH, fs.write=PATH, %s.%s",
				o, strings.Join(rights, ", "), didYouMean(key, append([]string{"fs", "fs.read", "fs.write"}, rights...))))
		}
	}
	return a, diags
}

// filesUnchecked tells whether Bake's variables turn the checks of paths off.
func filesUnchecked(lookupEnv func(string) (string, bool)) bool {
	if v, ok := lookupEnv("BUILDX_BAKE_ENTITLEMENTS_FS"); ok {
		on, err := strconv.ParseBool(v)
		return err == nil && !on
	}
	v, _ := lookupEnv("BAKE_ALLOW_REMOTE_FS_ACCESS")
	on, err := strconv.ParseBool(v)
	return err == nil && on
}

// real is a path without symbolic links, as far as it exists; the rest is kept.
func (a *access) real(p string) string {
	if p == anywhere {
		return p
	}
	p = under(a.dir, p)
	rest := ""
	for at := filepath.Clean(p); ; at = filepath.Dir(at) {
		if found, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(found, rest)
		}
		if at == filepath.Dir(at) {
			return filepath.Clean(p)
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

// allows tells whether a path is below one of some.
func (a *access) allows(list []string, p string) bool {
	p = a.real(p)
	return slices.ContainsFunc(list, func(root string) bool {
		rel, err := filepath.Rel(root, p)
		return root == anywhere || err == nil && filepath.IsLocal(rel)
	})
}
