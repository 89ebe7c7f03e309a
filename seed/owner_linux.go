package seed

import (
	"io/fs"
	"os"
	"syscall"
)

// chownLike gives a file the owner that info shows.
func chownLike(name string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Lchown(name, int(st.Uid), int(st.Gid))
}
