package jail

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// exitSetup is the exit status of a child that could not enter the jail.
const exitSetup = 125

// Main must be called first of all by the main function of every program that
// makes jails, and by TestMain of tests that do:
//
//	if status, inside := jail.Main(); inside {
//		os.Exit(status)
//	}
//
// When the program has been started by a jail, Main becomes the jail's program
// and returns only when that fails, with inside true. Else it does nothing.
func Main() (status int, inside bool) {
	if len(os.Args) == 0 || os.Args[0] != childName {
		ready.Store(true)
		return 0, false
	}
	// Capabilities and mounts belong to the thread; exec keeps this one's.
	runtime.LockOSThread()
	err := enter()
	if err == nil {
		return 0, true // a probe
	}
	var f failure
	if s := (*SetupError)(nil); errors.As(err, &s) {
		f.Doing = s.Doing
		err = s.Err
	}
	f.Text = err.Error()
	_ = errors.As(err, &f.Errno)
	if text, err := json.Marshal(f); err == nil {
		_, _ = os.NewFile(failureFile, "failure").Write(text)
	}
	return exitSetup, true
}

// doing is a failure with what was being done.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	return &SetupError{Doing: what, Err: err}
}

// enter makes the jail around this process and becomes the program.
func enter() error {
	unix.CloseOnExec(failureFile)
	input := os.NewFile(orderFile, "order")
	var o order
	if err := json.NewDecoder(input).Decode(&o); err != nil {
		return doing("read the order", err)
	}
	input.Close()
	unix.Umask(0o022)
	var err error
	switch {
	case o.Probe:
		return o.probe()
	case o.Level == Chroot:
		err = o.chroot()
	default:
		err = o.mountAndPivot()
	}
	if err != nil {
		return err
	}
	if err := o.writeSecrets(); err != nil {
		return err
	}
	if err := giveUpPrivileges(); err != nil {
		return err
	}
	return doing("start "+o.Path, syscall.Exec(o.Path, o.Args, o.Env))
}

func (o order) chroot() error {
	if err := unix.Chroot(o.Root); err != nil {
		return doing("chroot", err)
	}
	return doing("chroot", unix.Chdir("/"))
}

// writeSecrets runs inside, so that no link leads out.
func (o order) writeSecrets() error {
	for name, content := range o.Secrets {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return doing("write a secret", err)
		}
		file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
		if err != nil {
			return doing("write a secret", err)
		}
		_, err = file.Write(content)
		if err := errors.Join(err, file.Close()); err != nil {
			return doing("write a secret", err)
		}
	}
	return nil
}

// kept are the capabilities of root inside: those over files and users of its
// own root filesystem, with which a server is started as another user.
var kept = map[uintptr]bool{
	unix.CAP_CHOWN: true, unix.CAP_DAC_OVERRIDE: true, unix.CAP_FOWNER: true, unix.CAP_FSETID: true,
	unix.CAP_KILL: true, unix.CAP_SETGID: true, unix.CAP_SETUID: true,
}

// giveUpPrivileges takes everything from the bounding set, which limits what root
// has after the exec, but what is kept.
func giveUpPrivileges() error {
	for c := range uintptr(64) {
		if kept[c] {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			break // the kernel knows no more of them
		}
		if errors.Is(err, unix.EPERM) {
			break // without CAP_SETPCAP there is little to give up
		}
		if err != nil {
			return doing("give up capabilities", err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return doing("give up capabilities", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return doing("forbid setuid programs", err)
	}
	// A change of credentials may have taken it away.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return doing("die with the parent", err)
	}
	return nil
}

// probe makes the kinds of mounts that a jail cannot do without.
func (o order) probe() error {
	if err := keepMountsApart(); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", o.Root, "tmpfs", 0, ""); err != nil {
		return doing("mount a tmpfs", err)
	}
	null := filepath.Join(o.Root, "null")
	if err := os.WriteFile(null, nil, 0o600); err != nil {
		return doing("write to a tmpfs", err)
	}
	return doing("mount a device", bind("/dev/null", null))
}

func keepMountsApart() error {
	return doing("keep mounts apart", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
}

func bind(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s: %w", from, err)
	}
	return nil
}
