package config

import (
	"fmt"
	"io/fs"
	"os"
)

// guarded are the files below the directory that a fetched definition may read with functions.
type guarded struct {
	files  fs.FS
	access *access
}

func (g guarded) check(name string) error {
	if g.access.files || g.access.allows(g.access.read, name) {
		return nil
	}
	return fmt.Errorf("the definition was fetched from elsewhere; --allow fs.read=%s lets it read %s", name, name)
}

// Open refuses files that --allow does not name.
func (g guarded) Open(name string) (fs.File, error) {
	if err := g.check(name); err != nil {
		return nil, err
	}
	return g.files.Open(name)
}

// Stat asks without opening, which for a named pipe would wait.
func (g guarded) Stat(name string) (fs.FileInfo, error) {
	if err := g.check(name); err != nil {
		return nil, err
	}
	return fs.Stat(g.files, name)
}

// guard bounds the files of functions to what --allow names when definitions were fetched.
func (c *Config) guard(files fs.FS) fs.FS {
	if c.fetched == nil || files == nil {
		return files
	}
	return guarded{files: files, access: c.access}
}

// gitDir is where git_branch and git_sha look; a fetched definition sees no repository of this machine unless it may read it.
func (c *Config) gitDir() string {
	if c.fetched == nil || c.access.files || c.access.allows(c.access.read, ".") {
		return c.opt.Dir
	}
	return os.DevNull
}
