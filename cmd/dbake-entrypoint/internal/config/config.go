// Package config reads what the bake wrote down for PID 1 of the image.
package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Path is where the bake puts the file. Env names another one, for tests.
const (
	Path = "/usr/share/dbake/entrypoint.json"
	Env  = "DBAKE_ENTRYPOINT_CONFIG"
)

// Config has the same fields as plan.Entrypoint, which the bake writes. It is
// declared again because this program imports nothing but the standard
// library.
type Config struct {
	// Flavour is "mysql" or "mariadb".
	Flavour string `json:"flavour"`
	// Server and Client are absolute paths; Client is empty when the base
	// has none.
	Server string `json:"server"`
	Client string `json:"client,omitempty"`
	// User, UID and GID own the data directory.
	User string `json:"user"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	// Socket is the Unix socket that the base's option files name.
	Socket  string `json:"socket"`
	DataDir string `json:"datadir"`
	// Pristine is a second copy of the data directory that an empty volume
	// is filled from; empty when the image has none.
	Pristine string `json:"pristine"`
}

// MariaDB says whether the server is MariaDB rather than MySQL.
func (c Config) MariaDB() bool { return c.Flavour == "mariadb" }

// Load reads and checks the file at Path, or at Env's value if that is set.
func Load() (Config, error) {
	path := os.Getenv(Env)
	if path == "" {
		path = Path
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("the image's settings cannot be read, bake it again: %w", err)
	}
	var c Config
	if err := json.Unmarshal(data, &c); err != nil {
		return Config{}, fmt.Errorf("%s is damaged, bake the image again: %w", path, err)
	}
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w; bake the image again", path, err)
	}
	return c, nil
}

func (c Config) check() error {
	if c.Flavour != "mysql" && c.Flavour != "mariadb" {
		return fmt.Errorf("flavour %q is neither mysql nor mariadb", c.Flavour)
	}
	for _, p := range []struct{ name, path string }{
		{"server", c.Server}, {"socket", c.Socket}, {"datadir", c.DataDir},
	} {
		if !filepath.IsAbs(p.path) {
			return fmt.Errorf("%s %q is not an absolute path", p.name, p.path)
		}
	}
	if c.UID < 0 || c.GID < 0 {
		return fmt.Errorf("uid %d or gid %d is negative", c.UID, c.GID)
	}
	return nil
}
