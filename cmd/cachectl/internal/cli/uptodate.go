package cli

import (
	"fmt"
	"time"

	"github.com/cachectl/cachectl/executor"
	"github.com/spf13/cobra"
)

// upToDate is the flags of verbs that look whether targets are up to date.
type upToDate struct {
	verify string
	maxAge time.Duration
}

func (u *upToDate) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&u.verify, "verify", string(executor.CheckManifest), "what a destination must still have for a target to be up to date: none (its fingerprint), manifest or blobs")
	f.Var((*age)(&u.maxAge), "max-age", "how old a build may be for its target to be up to date, for instance 24h or 7d; 0 is no limit")
	values(cmd, "verify", string(executor.CheckNone), string(executor.CheckManifest), string(executor.CheckBlobs))
}

// check is how targets that are up to date are found. force finds none.
func (u *upToDate) check(force bool) (executor.Check, error) {
	check := executor.Check(u.verify)
	switch check {
	case "": // of a verb without the flag
		check = executor.CheckManifest
	case executor.CheckNone, executor.CheckManifest, executor.CheckBlobs:
	default:
		return "", usageError{fmt.Errorf("--verify %q is not none, manifest or blobs", u.verify)}
	}
	if force {
		check = executor.CheckOff
	}
	return check, nil
}
