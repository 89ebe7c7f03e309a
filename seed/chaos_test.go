package seed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/plan"
)

// chaosDump is large enough that a bake of it has moments to go wrong in.
func chaosDump() string {
	var b strings.Builder
	b.WriteString(head)
	for table := range 4 {
		fmt.Fprintf(&b, "CREATE TABLE t%d (id INT PRIMARY KEY, v VARCHAR(100), KEY (v));\n", table)
		for i := 0; i < 20000; i += 100 {
			fmt.Fprintf(&b, "INSERT INTO t%d VALUES ", table)
			for j := range 100 {
				fmt.Fprintf(&b, "(%d,'%d %s'),", i+j, i+j, strings.Repeat("x", 60))
			}
			b.WriteString("(")
			fmt.Fprintf(&b, "%d,NULL);\n", 1_000_000+i)
		}
	}
	b.WriteString(foot)
	return b.String()
}

// Whatever happens at whatever moment: an error, no manifest, and no process.
func TestRestoreThatIsBrokenOffLeavesNothing(t *testing.T) {
	text := chaosDump()
	for name, harm := range map[string]func(cancel context.CancelFunc){
		"context cancelled": func(cancel context.CancelFunc) { cancel() },
		"server killed": func(context.CancelFunc) {
			for _, pid := range servers() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				k := newKitchen(t)
				k.dump("app.sql", text)
				ctx, cancel := context.WithCancel(t.Context())
				after := time.Duration(rand.Int64N(int64(4 * time.Second)))
				timer := time.AfterFunc(after, func() { harm(cancel) })
				_, err := Restore(ctx, k.order, k.dirs, Tuning{ChunkBytes: 64 << 10}, event.Discard)
				harmed := !timer.Stop()
				cancel()
				manifest := filepath.Join(k.dirs.Out, plan.ManifestPath)
				_, missing := os.Stat(manifest)
				switch {
				case !harmed && err != nil:
					t.Fatalf("nothing was done to it after %s, yet: %v", after, err)
				case err == nil && missing != nil:
					t.Errorf("after %s: no error, and no manifest", after)
				case err != nil && !errors.Is(missing, os.ErrNotExist):
					t.Errorf("after %s: %v, yet there is a manifest", after, err)
				}
				if left := servers(); len(left) > 0 {
					t.Errorf("after %s: processes %v are left", after, left)
				}
			}
		})
	}
}

// servers gives the database servers in our process namespace.
func servers() []int {
	var out []int
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil || !strings.HasPrefix(string(text), "mysqld") && !strings.HasPrefix(string(text), "mariadbd") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil && pid != 1 {
			out = append(out, pid)
		}
	}
	return out
}
