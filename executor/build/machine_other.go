//go:build !linux

package build

import (
	"fmt"
	"runtime"
)

// checkSystem tells that there is no daemon to be started here.
func checkSystem() error {
	return fmt.Errorf("no builder was found, and cachectl starts one of its own on Linux only, not on %s: start Docker, %s", runtime.GOOS, elsewhere)
}

// checkMachine is not asked: checkSystem is before it.
func checkMachine(string) error { return checkSystem() }

// procMasked tells nothing where there is no /proc.
func procMasked() bool { return false }

// unmountBelow has nothing to take away: no daemon has run here.
func unmountBelow(string) error { return nil }

// machineHint has nothing to say: no daemon has run here.
func machineHint() string { return "" }
