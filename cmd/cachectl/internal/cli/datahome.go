package cli

import (
	"errors"
	"path/filepath"
)

// absolute is a path as the command line means it: relative to the directory the program was started in.
func (g *globals) absolute(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(g.in.Dir, path)
}

// dataHome is where cachectl keeps state: dir, or the user's data directory (XDG Base Directory Specification).
func (g *globals) dataHome(dir string) (string, error) {
	if dir != "" {
		return g.absolute(dir), nil
	}
	if base, _ := g.in.LookupEnv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "cachectl"), nil
	}
	if home, _ := g.in.LookupEnv("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "cachectl"), nil
	}
	return "", errors.New("neither HOME nor XDG_DATA_HOME is set; say where to keep state with --data-dir")
}
