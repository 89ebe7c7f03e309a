package options

import (
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	const server = "/usr/sbin/mysqld"
	for _, c := range []struct {
		args []string
		kind Kind
		rest []string
	}{
		{nil, Serve, nil},
		{[]string{"mysqld"}, Serve, []string{}},
		{[]string{"mariadbd", "--x"}, Serve, []string{"--x"}},
		{[]string{"/usr/sbin/mysqld", "--x=1"}, Serve, []string{"--x=1"}},
		{[]string{"--x", "-y"}, Serve, []string{"--x", "-y"}},
		{[]string{"mysqld", "--verbose", "--help"}, Inform, []string{"--verbose", "--help"}},
		{[]string{"--version"}, Inform, []string{"--version"}},
		{[]string{"mysqld", "--initialize_insecure"}, Inform, []string{"--initialize_insecure"}},
		{[]string{"mysqld", "-V"}, Inform, []string{"-V"}},
		{[]string{"bash"}, Command, []string{"bash"}},
		{[]string{"mysql", "--help"}, Command, []string{"mysql", "--help"}},
		{[]string{"./mysqld", "--x"}, Command, []string{"./mysqld", "--x"}},
		{[]string{"mysqld_safe"}, Command, []string{"mysqld_safe"}},
		{[]string{"healthcheck"}, Health, []string{}},
	} {
		got := Parse(c.args, server)
		if got.Kind != c.kind || !slices.Equal(got.Args, c.rest) {
			t.Errorf("Parse(%q) = %v %q, want %v %q", c.args, got.Kind, got.Args, c.kind, c.rest)
		}
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		args  []string
		opt   Option
		want  string
		found bool
	}{
		{nil, Socket, "", false},
		{[]string{"--socket=/a"}, Socket, "/a", true},
		{[]string{"--socket=/a", "--socket", "/b"}, Socket, "/b", true},
		{[]string{"-S", "/c"}, Socket, "/c", true},
		{[]string{"-S/d"}, Socket, "/d", true},
		{[]string{"--init_file=/e"}, InitFile, "/e", true},
		{[]string{"--loose-init-file=/e"}, InitFile, "/e", true},
		{[]string{"-h/f"}, DataDir, "/f", true},
		{[]string{"--socket-x=/a"}, Socket, "", false},
		{[]string{"--socket"}, Socket, "", false},
	} {
		got, found := Find(c.args, c.opt)
		if got != c.want || found != c.found {
			t.Errorf("Find(%q, %s) = %q %v, want %q %v", c.args, c.opt.Name, got, found, c.want, c.found)
		}
	}
}

func TestSplitKeepsTheOptionsThatMustComeFirst(t *testing.T) {
	first, rest := Split([]string{"--defaults-file=/a", "--no_defaults", "--port=0", "--defaults-file=/late"})
	if !slices.Equal(first, []string{"--defaults-file=/a", "--no_defaults"}) || len(rest) != 2 {
		t.Errorf("got %q and %q", first, rest)
	}
}

func TestParseDefaults(t *testing.T) {
	got := ParseDefaults("mysqld would have been started with the following arguments:\n" +
		"--socket=/run/a b.sock --init-connect=SET NAMES utf8 --port=1 \n")
	want := []string{"--socket=/run/a b.sock", "--init-connect=SET NAMES utf8", "--port=1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := ParseDefaults("garbage"); got != nil {
		t.Errorf("got %q from garbage", got)
	}
}
