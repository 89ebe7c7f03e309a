package proc

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/config"
)

// Identity is the user that the server runs as.
type Identity struct {
	UID, GID int
	// Groups are the supplementary groups, GID among them.
	Groups []int
	// Home is the user's home directory, or "/".
	Home string
	// Switch says that this program runs as root and has to change over.
	Switch bool
}

// ServerIdentity returns who the server runs as: the image's server user if
// this program is root, and otherwise whoever this program is.
func ServerIdentity(c config.Config) Identity {
	uid := os.Geteuid()
	if uid == 0 && c.UID != 0 {
		name, home := passwd("/etc/passwd", c.UID, c.User)
		return Identity{UID: c.UID, GID: c.GID, Groups: groups("/etc/group", name, c.GID), Home: home, Switch: true}
	}
	_, home := passwd("/etc/passwd", uid, "")
	own, _ := os.Getgroups()
	return Identity{UID: uid, GID: os.Getegid(), Groups: append(own, os.Getegid()), Home: home}
}

// passwd looks up a uid's name and home directory; name is the answer when
// the file does not have it.
func passwd(path string, uid int, name string) (string, string) {
	for fields := range entries(path, 7) {
		if fields[2] == strconv.Itoa(uid) {
			return fields[0], fields[5]
		}
	}
	return name, "/"
}

// groups lists gid and the groups that have user as a member.
func groups(path, user string, gid int) []int {
	list := []int{gid}
	for fields := range entries(path, 4) {
		id, err := strconv.Atoi(fields[2])
		if err == nil && id != gid && slices.Contains(strings.Split(fields[3], ","), user) {
			list = append(list, id)
		}
	}
	return list
}

// entries yields the lines of a file like /etc/passwd that have at least n
// fields. A file that cannot be read has none.
func entries(path string, n int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		data, _ := os.ReadFile(path)
		for _, line := range strings.Split(string(data), "\n") {
			if fields := strings.Split(line, ":"); len(fields) >= n && !yield(fields) {
				return
			}
		}
	}
}

func (i Identity) credential() *syscall.Credential {
	if !i.Switch {
		return nil
	}
	groups := make([]uint32, len(i.Groups))
	for n, g := range i.Groups {
		groups[n] = uint32(g)
	}
	return &syscall.Credential{Uid: uint32(i.UID), Gid: uint32(i.GID), Groups: groups}
}

// blame says in an error what else than the program may be at fault.
func (i Identity) blame() string {
	if !i.Switch {
		return ""
	}
	return fmt.Sprintf(" as uid %d (root needs the capabilities SETUID and SETGID for that)", i.UID)
}

// Assume makes this process run as i for good.
func (i Identity) Assume() error {
	if !i.Switch {
		return nil
	}
	if err := syscall.Setgroups(i.Groups); err != nil {
		return fmt.Errorf("cannot change over%s: %w", i.blame(), err)
	}
	if err := syscall.Setgid(i.GID); err != nil {
		return fmt.Errorf("cannot change over%s: %w", i.blame(), err)
	}
	if err := syscall.Setuid(i.UID); err != nil {
		return fmt.Errorf("cannot change over%s: %w", i.blame(), err)
	}
	return nil
}

// CanWrite says whether i may make files in the directory at path. When this
// program is not i itself yet, it goes by the directory's mode, and so errs on
// the side of no where access lists say more.
func (i Identity) CanWrite(path string) bool {
	if !i.Switch {
		const writeAndSearch = 0o3
		return syscall.Access(path, writeAndSearch) == nil
	}
	info, err := os.Stat(path)
	return err == nil && i.modeAllows(info)
}

func (i Identity) modeAllows(info os.FileInfo) bool {
	shift := 0
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		switch {
		case int(stat.Uid) == i.UID:
			shift = 6
		case slices.Contains(i.Groups, int(stat.Gid)):
			shift = 3
		}
	}
	return info.Mode().Perm()>>shift&0o3 == 0o3
}

// Owner returns the uid that owns what info is about, or -1.
func Owner(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// Environ is env with the home directory of i, if that is to be changed.
func (i Identity) Environ(env []string) []string {
	if !i.Switch {
		return env
	}
	env = slices.DeleteFunc(slices.Clone(env), func(e string) bool { return strings.HasPrefix(e, "HOME=") })
	return append(env, "HOME="+i.Home)
}
