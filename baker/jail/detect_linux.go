package jail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Detect picks the level for this process on this machine, by trying, and says
// why. The error wraps ErrImpossible when there is none.
func Detect(ctx context.Context) (level Level, reason string, err error) {
	if os.Geteuid() == 0 {
		return detectRoot(ctx)
	}
	err = probe(ctx, UserNamespace)
	if err == nil {
		return UserNamespace, "not root, and the kernel allows user namespaces", nil
	}
	if errors.Is(err, ErrNoMain) || ctx.Err() != nil {
		return "", "", err
	}
	return "", "", fmt.Errorf("%w: it needs root, or user namespaces, and those are refused: %w; "+
		"run as root, allow user namespaces, or bake with --builder buildkit or --builder docker", ErrImpossible, err)
}

func detectRoot(ctx context.Context) (Level, string, error) {
	if !hasCapability(unix.CAP_SYS_ADMIN) {
		if !hasCapability(unix.CAP_SYS_CHROOT) {
			return "", "", fmt.Errorf("%w: root has neither CAP_SYS_ADMIN nor CAP_SYS_CHROOT; "+
				"give the container one of them, or bake with --builder buildkit or --builder docker", ErrImpossible)
		}
		return Chroot, "root without CAP_SYS_ADMIN, as in an unprivileged container", nil
	}
	err := probe(ctx, Namespaces)
	if err == nil {
		return Namespaces, "root with CAP_SYS_ADMIN", nil
	}
	if errors.Is(err, ErrNoMain) || ctx.Err() != nil {
		return "", "", err
	}
	return Chroot, fmt.Sprintf("root with CAP_SYS_ADMIN, but namespaces are refused: %v", err), nil
}

// probe tries a mount in namespaces of its own.
func probe(ctx context.Context, level Level) error {
	p := &process{
		order: order{Level: level, Probe: true, Root: os.TempDir()},
		attr:  attributes(level, os.Geteuid(), os.Getegid()), grace: time.Second,
	}
	return p.run(ctx)
}

// hasCapability says whether this process has a capability in effect
// (capabilities(7)).
func hasCapability(number uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[number/32].Effective&(1<<(number%32)) != 0
}

// hint says what may be behind a refusal.
func hint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the limit user.max_user_namespaces or that of mounts is reached"
	case !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EINVAL):
		return ""
	}
	var hints []string
	for _, s := range []struct{ file, value, hint string }{
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor restricts user namespaces here: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile for dbake, allows them"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "the sysctl kernel.unprivileged_userns_clone is 0"},
		{"/proc/sys/user/max_user_namespaces", "0", "the sysctl user.max_user_namespaces is 0"},
		{"/sys/fs/selinux/enforce", "1", "SELinux is enforcing: ausearch -m avc shows whether it refused this"},
	} {
		if text, err := os.ReadFile(s.file); err == nil && strings.TrimSpace(string(text)) == s.value {
			hints = append(hints, s.hint)
		}
	}
	if label, err := os.ReadFile("/proc/self/attr/current"); err == nil {
		name := strings.Trim(string(label), "\x00\n ")
		if strings.HasSuffix(name, "(enforce)") {
			hints = append(hints, "this process is confined by the AppArmor profile "+name)
		}
	}
	if seccomp() {
		hints = append(hints, "a seccomp filter is on, as in containers: it may be what refuses")
	}
	return strings.Join(hints, "; ")
}

// seccomp says whether system calls of this process are filtered.
func seccomp() bool {
	text, err := os.ReadFile("/proc/self/status")
	return err == nil && strings.Contains(string(text), "\nSeccomp:\t2")
}
