// Package agent brings the programs that a bake needs inside of images to this
// machine: dbake-seed, the entrypoint of baked images, and CA certificates, as a
// directory in the layout of the frontend image's root:
//
//	bin/dbake-seed
//	entrypoint/linux_<arch>/dbake-entrypoint
//	etc/ssl/certs/ca-certificates.crt
//
// A dbake that was built by hack/dist has them in itself (build tag embedagent).
// Another takes them from the directory that DBAKE_AGENT_DIR names, or from
// beside itself, where hack/dist puts them.
package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"github.com/dbake/dbake/baker/agent/internal/archive"
)

// EnvDir names a directory with the agent in it. It wins over all other places.
const EnvDir = "DBAKE_AGENT_DIR"

// Names below a directory with the agent.
const (
	seedName  = "bin/dbake-seed"
	certsName = "etc/ssl/certs/ca-certificates.crt"
)

// ErrMissing is when there is no agent for an architecture.
var ErrMissing = errors.New("no agent")

// architectures are those that images are baked for (GOARCH).
var architectures = []string{"amd64", "arm64"}

// machines tells programs for one architecture from those for another.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// hostBundles are where distributions keep their CA certificates.
var hostBundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}

// seedOf is where dbake-seed lies when there is one per architecture.
func seedOf(arch string) string { return path.Join("agent", "linux_"+arch, "dbake-seed") }

func entrypointOf(arch string) string {
	return path.Join("entrypoint", "linux_"+arch, "dbake-entrypoint")
}

// Open gives a directory with the agent for builds on Linux machines of an
// architecture (GOARCH); empty: this machine's. It is only to be read, and stays
// when the program ends. The error wraps ErrMissing when nobody brought the agent.
func Open(ctx context.Context, arch string) (string, error) {
	if arch == "" {
		arch = runtime.GOARCH
	}
	if dir := os.Getenv(EnvDir); dir != "" {
		return openDir(ctx, dir, arch)
	}
	if len(packed) > 0 {
		return openPacked(ctx, arch)
	}
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return "", fmt.Errorf("find the agent: %w", err)
	}
	dir, err := openDir(ctx, filepath.Dir(filepath.Dir(self)), arch)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w for linux/%s: this dbake was built without one; build dbake with hack/dist (make dist), "+
			"or set %s to a directory that holds %s and %s", ErrMissing, arch, EnvDir, seedName, entrypointOf(arch))
	}
	return dir, err
}

// openDir uses a directory as it is when all is in it for this architecture.
func openDir(ctx context.Context, dir, arch string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the agent: %w", err)
	}
	source := os.DirFS(dir)
	seed, err := findSeed(source, arch)
	if err != nil {
		return "", fmt.Errorf("find the agent in %s: %w", dir, err)
	}
	_, certsErr := fs.Stat(source, certsName)
	if seed == seedName && certsErr == nil {
		return dir, nil
	}
	info, err := fs.Stat(source, seed)
	if err != nil {
		return "", fmt.Errorf("find the agent in %s: %w", dir, err)
	}
	key := fmt.Sprintf("%s %d %d", dir, info.Size(), info.ModTime().UnixNano())
	return lay(ctx, key, arch, func(string) (fs.FS, error) { return source, nil })
}

// openPacked unpacks what this program has in itself.
func openPacked(ctx context.Context, arch string) (string, error) {
	sum := sha256.Sum256(packed)
	return lay(ctx, hex.EncodeToString(sum[:]), arch, func(scratch string) (fs.FS, error) {
		return os.DirFS(scratch), archive.Unpack(bytes.NewReader(packed), scratch)
	})
}

// findSeed gives the name of the dbake-seed for an architecture.
func findSeed(source fs.FS, arch string) (string, error) {
	if _, err := fs.Stat(source, seedOf(arch)); err == nil {
		return seedOf(arch), nil
	}
	err := checkMachine(source, seedName, arch)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w for linux/%s: %w; hack/dist --all makes the agents of all architectures", ErrMissing, arch, err)
	}
	return seedName, err
}

