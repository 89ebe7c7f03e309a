package initdb

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

// Login is an account of the server.
type Login struct{ User, Password string }

var optionEscapes = strings.NewReplacer(
	`\`, `\\`, `"`, `\"`, "'", `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`,
)

// options writes l as an option file of the client.
func (l Login) options() string {
	return "[client]\n" +
		`user="` + optionEscapes.Replace(l.User) + "\"\n" +
		`password="` + optionEscapes.Replace(l.Password) + "\"\n"
}

// file returns an option file with l in it that only as can read. It is in
// memory and has no name, so that the password is in no argument list, no
// environment and on no disk; programs open it as /proc/self/fd/9.
func (l Login) file(as proc.Identity) (*os.File, error) {
	f, err := nameless()
	if err != nil {
		return nil, fmt.Errorf("login for scripts: %w", err)
	}
	_, err = f.WriteString(l.options())
	if as.Switch {
		err = errors.Join(err, f.Chown(as.UID, as.GID))
	}
	// Clients ignore option files that others could write to.
	if err := errors.Join(err, f.Chmod(0o400)); err != nil {
		return nil, errors.Join(fmt.Errorf("login for scripts: %w", err), f.Close())
	}
	return f, nil
}

// memfdCreate is the number of memfd_create(2), which package syscall lacks.
var memfdCreate = map[string]uintptr{"amd64": 319, "arm64": 279, "riscv64": 279, "loong64": 279, "ppc64le": 360, "s390x": 350}

// nameless returns a file in memory, or one that has been deleted already
// where the kernel has none of the first kind.
func nameless() (*os.File, error) {
	if number, ok := memfdCreate[runtime.GOARCH]; ok {
		const closeOnExec = 1
		name := [...]byte{'d', 'b', 'a', 'k', 'e', 0}
		fd, _, errno := syscall.Syscall(number, uintptr(unsafe.Pointer(&name[0])), closeOnExec, 0)
		if errno == 0 {
			return os.NewFile(fd, "memfd"), nil
		}
	}
	f, err := os.CreateTemp("", ".dbake-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
