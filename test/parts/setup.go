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
// "buildkit" or "base-mysql". The first call makes sure that all parts exist.
func (p *Parts) installed(ctx context.Context, name string) (string, error) {
	paths, err := p.setup.do(ctx, p.runSetup)
	if err != nil {
		return "", err
	}
	if paths[name] == "" {
		return "", fmt.Errorf("hack/setup has no part %q", name)
	}
	return paths[name], nil
}

func (p *Parts) runSetup(ctx context.Context) (map[string]string, error) {
	repo, err := p.Repo(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{"packages", "buildkit", "buildx", "versitygw", "base-mysql", "base-mariadb"}
	cmd := exec.CommandContext(ctx, filepath.Join(repo, "hack", "setup"), append([]string{"--paths"}, names...)...)
	out, err := output(cmd)
	if err != nil {
		return nil, fmt.Errorf("set up the test parts: %w", err)
	}
	paths := make(map[string]string)
	for line := range strings.Lines(out) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), "=")
		paths[name] = path
	}
	return paths, nil
}
