package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newCompletion(g *globals) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "Print a completion script for a shell",
		Long:  "Completion prints a script that completes verbs, flags, and the names of targets, groups and transfers in the file.",
		Example: `  source <(cachectl completion bash)
  cachectl completion zsh > "${fpath[1]}/_cachectl"
  cachectl completion fish > ~/.config/fish/completions/cachectl.fish`,
		ValidArgs: slices.Clone(shells),
		Args:      usageArgs(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(g.out, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(g.out)
			case "fish":
				return cmd.Root().GenFishCompletion(g.out, true)
			}
			return cmd.Root().GenPowerShellCompletionWithDesc(g.out)
		},
	}
}
