package imageconfig

import (
	"slices"
	"testing"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

func TestOptionValue(t *testing.T) {
	for in, want := range map[string]string{
		"64M":          "64M",
		"utf8mb4":      "utf8mb4",
		"a b":          "a b",
		" edges ":      `" edges "`,
		"#no comment":  `"#no comment"`,
		`C:\temp`:      `"C:\\temp"`,
		"a\nb\tc":      `"a\nb\tc"`,
		`say "hi"`:     `"say \"hi\""`,
		"'single'":     `"'single'"`,
		"a,b=c@d%e(f)": "a,b=c@d%e(f)",
	} {
		if got := optionValue(in); got != want {
			t.Errorf("optionValue(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestServerCommand(t *testing.T) {
	tests := []struct {
		cmd  []string
		want []string
	}{
		{nil, []string{"mariadbd"}},
		{[]string{"mysqld", "--x"}, []string{"mysqld", "--x"}},
		{[]string{"/usr/sbin/mariadbd"}, []string{"/usr/sbin/mariadbd"}},
		{[]string{"--x"}, []string{"mariadbd", "--x"}},
		{[]string{"bash"}, []string{"mariadbd"}},
	}
	for _, tt := range tests {
		if got := serverCommand(tt.cmd, "/usr/sbin/mariadbd"); !slices.Equal(got, tt.want) {
			t.Errorf("serverCommand(%q) = %q, want %q", tt.cmd, got, tt.want)
		}
	}
}

// A label is public: whatever can carry a signature or a password is cut off.
func TestLocationName(t *testing.T) {
	for want, l := range map[string]spec.Location{
		"s3://b/k":                 {Kind: spec.KindS3Object, Bucket: "b", Key: "k", VersionID: "v"},
		"s3://b/p/":                {Kind: spec.KindS3Prefix, Bucket: "b", Key: "p/"},
		"https://h.test/a%20b.sql": {Kind: spec.KindHTTPS, URL: "https://u:p@h.test/a%20b.sql?token=x#f"},
		"dir/a.sql":                {Kind: spec.KindContext, Path: "dir/a.sql"},
	} {
		if got := LocationName(l); got != want {
			t.Errorf("LocationName(%+v) = %q, want %q", l, got, want)
		}
	}
}

func TestSourceLabelsOfSeveralDumps(t *testing.T) {
	object := func(key, etag string) plan.Object {
		return plan.Object{Location: spec.Location{Kind: spec.KindS3Object, Bucket: "b", Key: key}, ETag: etag}
	}
	labels := SourceLabels(plan.Resolved{Objects: []plan.Object{object("1", `"x"`), object("2", "")}})
	if got, want := labels[LabelSource], "s3://b/1\ns3://b/2"; got != want {
		t.Errorf("source %q, want %q", got, want)
	}
	if got, want := labels[LabelSourceETag], "\"x\"\n"; got != want {
		t.Errorf("etag %q, want %q", got, want)
	}
	if _, ok := labels[LabelSourceVersion]; ok {
		t.Error("there is a version label without any version")
	}
}

func TestIsBelow(t *testing.T) {
	for _, tt := range []struct {
		dir, volume string
		want        bool
	}{
		{"/var/lib/mysql", "/var/lib/mysql", true},
		{"/var/lib/mysql/data", "/var/lib/mysql/", true},
		{"/var/lib/mysql2", "/var/lib/mysql", false},
		{"/var/lib", "/var/lib/mysql", false},
		{"/data", "/", true},
		{"/data", "data", true},
	} {
		if got := isBelow(tt.dir, tt.volume); got != tt.want {
			t.Errorf("isBelow(%q, %q) = %v", tt.dir, tt.volume, got)
		}
	}
}
