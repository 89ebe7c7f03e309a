package seed

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/seed/stream"
	"github.com/dbake/dbake/spec"
)

// A dump that is masked without a server, and loaded by the client program, gives
// the rows that a bake of the same file has.
func TestRestoreEqualsTheMaskedDump(t *testing.T) {
	k := newKitchen(t)
	extra := "CREATE TABLE `kinds` (`id` int NOT NULL, `d` decimal(9,2), `t` timestamp NULL, `x` varbinary(20), `s` varchar(30) CHARACTER SET latin1, `w` varchar(30) CHARACTER SET ucs2, `e` enum('a','b'), `f` double, PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
		"INSERT INTO `kinds` VALUES (1,-1.50,'2026-01-01 00:00:00',0x00FF27,'\u00fc\\'\\\\;','日本','a',1e10),(2,NULL,NULL,_binary '\\0\\Z\\n',NULL,NULL,NULL,NULL);\n" +
		"DELIMITER ;;\nCREATE TRIGGER `kinds_before` BEFORE INSERT ON `kinds` FOR EACH ROW BEGIN\n  SET NEW.d = 1; SET NEW.s = 'x;y';\nEND ;;\nDELIMITER ;\n"
	k.dump("app.sql", strings.Replace(shopDump(), foot, extra+foot, 1))
	k.mask()
	k.order.Mask.Columns = append(k.order.Mask.Columns,
		spec.MaskColumn{Pattern: "app.kinds.s", Transform: map[string]any{"redact": map[string]any{"keep_first": 1.0}}},
		spec.MaskColumn{Pattern: "app.kinds.w", Transform: map[string]any{"name": map[string]any{"locale": "ja"}}},
		spec.MaskColumn{Pattern: "app.kinds.x", Transform: map[string]any{"constant": map[string]any{"value": "a'b"}}})
	limit := int64(50)
	k.order.Options.Tables = []spec.TableRule{{Match: "app.users", Where: "grade <> '4' AND id < 150"}, {Match: "app.orders", Limit: &limit}}
	k.mustBake()
	var text bytes.Buffer
	src := source.New(source.Config{ContextDir: k.dirs.Context})
	defer src.Close()
	_, err := stream.Run(t.Context(), stream.Options{
		Source: src, Objects: k.order.Objects, Restore: k.order.Options, Mask: k.order.Mask, Key: []byte(testKey + "\n"),
	}, &text, event.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "canary") {
		t.Error("the masked dump holds a value")
	}
	k.compareWith(text.Bytes())
}

// compareWith loads a dump of app into another schema of the baked server, by the
// client program, and compares the tables.
func (k *kitchen) compareWith(text []byte) {
	t := k.t
	t.Helper()
	s, err := mysqld.Start(t.Context(), mysqld.Config{
		Base: k.order.Base, DataDir: filepath.Join(k.dirs.Out, k.order.DataDir), WorkDir: k.workDir(), Memory: 128 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	db, err := s.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE staging"); err != nil {
		t.Fatal(err)
	}
	client := exec.CommandContext(t.Context(), k.order.Base.Client, "--no-defaults", "--user=root", "--socket="+s.DriverConfig("").Addr, "staging")
	client.Stdin = bytes.NewReader(text)
	if out, err := client.CombinedOutput(); err != nil {
		t.Fatalf("the client program: %v\n%s", err, out)
	}
	for _, table := range []string{"users", "orders", "kinds"} {
		sums := map[string][2]string{}
		for _, schema := range []string{"app", "staging"} {
			var name string
			var v [2]string
			if err := db.QueryRowContext(t.Context(), "CHECKSUM TABLE "+schema+"."+table).Scan(&name, &v[0]); err != nil {
				t.Fatal(err)
			}
			if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+schema+"."+table).Scan(&v[1]); err != nil {
				t.Fatal(err)
			}
			sums[schema] = v
		}
		if diff := cmp.Diff(sums["app"], sums["staging"]); diff != "" || sums["app"][1] == "0" {
			t.Errorf("%s (-baked +loaded):\n%s", table, diff)
		}
	}
}
