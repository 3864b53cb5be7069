package compose

import "github.com/zclconf/go-cty/cty"

// File is one Compose file: what it is called in errors, and its content.
type File struct {
	Name string
	Data []byte
}

// Options is what a Compose file sees of the machine.
type Options struct {
	// Dir is the directory of .env and of the files that extends, include, env_file and label_file name; "" is the current one.
	// Paths in the result are as written where Dir is "", and below Dir otherwise.
	Dir string
	// Env is the environment for ${…}, for arguments without a value and for COMPOSE_PROJECT_NAME. It wins over .env.
	Env map[string]string
	// Remote marks files that were fetched from somewhere: they may not name files of this machine.
	Remote bool
}

// Project is all files of one Compose project, merged. Targets and groups are sorted by name.
type Project struct {
	Targets []Target
	Groups  []Group
}

// Target is a service that is built.
type Target struct {
	Name string
	// Service is the name in the file; Name has "_" for its dots.
	Service string
	// Attrs holds the attributes that were set, by their name in the language. Lists are lists of strings, maps are maps of
	// strings; a list of secrets may hold objects beside strings. Duplicates in lists are left for the merge to remove.
	Attrs map[string]cty.Value
}

// Group is a list of targets.
type Group struct {
	Name    string
	Targets []string
}
