// Command dbake-frontend is the entrypoint of the frontend image: BuildKit runs
// it for every file that starts with "# syntax=<registry>/dbake-frontend:<tag>"
// and speaks to it over standard input and output.
package main

import (
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"

	"github.com/dbake/dbake/frontend"
)

func main() {
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), frontend.Build); err != nil {
		fmt.Fprintln(os.Stderr, "dbake-frontend:", err)
		os.Exit(1)
	}
}
