package compare

import (
	"context"
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// object is something that has a SHOW CREATE.
type object struct {
	kind         string // as SHOW CREATE has it
	schema, name string
}

// definitions takes down every SHOW CREATE.
func (t *taker) definitions(ctx context.Context) error {
	objects, err := t.objects(ctx)
	if err != nil {
		return err
	}
	for _, o := range objects {
		name, label := quote(o.schema, o.name), o.schema+"."+o.name
		if o.kind == "DATABASE" {
			name, label = quote(o.schema), o.schema
		}
		text, err := t.showCreate(ctx, "SHOW CREATE "+o.kind+" "+name)
		if err != nil {
			return err
		}
		t.add(strings.ToLower(o.kind)+" "+label, "SHOW CREATE", text)
	}
	return nil
}

// showCreate gives all that a SHOW statement says. An object that a server
// cannot show, such as a view on a table that is gone, must be so on both.
func (t *taker) showCreate(ctx context.Context, statement string) (string, error) {
	rows, err := t.query(ctx, statement)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return "error " + refused.Error(), nil
	}
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range rows {
		for i, column := range r.columns {
			if !strings.EqualFold(column, "Created") {
				b.WriteString(column + ": " + r.values[i].String + "\n")
			}
		}
	}
	return b.String(), nil
}

// objects lists what is there.
func (t *taker) objects(ctx context.Context) ([]object, error) {
	queries := []string{
		"SELECT 'DATABASE', SCHEMA_NAME, '' FROM information_schema.SCHEMATA WHERE " + t.inScope("SCHEMA_NAME"),
		"SELECT ROUTINE_TYPE, ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES WHERE " + t.inScope("ROUTINE_SCHEMA"),
		"SELECT 'TRIGGER', TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE " + t.inScope("TRIGGER_SCHEMA"),
		"SELECT 'EVENT', EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS WHERE " + t.inScope("EVENT_SCHEMA"),
	}
	var out []object
	for _, query := range queries {
		rows, err := t.query(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, object{r.values[0].String, r.values[1].String, r.values[2].String})
		}
	}
	for _, tab := range t.tables {
		out = append(out, object{tab.kind, tab.schema, tab.name})
	}
	return out, nil
}
