package build

import (
	"context"
	"maps"

	"github.com/cachectl/cachectl/config"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
)

// Definition is what the dockerfile frontend is given for a target: its options, and where its local files are.
type Definition struct {
	// Attrs are the frontend's options, those of named contexts among them, without links.
	Attrs map[string]string
	// Dirs are directories of this machine by the name the frontend asks for, absolute.
	Dirs map[string]string
	// Links maps named contexts to the targets whose results they are.
	Links map[string]string

	in      *inputs
	secrets []secretsprovider.Source
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
	return &Definition{Attrs: attrs, Dirs: in.dirs, Links: in.links, in: in, secrets: s.secrets([]*config.Target{t})}, nil
}

// Close removes the temporary files of the definition.
func (d *Definition) Close() { d.in.close() }

// Layout is an OCI layout that the target has as a named context, by the name that stands in Attrs, nil for none.
func (d *Definition) Layout(id string) content.Provider {
	if s, ok := d.in.stores[layoutStore+id]; ok {
		return s
	}
	return nil
}

// Secret reads a secret that the target declares. The error wraps secrets.ErrNotFound of BuildKit if it declares none of the name.
func (d *Definition) Secret(ctx context.Context, id string) ([]byte, error) {
	for _, src := range d.secrets {
		if src.ID != id {
			continue
		}
		store, err := secretsprovider.NewStore([]secretsprovider.Source{src})
		if err != nil {
			return nil, err
		}
		return store.GetSecret(ctx, id)
	}
	return nil, secrets.ErrNotFound
}
