package config

import (
	"io"
	"os"
)

// Options says what to load, and from what surroundings.
type Options struct {
	// Files are paths of files, merged in this order; "-" is standard input. None means the files that lie in Dir: cache.hcl, else Bake's.
	Files []string
	// Source is the address of a git repository, or of a file, that holds the configuration; Files are names in there then, and of this machine when they
	// start with cwd://. Addresses can also stand among Files.
	Source string
	// CommandContext is BAKE_CMD_CONTEXT; "" is the working directory.
	CommandContext string
	// Allow names what a configuration that was fetched may touch of this machine: fs.read=PATH, fs.write=PATH, fs=PATH, ssh, network.host, …
	Allow []string
	// Stdin is what "-" reads; nil is the process's.
	Stdin io.Reader
	// StdinName is what diagnostics call what "-" reads, and what tells a file of ours from one of Bake's; "" is <stdin>.
	StdinName string
	// Vars are "NAME=value" settings of variables; they win over the environment.
	Vars []string
	// LookupEnv reads the environment; nil reads the process's.
	LookupEnv func(string) (string, bool)
	// Dir is the directory that paths are relative to; "" is the working directory.
	Dir string
}

// completed has the process's surroundings where none were given.
func (o Options) completed() Options {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Dir == "" {
		o.Dir, _ = os.Getwd()
	}
	return o
}
