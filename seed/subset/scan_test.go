package subset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dbake/dbake/internal/inroot"
	inrootserver "github.com/dbake/dbake/internal/inroot/server"
	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// testContext stands for that of a rapid test, which has none.
var testContext = context.Background()

func TestInRoot(t *testing.T) { inroot.Run(t, "TestServer") }

// create writes a table; its keys go into a list of their own if apart.
func create(s *schema.Table, apart bool) (statement string, keys []string) {
	var parts []string
	for _, c := range s.Columns {
		typ := "int"
		if c.Type == "varchar" {
			typ = "varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
		}
		null := ""
		if strings.HasPrefix(c.Name, "k") {
			null = " NOT NULL"
		}
		parts = append(parts, "  `"+c.Name+"` "+typ+null)
	}
	primary := "PRIMARY KEY (`" + strings.Join(s.Keys[0].Columns, "`,`") + "`)"
	if apart {
		keys = append(keys, "ALTER TABLE `"+s.Name+"` ADD "+primary)
	} else {
		parts = append(parts, "  "+primary)
	}
	for _, fk := range s.ForeignKeys {
		def := "FOREIGN KEY (`" + strings.Join(fk.Columns, "`,`") + "`) REFERENCES `" + fk.RefTable + "` (`" + strings.Join(fk.RefColumns, "`,`") + "`)"
		if apart {
			keys = append(keys, "ALTER TABLE `"+s.Name+"` ADD "+def)
		} else {
			parts = append(parts, "  "+def)
		}
	}
	statement = "CREATE TABLE `" + s.Name + "` (\n" + strings.Join(parts, ",\n") + "\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
	return statement, keys
}

// insert writes all rows of a table; empty when it has none.
func insert(s *schema.Table, list [][]string) string {
	var values []string
	for _, row := range list {
		var cells []string
		for _, v := range row {
			if v == "" {
				cells = append(cells, "NULL")
			} else {
				cells = append(cells, "'"+v+"'")
			}
		}
		values = append(values, "("+strings.Join(cells, ",")+")")
	}
	if len(values) == 0 {
		return ""
	}
	return "INSERT INTO `" + s.Name + "` VALUES " + strings.Join(values, ",")
}

// script writes the database as a dump; with foreign keys behind the rows if late.
func (db *database) script(late bool) string {
	var b, end, last strings.Builder
	b.WriteString("USE `app`;\n")
	for i, s := range db.tables {
		statement, keys := create(s, late)
		fmt.Fprintf(&b, "%s;\n", statement)
		for _, k := range keys {
			into := &end // all primary keys are there before the first foreign key
			if strings.Contains(k, "FOREIGN KEY") {
				into = &last
			}
			fmt.Fprintf(into, "%s;\n", k)
		}
		if rows := insert(s, db.rows[i]); rows != "" {
			fmt.Fprintf(&b, "%s;\n", rows)
		}
	}
	return b.String() + end.String() + last.String()
}

// sift takes a dump through both passes and gives the statements that are left,
// the ones that add foreign keys last.
func sift(t failer, script, dir string, options spec.Restore) []string {
	t.Helper()
	c, err := NewCollector(options, time.Unix(0, 0), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Scan(testContext, dump.NewScanner(strings.NewReader(script)), "", func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	plan, err := c.Finish(testContext)
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	var out []string
	in := dump.NewScanner(strings.NewReader(script))
	tables := map[string]*schema.Table{}
	for {
		st, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text := string(st.Text)
		switch st.Kind {
		case dump.CreateTable:
			s, err := schema.Parse(st.Text, st.Mode)
			if err != nil {
				t.Fatal(err)
			}
			s.Schema = "app"
			tables[s.Name] = s
		case dump.Insert:
			s := tables[st.Table]
			values, _ := dump.ParseInsert(st.Text, st.Mode)
			f, err := plan.For(s, names(s))
			if err != nil {
				t.Fatal(err)
			}
			if f == nil {
				break
			}
			r, err := rows.NewValues(s, names(s), st.Mode, f)
			if err != nil {
				t.Fatal(err)
			}
			left, n, err := r.Append(nil, values.Rows)
			if err != nil {
				t.Fatal(err)
			}
			if n.Kept == 0 {
				continue
			}
			text = string(values.Head) + string(left)
		}
		out = append(out, text)
	}
}

func rootsOf(db *database) spec.Restore {
	root := spec.TableRule{Match: "app." + db.tables[len(db.tables)/2].Name, Where: "k0 LIKE '%1%' OR k0 LIKE '%2'"}
	return spec.Restore{Subset: &spec.Subset{Roots: []spec.TableRule{root}, Follow: spec.FollowChildren, Others: spec.OthersAll}}
}

// TestScan: a dump's text comes to the same as its rows.
func TestScan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		db := drawDatabase(t)
		options := rootsOf(db)
		left := run(t, db, options, dir)
		want := &database{tables: db.tables}
		for i, list := range left {
			var kept [][]string
			for _, r := range list {
				kept = append(kept, db.rows[i][r])
			}
			want.rows = append(want.rows, kept)
		}
		for _, late := range []bool{false, true} {
			got := strings.Join(sift(t, db.script(late), dir, options), ";\n") + ";\n"
			if diff := cmp.Diff(want.script(late), got); diff != "" {
				t.Errorf("late %v (-want +got):\n%s", late, diff)
			}
		}
	})
}

