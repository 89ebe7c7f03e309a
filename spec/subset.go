package spec

import (
	"slices"
	"strings"
)

// subset decodes "restore.subset:".
func (d *decoder) subset(n *node) *Subset {
	if !record[Subset](d, n) {
		return nil
	}
	s := Subset{Follow: FollowChildren, Others: OthersAll}
	d.required(n, "roots")
	if v := n.get("roots"); v != nil {
		s.Roots = d.tables(v)
		for i := range s.Roots {
			if s.Roots[i].Rows == RowsNone {
				d.fail(v.items[i], "leave tables out with restore.tables", "a root needs rows to begin with")
			}
		}
	}
	if v := n.get("follow"); v != nil {
		s.Follow = choice(d, v, FollowChildren, FollowParents)
	}
	if v := n.get("others"); v != nil {
		s.Others = choice(d, v, OthersAll, OthersNone)
	}
	if v := n.get("foreign_keys"); v != nil && d.is(v, kindList) {
		if len(v.items) == 0 {
			d.fail(v, "remove the key or give it a value", "must not be empty")
		}
		for _, item := range v.items {
			if record[ForeignKey](d, item) {
				s.ForeignKeys = append(s.ForeignKeys, d.foreignKey(item))
			}
		}
	}
	return &s
}

func (d *decoder) foreignKey(n *node) ForeignKey {
	var fk ForeignKey
	d.required(n, "from", "to")
	from, to := n.get("from"), n.get("to")
	if from != nil {
		fk.From = d.columnNames(from)
	}
	if to != nil {
		fk.To = d.columnNames(to)
	}
	if len(fk.From) > 0 && len(fk.To) > 0 && len(fk.From) != len(fk.To) {
		d.fail(n, "name as many columns on either side", "from has %d columns and to has %d", len(fk.From), len(fk.To))
	}
	return fk
}

// columnNames is one db.table.column, or a list of columns of one table.
func (d *decoder) columnNames(n *node) Columns {
	items := []*node{n}
	if n.kind == kindList {
		if items = n.items; len(items) == 0 {
			d.fail(n, "", "must name at least one column")
		}
	}
	var list Columns
	for _, item := range items {
		s, ok := d.word(item)
		if !ok {
			continue
		}
		parts := strings.Split(s, ".")
		if len(parts) != 3 || slices.Contains(parts, "") {
			d.fail(item, "write db.table.column", "%q is not the name of a column", s)
			continue
		}
		if len(list) > 0 && list.Table() != s[:strings.LastIndexByte(s, '.')] {
			d.fail(item, "", "the columns of a key must be of one table, %s", list.Table())
			continue
		}
		list = append(list, s)
	}
	return list
}

// Table is the db.table that the columns belong to; empty when there are none.
func (c Columns) Table() string {
	if len(c) == 0 {
		return ""
	}
	return c[0][:strings.LastIndexByte(c[0], '.')]
}

// Names are the columns' own names.
func (c Columns) Names() []string {
	names := make([]string, len(c))
	for i, s := range c {
		names[i] = s[strings.LastIndexByte(s, '.')+1:]
	}
	return names
}
