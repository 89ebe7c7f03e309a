// Package plan is what the frontend and the agent say to each other: the
// answer of the resolve step and the order for the restore step, both JSON.
//
// Whatever is in a Restore is part of the restore step's cache key. So it holds
// exactly what decides the bytes of a data directory, and nothing that does
// not: changing a label must not restore again.
package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbake/dbake/spec"
)

// Paths inside the steps that run the agent.
const (
	AgentDir   = "/run/dbake/agent"   // frontend image's root, read-only: bin/dbake-seed, etc/ssl/certs
	PlanDir    = "/run/dbake/plan"    // restore.json or resolve.json, read-only
	ContextDir = "/run/dbake/context" // files of the build context, at their own paths, read-only
	SecretDir  = "/run/secrets"       // one file per secret
	OutDir     = "/run/dbake/out"     // becomes the data layer; files lie at their final paths below it
	StatusDir  = "/run/dbake/status"  // resolved.json, or error.json when the step failed
	TempDir    = "/run/dbake/tmp"     // socket, server log, spill; a tmpfs

	ResolveFile  = "resolve.json"
	RestoreFile  = "restore.json"
	ResolvedFile = "resolved.json"
	ErrorFile    = "error.json"

	// ManifestPath and PristineDir are paths in the baked image.
	ManifestPath = "/usr/share/dbake/manifest.json"
	// PristineDir holds a hard link to every file of the data directory, so
	// that the entrypoint can fill an empty volume mounted over it.
	PristineDir = "/usr/share/dbake/datadir"
	// EntrypointPath and EntrypointConfig are the entrypoint and what it reads.
	EntrypointPath   = "/usr/local/bin/dbake-entrypoint"
	EntrypointConfig = "/usr/share/dbake/entrypoint.json"
)

// Resolve asks for the identity of the dumps and the facts of the base.
type Resolve struct {
	Dumps   []spec.Dump `json:"dumps,omitempty"`
	DataDir string      `json:"datadir"`
	// MaskKey is the id of the secret that masks depend on; empty: none. The
	// step needs its file in SecretDir, and has to run every time: builders
	// know an answer of before by everything but the values of secrets.
	MaskKey string `json:"maskKey,omitempty"`
}

// UnmarshalJSON also takes the dumps' addresses apart again, because a Location
// is not in a Dump's JSON.
func (r *Resolve) UnmarshalJSON(data []byte) error {
	type plain Resolve
	if err := json.Unmarshal(data, (*plain)(r)); err != nil {
		return err
	}
	for i := range r.Dumps {
		d := &r.Dumps[i]
		location, err := spec.ParseLocation(d.From)
		if err != nil {
			return fmt.Errorf("dump[%d]: %w", i, err)
		}
		d.Location = location
	}
	return nil
}

// Resolved answers Resolve.
type Resolved struct {
	// Objects are what the dumps stand for, in restore order; files and
	// folders of the build context have a Location and nothing else.
	Objects []Object `json:"objects"`
	Base    Base     `json:"base"`
	// KeyCheck tells whether the value of Resolve.MaskKey is the one of before,
	// and nothing else about it: it is a part of HMAC-SHA256, hexadecimal.
	// Being part of the order for the restore step, it makes another key
	// another restore. Empty without a key.
	KeyCheck string `json:"keyCheck,omitempty"`
}

// Object is one input with its identity pinned.
type Object struct {
	// Dump is the index of the dbake.yaml entry that it comes from.
	Dump     int           `json:"dump"`
	Location spec.Location `json:"location"`
	// VersionID and ETag are as S3 or the web server gave them (an ETag with
	// its quotes); empty when it gave none.
	VersionID string `json:"versionID,omitempty"`
	ETag      string `json:"etag,omitempty"`
	// Size is in bytes; -1 when unknown.
	Size int64 `json:"size"`
	// File is the object's name in the dump folder that all objects of the
	// same Dump make together; empty for a dump that is one object.
	File string `json:"file,omitempty"`
	// Modified is the object's Last-Modified, zero when unknown.
	Modified time.Time `json:"modified,omitzero"`
}

// Identified says whether the store tells this content of the object from another.
// A web server may give neither an ETag nor a date; for files of the build context
// the builder's own look at them counts.
func (o Object) Identified() bool {
	return o.Location.InContext() || o.VersionID != "" || o.ETag != "" || !o.Modified.IsZero()
}

