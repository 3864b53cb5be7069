// Package cli is the verbs of the command line, one file each. A verb reads its flags, calls what does the work and hands the result to package
// view; it prints nothing itself.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/view"
	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
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

// The exit codes. They are the table in help and README.
const (
	exitOK          = 0
	exitInternal    = 1
	exitUsage       = 2
	exitSteps       = 4
	exitDenied      = 5
	exitIntegrity   = 6
	exitUnavailable = 7
	exitLocal       = 8
	exitInterrupt   = 130
	exitTerminated  = 143
)

// exitTable explains the exit codes in help.
const exitTable = `Exit codes:
  0    everything asked for was done
  1    internal error
  2    wrong usage or configuration; nothing was started
  4    some steps failed; what did not depend on them was done and published
  5    a registry or builder refused for lack of credentials or rights
  6    content did not match its digest
  7    a registry or builder could not be reached
  8    this machine lacks something: disk space, memory, a program
  130  interrupted (Ctrl-C); 143 terminated`

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

// failedRun says that a run's report, which has been shown, has failures.
type failedRun struct{ report *executor.Report }

func (f failedRun) Error() string { return "some steps failed" }

// Main runs a command line and returns the exit code.
func Main(ctx context.Context, args []string, in Surroundings) int {
	// Libraries log there; what they say of use is in their errors.
	logrus.SetOutput(io.Discard)
	root := newRoot(in)
	root.SetArgs(args)
	root.SetIn(in.Stdin)
	root.SetOut(in.Stdout)
	root.SetErr(in.Stderr)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	var shown interface{ error }
	if err != nil && !errors.As(err, new(diagnosed)) && !errors.As(err, new(failedRun)) {
		shown = err
		view.Error(in.Stderr, shown)
	}
	return code
}

// exitCode finds the most specific code for how a command ended.
func exitCode(err error) int {
	var run failedRun
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(Interrupted)):
		var i Interrupted
		errors.As(err, &i)
		return i.ExitCode()
	case errors.As(err, new(diagnosed)), errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, &run):
		return reportCode(run.report)
	}
	return errorCode(err, exitInternal)
}

// reportCode is the code that all failures of a run share, or that of a run with failures.
func reportCode(r *executor.Report) int {
	code := -1
	for _, s := range r.Steps {
		if s.Outcome != executor.OutcomeFailed {
			continue
		}
		c := errorCode(s.Err, exitSteps)
		if code != -1 && code != c {
			return exitSteps
		}
		code = c
	}
	if code == -1 {
		return exitSteps
	}
	return code
}

// errorCode classifies an error by what it wraps.
func errorCode(err error, otherwise int) int {
	switch {
	case errors.Is(err, blob.ErrDenied):
		return exitDenied
	case errors.Is(err, blob.ErrIntegrity), errors.Is(err, cache.ErrInvalid):
		return exitIntegrity
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return exitUnavailable
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EMFILE):
		return exitLocal
	}
	return otherwise
}

// newRoot returns the command with all its verbs.
func newRoot(in Surroundings) *cobra.Command {
	g := &globals{in: in}
	root := &cobra.Command{
		Use:   "cachectl",
		Short: "Own your team's container build caches",
		Long: `cachectl builds images with BuildKit and imports, merges, transcodes and publishes their build caches as a file declares them.
It reads cache.hcl, and Docker Bake's files as they are.

` + exitTable,
		Example: `  cachectl apply -f cache.hcl            build, and publish the caches
  cachectl plan -f cache.hcl             show what apply would do
  cachectl print -f docker-bake.hcl      show a configuration as Bake's JSON
  cachectl inspect localhost:5000/app/cache:main`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().BoolVar(&g.noColor, "no-color", false, "do not color output (also NO_COLOR)")
	root.PersistentFlags().StringVar(&g.diagnostics, "diagnostics", "text", "form of diagnostics: text, json or github")
	root.PersistentFlags().StringVar(&g.logLevel, "log-level", "warn", "what to log on standard error: debug, info, warn or error")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	for _, add := range []func(*globals) *cobra.Command{
		newApply, newPlan, newPrint, newValidate, newFmt, newInspect, newRegistry, newBuilder, newVersion,
	} {
		root.AddCommand(add(g))
	}
	return root
}