// TestServerForeignKeys: a real server adds all foreign keys over what is left, and
// checks every row.
func TestServerForeignKeys(t *testing.T) {
	inroot.Skip(t)
	conn := inrootserver.Session(t)
	run := func(q string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s\n%v", q, err)
		}
	}
	total := 0
	for i := range 8 {
		db := rapid.Custom(drawDatabase).Example(i)
		run("DROP DATABASE IF EXISTS app")
		run("CREATE DATABASE app")
		run("USE app")
		run("SET foreign_key_checks = 1")
		for _, q := range sift(t, db.script(true), t.TempDir(), rootsOf(db)) {
			if strings.Contains(q, "FOREIGN KEY") {
				total++
			}
			run(q)
		}
	}
	if total < 4 {
		t.Errorf("only %d foreign keys were checked", total)
	}
}

// BenchmarkClosure goes over a million orders of a hundred thousand customers, of
// whom 5 % are chosen.
func BenchmarkClosure(b *testing.B) {
	const customers, orders = 100_000, 1_000_000
	key := []schema.Key{{Name: "PRIMARY", Primary: true, Unique: true, Columns: []string{"id"}}}
	c := &schema.Table{Schema: "app", Name: "customers", Columns: []schema.Column{{Name: "id", Type: "int"}}, Keys: key}
	o := &schema.Table{
		Schema: "app", Name: "orders", Columns: []schema.Column{{Name: "id", Type: "int"}, {Name: "customer", Type: "int"}}, Keys: key,
		ForeignKeys: []schema.ForeignKey{{Columns: []string{"customer"}, RefTable: "customers", RefColumns: []string{"id"}}},
	}
	five := 5.0
	options := spec.Restore{Subset: &spec.Subset{Roots: []spec.TableRule{{Match: "app.customers", Percent: &five}}, Follow: spec.FollowChildren}}
	pass := func(f rows.Filters) (kept int) {
		for table, n := range map[*schema.Table]int{c: customers, o: orders} {
			filter, err := f.For(table, names(table))
			if err != nil {
				b.Fatal(err)
			}
			cells := make([]rows.Cell, len(table.Columns))
			var id, customer []byte
			for i := range n {
				id = fmt.Append(id[:0], i)
				cells[0] = rows.Cell{Kind: rows.Number, Value: id}
				if len(cells) > 1 {
					customer = fmt.Append(customer[:0], i*7%customers)
					cells[1] = rows.Cell{Kind: rows.Number, Value: customer}
				}
				keep, err := filter.Row(cells)
				if err != nil {
					b.Fatal(err)
				}
				if keep {
					kept++
				}
			}
		}
		return kept
	}
	for b.Loop() {
		times := [4]time.Time{time.Now()}
		collector, err := NewCollector(options, time.Unix(0, 0), b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		pass(collector)
		times[1] = time.Now()
		plan, err := collector.Finish(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		times[2] = time.Now()
		kept := pass(plan)
		times[3] = time.Now()
		for i, name := range []string{"first", "closure", "second"} {
			b.ReportMetric((customers+orders)/times[i+1].Sub(times[i]).Seconds()/1e6, name+"-Mrows/s")
		}
		b.ReportMetric(float64(kept), "kept-rows")
		b.ReportMetric(float64(plan.Memory())/1e6, "keys-MB")
		plan.Close()
	}
}
