package export

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// session is one connection. It is used by one goroutine at a time, which holds
// its lock. It goes without database/sql, which would copy each cell.
type session struct {
	sync.Mutex
	conn    driver.Conn
	mariadb bool
	version string
	// saved says that there is a savepoint to return to.
	saved bool
}

// record is a row of a small result, with its columns' names in lower case.
type record map[string]*string

func (r record) text(name string) string {
	if v := r[name]; v != nil {
		return *v
	}
	return ""
}

func (r record) number(name string) int64 {
	n, err := strconv.ParseInt(r.text(name), 10, 64)
	if err != nil {
		return 0 // NULL, or more than anything counts to
	}
	return n
}

// connect opens a session whose results do not depend on the server's or the
// account's settings.
func connect(ctx context.Context, connector driver.Connector) (*session, error) {
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the server: %w", err)
	}
	s := &session{conn: conn}
	if err := s.prepare(ctx); err != nil {
		s.close()
		return nil, fmt.Errorf("prepare the connection: %w", err)
	}
	return s, nil
}

func (s *session) prepare(ctx context.Context) error {
	records, err := s.query(ctx, "SELECT VERSION() AS version")
	if err != nil {
		return err
	}
	s.version = records[0].text("version")
	s.mariadb = strings.Contains(s.version, "MariaDB")
	// A dump may take hours, and a reader waits for others.
	settings := []string{
		"SET NAMES utf8mb4",
		"SET SESSION sql_mode = '', time_zone = '+00:00', sql_quote_show_create = 1, sql_big_selects = 1, sql_select_limit = DEFAULT, max_join_size = DEFAULT",
		"SET SESSION net_read_timeout = 86400, net_write_timeout = 86400, wait_timeout = 86400",
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
	}
	for _, statement := range settings {
		if err := s.exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	// What not every version knows.
	optional := []string{"SET SESSION max_statement_time = 0"}
	if !s.mariadb {
		optional = []string{
			"SET SESSION max_execution_time = 0", "SET SESSION information_schema_stats_expiry = 0",
			"SET SESSION print_identified_with_as_hex = ON", "SET SESSION show_gipk_in_create_table_and_information_schema = ON",
		}
	}
	for _, statement := range optional {
		if err := s.exec(ctx, statement); err != nil && numberOf(err) == 0 {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func (s *session) close() { _ = s.conn.Close() }

func (s *session) exec(ctx context.Context, statement string) error {
	execer, ok := s.conn.(driver.ExecerContext)
	if !ok {
		return errors.New("the driver cannot run statements")
	}
	_, err := execer.ExecContext(ctx, statement, nil)
	return err
}

// stream runs a query whose rows are read one after the other.
func (s *session) stream(ctx context.Context, query string) (driver.Rows, error) {
	queryer, ok := s.conn.(driver.QueryerContext)
	if !ok {
		return nil, errors.New("the driver cannot run queries")
	}
	return queryer.QueryContext(ctx, query, nil)
}

// query reads all rows of a small result.
func (s *session) query(ctx context.Context, query string) (records []record, err error) {
	rows, err := s.stream(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns := rows.Columns()
	for i := range columns {
		columns[i] = strings.ToLower(columns[i])
	}
	values := make([]driver.Value, len(columns))
	for {
		err := rows.Next(values)
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		r := make(record, len(columns))
		for i, v := range values {
			if v != nil {
				text := string(appendValue(nil, v))
				r[columns[i]] = &text
			}
		}
		records = append(records, r)
	}
}

// release gives back the locks on the definitions of tables that were read, so
// that nobody waits for the end of the dump to change one. The snapshot stays.
func (s *session) release(ctx context.Context) error {
	if !s.saved {
		return nil
	}
	return s.exec(ctx, "ROLLBACK TO SAVEPOINT dbake")
}

// appendValue writes a value of the driver as the server's text.
func appendValue(b []byte, v driver.Value) []byte {
	switch v := v.(type) {
	case []byte:
		return append(b, v...)
	case string:
		return append(b, v...)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case float32:
		return strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	return fmt.Append(b, v)
}

// numberOf gives the server's error number; 0 when it is no error of the server.
func numberOf(err error) uint16 {
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return refused.Number
	}
	return 0
}

// quote makes an identifier of a name, text a string of a text.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func text(s string) string { return string(appendText(nil, []byte(s))) }
