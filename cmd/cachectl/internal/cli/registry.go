package cli

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor/registryd"
	"github.com/spf13/cobra"
)

func newRegistry(g *globals) *cobra.Command {
	cmd := group(&cobra.Command{Use: "registry", Short: "Serve a registry on this machine"})
	var addr, dir string
	serve := &cobra.Command{
		Use:     "serve",
		Short:   "Serve a registry from a directory until interrupted",
		Example: "  cachectl registry serve --addr localhost:5000 --dir ./registry",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				base, err := g.dataHome("")
				if err != nil {
					return err
				}
				dir = filepath.Join(base, "registry", filepath.Base(addr))
			}
			dir = g.absolute(dir)
			if _, _, err := net.SplitHostPort(addr); err != nil {
				return usageError{fmt.Errorf("--addr %q is not an address like localhost:5000", addr)}
			}
			s, err := registryd.Serve(cmd.Context(), registryd.Options{Addr: addr, Dir: dir})
			if errors.Is(err, registryd.ErrInUse) {
				return usageError{fmt.Errorf("something listens at %s already", addr)}
			}
			if errors.Is(err, registryd.ErrNotLoopback) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			if err := view.Text(g.out, "serving "+s.Addr()+" from "+dir+"\n"); err != nil {
				return err
			}
			<-cmd.Context().Done()
			return s.Close()
		},
	}
	serve.Flags().StringVar(&addr, "addr", "localhost:5000", "loopback address; port 0 takes a free one")
	serve.Flags().StringVar(&dir, "dir", "", "directory of the content (default: below the user's data directory)")
	cmd.AddCommand(serve)
	return cmd
}
