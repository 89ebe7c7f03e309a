package compare

import (
	"context"
	"fmt"
)

// accounts takes down users and roles with all they may do.
func (t *taker) accounts(ctx context.Context) error {
	query := "SELECT user, host, '' FROM mysql.user"
	if t.mariadb {
		query = "SELECT user, host, is_role FROM mysql.user"
	}
	rows, err := t.query(ctx, query)
	if err != nil {
		return err
	}
	for _, r := range rows {
		user, host, role := r.values[0].String, r.values[1].String, r.values[2].String == "Y"
		account := quote(user) + "@" + quote(host)
		if role {
			account = quote(user)
		} else {
			text, err := t.showCreate(ctx, "SHOW CREATE USER "+account)
			if err != nil {
				return err
			}
			t.add("account "+account, "SHOW CREATE", text)
		}
		grants, err := t.showCreate(ctx, "SHOW GRANTS FOR "+account)
		if err != nil {
			return err
		}
		t.add("account "+account, "SHOW GRANTS", grants)
	}
	return nil
}

// systemTables are those of the schema mysql that a dump of it fills and that
// say the same on equal servers. Rows are compared in any order.
func (t *taker) systemTables(ctx context.Context) error {
	names := []string{
		"columns_priv", "db", "func", "procs_priv", "proxies_priv", "servers", "tables_priv", "plugin",
		"time_zone", "time_zone_leap_second", "time_zone_name", "time_zone_transition", "time_zone_transition_type",
	}
	if t.mariadb {
		names = append(names, "roles_mapping", "column_stats", "index_stats", "table_stats")
	} else {
		names = append(names, "default_roles", "role_edges", "global_grants", "password_history")
	}
	for _, name := range names {
		columns, err := t.query(ctx, "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = '"+name+"' ORDER BY ORDINAL_POSITION")
		if err != nil {
			return err
		}
		tab := table{kind: "TABLE", schema: "mysql", name: name}
		for _, c := range columns {
			// When a right was given is when the server took it.
			if c.values[0].String != "Timestamp" && c.values[0].String != "timestamp" {
				tab.columns = append(tab.columns, column{c.values[0].String, c.values[1].String})
			}
		}
		c, err := t.digest(ctx, tab)
		if err != nil {
			return err
		}
		t.add("table mysql."+name, "rows", fmt.Sprintf("%d rows, digest %x", c.count, c.unordered[:12]))
	}
	return nil
}
