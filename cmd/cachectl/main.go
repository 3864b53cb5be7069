// Command cachectl builds, publishes and moves BuildKit build caches as a file declares them.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // schedules name time zones, which not every machine knows

	"github.com/cachectl/cachectl/cmd/cachectl/internal/cli"
)

// What the garbage collector may take: a short run of a large configuration spends a third of its time in it otherwise, and above the limit, in
// bytes, it works as usual. GOGC and GOMEMLIMIT win.
const (
	gcPercent   = 400
	memoryLimit = 1 << 30
)

func main() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(memoryLimit)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := <-signals
		cancel(cli.Interrupted{Signal: first})
		<-signals // the second does not wait for anything
		os.Exit(cli.Interrupted{Signal: first}.ExitCode())
	}()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System()))
}
