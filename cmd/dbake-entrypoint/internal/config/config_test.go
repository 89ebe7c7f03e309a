package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dbake/dbake/seed/plan"
)

// A conversion compiles only while both types have the same fields in the
// same order; the tags need a look at run time.
func TestConfigIsThePlansEntrypoint(t *testing.T) {
	_ = Config(plan.Entrypoint{})
	ours, theirs := reflect.TypeFor[Config](), reflect.TypeFor[plan.Entrypoint]()
	for i := range ours.NumField() {
		if o, p := ours.Field(i), theirs.Field(i); o.Tag != p.Tag {
			t.Errorf("%s: tag %q, plan has %q", o.Name, o.Tag, p.Tag)
		}
	}
	if Path != plan.EntrypointConfig {
		t.Errorf("Path is %s, plan has %s", Path, plan.EntrypointConfig)
	}
}

func TestLoad(t *testing.T) {
	good := `{"flavour":"mysql","server":"/usr/sbin/mysqld","user":"mysql","uid":999,"gid":999,` +
		`"socket":"/run/mysqld/mysqld.sock","datadir":"/data/mysql","pristine":"/usr/share/dbake/datadir"}`
	for _, c := range []struct{ name, content, want string }{
		{"good", good, ""},
		{"not JSON", "{", "is damaged"},
		{"flavour", strings.Replace(good, `"mysql"`, `"oracle"`, 1), `"oracle" is neither`},
		{"relative server", strings.Replace(good, "/usr/sbin/", "", 1), `server "mysqld" is not an absolute path`},
		{"no datadir", strings.Replace(good, "/data/mysql", "", 1), `datadir "" is not`},
		{"negative uid", strings.Replace(good, "999", "-1", 1), "negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "entrypoint.json")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv(Env, path)
			got, err := Load()
			if c.want == "" {
				if err != nil || got.DataDir != "/data/mysql" || got.UID != 999 {
					t.Fatalf("got %+v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}
