// Command actcache runs the cache server of nektos/act alone: the first version of GitHub's cache service, for tests.
//
// It keeps everything in DIR, writes the address that clients are given as url, which has a secret in its path, to DIR/url, and serves until
// it is ended.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/nektos/act/pkg/artifactcache"
	"github.com/sirupsen/logrus"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: actcache DIR")
		os.Exit(2)
	}
	log := logrus.New()
	log.SetLevel(logrus.WarnLevel)
	h, err := artifactcache.StartHandler(os.Args[1], "", "127.0.0.1", 0, log)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := announce(os.Args[1], h.ExternalURL()+"/"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	<-ended
	if err := h.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// announce writes the address; whoever waits for the file finds it whole.
func announce(dir, url string) error {
	part := filepath.Join(dir, "url.part")
	if err := os.WriteFile(part, []byte(url), 0o600); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(dir, "url"))
}
