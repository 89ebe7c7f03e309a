package layer_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/baker/tree"
)

// benchTree is the tree that the environment variable DBAKE_BENCH_DATA names (a
// folder with data/mysql in it, of a real bake), or else one of made-up pages.
func benchTree(b *testing.B) *tree.Tree {
	b.Helper()
	if dir := os.Getenv("DBAKE_BENCH_DATA"); dir != "" {
		tr, err := tree.FromDir(dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { tr.Close() })
		return tr
	}
	dir := b.TempDir()
	for name, size := range map[string]int64{
		"ibdata1": 12 << 20, "undo_001": 16 << 20, "app/events.ibd": 80 << 20, "app/orders.ibd": 30 << 20, "app/users.ibd": 20 << 20,
	} {
		name = dir + "/data/mysql/" + name
		if err := os.MkdirAll(dir+"/data/mysql/app", 0o755); err != nil {
			b.Fatal(err)
		}
		data := pages(name, size)
		if name == dir+"/data/mysql/undo_001" {
			clear(data)
		}
		if err := os.WriteFile(name, data, 0o640); err != nil {
			b.Fatal(err)
		}
	}
	tr, err := tree.FromDir(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { tr.Close() })
	return tr
}

// BenchmarkWrite makes all layers of a data directory, from files in the page
// cache to finished layers on the disk: bytes of tar per second, and the
// layers' size as a share of the tar's.
func BenchmarkWrite(b *testing.B) {
	tr := benchTree(b)
	parts := split(b, tr, 0)
	for _, c := range []struct {
		compression layer.Compression
		level       int
	}{
		{layer.None, 0},
		{layer.Zstd, 1},
		{layer.Zstd, 3},
		{layer.Zstd, 7},
		{layer.Gzip, 1},
		{layer.Gzip, 5},
		{layer.Gzip, 6},
		{layer.EStargz, 5},
	} {
		for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(fmt.Sprintf("%s-%d/workers=%d", c.compression, c.level, workers), func(b *testing.B) {
				var tarred, packed int64
				for b.Loop() {
					tarred, packed = 0, 0
					layers, err := layer.Write(b.Context(), parts, layer.Options{
						Compression: c.compression, Level: c.level, Workers: workers, Dir: b.TempDir(),
					}, nil)
					if err != nil {
						b.Fatal(err)
					}
					for _, l := range layers {
						size, _ := l.Size()
						tarred, packed = tarred+l.Length(), packed+size
						l.Close()
					}
				}
				b.SetBytes(tarred)
				b.ReportMetric(float64(packed)/float64(tarred), "ratio")
				b.ReportMetric(float64(packed)/1e6, "MB")
			})
		}
	}
}
