package parts

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// DebianPackage unpacks a package of the machine's Debian release, without
// installing it, and returns the folder: packages ship real schemas. Downloads
// are kept for later runs.
func (p *Parts) DebianPackage(ctx context.Context, name string) (string, error) {
	cache := os.Getenv("DBAKE_CACHE")
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			base = "/root/.cache"
		}
		cache = filepath.Join(base, "dbake")
	}
	dir := filepath.Join(cache, "debian", name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	work, err := p.folder("debian-" + name)
	if err != nil {
		return "", err
	}
	// apt drops to a user of its own for downloads.
	if err := os.Chmod(work, 0o777); err != nil {
		return "", err
	}
	download := func() error {
		cmd := exec.CommandContext(ctx, "apt-get", "-q", "download", name)
		cmd.Dir = work
		_, err := output(cmd)
		return err
	}
	if err := download(); err != nil {
		// The lists may be older than what the mirror still has.
		if _, err := output(exec.CommandContext(ctx, "apt-get", "-q", "update")); err != nil {
			return "", err
		}
		if err := download(); err != nil {
			return "", err
		}
	}
	files, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("apt-get download %s left %q", name, files)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), name+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "--extract", files[0], fresh)); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, err := os.Stat(dir); err != nil {
			return "", fmt.Errorf("keep the package %s: %w", name, err)
		}
	}
	return dir, nil
}
