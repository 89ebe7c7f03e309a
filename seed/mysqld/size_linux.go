package mysqld

import (
	"io/fs"
	"syscall"
)

// allocated gives the bytes a file takes on disk; st_blocks counts 512-byte
// units (stat(2)).
func allocated(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
