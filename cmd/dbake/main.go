// Command dbake bakes MySQL dumps into container images.
package main

import (
	"os"

	"github.com/dbake/dbake/baker/jail"
)

func main() {
	if status, inside := jail.Main(); inside {
		os.Exit(status)
	}
	os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
