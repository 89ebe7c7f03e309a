package spec

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Parse reads a dbake.yaml. The name is shown in errors, args are the build
// arguments that replace ${NAME} and ${NAME:-default} in the file's text
// values ("$${" stands for "${").
//
// Defaults are filled in. Whatever is wrong is reported: the error is then an
// ErrorList of *Error in the order of the file, and there is no File.
func Parse(name string, data []byte, args map[string]string) (*File, error) {
	p := &problems{file: name}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // the byte order mark some editors write
	root := yamlRoot(p, data)
	if root == nil {
		return nil, p.err()
	}
	n, positions := buildTree(p, root, data, args)
	d := &decoder{p}
	if n.kind != kindMapping {
		d.fail(n, "start with version, base and dump", "the file must be a mapping, not %s", n.kind)
		return nil, p.err()
	}
	if v := n.get("version"); v != nil && v.kind == kindNumber && v.text != "1" {
		// A later format may differ in anything: further errors would mislead.
		p.list = nil
		d.fail(v, "", "format version %s is not known; this dbake reads version 1", v.text)
		return nil, p.err()
	}
	f := d.file(n)
	f.positions = positions
	if err := p.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// file decodes the root and fills in defaults.
func (d *decoder) file(n *node) *File {
	f := &File{DataDir: DefaultDataDir, Restore: defaultRestore()}
	record[File](d, n)
	d.required(n, "version", "base", "dump")
	decoders := map[string]func(*node){
		"version":  func(v *node) { f.Version = d.version(v) },
		"base":     func(v *node) { f.Base = d.base(v) },
		"dump":     func(v *node) { f.Dump = d.dumps(v) },
		"datadir":  func(v *node) { f.DataDir = d.dataDir(v) },
		"restore":  func(v *node) { f.Restore = d.restore(v) },
		"mask":     func(v *node) { f.Mask = d.mask(v) },
		"accounts": func(v *node) { f.Accounts = d.accounts(v) },
		"server":   func(v *node) { f.Server = d.settings(v) },
		"after":    func(v *node) { f.After = d.texts(v, d.contextPath) },
		"verify":   func(v *node) { f.Verify = d.texts(v, d.statement) },
		"image":    func(v *node) { f.Image = d.image(v) },
	}
	for _, field := range n.fields {
		if decode := decoders[field.key]; decode != nil {
			decode(field.value)
		}
	}
	return f
}

func (d *decoder) version(n *node) int {
	v, ok := d.integer(n)
	if ok && v != 1 {
		d.fail(n, "", "format version %d is not known; this dbake reads version 1", v)
	}
	return int(v)
}

// imageReference is the grammar of references that registries and builders
// share: host[:port]/path[:tag][@digest].
var imageReference = regexp.MustCompile(`^(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?` +
	`[a-z0-9]+(?:(?:\.|_|__|-+|/)[a-z0-9]+)*` +
	`(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?` +
	`(?:@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,})?$`)

func (d *decoder) base(n *node) string {
	s, ok := d.word(n)
	switch {
	case !ok:
	case strings.Contains(s, "://"):
		d.fail(n, `write a reference like "mysql:8.4", without a scheme`, "%q is not an image reference", s)
	case !imageReference.MatchString(s):
		d.fail(n, `write a reference like "mysql:8.4"`, "%q is not an image reference", s)
	case s == "scratch":
		d.fail(n, "name an image with mysqld or mariadbd in it", "scratch holds no server")
	}
	return s
}

// systemDirs are directories that hold no data: the system's own, those that a
// container runtime mounts over, and dbake's.
var systemDirs = []string{
	"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin",
	"/sys", "/tmp", "/usr", "/var/run", "/var/tmp",
}

// crowdedDirs may hold a data directory but not be it.
var crowdedDirs = []string{"/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/var", "/var/lib", "/var/log"}

func (d *decoder) dataDir(n *node) string {
	s, ok := d.word(n)
	if !ok {
		return ""
	}
	if fault, hint := dataDirFault(s); fault != "" {
		d.fail(n, hint, "%q %s", s, fault)
	}
	return s
}

func dataDirFault(s string) (fault, hint string) {
	const instead = "the default is " + DefaultDataDir
	clean := path.Clean(s)
	odd := func(r rune) bool { return !isAlnum(r) && !strings.ContainsRune("/._+@-", r) }
	switch {
	case !strings.HasPrefix(s, "/"):
		return "must be an absolute path", instead
	case strings.ContainsFunc(s, odd):
		return "may hold only letters, digits and / . _ + @ -", instead
	case clean != s:
		return "must be a clean path", fmt.Sprintf("write %q", clean)
	case len(s) > 80:
		// The server keeps its socket's path and file names below it short.
		return "must not be longer than 80 characters", instead
	}
	for _, dir := range crowdedDirs {
		if s == dir {
			return "holds other things than data", "use a directory below it; " + instead
		}
	}
	for _, dir := range systemDirs {
		if s == dir || strings.HasPrefix(s, dir+"/") {
			return "lies in the system directory " + dir, instead
		}
	}
	return "", ""
}

// statement is a query of verify.
func (d *decoder) statement(n *node) (string, bool) {
	s, ok := d.text(n)
	if ok && strings.Trim(s, "; \t\r\n") == "" {
		d.fail(n, "", "must be a query")
		return "", false
	}
	return s, ok
}

// contextPath is the clean path of a file in the build context.
func (d *decoder) contextPath(n *node) (string, bool) {
	s, ok := d.word(n)
	if !ok {
		return "", false
	}
	p, err := cleanContextPath(s)
	if err != nil {
		d.fail(n, "", "%s", err)
		return "", false
	}
	return p, true
}
