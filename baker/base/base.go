// Package base keeps the root filesystems of base images unpacked in a cache
// directory, one per image, shared by all bakes of one user.
//
// The cache directory holds, for each entry, NAME.lock, whose time is when the
// entry was used last, NAME/rootfs, and NAME/entry.json, which says what rootfs
// looked like when it was made. An entry appears under its name when it is
// complete, and is never changed afterwards: whoever uses one holds its lock
// shared, whoever makes or removes one holds it alone.
package base

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/base/filelock"
	"github.com/dbake/dbake/baker/unpack"
)

// format is the version of what entries hold; another one makes them anew.
const format = "1"

// Names in the cache directory.
const (
	rootName  = "rootfs"
	entryName = "entry.json"
	lockEnd   = ".lock"
	freshMark = ".new-" // in the names of entries that are being made
)

// Cache is a cache directory, which is made when it is missing. Its methods may
// be called from many goroutines and processes.
type Cache struct{ Dir string }

// DefaultDir gives the directory of the user's cache: dbake/base in
// os.UserCacheDir.
func DefaultDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory for base images: %w; set XDG_CACHE_HOME or HOME", err)
	}
	return filepath.Join(dir, "dbake", "base"), nil
}

// Root is an unpacked root filesystem, to be read only. Close it when it is not
// needed any more.
type Root struct {
	// Dir is the root filesystem.
	Dir string
	// Cached says that the image had been unpacked before.
	Cached bool
	// Report is that of the unpacking, whenever it was.
	Report unpack.Report

	lock *filelock.Lock
}

// Close lets others remove the entry.
func (r *Root) Close() error { return r.lock.Unlock() }

// Open gives an image's root filesystem, which it unpacks when there is none in
// the cache, or when the one in the cache is not what was unpacked. Other
// processes that want the same image wait, and say so through waiting, which may
// be nil, as may progress.
func (c Cache) Open(ctx context.Context, img v1.Image, progress unpack.Progress, waiting func()) (*Root, error) {
	name, err := entryOf(img)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the cache of base images: %w", err)
	}
	for {
		root, err := c.find(ctx, name, waiting)
		if root != nil || err != nil {
			return root, err
		}
		made, err := c.make(ctx, name, img, progress, waiting)
		if err != nil {
			return nil, fmt.Errorf("unpack the base image into the cache %s: %w", c.Dir, err)
		}
		if made != nil {
			return made, nil
		}
	}
}

// entryOf names an image's entry. The config's digest covers the content of all
// layers, however they are compressed. What root unpacks has owners that others
// cannot give.
func entryOf(img v1.Image) (string, error) {
	digest, err := img.ConfigName()
	if err != nil {
		return "", fmt.Errorf("read the base image's config: %w", err)
	}
	name := strings.ReplaceAll(digest.String(), ":", "-") + "-v" + format
	if os.Geteuid() != 0 {
		name += "-user"
	}
	return name, nil
}

// record is entry.json.
type record struct {
	// Seal is what seal gave for the root filesystem.
	Seal   string        `json:"seal"`
	Report unpack.Report `json:"report"`
}

// find gives the entry if it is there and as it was made, else nil.
func (c Cache) find(ctx context.Context, name string, waiting func()) (*Root, error) {
	lock, err := filelock.Wait(ctx, filepath.Join(c.Dir, name+lockEnd), filelock.Shared, waiting)
	if err != nil {
		return nil, err
	}
	rec, ok := c.check(name)
	if !ok {
		return nil, lock.Unlock()
	}
	if err := lock.Touch(); err != nil {
		return nil, errors.Join(fmt.Errorf("note the use of a cached base image: %w", err), lock.Unlock())
	}
	return &Root{Dir: filepath.Join(c.Dir, name, rootName), Cached: true, Report: rec.Report, lock: lock}, nil
}

