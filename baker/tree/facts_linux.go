package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func factsOf(name string, info fs.FileInfo) (facts, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return facts{}, errors.New("the system does not tell who owns it")
	}
	f := facts{uid: int(st.Uid), gid: int(st.Gid)}
	if st.Nlink > 1 && info.Mode().IsRegular() {
		f.file = fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	}
	var err error
	f.xattrs, err = xattrs(name)
	return f, err
}

// xattrs gives the extended attributes that are kept.
func xattrs(name string) (map[string]string, error) {
	list, err := sized(func(buffer []byte) (int, error) { return unix.Llistxattr(name, buffer) })
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list extended attributes: %w", err)
	}
	values := map[string]string{}
	for attr := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		if !keepXattr(attr) {
			continue
		}
		value, err := sized(func(buffer []byte) (int, error) { return unix.Lgetxattr(name, attr, buffer) })
		if err != nil {
			return nil, fmt.Errorf("read extended attribute %s: %w", attr, err)
		}
		values[attr] = string(value)
	}
	return values, nil
}

// sized calls a function that gives a length for an empty buffer, and fills one
// of that length.
func sized(call func([]byte) (int, error)) ([]byte, error) {
	n, err := call(nil)
	if n == 0 || err != nil {
		return nil, err
	}
	buffer := make([]byte, n)
	n, err = call(buffer)
	return buffer[:max(n, 0)], err
}
