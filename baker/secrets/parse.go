// Package secrets has the secrets of a bake: those named on the command line,
// and the AWS credentials that this machine has. Values are read when they are
// asked for, kept in memory only, and never part of an error.
package secrets

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Source says where a secret's value is: in File or in the environment variable
// Env, one of which is set.
type Source struct {
	ID, File, Env string
}

const form = `id=NAME,src=FILE or id=NAME,env=VARIABLE`

// Parse reads a secret of the command line as docker buildx does:
// "id=x,src=file", "id=x,env=VAR", or "id=x", which is the variable x if there
// is one, and the file x otherwise. Errors do not repeat the text, which may
// hold what it should not.
func Parse(text string) (Source, error) {
	fields, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return Source{}, fmt.Errorf("a secret is not of the form %s", form)
	}
	var s Source
	var kind string
	for i, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		if !ok || value == "" {
			return Source{}, fmt.Errorf("a secret's part %d has no value; want %s", i+1, form)
		}
		switch strings.ToLower(key) {
		case "id":
			s.ID = value
		case "src", "source":
			s.File = value
		case "env":
			s.Env = value
		case "type":
			kind = value
		default:
			return Source{}, fmt.Errorf("a secret has the unknown key %q; want %s", key, form)
		}
	}
	if s.ID == "" {
		return Source{}, fmt.Errorf("a secret has no id; want %s", form)
	}
	if err := s.settle(kind); err != nil {
		return Source{}, fmt.Errorf("secret %s: %w", s.ID, err)
	}
	return s, nil
}

// settle applies the type and finds out what "id=x" alone means.
func (s *Source) settle(kind string) error {
	switch kind {
	case "", "file":
		if kind != "" && s.Env != "" {
			return errors.New("type=file and env do not go together")
		}
	case "env":
		if s.Env == "" {
			s.Env, s.File = s.File, ""
		}
	default:
		return errors.New("its type is neither file nor env")
	}
	switch {
	case s.File != "" && s.Env != "":
		return errors.New("src and env do not go together")
	case s.File != "" || s.Env != "":
		return nil
	}
	if _, ok := os.LookupEnv(s.ID); ok || kind == "env" {
		s.Env = s.ID
	} else {
		s.File = s.ID
	}
	return nil
}

// check makes sure that there is such a file or variable.
func (s Source) check() error {
	if s.Env != "" {
		if _, ok := os.LookupEnv(s.Env); !ok {
			return fmt.Errorf("secret %s: the environment variable %s is not set", s.ID, s.Env)
		}
		return nil
	}
	info, err := os.Stat(s.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("secret %s: there is no file %s", s.ID, s.File)
	case err != nil:
		return fmt.Errorf("secret %s: %w", s.ID, err)
	case info.IsDir():
		return fmt.Errorf("secret %s: %s is a directory", s.ID, s.File)
	case info.Size() > MaxSize:
		return fmt.Errorf("secret %s: %s has more than %d bytes", s.ID, s.File, MaxSize)
	}
	return nil
}