// check says whether an entry is there and as it was made.
func (c Cache) check(name string) (record, bool) {
	var rec record
	text, err := os.ReadFile(filepath.Join(c.Dir, name, entryName))
	if err != nil || json.Unmarshal(text, &rec) != nil {
		return rec, false
	}
	now, err := seal(filepath.Join(c.Dir, name, rootName))
	return rec, err == nil && now == rec.Seal
}

// make makes an entry, whatever is at its place. It gives nil when another
// process made it in the meantime.
func (c Cache) make(ctx context.Context, name string, img v1.Image, progress unpack.Progress, waiting func()) (root *Root, err error) {
	lock, err := filelock.Wait(ctx, filepath.Join(c.Dir, name+lockEnd), filelock.Exclusive, waiting)
	if err != nil {
		return nil, err
	}
	defer func() {
		if root == nil {
			err = errors.Join(err, lock.Unlock())
		}
	}()
	if _, ok := c.check(name); ok {
		return nil, nil
	}
	if err := c.remove(name); err != nil {
		return nil, err
	}
	fresh, err := os.MkdirTemp(c.Dir, name+freshMark)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, RemoveAll(fresh)) }()
	report, err := fill(ctx, fresh, img, progress)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(fresh, filepath.Join(c.Dir, name)); err != nil {
		return nil, err
	}
	if err := errors.Join(lock.Touch(), lock.Share()); err != nil {
		return nil, err
	}
	dir := filepath.Join(c.Dir, name, rootName)
	if _, err := os.Stat(dir); err != nil {
		return nil, nil // removed in the moment without a lock: begin again
	}
	return &Root{Dir: dir, Report: report, lock: lock}, nil
}

// fill makes what an entry holds.
func fill(ctx context.Context, dir string, img v1.Image, progress unpack.Progress) (unpack.Report, error) {
	rootfs := filepath.Join(dir, rootName)
	// Whatever the umask: servers that give up root start here.
	if err := errors.Join(os.Mkdir(rootfs, 0o755), os.Chmod(rootfs, 0o755)); err != nil {
		return unpack.Report{}, err
	}
	report, err := unpack.Image(ctx, img, rootfs, progress)
	if err != nil {
		return report, err
	}
	sum, err := seal(rootfs)
	if err != nil {
		return report, err
	}
	text, err := json.Marshal(record{Seal: sum, Report: report})
	if err != nil {
		return report, err
	}
	return report, os.WriteFile(filepath.Join(dir, entryName), text, 0o600)
}

// remove removes an entry, and what was begun for one, under its exclusive lock.
func (c Cache) remove(name string) error {
	begun, err := filepath.Glob(filepath.Join(c.Dir, name+freshMark+"*"))
	if err != nil {
		return err
	}
	for _, dir := range append(begun, filepath.Join(c.Dir, name)) {
		if err := RemoveAll(dir); err != nil {
			return fmt.Errorf("remove a cached base image: %w", err)
		}
	}
	return nil
}

// Prune removes entries that nobody has used for an age, and what interrupted
// bakes left; those in use stay. It returns how many it removed.
func (c Cache) Prune(age time.Duration) (int, error) {
	locks, err := filepath.Glob(filepath.Join(c.Dir, "*"+lockEnd))
	if err != nil {
		return 0, err
	}
	removed := 0
	var errs []error
	for _, file := range locks {
		lock, err := filelock.Try(file, filelock.Exclusive)
		if errors.Is(err, filelock.ErrLocked) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if time.Since(lock.Used()) < age {
			errs = append(errs, lock.Unlock())
			continue
		}
		if err := c.remove(strings.TrimSuffix(filepath.Base(file), lockEnd)); err != nil {
			errs = append(errs, err, lock.Unlock())
			continue
		}
		removed++
		errs = append(errs, lock.Remove())
	}
	return removed, errors.Join(errs...)
}

// Size gives the bytes of disk that the cache takes.
func (c Cache) Size() (int64, error) {
	var total int64
	err := filepath.WalkDir(c.Dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while this looked, or no cache yet
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += allocated(info)
		}
		return nil
	})
	if err != nil {
		return total, fmt.Errorf("measure the cache of base images: %w", err)
	}
	return total, nil
}
