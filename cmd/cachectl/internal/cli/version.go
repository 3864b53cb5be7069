package cli

import (
	"runtime/debug"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/spf13/cobra"
)

// version is set when cachectl is built for a release.
var version = ""

// Version is what `cachectl version` shows.
type Version struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	BuildKit string `json:"buildkit"`
}

func newVersion(g *globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Example: `  cachectl version
  cachectl version --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := currentVersion()
			if asJSON {
				return view.JSON(g.out, struct {
					FormatVersion string `json:"format_version"`
					Version
				}{"1.0", v})
			}
			return view.Text(g.out, versionLine())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// versionLine is the version for people.
func versionLine() string {
	v := currentVersion()
	return "cachectl " + v.Version + " (" + v.Go + ", BuildKit client " + v.BuildKit + ")\n"
}

// currentVersion is what the build recorded.
func currentVersion() Version {
	v := Version{Version: version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Go = info.GoVersion
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/moby/buildkit" {
			v.BuildKit = m.Version
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
