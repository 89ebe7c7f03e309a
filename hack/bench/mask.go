package main

import (
	"context"

	"github.com/dbake/dbake/spec"
	"github.com/dbake/dbake/test/parts"
)

// maskedColumns are ten columns of the tables that hold most rows.
var maskedColumns = []struct{ column, transform string }{
	{"accounts.name", "company"},
	{"users.email", "email"},
	{"users.name", "name"},
	{"users.born", "shift"},
	{"orders.number", "unique"},
	{"orders.total", "noise"},
	{"orders.note", "redact"},
	{"events.url", "url"},
	{"events.amount", "noise"},
	{"documents.title", "redact"},
}

// neededOptions are those of transforms that do not go without.
var neededOptions = map[string]map[string]any{
	"shift": {"range": "90d"}, "noise": {"percent": 5.0},
}

// maskedWay bakes with masks in the stream.
func maskedWay(ctx context.Context, b *bench, p *parts.Parts) (sample, error) {
	m := &spec.Mask{Key: &spec.Secret{Secret: "mask_key"}}
	for _, c := range maskedColumns {
		options := neededOptions[c.transform]
		if options == nil {
			options = map[string]any{}
		}
		m.Columns = append(m.Columns, spec.MaskColumn{Pattern: "bench." + c.column, Transform: map[string]any{c.transform: options}})
	}
	return b.bake(ctx, p, m)
}

// sqlWay bakes with masks by expressions.
func sqlWay(ctx context.Context, b *bench, p *parts.Parts) (sample, error) {
	expression := func(column, sql string) spec.MaskColumn {
		return spec.MaskColumn{Pattern: "bench." + column, Transform: map[string]any{"sql": map[string]any{"expression": sql}}}
	}
	return b.bake(ctx, p, &spec.Mask{Columns: spec.MaskColumns{
		expression("users.email", "CONCAT('user', id, '@example.com')"), expression("orders.note", "NULL"),
	}})
}
