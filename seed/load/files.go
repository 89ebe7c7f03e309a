package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/folder"
)

// File is a file of a dump folder, opened and decompressed.
type File struct {
	folder.Step
	Name string // as the user knows it, for errors
	Text io.Reader
}

// RunFiles loads the files of a dump folder one after the other, instead of Run;
// the Loader must be one of NewParallel, whose scanner it does not use. header is
// what the folder says about itself. A File is done with when the next one is
// asked for; an error in its place ends the load.
func (l *Loader) RunFiles(ctx context.Context, header dump.Header, files iter.Seq2[File, error]) error {
	rows, ok := l.rows.(fileRows)
	if !ok {
		return errors.New("a dump folder needs lanes")
	}
	stop := rows.start(ctx)
	defer stop()
	l.folder, l.scanner = header, dump.NewScanner(strings.NewReader(""))
	for file, err := range files {
		if err != nil {
			return err
		}
		if err := l.file(ctx, rows, file); err != nil {
			return err
		}
	}
	if err := l.rows.Wait(ctx); err != nil {
		return err
	}
	l.left.report(l.options)
	l.reportRepairs()
	return nil
}

// fileRows is a Rows that also takes files of rows.
type fileRows interface {
	Rows
	// start begins whatever works beside the goroutine that reads the dump; the
	// function it returns ends it.
	start(ctx context.Context) (stop func())
	// by makes a Loader for the current file the one that errors name.
	by(l *Loader)
	putFile(ctx context.Context, f File) error
}

// file loads one file. Chunks of rows outlive it, and so does the Loader that
// names it in their errors: each file has a copy.
func (l *Loader) file(ctx context.Context, rows fileRows, f File) error {
	own := *l
	own.options.Object = f.Name
	own.scanner = dump.NewScanner(f.Text)
	rows.by(&own)
	err := own.beginFile(ctx, f)
	switch {
	case err != nil:
	case f.Rows != nil:
		err = rows.putFile(ctx, f)
	default:
		err = own.script(ctx, f)
	}
	l.placed, l.schema, l.left, l.picked, l.repair, l.order = own.placed, own.schema, own.left, own.picked, own.repair, own.order
	l.defined, l.routines = own.defined, own.routines
	return err
}

// beginFile gives the session the state that a file takes for granted.
func (l *Loader) beginFile(ctx context.Context, f File) error {
	for _, text := range f.Begin {
		if err := l.step(ctx, dump.Statement{Kind: dump.SetStatement, Text: []byte(text)}); err != nil {
			return err
		}
	}
	if f.Schema == "" {
		return nil
	}
	if f.Create {
		text := "CREATE DATABASE IF NOT EXISTS " + QuoteName(f.Schema)
		if err := l.step(ctx, dump.Statement{Kind: dump.CreateDatabase, Schema: f.Schema, Text: []byte(text)}); err != nil {
			return err
		}
	}
	if l.schema == f.Schema && l.placed {
		return nil
	}
	return l.step(ctx, dump.Statement{Kind: dump.Use, Schema: f.Schema, Text: []byte("USE " + QuoteName(f.Schema))})
}

// script loads the statements of a file that are meant.
func (l *Loader) script(ctx context.Context, f File) error {
	if f.LineEnds {
		l.scanner.SetDelimiter(";\n")
	}
	for {
		st, err := l.scanner.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if !meant(f.Part, st.Kind) {
			continue
		}
		if err := l.step(ctx, st); err != nil {
			return err
		}
	}
	if h, cut := l.scanner.Truncated(); cut {
		return &TruncatedError{Object: f.Name, Tool: h.Tool}
	}
	return nil
}

// meant reports whether statements of a kind belong to a part of a script.
func meant(part folder.Part, kind dump.Kind) bool {
	switch part {
	case folder.NoTriggers:
		return kind != dump.CreateTrigger
	case folder.TriggersAll:
		return kind == dump.CreateTrigger || kind == dump.DropProgram || kind == dump.SetStatement
	}
	return true
}
