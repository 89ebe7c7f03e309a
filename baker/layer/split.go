package layer

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"path"
	"slices"
	"strings"

	"github.com/dbake/dbake/baker/tree"
)

// Part is what goes into one layer.
type Part struct {
	// Name says what is in it, for progress: "system", "table app.events".
	Name string
	// Entries are those of the tree that belong to it, in the tree's order,
	// with all directories above them.
	Entries []tree.Entry
	// Size is the sum of its files' sizes in bytes; links count nothing.
	Size int64
}

// SplitOptions say how a tree is split.
type SplitOptions struct {
	// DataDir is the data directory's path in the image: /data/mysql.
	DataDir string
	// Layers is how many parts the tables get, about; the system's files have
	// one of their own. 0 goes by the tables' size: everything in one part
	// below 64 MB, 2 parts up to 128 MB, and one more for each doubling, up
	// to 8. 1 puts everything into one part.
	Layers int
}

const (
	smallTables = 64e6 // bytes that are not worth a layer of their own
	maxLayers   = 8
	// slack is how much fuller than the average a part of small tables may get.
	slack = 1.1
)

// Split shares a tree's entries among parts of similar size, from which it can be
// put together again in any order.
//
// The files of a table stay together, with their second names under
// plan.PristineDir. The system's files are the first part. A table that is as
// large as a part has one for itself. The others are spread over the parts that
// are left.
//
// Which part a table goes to hangs on names and sizes only, and hardly on other
// tables, so that the next bake of nearly the same database has mostly the same
// layers. For that, sizes are rounded up to powers of the square root of two, so
// that growth by a few percent is seldom seen, and the small tables are spread
// by consistent hashing with bounded loads: from each table's hash follows an
// order in which it would like the parts, and it gets the first that has room.
// A table that comes, goes or grows moves no other but those it takes the room
// from.
func Split(t *tree.Tree, o SplitOptions) ([]Part, error) {
	if o.Layers < 0 {
		return nil, fmt.Errorf("split the data into %d layers: want 1 or more, or 0 to go by size", o.Layers)
	}
	if o.DataDir == "" {
		return nil, fmt.Errorf("split the data into layers: the path of the data directory is not set")
	}
	units, order, err := collect(t, newLayout(o.DataDir))
	if err != nil {
		return nil, err
	}
	var tables []unit
	var sum int64
	for _, name := range order {
		if name != "" {
			tables = append(tables, *units[name])
			sum += units[name].size
		}
	}
	n := o.Layers
	if n == 0 {
		n = layersFor(sum)
	}
	if n == 1 || len(tables) == 0 {
		return []Part{build(t, "data", func(string) bool { return true }, units, true)}, nil
	}
	parts := []Part{build(t, "system", func(table string) bool { return table == "" }, units, true)}
	for _, group := range share(tables, n) {
		in := map[string]bool{}
		for _, u := range group.units {
			in[u.table] = true
		}
		parts = append(parts, build(t, group.name(), func(table string) bool { return in[table] }, units, false))
	}
	return parts, nil
}

// layersFor is the number of parts for tables of a size.
func layersFor(size int64) int {
	if size < smallTables {
		return 1
	}
	return min(maxLayers, 1+bits.Len64(uint64(size/smallTables))) //nolint:gosec // sizes are not negative
}

// unit is a table's files.
type unit struct {
	table string
	size  int64
	// names has the names of all its entries.
	names map[string]bool
}

