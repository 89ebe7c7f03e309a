package baker

import (
	"strings"
	"testing"
	"time"

	"github.com/dbake/dbake/seed/plan"
)

func TestExpandRef(t *testing.T) {
	t.Parallel()
	fields := tagFields(plan.Resolved{
		Objects: []plan.Object{
			{ETag: `"9b2cf535f27731c974343645a3985328-2"`, VersionID: "3/L4kqtJl.40Nr8X8gdRQBpUMLUo", Modified: time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)},
			{Modified: time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)},
		},
		Base: plan.Base{Flavour: "mysql", Version: "9.7.0"},
	}, "0123456789012345678901234567890123456789")
	for _, tt := range []struct{ ref, suffix, want string }{
		{"app", "", "index.docker.io/library/app:latest"},
		{"localhost:5000/team/app:1", "", "localhost:5000/team/app:1"},
		{"localhost:5000/team/app", "-x", "localhost:5000/team/app:latest-x"},
		{"r.example.com/app:{{.DumpDate}}-{{.GitShort}}", "", "r.example.com/app:2026-11-21-0123456"},
		{"r.example.com/app:{{ .DumpTime }}", "-{{.ETag}}", "r.example.com/app:20261121T030000Z-9b2cf535f27731c974343645a3985328-2"},
		{"r.example.com/app:{{.VersionID}}", "", "r.example.com/app:3L4kqtJl.40Nr8X8gdRQBpUMLUo"},
		{"r.example.com/app:{{.Server}}", "", "r.example.com/app:mysql-9.7.0"},
	} {
		got, err := expandRef(tt.ref, tt.suffix, fields)
		if err != nil || got.Name() != tt.want {
			t.Errorf("expandRef(%q, %q) = %v, %v, want %s", tt.ref, tt.suffix, got, err, tt.want)
		}
	}
}

func TestExpandRefRefuses(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"app:{{.DumpDate}}":                     "is not known here: the store",
		"app:{{.GitSHA}}":                       "no Git work tree",
		"app:{{.Nothing}}":                      "the fields are",
		"app:{{":                                "not a template",
		"APP":                                   "is no image reference",
		"app@sha256:" + strings.Repeat("a", 64): "a digest cannot be chosen",
	} {
		if _, err := expandRef(ref, "", TagFields{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expandRef(%q) = %v, want an error with %q", ref, err, want)
		}
	}
}
