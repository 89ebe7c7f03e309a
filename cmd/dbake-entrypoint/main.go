// Command dbake-entrypoint is PID 1 of a baked image: it makes the places the
// server needs, starts the server as its user and stays to pass on signals.
package main

import (
	"os"
	"runtime"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/boot"
)

func main() {
	// The server asks the kernel for a signal when its parent *thread* ends,
	// so the thread that starts it has to be the one that lives longest.
	runtime.LockOSThread()
	os.Exit(boot.Main(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
