package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// EmbeddedStatus is what there is of the embedded builder.
type EmbeddedStatus struct {
	Dir     string `json:"dir"`
	Running bool   `json:"running"`
	Bytes   int64  `json:"bytes"`
}

// StatusEmbedded tells where the embedded builder's state is, whether the daemon runs and how much it keeps.
func StatusEmbedded(dataDir string) (*EmbeddedStatus, error) {
	e, err := newEmbedded(dataDir)
	if err != nil {
		return nil, err
	}
	st := &EmbeddedStatus{Dir: e.dir, Running: answers(e.socket)}
	err = filepath.WalkDir(e.dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what cannot be read is not counted
		}
		if info, err := d.Info(); err == nil {
			st.Bytes += info.Size()
		}
		return nil
	})
	return st, err
}

// RemoveEmbedded stops the embedded builder and deletes its state: its cache is gone, published caches are not touched. It fails while
// another process uses it.
func RemoveEmbedded(ctx context.Context, dataDir string) error {
	e, err := newEmbedded(dataDir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(e.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if alone, err := e.users.TryLock(); err != nil || !alone {
		return errors.Join(errors.New("the embedded builder is in use"), err)
	}
	defer e.users.Unlock() //nolint:errcheck // nothing is left to use
	if err := e.stop(ctx); err != nil {
		return err
	}
	if err := unmountBelow(e.dir); err != nil {
		return err
	}
	for _, socket := range []string{e.socket, e.traceSocket()} {
		if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove socket of the embedded builder: %w", err)
		}
	}
	return e.removeDir(ctx)
}

// removeDir deletes the state. Without root rights it holds files of the user's subordinate ids, which only a user namespace that has
// these ids can delete.
func (e *Embedded) removeDir(ctx context.Context) error {
	err := os.RemoveAll(e.dir)
	if err == nil || os.Getuid() == 0 {
		return err
	}
	rootless, lookErr := exec.LookPath("rootlesskit")
	if lookErr != nil {
		return err
	}
	if out, runErr := exec.CommandContext(ctx, rootless, "rm", "-rf", "--", e.dir).CombinedOutput(); runErr != nil {
		return fmt.Errorf("%w (%w: %s)", err, runErr, strings.TrimSpace(string(out)))
	}
	return nil
}

// ownerOf is the id of the user who owns a file.
func ownerOf(st os.FileInfo) int {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(sys.Uid)
	}
	return -1
}
