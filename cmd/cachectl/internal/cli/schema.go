package cli

import (
	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/schema"
	"github.com/spf13/cobra"
)

func newSchema(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of the JSON form of configurations",
		Long: `Schema prints a JSON Schema (draft 7) for cache.json and docker-bake.json, with which editors complete names, show what attributes mean and mark
mistakes. Name it in the file, "$schema": "./cache.schema.json", or in the editor's settings.`,
		Example: `  cachectl schema > cache.schema.json`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			doc, err := schema.JSONSchema()
			if err != nil {
				return err
			}
			return view.Bytes(g.out, doc)
		},
	}
}
