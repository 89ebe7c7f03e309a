package images

import (
	"os"
	"strings"
	"testing"
)

func value(t *testing.T, settings []Setting, name string) (string, bool) {
	t.Helper()
	for i := len(settings) - 1; i >= 0; i-- {
		if settings[i].Name == name {
			return settings[i].Value, true
		}
	}
	return "", false
}

func TestBakeSettingsFollowTheVersion(t *testing.T) {
	for _, c := range []struct {
		flavour             string
		major, minor, patch int
		has, hasNot         string
	}{
		{"mysql", 5, 7, 44, "innodb-log-file-size", "innodb-redo-log-capacity"},
		{"mysql", 8, 0, 29, "innodb-log-file-size", "innodb-redo-log-capacity"},
		{"mysql", 8, 0, 26, "innodb-sort-buffer-size", "innodb-ddl-buffer-size"},
		{"mysql", 8, 0, 30, "innodb-redo-log-capacity", "innodb-sort-buffer-size"},
		{"mysql", 9, 7, 0, "innodb-ddl-buffer-size", "innodb-sort-buffer-size"},
		{"mariadb", 10, 6, 0, "innodb-change-buffering", "auto-generate-certs"},
		{"mariadb", 11, 8, 2, "innodb-log-file-size", "innodb-change-buffering"},
	} {
		settings, err := BakeSettings(c.flavour, c.major, c.minor, c.patch)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := value(t, settings, c.has); !ok {
			t.Errorf("%s %d.%d.%d lacks %s", c.flavour, c.major, c.minor, c.patch, c.has)
		}
		if _, ok := value(t, settings, c.hasNot); ok {
			t.Errorf("%s %d.%d.%d has %s", c.flavour, c.major, c.minor, c.patch, c.hasNot)
		}
		if v, _ := value(t, settings, "innodb-fast-shutdown"); v != "0" {
			t.Errorf("%s %d.%d.%d stops with innodb-fast-shutdown %q", c.flavour, c.major, c.minor, c.patch, v)
		}
	}
}

func TestBakeSettingsRefuseUnknownFlavour(t *testing.T) {
	if _, err := BakeSettings("postgres", 17, 0, 0); err == nil || !strings.Contains(err.Error(), "postgres") {
		t.Errorf("got %v, want an error that names the flavour", err)
	}
}

// A setting nobody can explain is a setting nobody can change.
func TestEveryBakeSettingHasItsReason(t *testing.T) {
	for _, name := range []string{"config/mysql.cnf", "config/mariadb.cnf"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		reasoned := false
		for n, line := range strings.Split(string(text), "\n") {
			switch {
			case strings.HasPrefix(line, "#"):
				reasoned = true
			case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "["):
				reasoned = false
			case !reasoned:
				t.Errorf("%s:%d: %q has no reason above it", name, n+1, line)
			}
		}
	}
}
