package folder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// textName is the name of the rows' file beside a table's script; empty for a
// file that is no script.
func textName(script string) string {
	if base, ok := strings.CutSuffix(plain(script), ".sql"); ok {
		return base + ".txt"
	}
	return ""
}

// tab plans a folder of mysqldump --tab. A table has a script and its rows in a
// file of the same name; a view, or a script someone has put beside them, has no
// rows. The script's end has the table's triggers.
func (f *listing) tab() (*Plan, error) {
	p := &Plan{Kind: Tab}
	var triggers, others []Step
	paired := map[string]bool{}
	views := &sorter{}
	for _, name := range f.names {
		switch {
		case !strings.HasSuffix(plain(name), ".sql"):
			continue
		case f.find(textName(name)) == "":
			if err := f.addView(views, name); err != nil {
				return nil, err
			}
			continue
		}
		t, err := f.readScript(name)
		if err != nil {
			return nil, err
		}
		if p.Header.Tool == "" {
			p.Header = t.header
		}
		rows := f.find(textName(name))
		paired[rows] = true
		p.Steps = append(p.Steps, Step{File: name, Begin: session("utf8mb4", ""), Part: NoTriggers}, t.rows(rows))
		if t.triggers {
			triggers = append(triggers, Step{File: name, Begin: session("utf8mb4", ""), Part: TriggersAll})
		}
	}
	for _, name := range f.names {
		if strings.HasSuffix(plain(name), ".txt") && !paired[name] {
			return nil, fmt.Errorf("the file %s holds rows, and the script that makes their table is not beside it", name)
		}
	}
	for _, name := range views.sorted() {
		others = append(others, Step{File: name, Begin: session("utf8mb4", "")})
	}
	p.Steps = append(append(p.Steps, others...), triggers...)
	return p, nil
}

// script is what the script of a --tab folder says about its table.
type script struct {
	header   dump.Header
	table    string
	charset  string // of SET NAMES
	utc      bool   // time zone +00:00
	triggers bool
}

func (f *listing) readScript(name string) (script, error) {
	var t script
	text, err := f.read(name)
	if err != nil {
		return t, err
	}
	s := dump.NewScanner(bytes.NewReader(text))
	for {
		st, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t, fmt.Errorf("%s: %w", name, err)
		}
		switch st.Kind {
		case dump.SetStatement:
			t.utc = t.utc || t.table == "" && bytes.Contains(st.Text, []byte("TIME_ZONE='+00:00'"))
			if t.table == "" && bytes.Contains(st.Text, []byte("SET NAMES ")) {
				t.charset = s.Mode().Charset
			}
		case dump.CreateTable:
			t.table = st.Table
		case dump.CreateTrigger:
			t.triggers = true
		}
	}
	if h := s.Headers(); len(h) > 0 {
		t.header = h[0]
	}
	if t.table == "" {
		return t, fmt.Errorf("%s makes no table, but there is a file of rows beside it", name)
	}
	return t, nil
}

// rows says how the rows' file is read. In the character set that mysqldump
// takes by default it has the server write every column's bytes as they are.
func (t script) rows(file string) Step {
	charset, zone := t.charset, ""
	switch charset {
	case "", "utf8", "utf8mb3", "utf8mb4":
		charset = "binary"
	}
	if t.utc {
		zone = "+00:00"
	}
	return Step{
		File:  file,
		Begin: session("utf8mb4", zone),
		Rows:  &Rows{Table: Table{Name: t.table}, Charset: charset, Dialect: DefaultDialect, Bytes: -1},
	}
}

// sorter orders scripts so that each comes behind those whose names it quotes:
// a view can only be made when the views it reads are there. Scripts that make
// neither view nor table come first: views may call their functions.
type sorter struct {
	names  []string
	quoted map[string]string // the view's name in quotes, as scripts have it
	texts  map[string][]byte
	done   map[string]bool
	out    []string
}

func (f *listing) addView(s *sorter, name string) error {
	text, err := f.read(name)
	if err != nil {
		return err
	}
	if s.texts == nil {
		s.texts, s.quoted, s.done = map[string][]byte{}, map[string]string{}, map[string]bool{}
	}
	s.names = append(s.names, name)
	s.texts[name] = text
	scanner := dump.NewScanner(bytes.NewReader(text))
	for {
		st, err := scanner.Next()
		if err != nil {
			return nil //nolint:nilerr // the restore reads it again, and says what is wrong
		}
		if st.Kind == dump.CreateView || st.Kind == dump.CreateTable {
			s.quoted[name] = "`" + strings.ReplaceAll(st.Table, "`", "``") + "`"
		}
	}
}

func (s *sorter) sorted() []string {
	for _, name := range s.names {
		if s.quoted[name] == "" {
			s.visit(name)
		}
	}
	for _, name := range s.names {
		s.visit(name)
	}
	return s.out
}

func (s *sorter) visit(name string) {
	if s.done[name] {
		return
	}
	s.done[name] = true
	if s.quoted[name] == "" {
		s.out = append(s.out, name)
		return
	}
	for _, other := range s.names {
		if quoted := s.quoted[other]; quoted != "" && bytes.Contains(s.texts[name], []byte(quoted)) {
			s.visit(other)
		}
	}
	s.out = append(s.out, name)
}
