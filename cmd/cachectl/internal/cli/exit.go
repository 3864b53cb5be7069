package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The exit codes; exitCodes says what each means.
const (
	exitOK          = 0
	exitInternal    = 1
	exitDiffers     = 1
	exitUsage       = 2
	exitMoved       = 3
	exitWork        = 2 // of plan --detailed-exitcode: there is work to do
	exitSteps       = 4
	exitDenied      = 5
	exitIntegrity   = 6
	exitUnavailable = 7
	exitLocal       = 8
	exitInterrupt   = 130
	exitTerminated  = 143
)

// exitMeaning is a row of the table of exit codes.
type exitMeaning struct {
	code    int
	meaning string
}

// exitCodes is the table in help and documentation.
func exitCodes() []exitMeaning {
	return []exitMeaning{
		{exitOK, "everything asked for was done"},
		{exitInternal, "internal error; without a message: the caches differ (diff --exit-code)"},
		{exitUsage, "wrong usage or configuration; nothing was started"},
		{exitMoved, "a saved plan no longer holds; nothing was started"},
		{exitSteps, "some steps failed; what did not depend on them was done and published"},
		{exitDenied, "a registry or builder refused for lack of credentials or rights"},
		{exitIntegrity, "content did not match its digest, or a cache is broken"},
		{exitUnavailable, "a registry or builder could not be reached, or gave up"},
		{exitLocal, "this machine lacks something: disk space, memory, a program, a permission"},
		{exitInterrupt, "interrupted (Ctrl-C)"},
		{exitTerminated, "terminated"},
	}
}

// exitTable is the table as text.
func exitTable() string {
	var b strings.Builder
	b.WriteString("Exit codes:")
	for _, e := range exitCodes() {
		fmt.Fprintf(&b, "\n  %-3d  %s", e.code, e.meaning)
	}
	return b.String()
}

// exitCode finds the most specific code for how a command ended. A signal wins over what it made fail.
func exitCode(ctx context.Context, err error) int {
	var run failedRun
	var usage usageError
	var interrupted Interrupted
	var coded exitWith
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDiffers):
		return exitDiffers
	case errors.As(context.Cause(ctx), &interrupted), errors.As(err, &interrupted):
		return interrupted.ExitCode()
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, new(movedError)):
		return exitMoved
	case errors.As(err, new(diagnosed)), errors.As(err, &usage):
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
	case errors.Is(err, blob.ErrIntegrity), errors.Is(err, cache.ErrInvalid), errors.Is(err, cache.ErrTooLarge):
		return exitIntegrity
	case isLocal(err):
		return exitLocal
	case isUnavailable(err):
		return exitUnavailable
	}
	return otherwise
}

// isLocal tells whether this machine lacks something.
func isLocal(err error) bool {
	for _, target := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.ENOTDIR, syscall.EROFS, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, os.ErrPermission, exec.ErrNotFound,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// isUnavailable tells whether the other end of a connection does not answer, or answers that it cannot.
func isUnavailable(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var answer *registry.StatusError
	switch {
	case errors.As(err, &op), errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, context.DeadlineExceeded):
		return true
	case errors.As(err, &answer):
		return answer.Status == http.StatusTooManyRequests || answer.Status >= http.StatusInternalServerError
	}
	return status.Code(err) == codes.Unavailable
}
