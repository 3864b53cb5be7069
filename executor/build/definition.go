package build

import (
	"maps"

	"github.com/cachectl/cachectl/config"
)

// Definition is what the dockerfile frontend is given for a target: its options, and where its local files are.
type Definition struct {
	// Attrs are the frontend's options, those of named contexts among them, without links.
	Attrs map[string]string
	// Dirs are directories of this machine by the name the frontend asks for, absolute.
	Dirs map[string]string
	// Links maps named contexts to the targets whose results they are.
	Links map[string]string

	in *inputs
}

// Define says what a solve of the target would give the frontend. It contacts nothing. The caller closes the result.
func Define(t *config.Target, opt SolverOptions) (*Definition, error) {
	in, err := newInputs(t, opt.Dir)
	if err != nil {
		return nil, err
	}
	s := NewSolver(nil, opt)
	attrs, err := s.frontendAttrs(t)
	if err != nil {
		in.close()
		return nil, err
	}
	maps.Copy(attrs, in.attrs)
	return &Definition{Attrs: attrs, Dirs: in.dirs, Links: in.links, in: in}, nil
}

// Close removes the temporary files of the definition.
func (d *Definition) Close() { d.in.close() }
