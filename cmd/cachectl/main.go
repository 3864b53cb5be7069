// Command cachectl builds, publishes and moves BuildKit build caches as a file declares them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/cachectl/cachectl/cmd/cachectl/internal/cli"
)

func main() {
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
