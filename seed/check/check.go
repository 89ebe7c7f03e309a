// Package check finds what is wrong in a dbake.yaml beyond what package spec knows:
// conditions and masks. It needs neither dump nor server, so whoever has read a
// file can ask before anything is begun.
package check

import (
	"cmp"
	"errors"
	"slices"

	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/subset"
	"github.com/dbake/dbake/spec"
)

// File checks a file that spec.Parse takes; name is for errors. It gives every
// problem at its place, as a spec.ErrorList in the order of the file. What depends
// on the tables of the dumps shows later.
func File(name string, f *spec.File) error {
	var list spec.ErrorList
	if err := subset.Check(name, f); err != nil && !errors.As(err, &list) {
		return err
	}
	for _, e := range masks(f.Mask) {
		list = append(list, &spec.Error{File: name, Pos: f.Position(e.Path), Path: e.Path, Msg: e.Msg, Hint: e.Hint, Err: e})
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b *spec.Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return list
}

// masks gives what is wrong with a mask section; that it lacks a key once, when all
// else is well.
func masks(m *spec.Mask) []*mask.Error {
	if m == nil {
		return nil
	}
	err := mask.Check(m)
	if err != nil || m.Key != nil {
		return causes(err)
	}
	_, err = mask.New(m, nil)
	list := causes(err)
	return list[:min(len(list), 1)]
}

// causes takes joined errors apart.
func causes(err error) (list []*mask.Error) {
	var joined interface{ Unwrap() []error }
	var e *mask.Error
	switch {
	case err == nil:
	case errors.As(err, &joined):
		for _, err := range joined.Unwrap() {
			list = append(list, causes(err)...)
		}
	case errors.As(err, &e):
		list = append(list, e)
	}
	return list
}
