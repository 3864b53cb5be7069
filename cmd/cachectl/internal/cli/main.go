// Package cli is the verbs of the command line, one file each. A verb reads its flags, calls what does the work and hands the result to package
// view; it prints nothing itself.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor"
	"github.com/hashicorp/hcl/v2"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

// Surroundings are what a command line touches of the process it runs in.
type Surroundings struct {
	Stdin     io.Reader
	Stdout    *os.File
	Stderr    *os.File
	LookupEnv func(string) (string, bool)
	Dir       string
}

// System is the process's own surroundings.
func System() Surroundings {
	dir, _ := os.Getwd()
	return Surroundings{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv, Dir: dir}
}

// Interrupted is why a run that got a signal ended.
type Interrupted struct{ Signal os.Signal }

func (i Interrupted) Error() string { return fmt.Sprintf("stopped by %s", i.Signal) }

// ExitCode is 128 and the signal's number, as shells have it.
func (i Interrupted) ExitCode() int {
	if i.Signal == syscall.SIGTERM {
		return exitTerminated
	}
	return exitInterrupt
}

// usageError is a command line or configuration that is wrong.
type usageError struct{ error }

// diagnosed says that diagnostics with errors have been shown.
type diagnosed struct{ diags hcl.Diagnostics }

func (d diagnosed) Error() string { return "the configuration has errors" }

// exitWith ends a command with a code of its own; err is nil when nothing went wrong.
type exitWith struct {
	code int
	err  error
}

func (e exitWith) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exitWith) Unwrap() error { return e.err }

// failedRun says that a run's report, which has been shown, has failures.
type failedRun struct{ report *executor.Report }

func (f failedRun) Error() string { return "some steps failed" }

// Main runs a command line and returns the exit code.
func Main(ctx context.Context, args []string, in Surroundings) int {
	// Libraries log there; what they say of use is in their errors.
	logrus.SetOutput(io.Discard)
	root, g := newRoot(in)
	root.SetArgs(singleDashes(args))
	err := root.ExecuteContext(ctx)
	if err != nil && !shown(err) {
		view.Error(g.err, err)
	}
	return exitCode(ctx, err)
}

// shown tells whether what an error stands for has been printed, or that there is nothing to print.
func shown(err error) bool {
	return err.Error() == "" || errors.As(err, new(diagnosed)) || errors.As(err, new(failedRun)) || errors.Is(err, errDiffers) ||
		errors.As(err, new(errBroken)) || errors.As(err, new(errNotPruned))
}

// dashed are the flags that are taken with a single dash too, as terraform and gofmt do, by verb.
var dashed = map[string][]string{"fmt": {"-check", "-diff", "-write"}, "plan": {"-out", "-detailed-exitcode"}}

// singleDashes gives such flags their second dash.
func singleDashes(args []string) []string {
	if len(args) == 0 || dashed[args[0]] == nil {
		return args
	}
	out := slices.Clone(args)
	for i, arg := range out {
		name, _, _ := strings.Cut(arg, "=")
		if slices.Contains(dashed[args[0]], name) {
			out[i] = "-" + arg
		}
	}
	return out
}

// newRoot returns the command with all its verbs.
func newRoot(in Surroundings) (*cobra.Command, *globals) {
	secrets := &view.Secrets{}
	g := &globals{in: in, secrets: secrets, out: view.NewOutput(in.Stdout, secrets), err: view.NewOutput(in.Stderr, secrets)}
	root := &cobra.Command{
		Use:   "cachectl",
		Short: "Own your team's container build caches",
		Long: `cachectl builds images with BuildKit and imports, merges, transcodes and publishes their build caches as a file declares them.
It reads cache.hcl, and Docker Bake's files as they are.

` + exitTable(),
		Example: `  cachectl apply -f cache.hcl            build, and publish the caches
  cachectl plan -f cache.hcl             show what apply would do
  cachectl print -f docker-bake.hcl      show a configuration as Bake's JSON
  cachectl inspect localhost:5000/app/cache:main`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	group(root)
	root.SetIn(in.Stdin)
	root.SetOut(g.out)
	root.SetErr(g.err)
	root.SetHelpCommand(helpCommand(root))
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}")
	root.PersistentFlags().BoolVar(&g.noColor, "no-color", false, "do not color output (also NO_COLOR)")
	root.PersistentFlags().StringVar(&g.diagnostics, "diagnostics", "", "form of diagnostics: text, json or github (default text; with annotations besides on GitHub Actions)")
	root.PersistentFlags().StringVar(&g.logLevel, "log-level", "warn", "what to log on standard error: debug, info, warn or error")
	values(root, "diagnostics", "text", "json", "github")
	values(root, "log-level", "debug", "info", "warn", "error")
	root.SetFlagErrorFunc(flagError)
	for _, add := range []func(*globals) *cobra.Command{
		newApply, newPlan, newExplain, newGraph, newPrint, newValidate, newFmt, newMigrate, newCopy, newInspect, newDiff, newDu, newVerify, newPrune, newDoctor, newSchedule, newSchema,
		newRegistry, newBuilder, newVersion, newCompletion,
	} {
		root.AddCommand(add(g))
	}
	return root, g
}

// helpCommand is "help VERB", for those who try it; --help is what is documented.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND...]", Short: "Show the help of a command", Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, args)
			}
			return cmd.Help()
		},
	}
}

// unknownCommand refuses what is no verb, with the nearest one.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(" Did you mean %q?", near[0])
	}
	what := "there is"
	if _, verb, below := strings.Cut(cmd.CommandPath(), " "); below {
		what = verb + " has"
	}
	return usageError{fmt.Errorf("%s no command %q.%s See %s --help", what, args[0], hint, cmd.CommandPath())}
}

// group makes a command that only holds others: it shows its help.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = unknownCommand
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// values offers the values of a flag for completion.
func values(cmd *cobra.Command, flag string, list ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
}
