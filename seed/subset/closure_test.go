package subset

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// database is a made-up dump: rows[t][r] are the values of a row, "" for NULL.
type database struct {
	tables []*schema.Table
	rows   [][][]string
}

// drawDatabase makes tables with keys of one or two columns, numbers or text, that
// refer to each other and themselves, in any order, and rows that are consistent.
func drawDatabase(t *rapid.T) *database {
	db := &database{}
	n := rapid.IntRange(1, 6).Draw(t, "tables")
	for i := range n {
		s := &schema.Table{Schema: "app", Name: fmt.Sprintf("t%d", i)}
		typ := schema.Column{Type: "int"}
		if rapid.Bool().Draw(t, "text") {
			typ = schema.Column{Type: "varchar", Charset: "utf8mb4", Collation: "utf8mb4_0900_ai_ci"}
		}
		key := schema.Key{Name: "PRIMARY", Primary: true, Unique: true}
		for k := range rapid.IntRange(1, 2).Draw(t, "key") {
			c := typ
			c.Name = fmt.Sprintf("k%d", k)
			s.Columns, key.Columns = append(s.Columns, c), append(key.Columns, c.Name)
		}
		s.Keys = []schema.Key{key}
		db.tables = append(db.tables, s)
	}
	for _, s := range db.tables {
		for f := range rapid.IntRange(0, 3).Draw(t, "foreign keys") {
			to := db.tables[rapid.IntRange(0, n-1).Draw(t, "to")]
			fk := schema.ForeignKey{RefTable: to.Name, RefColumns: to.Keys[0].Columns}
			for k := range to.Keys[0].Columns {
				c := to.Columns[k]
				c.Name = fmt.Sprintf("f%d_%d", f, k)
				s.Columns, fk.Columns = append(s.Columns, c), append(fk.Columns, c.Name)
			}
			s.ForeignKeys = append(s.ForeignKeys, fk)
		}
	}
	var sizes []int
	for range n {
		sizes = append(sizes, rapid.IntRange(0, 12).Draw(t, "rows"))
	}
	for i, s := range db.tables {
		var list [][]string
		for r := range sizes[i] {
			row := keyOf(s, r)
			for _, fk := range s.ForeignKeys {
				to := slices.IndexFunc(db.tables, func(x *schema.Table) bool { return x.Name == fk.RefTable })
				value := make([]string, len(fk.Columns))
				if sizes[to] > 0 && rapid.IntRange(0, 3).Draw(t, "null") > 0 {
					value = keyOf(db.tables[to], rapid.IntRange(0, sizes[to]-1).Draw(t, "parent"))
					if s.Columns[0].Type == "varchar" {
						value[0] = strings.ToUpper(value[0]) // equal in the collation
					}
				}
				row = append(row, value...)
			}
			list = append(list, row)
		}
		db.rows = append(db.rows, list)
	}
	return db
}

func keyOf(s *schema.Table, r int) []string {
	key := []string{strconv.Itoa(r), strconv.Itoa(r / 3)}[:len(s.Keys[0].Columns)]
	if s.Columns[0].Type == "varchar" {
		key[0] = "key-" + key[0]
	}
	return key
}

func names(s *schema.Table) (list []string) {
	for _, c := range s.Columns {
		list = append(list, c.Name)
	}
	return list
}

func cells(row []string) []rows.Cell {
	out := make([]rows.Cell, len(row))
	for i, v := range row {
		if v != "" {
			out[i] = rows.Cell{Kind: rows.Text, Value: []byte(v)}
		}
	}
	return out
}

// pass sends all rows through filters and gives those that are kept.
func (db *database) pass(filters rows.Filters) (kept [][]int, err error) {
	for i, s := range db.tables {
		list := []int{}
		f, err := filters.For(s, names(s))
		if err != nil {
			return nil, err
		}
		for r, row := range db.rows[i] {
			keep := true
			if f != nil {
				if keep, err = f.Row(cells(row)); err != nil {
					return nil, err
				}
			}
			if keep {
				list = append(list, r)
			}
		}
		kept = append(kept, list)
	}
	return kept, nil
}

func (db *database) index(name string) int {
	return slices.IndexFunc(db.tables, func(x *schema.Table) bool { return x.Name == name })
}

// parent gives the table and the row that a row's foreign key refers to.
func (db *database) parent(s *schema.Table, fk schema.ForeignKey, row []string) (table, parent int, ok bool) {
	table = db.index(fk.RefTable)
	var want []string
	for _, c := range fk.Columns {
		v := row[slices.Index(names(s), c)]
		if v == "" {
			return 0, 0, false
		}
		want = append(want, strings.ToLower(v))
	}
	for r, p := range db.rows[table] {
		if slices.Equal(p[:len(want)], want) {
			return table, r, true
		}
	}
	panic("the database is not consistent")
}

type rowID struct{ table, row int }

