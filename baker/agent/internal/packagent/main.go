// Command packagent packs the files of a directory for package agent:
//
//	packagent DIR >FILE
package main

import (
	"fmt"
	"os"

	"github.com/dbake/dbake/baker/agent/internal/archive"
)

func main() {
	if err := archive.Pack(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // a main is where a program ends
	}
}
