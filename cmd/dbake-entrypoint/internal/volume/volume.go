// Package volume makes sure that there is data where the server looks for it:
// an empty volume mounted over the data directory is filled from the image.
package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

// marker is in a directory for as long as it is being filled. What is there
// beside it is not complete and may be thrown away.
const marker = ".dbake-filling"

// DataDir is a data directory and what it is filled from.
type DataDir struct {
	// Path is the data directory; Pristine the image's copy, or empty.
	Path, Pristine string
	// As is the user of the server.
	As proc.Identity
	// Say is told what takes long.
	Say func(format string, args ...any)
	// OnFill is called before a filling begins; it may be nil.
	OnFill func()
}

// Prepare returns nil when the server can work in the data directory. Nothing
// in a directory that has data is changed, and nothing but its top is looked
// at. When ctx ends during a filling, the directory is left empty.
func (d DataDir) Prepare(ctx context.Context) error {
	info, err := os.Stat(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(d.Path, 0o750); err != nil {
			return fmt.Errorf("the data directory does not exist and cannot be made: %w", err)
		}
		info, err = os.Stat(d.Path)
	}
	if err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the data directory %s is not a directory", d.Path)
	}
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return fmt.Errorf("the data directory cannot be read by uid %d: %w; %s", os.Geteuid(), err, d.advice(info))
	}
	content, filling := look(entries)
	if filling || len(content) == 0 {
		return d.fill(ctx, info)
	}
	if !hasServerData(content) {
		return fmt.Errorf("%s has files in it (such as %s) but no database: mount a volume that is empty or has a data directory in it",
			d.Path, content[0])
	}
	if !d.As.CanWrite(d.Path) {
		return fmt.Errorf("%s belongs to uid %d, and the server runs as uid %d; %s", d.Path, proc.Owner(info), d.As.UID, d.advice(info))
	}
	return nil
}

// advice says how the server and its directory come together.
func (d DataDir) advice(info os.FileInfo) string {
	if d.As.Switch {
		return fmt.Sprintf("chown -R %d:%d the volume, or start the container with --user %d", d.As.UID, d.As.GID, proc.Owner(info))
	}
	return fmt.Sprintf("start the container with --user %d, or mount an empty volume that uid %d may write", proc.Owner(info), d.As.UID)
}

// look returns the names that count as content, and whether a filling was
// interrupted.
func look(entries []os.DirEntry) (content []string, filling bool) {
	for _, e := range entries {
		switch name := e.Name(); {
		case name == marker:
			filling = true
		case name == "lost+found" || strings.HasPrefix(name, ".dbake-"):
		default:
			content = append(content, name)
		}
	}
	return content, filling
}

// hasServerData knows MySQL's and MariaDB's data directories by what no other
// directory has.
func hasServerData(names []string) bool {
	for _, name := range names {
		switch name {
		case "ibdata1", "mysql", "mysql.ibd", "aria_log_control", "undo_001", "undo001":
			return true
		}
	}
	return false
}

// fill copies the image's data into the directory, which is empty or was not
// filled to the end.
func (d DataDir) fill(ctx context.Context, top os.FileInfo) error {
	if d.Pristine == "" || !exists(d.Pristine) {
		return fmt.Errorf("%s is empty, and the image has no copy to fill it from", d.Path)
	}
	if !d.As.Switch && !d.As.CanWrite(d.Path) {
		return fmt.Errorf("%s is empty and uid %d may not write there (it belongs to uid %d): make it writable for that uid, or start the container as root",
			d.Path, d.As.UID, proc.Owner(top))
	}
	if d.OnFill != nil {
		d.OnFill()
	}
	lock, err := d.begin()
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := d.copyAll(ctx); err != nil {
		if clean := d.empty(); clean != nil {
			return fmt.Errorf("%w; and it could not be emptied again: %w", err, clean)
		}
		_ = os.Remove(filepath.Join(d.Path, marker))
		return err
	}
	if err := os.Remove(filepath.Join(d.Path, marker)); err != nil {
		return fmt.Errorf("filling %s: %w", d.Path, err)
	}
	return sync(d.Path)
}

// begin marks the directory as being filled and removes what an interrupted
// filling has left. The lock ends with this process, and so tells such a
// filling from one that another container is busy with.
func (d DataDir) begin() (*os.File, error) {
	path := filepath.Join(d.Path, marker)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("filling %s: %w", d.Path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		_ = f.Close()
		return nil, fmt.Errorf("%s is just being filled by another container: give each container a volume of its own", d.Path)
	} // a file system without locks has to do without
	if err := errors.Join(f.Sync(), sync(d.Path), d.empty()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("filling %s: %w", d.Path, err)
	}
	return f, nil
}

// empty removes everything but the marker and lost+found.
func (d DataDir) empty() error {
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); name != marker && name != "lost+found" {
			if err := os.RemoveAll(filepath.Join(d.Path, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sync makes the names in a directory last.
func sync(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems cannot
		return err
	}
	return nil
}
