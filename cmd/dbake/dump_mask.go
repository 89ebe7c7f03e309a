package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/seed/export"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// maskFlags say how rows are masked on their way out.
type maskFlags struct {
	file    string
	secrets []string

	net *policy.Policy // nil: mask.policy requires nothing
}

func (o *maskFlags) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.file, "file", "f", "", `mask rows on the way out, by mask.columns of this dbake.yaml`)
	f.StringArrayVar(&o.secrets, "secret", nil, "give a secret that the file names, as id=NAME,src=FILE or id=NAME,env=VARIABLE (repeatable)")
}

// apply sets the filters of a dump.
func (o *maskFlags) apply(ctx context.Context, e *export.Options, stdin io.Reader) error {
	if o.file == "" {
		if len(o.secrets) > 0 {
			return usageError{errors.New("--secret is for the masks of a dbake.yaml: name it by -f")}
		}
		return nil
	}
	name, data, err := readSpec(o.file, stdin)
	if err != nil {
		return err
	}
	args, err := parseBuildArgs(nil)
	if err != nil {
		return err
	}
	file, err := spec.Parse(name, data, args)
	if err != nil {
		return err
	}
	if file.Mask == nil || len(file.Mask.Columns) == 0 && file.Mask.Policy == nil {
		return fmt.Errorf("%s: it has no mask.columns, so that nothing would be masked", name)
	}
	if len(file.Mask.SQL) > 0 {
		return fmt.Errorf("%s: mask.sql: statements mask in a server; a dump is masked by mask.columns only", name)
	}
	key, err := o.key(ctx, file.Mask)
	if err != nil {
		return err
	}
	masker, err := mask.New(file.Mask, key)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if at, sql := masker.HasSQL(); sql {
		return fmt.Errorf("%s: %s: an expression masks in a server; a dump is masked by the other transforms", name, at)
	}
	e.Filters = masker
	o.net = policy.New(file.Mask.Policy, masker, func(database, table string) bool { return wantsRows(e, database+"."+table) })
	if o.net != nil {
		e.Filters = rows.Chain{o.net, masker}
	}
	e.Known = func(tables []*schema.Table) error {
		masker.Relations(tables, mask.Declared(file.Restore.Subset)...)
		if o.net != nil {
			for _, t := range tables {
				o.net.Declare(t)
			}
		}
		return errors.Join(unusedRules(file.Mask, tables), o.check())
	}
	return nil
}

// check gives an error when columns must have a rule and have none: before rows
// are read by the columns' names, afterwards by their values, too.
func (o *maskFlags) check() error {
	if o.net == nil {
		return nil
	}
	if err := o.net.Check(); err != nil {
		return fmt.Errorf("%s: mask.policy: %w", o.file, err)
	}
	return nil
}

// wantsRows reports whether the rows of a table are dumped.
func wantsRows(e *export.Options, name string) bool {
	return !e.NoData && !slices.ContainsFunc(e.NoRows, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// unusedRules refuses rules that no column matches: a name that is misspelt
// would let values pass.
func unusedRules(m *spec.Mask, tables []*schema.Table) error {
	for _, rule := range m.Columns {
		used := false
		pattern := foldedColumn(rule.Pattern)
		for _, t := range tables {
			for _, c := range t.Columns {
				ok, err := path.Match(pattern, foldedColumn(t.Schema+"."+t.Name+"."+c.Name))
				used = used || ok && err == nil
			}
		}
		if !used {
			return fmt.Errorf("mask.columns.%s: no column of what is dumped matches", rule.Pattern)
		}
	}
	return nil
}

// foldedColumn lowers the case of a column's name, which servers do not tell
// apart.
func foldedColumn(name string) string {
	dot := strings.LastIndexByte(name, '.')
	return name[:dot+1] + strings.ToLower(name[dot+1:])
}

// key reads the secret that mask.key names.
func (o *maskFlags) key(ctx context.Context, m *spec.Mask) ([]byte, error) {
	if m.Key == nil {
		return nil, nil
	}
	store, err := (&builderFlags{secrets: o.secrets}).secretStore()
	if err != nil {
		return nil, err
	}
	value, err := store.Secret(ctx, m.Key.Secret)
	if errors.Is(err, builder.ErrNoSecret) {
		return nil, usageError{fmt.Errorf("mask.key needs --secret id=%s,src=FILE or id=%s,env=VARIABLE", m.Key.Secret, m.Key.Secret)}
	}
	return value, err
}
