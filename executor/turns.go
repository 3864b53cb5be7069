package executor

import "path/filepath"

// turns is the directory in which runs of one user on one machine agree who moves a tag, in the user's cache directory (XDG Base Directory
// Specification), "" if there is none.
func turns(lookupEnv func(string) (string, bool)) string {
	if base, _ := lookupEnv("XDG_CACHE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "cachectl", "turns")
	}
	if home, _ := lookupEnv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "cachectl", "turns")
	}
	return ""
}
