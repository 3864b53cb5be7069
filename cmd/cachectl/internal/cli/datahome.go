package cli

import (
	"fmt"
	"os"
	"path/filepath"
)

// dataHome is where cachectl keeps state: dir, or the user's data directory (XDG Base Directory Specification).
func dataHome(dir string) (string, error) {
	if dir != "" {
		return filepath.Abs(dir)
	}
	if base := os.Getenv("XDG_DATA_HOME"); base != "" {
		return filepath.Join(base, "cachectl"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the user's data directory: %w", err)
	}
	return filepath.Join(home, ".local", "share", "cachectl"), nil
}
