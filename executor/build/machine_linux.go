package build

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Kinds of file systems and a mount flag as statfs(2) has them.
const (
	cgroup2Magic = 0x63677270
	tmpfsMagic   = 0x01021994
	readOnly     = 0x1
)

// checkSystem finds nothing to say of a system that daemons run on.
func checkSystem() error { return nil }

// checkMachine tells before a daemon is started whether this machine can run containers, and what it lacks if not. It tries: runc is run in
// namespaces of its own, made as a container's are.
func checkMachine(runc string) error {
	flags := uintptr(syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC)
	if os.Getuid() != 0 {
		flags |= syscall.CLONE_NEWUSER
	}
	var out bytes.Buffer
	cmd := exec.Command(runc, "--version")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	err := cmd.Run()
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS):
		return fmt.Errorf("this machine does not let cachectl run containers: %w.\n%s", err, machineHint())
	case err != nil:
		return fmt.Errorf("%s does not run: %w: %s; install it anew (apt-get install --reinstall runc), %s", runc, err, strings.TrimSpace(out.String()), elsewhere)
	}
	if os.Getuid() == 0 {
		return checkCgroups()
	}
	return nil
}

// checkCgroups tells whether containers of root can be put into control groups.
func checkCgroups() error {
	const dir = "/sys/fs/cgroup"
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return fmt.Errorf("this machine does not let cachectl run containers: %s: %w. Mount the control groups (mount -t cgroup2 none %s), %s", dir, err, dir, elsewhere)
	}
	if st.Type != cgroup2Magic && st.Type != tmpfsMagic { // tmpfs: version 1, a directory for each controller
		return fmt.Errorf("this machine does not let cachectl run containers: there are no control groups at %s. Mount them (mount -t cgroup2 none %s), %s", dir, dir, elsewhere)
	}
	if st.Type == cgroup2Magic && st.Flags&readOnly != 0 {
		return fmt.Errorf("this machine does not let cachectl run containers: %s is read-only, as in a container without --privileged. Give it the right, %s", dir, elsewhere)
	}
	return nil
}

// machineHint says what a machine lacks that runs no containers, as far as it can be read off.
func machineHint() string {
	if os.Getuid() == 0 {
		return "A container needs --privileged for it, and a service the right CAP_SYS_ADMIN. Give it that, " + elsewhere + "."
	}
	for _, s := range []struct{ file, bad, fix string }{
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
	} {
		if raw, err := os.ReadFile(s.file); err == nil && strings.TrimSpace(string(raw)) == s.bad {
			return fmt.Sprintf("User namespaces are switched off for users without root rights: as root, run %s, %s.", s.fix, elsewhere)
		}
	}
	return "Without root rights it needs user namespaces and a range of ids for this user in /etc/subuid and /etc/subgid (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER). Set them up, run as root, " + elsewhere + "."
}

// procMasked tells whether parts of /proc are hidden, as in a container. The kernel then mounts no new /proc in a user namespace, and a daemon
// without root rights has to let its containers see this one.
func procMasked() bool {
	raw, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], "/proc/") && fields[1] != "/proc/sys/fs/binfmt_misc" {
			return true
		}
	}
	return false
}
