package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/cachectl/cachectl/config"
	"github.com/cachectl/cachectl/config/remote"
	"github.com/cachectl/cachectl/schema"
	"github.com/spf13/cobra"
)

func newCompletion(g *globals) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "Print a completion script for a shell",
		Long: `Completion prints a script that completes verbs, flags, and the names of targets, groups and transfers in the file. That for bash
needs the package bash-completion.`,
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

// complete lists the names that can still be selected, for shell completion. A file that cannot be read has none.
func (s *selection) complete(ctx context.Context, g *globals, have []string, prefix string) []string {
	var out []string
	if len(have) > 0 && remote.Is(have[0]) {
		return nil
	}
	for _, l := range s.listing(ctx, g) {
		if l.Kind == "variable" || !strings.HasPrefix(l.Name, prefix) || strings.HasPrefix(l.Name, "_") || slices.Contains(have, l.Name) {
			continue
		}
		out = append(out, described(l.Name, l))
	}
	return out
}

// listing is what the files at hand declare; nothing when they cannot be read.
func (s *selection) listing(ctx context.Context, g *globals) []config.Listing {
	if slices.ContainsFunc(s.files, func(f string) bool { return f == "-" || remote.Is(f) }) {
		return nil // standard input is the shell's, and nothing is fetched for a keystroke
	}
	if ctx == nil {
		ctx = context.Background()
	}
	c, diags := s.config(ctx, g)
	if diags.HasErrors() {
		return nil
	}
	return c.Names()
}

// described is a completion with what the thing is for, or at least its kind.
func described(text string, l config.Listing) string {
	about := l.Description
	if about == "" {
		about = l.Kind
	}
	return cobra.CompletionWithDesc(text, about)
}

// completeFlags completes the values of --set and --var. Files are completed by the shell.
func (s *selection) completeFlags(cmd *cobra.Command, g *globals) {
	_ = cmd.RegisterFlagCompletionFunc("set", func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		return s.completeSet(cmd.Context(), g, prefix), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
	_ = cmd.RegisterFlagCompletionFunc("var", func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, l := range s.listing(cmd.Context(), g) {
			if l.Kind == "variable" && strings.HasPrefix(l.Name, prefix) {
				out = append(out, described(l.Name+"=", l))
			}
		}
		return out, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
}

// completeSet completes TARGET.ATTRIBUTE: targets before the dot, and behind it what the tables say can be set.
func (s *selection) completeSet(ctx context.Context, g *globals, prefix string) []string {
	target, attribute, dotted := strings.Cut(prefix, ".")
	var out []string
	if !dotted {
		if strings.HasPrefix("*", target) {
			out = append(out, cobra.CompletionWithDesc("*.", "all targets"))
		}
		for _, l := range s.listing(ctx, g) {
			if l.Kind == "target" && strings.HasPrefix(l.Name, target) {
				out = append(out, described(l.Name+".", l))
			}
		}
		return out
	}
	for i := range schema.Target.Attributes {
		a := &schema.Target.Attributes[i]
		if a.Set == schema.NotSettable || !strings.HasPrefix(a.SetKeyName(), attribute) {
			continue
		}
		end := "="
		if a.Set == schema.SetKey {
			end = "."
		}
		out = append(out, cobra.CompletionWithDesc(target+"."+a.SetKeyName()+end, a.Doc))
	}
	return out
}
