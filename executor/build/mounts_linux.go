package build

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// unmountBelow takes away mounts that a killed daemon left behind, so that nothing is deleted through them.
func unmountBelow(dir string) error {
	raw, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return fmt.Errorf("list mounts: %w", err)
	}
	var points []string
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Fields(line); len(fields) > 1 {
			points = append(points, mountPoint(fields[1]))
		}
	}
	slices.Reverse(points) // what was mounted last lies on top
	for _, p := range points {
		if !strings.HasPrefix(p, dir+"/") {
			continue
		}
		if err := syscall.Unmount(p, syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", p, err)
		}
	}
	return nil
}

// mountPoint undoes how the kernel writes blanks in the list of mounts: \040 for a space (proc_pid_mounts(5), getmntent(3)).
func mountPoint(field string) string {
	var b strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+3 < len(field) {
			if n, err := strconv.ParseUint(field[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(field[i])
	}
	return b.String()
}