// expected is the closure as docs/subsetting.md words it, without regard to speed.
func (db *database) expected(roots []spec.TableRule, follow spec.Follow, chosen [][]int) map[rowID]bool {
	isRoot := func(t int) bool {
		return slices.ContainsFunc(roots, func(r spec.TableRule) bool { return r.Match == "app."+db.tables[t].Name })
	}
	down := map[rowID]bool{}
	for t := range db.tables {
		for _, r := range chosen[t] {
			if isRoot(t) {
				down[rowID{t, r}] = true
			}
		}
	}
	each := func(visit func(child, parent rowID) bool) {
		for changed := true; changed; {
			changed = false
			for t, s := range db.tables {
				for r, row := range db.rows[t] {
					for _, fk := range s.ForeignKeys {
						if pt, pr, ok := db.parent(s, fk, row); ok && visit(rowID{t, r}, rowID{pt, pr}) {
							changed = true
						}
					}
				}
			}
		}
	}
	if follow == spec.FollowChildren {
		each(func(child, parent rowID) bool {
			if !down[parent] || down[child] || isRoot(child.table) {
				return false
			}
			down[child] = true
			return true
		})
	}
	kept := maps.Clone(down)
	each(func(child, parent rowID) bool {
		if !kept[child] || kept[parent] {
			return false
		}
		kept[parent] = true
		return true
	})
	return kept
}

func TestClosure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		db := drawDatabase(t)
		percent := rapid.Float64Range(5, 80).Draw(t, "percent")
		limit := int64(2)
		var roots []spec.TableRule
		for i := range rapid.IntRange(1, 2).Draw(t, "roots") {
			r := spec.TableRule{Match: fmt.Sprintf("app.t%d", rapid.IntRange(0, len(db.tables)-1).Draw(t, "root"))}
			if i == 0 {
				r.Percent = &percent
			} else {
				r.Limit = &limit
			}
			roots = append(roots, r)
		}
		follow := rapid.SampledFrom([]spec.Follow{spec.FollowChildren, spec.FollowParents}).Draw(t, "follow")
		others := rapid.SampledFrom([]spec.Others{spec.OthersAll, spec.OthersNone}).Draw(t, "others")
		options := spec.Restore{Subset: &spec.Subset{Roots: roots, Follow: follow, Others: others}}
		// Some references are declared in dbake.yaml instead of the tables.
		declared := slices.Clone(db.tables)
		if rapid.Bool().Draw(t, "virtual") {
			for i, s := range declared {
				bare := *s
				bare.ForeignKeys = nil
				declared[i] = &bare
				for _, fk := range s.ForeignKeys {
					options.Subset.ForeignKeys = append(options.Subset.ForeignKeys, virtual(s, fk))
				}
			}
		}
		got := run(t, &database{declared, db.rows}, options, dir)

		rules, err := newRules("", roots)
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := db.pass(&Rules{list: rules})
		if err != nil {
			t.Fatal(err)
		}
		db.check(t, got, options, db.expected(roots, follow, chosen))
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
}

// check holds what is kept against what is expected: exactly that in the tables
// that rows are chosen in or referred to, and no row without its parents anywhere.
func (db *database) check(t *rapid.T, got [][]int, options spec.Restore, want map[rowID]bool) {
	kept := map[rowID]bool{}
	for i, list := range got {
		for _, r := range list {
			kept[rowID{i, r}] = true
		}
	}
	for id := range want {
		if !kept[id] {
			t.Errorf("row %v is lost", id)
		}
	}
	for id := range kept {
		s := db.tables[id.table]
		for _, fk := range s.ForeignKeys {
			if pt, pr, ok := db.parent(s, fk, db.rows[id.table][id.row]); ok && !kept[rowID{pt, pr}] {
				t.Errorf("row %v is kept without its parent %v", id, rowID{pt, pr})
			}
		}
	}
	none := options.Subset.Others == spec.OthersNone
	for id := range kept {
		if none && !want[id] {
			t.Errorf("row %v is kept without need", id)
		}
	}
	related := db.related(options.Subset.Roots)
	for i, list := range got {
		if !related[i] && !none && len(list) != len(db.rows[i]) {
			t.Errorf("table %d has nothing to do with the roots and lost rows", i)
		}
	}
}

// related tells which tables foreign keys connect with a root, either way.
func (db *database) related(roots []spec.TableRule) map[int]bool {
	in := map[int]bool{}
	for _, r := range roots {
		in[db.index(strings.TrimPrefix(r.Match, "app."))] = true
	}
	for range db.tables {
		for i, s := range db.tables {
			for _, fk := range s.ForeignKeys {
				j := db.index(fk.RefTable)
				if (in[i] || in[j]) && len(db.rows[i]) > 0 && len(db.rows[j]) > 0 {
					in[i], in[j] = true, true
				}
			}
		}
	}
	return in
}

func virtual(s *schema.Table, fk schema.ForeignKey) spec.ForeignKey {
	var out spec.ForeignKey
	for i := range fk.Columns {
		out.From = append(out.From, s.Schema+"."+s.Name+"."+fk.Columns[i])
		out.To = append(out.To, s.Schema+"."+fk.RefTable+"."+fk.RefColumns[i])
	}
	return out
}

type failer interface {
	Helper()
	Fatal(args ...any)
}

// run goes through both passes.
func run(t failer, db *database, options spec.Restore, dir string) [][]int {
	t.Helper()
	c, err := NewCollector(options, time.Unix(0, 0), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range db.tables {
		if err := c.Declare(s); err != nil {
			t.Fatal(err)
		}
	}
	left, err := db.pass(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range left {
		if len(list) > 0 {
			t.Fatal("the first pass lets rows through")
		}
	}
	p, err := c.Finish(testContext)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := db.pass(p)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
