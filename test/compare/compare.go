// Package compare says in what two database servers differ: every definition,
// what the information_schema knows beyond it, every row, and accounts. Both
// servers must be of one flavour and series.
//
// A server's content is taken down as facts, each about one object ("table
// shop.item") and one side of it ("SHOW CREATE", "rows"). Two servers are the
// same when all their facts are. Rows are kept as digests, so that a difference
// never quotes any.
package compare

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Options choose what is compared. The zero value compares all databases and
// no accounts.
type Options struct {
	// Databases are the only ones looked at; empty: all but the system's.
	Databases []string
	// Accounts also compares users, roles, grants, and the system tables
	// that a dump of the system schema holds.
	Accounts bool
	// AnyOrder takes tables without a key to be equal when they hold the
	// same rows, in whatever order the server gives them.
	AnyOrder bool
}

// Difference is one fact in which the servers differ.
type Difference struct {
	// Object is such as "table shop.item".
	Object string
	// What is the side of the object, such as "SHOW CREATE" or "rows".
	What string
	// Want and Got are what the servers say; Absent when it is nothing.
	Want, Got string
}

// Absent stands for an object that a server does not have.
const Absent = "(absent)"

// excerptBytes bounds what String shows of either side.
const excerptBytes = 600

// String shows where the two sides part, on few lines.
func (d Difference) String() string {
	want, got := apart(d.Want, d.Got)
	return fmt.Sprintf("%s: %s\n  want %s\n  got  %s", d.Object, d.What, want, got)
}

// apart drops the lines that both texts have in common at their ends.
func apart(want, got string) (string, string) {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for len(w) > 1 && len(g) > 1 && w[0] == g[0] {
		w, g = w[1:], g[1:]
	}
	for len(w) > 1 && len(g) > 1 && w[len(w)-1] == g[len(g)-1] {
		w, g = w[:len(w)-1], g[:len(g)-1]
	}
	return excerpt(w), excerpt(g)
}

func excerpt(lines []string) string {
	text := strings.Join(lines, "\n       ")
	if len(text) > excerptBytes {
		text = text[:excerptBytes] + "…"
	}
	return text
}

// Join makes one text of differences, the first few in full; empty for none.
func Join(differences []Difference) string {
	const most = 25
	var b strings.Builder
	for i, d := range differences {
		if i == most {
			fmt.Fprintf(&b, "… and %d more differences\n", len(differences)-most)
			break
		}
		b.WriteString(d.String() + "\n")
	}
	return b.String()
}

// Servers takes both servers down and gives what differs, in the order of the
// objects' names. The accounts that want and got connect as must be allowed to
// see everything.
func Servers(ctx context.Context, want, got *sql.DB, o Options) ([]Difference, error) {
	var snapshots [2]*Snapshot
	var errs [2]error
	var group sync.WaitGroup
	for i, db := range []*sql.DB{want, got} {
		group.Go(func() { snapshots[i], errs[i] = Take(ctx, db, o) })
	}
	group.Wait()
	if err := errors.Join(errs[0], errs[1]); err != nil {
		return nil, err
	}
	return Diff(snapshots[0], snapshots[1]), nil
}

// fact names one side of one object.
type fact struct{ object, what string }

// Snapshot is what a server holds. It is not changed once taken.
type Snapshot struct {
	facts map[fact]string
}

// Len is the number of facts.
func (s *Snapshot) Len() int { return len(s.facts) }

// Objects lists the objects of a kind ("table", "trigger", …), sorted, without
// the kind.
func (s *Snapshot) Objects(kind string) []string {
	seen := map[string]bool{}
	for f := range s.facts {
		if name, ok := strings.CutPrefix(f.object, kind+" "); ok {
			seen[name] = true
		}
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Diff gives what differs between two snapshots, sorted.
func Diff(want, got *Snapshot) []Difference {
	var out []Difference
	for f, w := range want.facts {
		g, ok := got.facts[f]
		if !ok {
			g = Absent
		}
		if w != g {
			out = append(out, Difference{f.object, f.what, w, g})
		}
	}
	for f, g := range got.facts {
		if _, ok := want.facts[f]; !ok {
			out = append(out, Difference{f.object, f.what, Absent, g})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.What, b.What))
	})
	return out
}

// Take takes a server down.
func Take(ctx context.Context, db *sql.DB, o Options) (*Snapshot, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the server to compare: %w", err)
	}
	defer conn.Close()
	t := &taker{conn: conn, options: o, snapshot: &Snapshot{facts: map[fact]string{}}}
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	// SHOW CREATE opens every table. InnoDB knows the next AUTO_INCREMENT of
	// open tables only, so that the catalogue comes later.
	steps := []func(context.Context) error{t.findTables, t.definitions, t.catalogue, t.rows}
	if o.Accounts {
		steps = append(steps, t.accounts, t.systemTables)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return t.snapshot, nil
}
