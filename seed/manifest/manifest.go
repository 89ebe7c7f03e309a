// Package manifest is what a baked image says about itself: what went in, what
// server made it, and what is in it. It is part of the image
// (plan.ManifestPath), so it holds no secret and no value of a row, and nothing
// that differs between two bakes of the same input, such as a date.
package manifest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// FormatVersion is the value of Manifest.Format.
const FormatVersion = 1

// Manifest is one baked data directory.
type Manifest struct {
	Format int `json:"format"`
	// Dumps are what was restored, in order.
	Dumps []Dump `json:"dumps"`
	// Server made the data directory.
	Server Server `json:"server"`
	// DataDir is its path in the image.
	DataDir string `json:"datadir"`
	// Variables are server variables that shape data.
	Variables map[string]string `json:"variables"`
	// Tables are the tables the dumps filled, sorted by schema and name.
	Tables []Table `json:"tables"`
	// Rows and Statements are totals over all dumps.
	Rows       int64 `json:"rows"`
	Statements int64 `json:"statements"`
	// Skipped counts statements the server refused (restore.on_error).
	Skipped int64 `json:"skipped,omitempty"`
	// Mask is there when values were masked.
	Mask *Mask `json:"mask,omitempty"`
	// Warnings are all the warnings of the bake.
	Warnings []string `json:"warnings,omitempty"`
}

// Dump identifies one dump.
type Dump struct {
	// From is the address without query string.
	From      string `json:"from"`
	VersionID string `json:"versionID,omitempty"`
	ETag      string `json:"etag,omitempty"`
	// Size is in compressed bytes, -1 when unknown.
	Size int64 `json:"size"`
	// Files is how many files a dump folder has; Size is that of all, and
	// ETag a digest of theirs.
	Files int `json:"files,omitempty"`
	// Modified is RFC 3339 in UTC, or empty.
	Modified string `json:"modified,omitempty"`
	// Tool, ServerVersion: what the dump's header says made it.
	Tool          string `json:"tool,omitempty"`
	ServerVersion string `json:"serverVersion,omitempty"`
}

// Mask says what was masked, and with what.
type Mask struct {
	// Rules is the SHA-256 of the mask section, and KeyCheck plan.Restore's:
	// the same of both means the same masks of the same values.
	Rules    string `json:"rules"`
	KeyCheck string `json:"keyCheck,omitempty"`
	// Columns are those in which values have been replaced, as
	// schema.table.column, sorted.
	Columns []string `json:"columns"`
}

// Server is the server that was baked with.
type Server struct {
	Flavour string `json:"flavour"`
	Version string `json:"version"`
}

// Table is one table.
type Table struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	// Rows is what the server counted as inserted, or what is in the table at the
	// end when scripts or several dumps were run.
	Rows int64 `json:"rows"`
	// Bytes and Digest are the length and the SHA-256 of the rows as the
	// dump writes them, masked: the texts of its VALUES lists, joined by
	// commas, or the files of its rows, one behind the other.
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest,omitempty"`
	// Masked counts the rows in which values were replaced, Dropped those that
	// restore.tables and restore.subset left out.
	Masked  int64 `json:"masked,omitempty"`
	Dropped int64 `json:"dropped,omitempty"`
}

// Write puts the manifest into a file, making its directory.
func (m *Manifest) Write(name string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := os.WriteFile(name, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

// Parse reads a manifest.
func Parse(text []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	if m.Format != FormatVersion {
		return nil, fmt.Errorf("read the manifest: its format is %d, this program knows %d", m.Format, FormatVersion)
	}
	return &m, nil
}