func checkMachine(source fs.FS, name, arch string) error {
	file, err := source.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	head := make([]byte, 20)
	if _, err := file.Read(head); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	// The ELF header's e_machine, for both little-endian.
	got := elf.Machine(uint16(head[18]) | uint16(head[19])<<8)
	if string(head[:4]) != elf.ELFMAG || got != machines[arch] {
		return fmt.Errorf("%w for linux/%s: %s is not for that architecture, and there is no %s; hack/dist --all makes both",
			ErrMissing, arch, name, seedOf(arch))
	}
	return nil
}

// lay puts the agent for an architecture into the user's cache, once for each
// key, and removes what has not been used for a month.
func lay(ctx context.Context, key, arch string, open func(scratch string) (fs.FS, error)) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory for the agent: %w; set XDG_CACHE_HOME or HOME", err)
	}
	cache = filepath.Join(cache, "dbake", "agent")
	certs := hostCerts()
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%x", key, arch, sha256.Sum256(certs))
	dir := filepath.Join(cache, hex.EncodeToString(sum.Sum(nil))[:32])
	if _, err := os.Stat(dir); err == nil {
		now := time.Now()
		_ = os.Chtimes(dir, now, now) // only a note for prune
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", fmt.Errorf("make the agent's cache: %w", err)
	}
	prune(cache)
	fresh, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", fmt.Errorf("make the agent's cache: %w", err)
	}
	defer os.RemoveAll(fresh)
	scratch, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", fmt.Errorf("make the agent's cache: %w", err)
	}
	defer os.RemoveAll(scratch)
	source, err := open(scratch)
	if err == nil {
		err = fill(ctx, source, fresh, arch, certs)
	}
	if err != nil {
		return "", fmt.Errorf("unpack the agent: %w", err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", fmt.Errorf("unpack the agent: %w", err)
		}
	}
	return dir, nil
}

// fill makes the layout of the frontend image's root.
func fill(ctx context.Context, source fs.FS, dir, arch string, certs []byte) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	seed, err := findSeed(source, arch)
	if err != nil {
		return err
	}
	files := map[string]string{seedName: seed}
	for _, a := range architectures {
		if _, err := fs.Stat(source, entrypointOf(a)); err == nil {
			files[entrypointOf(a)] = entrypointOf(a)
		}
	}
	for to, from := range files {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		text, err := fs.ReadFile(source, from)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(dir, to), text, 0o755); err != nil {
			return err
		}
	}
	if certs == nil {
		if certs, err = fs.ReadFile(source, certsName); err != nil {
			return fmt.Errorf("there are no CA certificates on this machine, and none came with the agent: %w", err)
		}
	}
	return write(filepath.Join(dir, certsName), certs, 0o644)
}

func write(name string, text []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, mode)
}

// hostCerts gives this machine's CA certificates, which its owner chose; nil when
// there are none.
func hostCerts() []byte {
	for _, name := range append([]string{os.Getenv("SSL_CERT_FILE")}, hostBundles...) {
		if name == "" {
			continue
		}
		if text, err := os.ReadFile(name); err == nil {
			return text
		}
	}
	return nil
}

// prune removes agents that have not been used for a month. Failing is fine: the
// next one tries again.
func prune(cache string) {
	entries, err := os.ReadDir(cache)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 30*24*time.Hour {
			_ = os.RemoveAll(filepath.Join(cache, e.Name()))
		}
	}
}

// Entrypoint gives the entrypoint for images of an architecture (GOARCH), from a
// directory that Open gave.
func Entrypoint(dir, arch string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, entrypointOf(arch)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w for linux/%s: images can be made for linux/amd64 and linux/arm64", ErrMissing, arch)
	}
	if err != nil {
		return nil, fmt.Errorf("read the entrypoint of baked images: %w", err)
	}
	return text, nil
}
