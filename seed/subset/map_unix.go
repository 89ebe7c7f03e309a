//go:build unix

package subset

import (
	"os"
	"syscall"
	"unsafe"
)

// mapFile gives n numbers that lie in a file without a name.
func mapFile(dir string, n int) (places []uint64, free func(), err error) {
	f, err := os.CreateTemp(dir, "subset")
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return nil, nil, err
	}
	if err := f.Truncate(int64(n) * 8); err != nil {
		return nil, nil, err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, n*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), n), func() { _ = syscall.Munmap(b) }, nil
}
