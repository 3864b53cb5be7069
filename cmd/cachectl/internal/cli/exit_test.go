package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/cachectl/cachectl/executor"
	"github.com/cachectl/cachectl/executor/backend"
	"github.com/cachectl/cachectl/executor/backend/registry"
	"github.com/cachectl/cachectl/executor/blob"
	"github.com/cachectl/cachectl/executor/cache"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestExitCodeSaysWhatKindOfFailureItWas(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"nothing":               {nil, 0},
		"bug":                   {errors.New("unforeseen"), 1},
		"usage":                 {fmt.Errorf("x: %w", usageError{errors.New("no such flag")}), 2},
		"configuration":         {diagnosed{}, 2},
		"denied":                {fmt.Errorf("push: %w", blob.ErrDenied), 5},
		"denied by status":      {fmt.Errorf("push: %w", &registry.StatusError{Status: 403}), 5},
		"integrity":             {fmt.Errorf("read: %w", blob.ErrIntegrity), 6},
		"refused connection":    {fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), 7},
		"unknown host":          {&net.DNSError{Err: "no such host"}, 7},
		"throttled":             {&registry.StatusError{Status: 429}, 7},
		"broken server":         {&registry.StatusError{Status: 502}, 7},
		"builder gone":          {status.Error(codes.Unavailable, "transport is closing"), 7},
		"disk full":             {&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, 8},
		"too many files":        {syscall.EMFILE, 8},
		"permission":            {&os.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, 8},
		"interrupted":           {Interrupted{os.Interrupt}, 130},
		"terminated":            {errors.Join(failedRun{&executor.Report{}}, Interrupted{syscall.SIGTERM}), 143},
		"run without a class":   {failedRun{&executor.Report{}}, 4},
		"broken cache":          {errBroken{cache.ErrInvalid}, 6},
		"unreadable cache":      {errBroken{&registry.StatusError{Status: 502}}, 7},
		"store without delete":  {errNotPruned{fmt.Errorf("x: %w", backend.ErrCannotDelete)}, 5},
		"prune without a class": {errNotPruned{backend.ErrConflict}, 4},
	} {
		if got := exitCode(t.Context(), c.err); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
	}
}

func TestSignalWinsOverWhatItMadeFail(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(Interrupted{os.Interrupt})
	if got := exitCode(ctx, blob.ErrDenied); got != exitInterrupt {
		t.Errorf("exit code %d, want %d", got, exitInterrupt)
	}
}

func TestRunHasTheCodeThatItsFailuresShare(t *testing.T) {
	failed := func(errs ...error) failedRun {
		r := &executor.Report{}
		for _, err := range errs {
			r.Steps = append(r.Steps, &executor.StepResult{Outcome: executor.OutcomeFailed, Err: err})
		}
		r.Steps = append(r.Steps, &executor.StepResult{Outcome: executor.OutcomeSkipped, Err: errors.New("something it needs failed")})
		return failedRun{r}
	}
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"all refused":        {failed(blob.ErrDenied, blob.ErrDenied), 5},
		"refused and broken": {failed(blob.ErrDenied, blob.ErrIntegrity), 4},
		"a build that fails": {failed(errors.New("exit code: 1")), 4},
	} {
		if got := exitCode(t.Context(), c.err); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
	}
}

func TestTableNamesEveryExitCode(t *testing.T) {
	table := exitTable()
	for _, code := range []int{exitOK, exitInternal, exitUsage, exitSteps, exitDenied, exitIntegrity, exitUnavailable, exitLocal, exitInterrupt, exitTerminated} {
		if !strings.Contains(table, fmt.Sprintf("\n  %-3d  ", code)) {
			t.Errorf("the table has no %d:\n%s", code, table)
		}
	}
}
