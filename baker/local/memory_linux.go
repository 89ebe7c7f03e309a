package local

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dbake/dbake/seed/mysqld"
)

// meminfo makes a file that stands for /proc/meminfo (proc_meminfo(5)) where
// there can be none: it says how much memory is free for the server.
func (w *workDir) meminfo() (string, error) {
	name := filepath.Join(w.dir, "meminfo")
	text := fmt.Sprintf("MemAvailable: %d kB\n", mysqld.AvailableMemory()>>10)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("tell the agent how much memory there is: %w", err)
	}
	return name, nil
}
