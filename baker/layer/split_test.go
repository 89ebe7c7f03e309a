package layer_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/baker/tree"
)

const dataDir = "/data/mysql"

// datadir makes the tree of a data directory: sizes of files by their path in it.
// Each has a second name, as the agent leaves it; MyISAM's files are copies.
func datadir(t interface {
	Helper()
	Fatal(...any)
}, files map[string]int64,
) *tree.Tree {
	t.Helper()
	const pristine = "usr/share/dbake/datadir/"
	entries := []tree.Entry{entry("usr/share/dbake/manifest.json", 10)}
	for name, size := range files {
		first := entry("data/mysql/"+name, size)
		second := first
		second.Header.Name = pristine + name
		switch path.Ext(name) {
		case ".MYD", ".MYI":
		default:
			second.Header.Typeflag, second.Header.Linkname, second.Header.Size, second.Open = tar.TypeLink, first.Header.Name, 0, nil
		}
		entries = append(entries, first, second)
	}
	tr, err := tree.New(entries)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// entry is a file of pages that compress about as InnoDB's do.
func entry(name string, size int64) tree.Entry {
	return tree.Entry{
		Header: tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o640, Uid: 999, Gid: 999, ModTime: tree.ModTime},
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(pages(name, size))), nil },
	}
}

// rows is text like that of a table's pages.
var rows = sync.OnceValue(func() []byte {
	random := rand.New(rand.NewPCG(3, 4))
	var b []byte
	for len(b) < 1<<20 {
		b = fmt.Appendf(b, "\x00\x00\x10%08x customer number %d, order %d, paid on 2026-%02d-%02d;",
			random.Uint32(), random.IntN(100_000), random.IntN(1e9), random.IntN(12)+1, random.IntN(28)+1)
	}
	return b
})

// pages are 16 KiB pages, most of them half full of rows, every fourth empty;
// they are the same for the same name.
func pages(name string, size int64) []byte {
	data := make([]byte, size)
	var seed [32]byte
	copy(seed[:], name)
	random := rand.New(rand.NewChaCha8(seed))
	for at := 0; at < len(data); at += 16 << 10 {
		if random.IntN(4) == 0 {
			continue
		}
		copy(data[at:min(at+9<<10, len(data))], rows()[random.IntN(1<<19):])
	}
	return data
}

func split(t interface {
	Helper()
	Fatal(...any)
}, tr *tree.Tree, layers int,
) []layer.Part {
	t.Helper()
	parts, err := layer.Split(tr, layer.SplitOptions{DataDir: dataDir, Layers: layers})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// Every file of the servers that dbake bakes on is here.
var sample = map[string]int64{
	"auto.cnf": 56, "ibdata1": 12 << 20, "undo_001": 16 << 20, "undo_002": 16 << 20, "mysql.ibd": 30 << 20,
	"#innodb_redo/#ib_redo0": 3 << 20, "ib_buffer_pool": 0, "mysql/general_log.CSV": 35, "mysql/general_log_222.sdi": 6000,
	"sys/sys_config.ibd": 114688, "performance_schema/cond_instances_104.sdi": 3000, "archive.ibd": 40 << 20,
	"app/db.opt": 61, "app/events.ibd": 600 << 20, "app/users.ibd": 90 << 20, "app/orders.ibd": 100 << 20,
	"app/log#p#p2025.ibd": 50 << 20, "app/log#p#p2026#sp#s0.ibd": 90 << 20, "app/log.frm": 900,
	"app/fts_00000000000004a1_being_deleted.ibd": 114688, "app/fts_00000000000004a1_config.ibd": 114688,
	"app/old.MYD": 30 << 20, "app/old.MYI": 10 << 20, "app/old_382.sdi": 5000, "app/old_382.ibd": 114688,
	"@30c6@30b9@30c8/t@002e1.ibd": 114688,
}

func TestSplitGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, p := range split(t, datadir(t, sample), 0) {
		fmt.Fprintf(&b, "== %s, %d bytes\n", p.Name, p.Size)
		for _, e := range p.Entries {
			fmt.Fprintf(&b, "%o %d:%d %d %s", e.Header.Mode, e.Header.Uid, e.Header.Gid, e.Header.Size, e.Header.Name)
			if e.Header.Linkname != "" {
				fmt.Fprintf(&b, " -> %s", e.Header.Linkname)
			}
			b.WriteString("\n")
		}
	}
	const golden = "testdata/split.golden"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("run with UPDATE=1 when this is meant (-want +got):\n%s", diff)
	}
}

