package depcheck_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dbake/dbake"

// Code that some folders must not be built from, as import path prefixes.
var (
	buildKit  = []string{"github.com/moby/buildkit"}
	docker    = []string{"github.com/docker/docker", "github.com/docker/cli", "github.com/moby/moby/client"}
	registry  = []string{"github.com/google/go-containerregistry"}
	aws       = []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}
	allOthers = []string{module}
)

// rules are the column "must not import" of the architecture.
var rules = []struct {
	packages []string
	// forbidden are prefixes of import paths; the packages themselves and
	// those below them are always allowed.
	forbidden []string
	// stdlibOnly forbids everything outside of the standard library.
	stdlibOnly bool
	why        string
}{
	{
		packages: []string{"cmd/dbake-entrypoint"}, stdlibOnly: true,
		why: "PID 1 of every baked image has to stay small and start at once",
	},
	{
		packages: []string{"spec"}, forbidden: allOthers,
		why: "every tool has to be able to read a dbake.yaml without the rest of dbake",
	},
	{
		packages: []string{"frontend", "cmd/dbake-frontend"}, forbidden: slices.Concat(aws, docker),
		why: "the frontend has no credentials and no daemon: what needs them belongs into the agent",
	},
	{
		packages: []string{"seed", "cmd/dbake-seed"}, forbidden: slices.Concat(buildKit, docker, registry),
		why: "the agent knows dumps and servers, whoever runs it",
	},
}

func TestFoldersStayApart(t *testing.T) {
	t.Parallel()
	for _, r := range rules {
		for _, folder := range r.packages {
			t.Run(folder, func(t *testing.T) {
				t.Parallel()
				root := module + "/" + folder
				graph := load(t, "./"+folder+"/...")
				for _, p := range graph.order {
					own := p == root || strings.HasPrefix(p, root+"/")
					if own || !forbidden(graph.packages[p], r.forbidden, r.stdlibOnly) {
						continue
					}
					t.Errorf("%s is built from %s, but must not be: %s.\nimported by: %s",
						folder, p, r.why, strings.Join(graph.chain(p), "\n          by: "))
					return // the rest follows from the first
				}
			})
		}
	}
}

// TestOneImporterOfTheDockerClient keeps the Docker client, whose module has a
// successor with other types, in the one package that has to change then.
func TestOneImporterOfTheDockerClient(t *testing.T) {
	t.Parallel()
	const engine = module + "/baker/engine"
	graph := load(t, "./...")
	for _, p := range graph.order {
		if p != module && !strings.HasPrefix(p, module+"/") || p == engine {
			continue
		}
		for _, imported := range graph.packages[p].Imports {
			if imported == docker[0] || strings.HasPrefix(imported, docker[0]+"/") {
				t.Errorf("%s imports %s, but only %s may", p, imported, engine)
			}
		}
	}
}

func forbidden(p *goPackage, prefixes []string, stdlibOnly bool) bool {
	if p.Standard {
		return false
	}
	return stdlibOnly || slices.ContainsFunc(prefixes, func(prefix string) bool {
		return p.ImportPath == prefix || strings.HasPrefix(p.ImportPath, prefix+"/")
	})
}

// goPackage is what go list says about a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Match      []string // of the patterns asked for
}

// graph is all that some packages are built from.
type graph struct {
	packages map[string]*goPackage
	order    []string // dependencies first
}

// load asks the go command, so build constraints count as in a real build:
// Linux without cgo, which is what all of dbake's programs are.
func load(t *testing.T, pattern string) graph {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Match", pattern)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := graph{packages: map[string]*goPackage{}}
	for d := json.NewDecoder(out); ; {
		p := new(goPackage)
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		g.packages[p.ImportPath] = p
		g.order = append(g.order, p.ImportPath)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("go list %s: %v", pattern, err)
	}
	if len(g.order) == 0 {
		t.Fatalf("go list %s found no packages", pattern)
	}
	return g
}

// chain lists who imports p, up to one of the packages asked for.
func (g graph) chain(p string) []string {
	var chain []string
	for len(g.packages[p].Match) == 0 && len(chain) < len(g.order) {
		i := slices.IndexFunc(g.order, func(q string) bool { return slices.Contains(g.packages[q].Imports, p) })
		if i < 0 {
			break
		}
		p = g.order[i]
		chain = append(chain, p)
	}
	return chain
}