// collect finds the tree's units; that of the system has the empty name. order
// has their names, sorted.
func collect(t *tree.Tree, l layout) (units map[string]*unit, order []string, err error) {
	units, of := map[string]*unit{}, map[string]*unit{}
	for _, e := range t.Entries {
		h := e.Header
		if h.Typeflag == tar.TypeDir {
			continue
		}
		table := l.table(h.Name)
		if h.Typeflag == tar.TypeLink {
			target, ok := of[h.Linkname]
			if !ok {
				return nil, nil, fmt.Errorf("split the data into layers: %s is a hard link to %s, which is not before it", h.Name, h.Linkname)
			}
			table = target.table
		}
		u, ok := units[table]
		if !ok {
			u = &unit{table: table, names: map[string]bool{}}
			units[table] = u
			order = append(order, table)
		}
		of[h.Name], u.names[h.Name] = u, true
		if h.Typeflag == tar.TypeReg {
			u.size += h.Size
		}
	}
	slices.Sort(order)
	return units, order, nil
}

// build makes the part of the units that want picks; all has every directory in
// it, used or not.
func build(t *tree.Tree, name string, want func(table string) bool, units map[string]*unit, all bool) Part {
	p := Part{Name: name}
	files, dirs := map[string]bool{}, map[string]bool{}
	for table, u := range units {
		if !want(table) {
			continue
		}
		p.Size += u.size
		for file := range u.names {
			files[file] = true
			for dir := path.Dir(file); dir != "." && !dirs[dir]; dir = path.Dir(dir) {
				dirs[dir] = true
			}
		}
	}
	for _, e := range t.Entries {
		dir, isDir := strings.CutSuffix(e.Header.Name, "/")
		if files[e.Header.Name] || isDir && (all || dirs[dir]) {
			p.Entries = append(p.Entries, e)
		}
	}
	return p
}

// group are units that share a part.
type group struct {
	units []unit
	load  float64
}

func (g group) name() string {
	if len(g.units) == 1 {
		return "table " + display(g.units[0].table)
	}
	return fmt.Sprintf("%d tables", len(g.units))
}

// share spreads tables over about n groups. Those of large tables come first, by
// name.
func share(tables []unit, n int) []group {
	var total float64
	for _, u := range tables {
		total += weight(u.size)
	}
	average := weight(int64(total)) / float64(n)
	var large []group
	var small []unit
	var rest float64
	for _, u := range tables {
		if w := weight(u.size); w >= average {
			large = append(large, group{units: []unit{u}})
		} else {
			small = append(small, u)
			rest += w
		}
	}
	if len(small) == 0 {
		return large
	}
	bins := make([]group, max(1, min(n-len(large), int(math.Round(rest/average)))))
	room := slack * weight(int64(rest)) / float64(len(bins))
	// The larger ones choose first: they find it harder to fit in.
	slices.SortFunc(small, func(a, b unit) int {
		return cmp.Or(cmp.Compare(weight(b.size), weight(a.size)), cmp.Compare(a.table, b.table))
	})
	for _, u := range small {
		place(bins, u, room)
	}
	for _, b := range bins {
		if len(b.units) > 0 {
			large = append(large, b)
		}
	}
	return large
}

// place puts a table into the first bin in its own order that has room, or into
// the emptiest.
func place(bins []group, u unit, room float64) {
	w := weight(u.size)
	best, emptiest := -1, 0
	var bestScore uint64
	for i := range bins {
		if bins[i].load < bins[emptiest].load {
			emptiest = i
		}
		if bins[i].load+w > room {
			continue
		}
		if s := score(u.table, i); best < 0 || s > bestScore {
			best, bestScore = i, s
		}
	}
	if best < 0 {
		best = emptiest
	}
	bins[best].units = append(bins[best].units, u)
	bins[best].load += w
}

// score says how much a table would like a bin.
func score(table string, bin int) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s", bin, table))
	return binary.BigEndian.Uint64(sum[:])
}

// weight is a size, rounded up to a power of the square root of two. It is
// computed so that every machine gets the same.
func weight(size int64) float64 {
	if size <= 0 {
		return 0
	}
	exponent := bits.Len64(uint64(size - 1)) // 2^exponent is the next power of two
	power := math.Ldexp(1, exponent)
	if half := power / math.Sqrt2; exponent > 0 && float64(size) <= half {
		return half
	}
	return power
}