// Put together again, the parts are the tree, and every part can be unpacked by
// itself.
func TestSplitKeepsEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		files := map[string]int64{"ibdata1": 1}
		for i := range rapid.IntRange(0, 40).Draw(t, "tables") {
			name := fmt.Sprintf("db%d/t%d", i%3, i)
			for _, suffix := range rapid.SampledFrom([][]string{{".ibd"}, {".MYD", ".MYI"}, {"#p#p0.ibd", "#p#p1.ibd"}}).Draw(t, "kind") {
				files[name+suffix] = rapid.Int64Range(0, 200<<20).Draw(t, "size")
			}
		}
		tr := datadir(t, files)
		parts := split(t, tr, rapid.IntRange(0, 12).Draw(t, "layers"))
		seen, tableOf := map[string]int{}, map[string]string{}
		var all []string
		for i, p := range parts {
			in := map[string]bool{"./": true}
			for _, e := range p.Entries {
				name := e.Header.Name
				if parent := path.Dir(strings.TrimSuffix(name, "/")) + "/"; !in[parent] {
					t.Fatalf("part %d has %s, but not %s before it", i, name, parent)
				}
				if e.Header.Linkname != "" && !in[e.Header.Linkname] {
					t.Fatalf("part %d has the link %s, but not its target", i, name)
				}
				in[name] = true
				if seen[name]++; seen[name] == 1 {
					all = append(all, name)
				} else if e.Header.Typeflag != tar.TypeDir {
					t.Fatalf("%s is in two parts", name)
				}
				table, _, _ := strings.Cut(path.Base(name), "#")
				table, _, _ = strings.Cut(table, ".")
				if other, ok := tableOf[table]; ok && strings.HasPrefix(table, "t") && other != p.Name {
					t.Fatalf("the table of %s is in two parts", name)
				}
				tableOf[table] = p.Name
			}
		}
		var want []string
		for _, e := range tr.Entries {
			want = append(want, e.Header.Name)
		}
		slices.Sort(all)
		if diff := cmp.Diff(want, all); diff != "" {
			t.Fatalf("put together again (-tree +parts):\n%s", diff)
		}
	})
}

func TestSplitByManyTables(t *testing.T) {
	t.Parallel()
	files := manyTables()
	parts := split(t, datadir(t, files), 0)
	if len(parts) < 6 || len(parts) > 10 {
		t.Errorf("%d parts", len(parts))
	}
	var sum, largest int64
	for _, p := range parts[1:] {
		sum += p.Size
		largest = max(largest, p.Size)
	}
	if average := sum / int64(len(parts)-1); largest > average*7/4 {
		t.Errorf("the largest part has %d bytes, the average one %d", largest, average)
	}
	if parts[0].Name != "system" || parts[0].Size != 10+12<<20+30<<20 {
		t.Errorf("the first part is %s with %d bytes", parts[0].Name, parts[0].Size)
	}
}

// manyTables is a database of 300 tables whose sizes are spread as usual: a few
// large ones, many small ones.
func manyTables() map[string]int64 {
	files := map[string]int64{"ibdata1": 12 << 20, "mysql.ibd": 30 << 20}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		files[fmt.Sprintf("app/table_%03d.ibd", i)] = int64(114688 * (1 + random.ExpFloat64()*random.ExpFloat64()*200))
	}
	return files
}

// assignment says in which part each table is: by the names of the part's other
// tables that does not change with the part's place.
func assignment(parts []layer.Part) map[string]int {
	of := map[string]int{}
	for i, p := range parts {
		for _, e := range p.Entries {
			if strings.HasPrefix(e.Header.Name, "data/") && e.Header.Typeflag == tar.TypeReg {
				of[e.Header.Name] = i
			}
		}
	}
	return of
}

// The next bake of nearly the same database has to have most layers in common
// with the last: a table that changes must not move others.
func TestSplitIsStable(t *testing.T) {
	t.Parallel()
	base := manyTables()
	before := assignment(split(t, datadir(t, base), 0))
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range base {
			if strings.HasPrefix(name, "app/") && !yield(name) {
				return
			}
		}
	})
	moved, unchanged := 0, 0
	const trials = 30
	for i := range trials {
		files := make(map[string]int64, len(base))
		for name, size := range base {
			files[name] = size
		}
		changed := names[i*10]
		switch i % 3 {
		case 0, 1:
			files[changed] += files[changed] / 20
		case 2:
			files["app/new.ibd"] = files[changed]
		}
		now := 0
		for name, part := range assignment(split(t, datadir(t, files), 0)) {
			if was, ok := before[name]; ok && was != part {
				now++
			}
		}
		if now == 0 {
			unchanged++
		}
		moved += now
	}
	if unchanged < trials*2/3 || moved > trials*6 {
		t.Errorf("of %d small changes, %d moved no table; %d of %d tables moved per change",
			trials, unchanged, moved/trials, len(names))
	}
	t.Logf("of %d small changes, %d moved no table; %d moves in all", trials, unchanged, moved)
}

func TestSplitSmall(t *testing.T) {
	t.Parallel()
	parts := split(t, datadir(t, map[string]int64{"ibdata1": 100 << 20, "app/t.ibd": 1 << 20}), 0)
	if len(parts) != 1 || parts[0].Name != "data" {
		t.Errorf("a small database has %d parts", len(parts))
	}
	if _, err := layer.Split(datadir(t, sample), layer.SplitOptions{DataDir: dataDir, Layers: -1}); err == nil {
		t.Error("no error for -1 layers")
	}
}
