package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Repo is the root folder of the dbake clone that the working folder is in.
func (p *Parts) Repo(ctx context.Context) (string, error) {
	return p.repo.do(ctx, func(context.Context) (string, error) {
		dir, err := os.Getwd()
		if err != nil {
			return "", err
		}
		module := regexp.MustCompile(`(?m)^module github\.com/dbake/dbake$`)
		for {
			file, err := os.ReadFile(filepath.Join(dir, "go.mod"))
			if err == nil && module.Match(file) {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				return "", errors.New("the working folder is not inside a dbake clone: its go.mod was not found")
			}
			dir = filepath.Dir(dir)
		}
	})
}

// installed is the folder that hack/setup keeps one of its parts in, such as
// "buildkit" or "base-mysql". The first call for a name makes the part, should
// it be missing, which can take minutes.
func (p *Parts) installed(ctx context.Context, name string) (string, error) {
	p.mu.Lock()
	if p.setup == nil {
		p.setup = make(map[string]*once[string])
	}
	part := p.setup[name]
	if part == nil {
		part = new(once[string])
		p.setup[name] = part
	}
	p.mu.Unlock()
	return part.do(ctx, func(ctx context.Context) (string, error) {
		repo, err := p.Repo(ctx)
		if err != nil {
			return "", err
		}
		out, err := output(exec.CommandContext(ctx, filepath.Join(repo, "hack", "setup"), "--paths", "packages", name))
		if err != nil {
			return "", fmt.Errorf("set up the test part %s: %w", name, err)
		}
		for line := range strings.Lines(out) {
			if path, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
				return path, nil
			}
		}
		return "", fmt.Errorf("hack/setup gave no path for the test part %s", name)
	})
}

// packages makes sure that what comes from Debian is installed.
func (p *Parts) packages(ctx context.Context) error {
	repo, err := p.Repo(ctx)
	if err != nil {
		return err
	}
	_, err = output(exec.CommandContext(ctx, filepath.Join(repo, "hack", "setup"), "packages"))
	return err
}