// Identified says whether all objects are.
func (r Resolved) Identified() bool {
	return !slices.ContainsFunc(r.Objects, func(o Object) bool { return !o.Identified() })
}

// Base is what the agent found out about the base image's server.
type Base struct {
	// Flavour is "mysql" or "mariadb".
	Flavour string `json:"flavour"`
	// Version is the server's, as "9.7.0" or "10.11.11".
	Version string `json:"version"`
	// Server and Client are absolute paths; Client is empty when the base
	// has none.
	Server string `json:"server"`
	Client string `json:"client,omitempty"`
	// User, UID and GID own the data directory.
	User string `json:"user"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	// Socket is the path of the Unix socket the base's option files name.
	Socket string `json:"socket"`
	// OptionFile is where the config fragment goes: a new file in a
	// directory that the base's option files include, or, when OptionPrefix
	// is set, an existing file, to be written anew as OptionPrefix+fragment.
	OptionFile   string `json:"optionFile"`
	OptionPrefix string `json:"optionPrefix,omitempty"`
}

// Restore orders one data directory.
type Restore struct {
	Objects []Object     `json:"objects"`
	Base    Base         `json:"base"`
	DataDir string       `json:"datadir"`
	Options spec.Restore `json:"options"`
	// Server holds run-time settings; those that shape data (such as
	// lower_case_table_names) hold while baking too.
	Server   spec.Settings `json:"server,omitempty"`
	Accounts spec.Accounts `json:"accounts"`
	After    []string      `json:"after,omitempty"`
	Verify   []string      `json:"verify,omitempty"`
	// Mask says which values are replaced; KeyCheck is Resolved's.
	Mask     *spec.Mask `json:"mask,omitempty"`
	KeyCheck string     `json:"keyCheck,omitempty"`
}

// NewResolve is the question that a dbake.yaml asks.
func NewResolve(f *spec.File) Resolve {
	r := Resolve{Dumps: f.Dump, DataDir: f.DataDir}
	if f.Mask != nil && f.Mask.Key != nil {
		r.MaskKey = f.Mask.Key.Secret
	}
	return r
}

// NewRestore is the order of a dbake.yaml whose question was answered by r.
func NewRestore(f *spec.File, r Resolved) Restore {
	return Restore{
		Objects:  r.Objects,
		Base:     r.Base,
		DataDir:  f.DataDir,
		Options:  f.Restore,
		Server:   f.Server,
		Accounts: f.Accounts,
		After:    f.After,
		Verify:   f.Verify,
		Mask:     f.Mask,
		KeyCheck: r.KeyCheck,
	}
}

// Failure is what a failed step leaves in ErrorFile: the one error the user
// gets to see.
type Failure struct {
	// Message is a full sentence or a wrapped error, without values of rows.
	Message string `json:"message"`
	// Path is the dbake.yaml path at fault, such as "dump[0]" or
	// "verify[1]"; empty when none is.
	Path string `json:"path,omitempty"`
}

// linePrefix begins the line that a failed step prints.
const linePrefix = "error: "

// Line is the failure as the step prints it last, with its newline:
// "error: verify[1]: message".
func (f Failure) Line() string {
	if f.Path == "" {
		return linePrefix + f.Message + "\n"
	}
	return linePrefix + f.Path + ": " + f.Message + "\n"
}

// FailureIn finds the failure at the end of what a step has printed. isPath says
// whether there is such a place in the dbake.yaml: a message may look as if it
// began with one.
func FailureIn(output string, isPath func(string) bool) (Failure, bool) {
	at := strings.LastIndex("\n"+output, "\n"+linePrefix)
	if at < 0 {
		return Failure{}, false
	}
	text := strings.TrimSpace(output[at+len(linePrefix):])
	if path, message, ok := strings.Cut(text, ": "); ok && isPath(path) {
		return Failure{Message: message, Path: path}, true
	}
	return Failure{Message: text}, text != ""
}

// Entrypoint is EntrypointConfig's content: all that PID 1 of a baked image
// has to know. The entrypoint has its own copy of this type, because it
// imports nothing but the standard library; a test holds the two together.
type Entrypoint struct {
	Flavour  string `json:"flavour"`
	Server   string `json:"server"`
	Client   string `json:"client,omitempty"`
	User     string `json:"user"`
	UID      int    `json:"uid"`
	GID      int    `json:"gid"`
	Socket   string `json:"socket"`
	DataDir  string `json:"datadir"`
	Pristine string `json:"pristine"`
}
