// Package shop is the database of the demo and the benchmarks: a small web
// shop with most kinds of things a schema has.
package shop

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

//go:embed shop.sql
var statements string

// SQL makes the database shop with about that many rows, three quarters of
// them in order_items. The same number gives the same rows.
func SQL(rows int) string {
	// An order is one row, its items are three, a customer has four orders.
	return fmt.Sprintf("SET @orders = %d;\n%s", max(rows*4/17, 100), statements)
}

// WaitForAnswer asks the server at a port of 127.0.0.1 for a customer, every
// few milliseconds, until it gets one or a context ends.
func WaitForAnswer(ctx context.Context, port int, user, password string) error {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.Net, config.Addr = user, password, "tcp", "127.0.0.1:"+strconv.Itoa(port)
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	for {
		var email string
		err := db.QueryRowContext(ctx, "SELECT email FROM shop.customers WHERE id = 42").Scan(&email)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer on port %d: %w; last try: %w", port, context.Cause(ctx), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
