package build

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// watchScript stops the daemon $1 with state $2 when its users have all gone without stopping it. A user's lock goes with its process,
// however that ends, so the lock is to be had exactly when nobody uses the daemon. It is asked for under the lock of starting and stopping,
// and kept until the daemon is gone, so that nobody begins to use a daemon that is about to end.
const watchScript = `# Stops buildkitd when every cachectl that uses it was killed.
alive() { grep -qF "$2/root" "/proc/$1/cmdline" 2>/dev/null; }
if [ "$3" = stop ]; then
	kill -TERM "$1"
	n=0
	while alive "$1" "$2"; do
		n=$((n + 1))
		[ "$n" -gt 10 ] && kill -KILL "-$1"
		sleep 1
	done
	exit 0
fi
while sleep 2; alive "$1" "$2"; do
	flock "$2.lock" flock -n "$2.users" sh "$0" "$1" "$2" stop
done
`

// watch leaves a process behind that stops the daemon when every user was killed before it could. The kernel's own way, a signal at the death
// of the parent, would end the daemon with the process that happened to start it, under all others. The watch ends with the daemon.
func (e *Embedded) watch(pid int) error {
	if _, err := exec.LookPath("flock"); err != nil {
		return errors.New("the embedded builder needs flock, to be stopped when cachectl is killed: apt-get install util-linux")
	}
	script := filepath.Join(e.dir, "watch.sh")
	if err := os.WriteFile(script, []byte(watchScript), 0o600); err != nil {
		return fmt.Errorf("watch over the embedded builder: %w", err)
	}
	cmd := exec.Command("sh", script, strconv.Itoa(pid), e.dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("watch over the embedded builder: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	return nil
}
