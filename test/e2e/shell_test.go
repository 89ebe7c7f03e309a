package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/dbake/dbake/test/compare"
	"github.com/dbake/dbake/test/parts"
)

const shellSchema = `CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4;
USE shop;
DELIMITER ;;
CREATE PROCEDURE count_(OUT n INT) BEGIN SELECT COUNT(*) INTO n FROM item; END;;
DELIMITER ;
`

const shellItem = "CREATE TABLE IF NOT EXISTS `item` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `name` varchar(100) CHARACTER SET latin1 DEFAULT NULL,\n  `raw` varbinary(100) DEFAULT NULL,\n" +
	"  `at` timestamp NULL DEFAULT NULL,\n  `doc` json DEFAULT NULL,\n  `twice` int GENERATED ALWAYS AS ((char_length(`name`) * 2)) STORED,\n  PRIMARY KEY (`id`),\n  KEY `name` (`name`)\n) ENGINE=InnoDB;\n"

const shellPart = "CREATE TABLE IF NOT EXISTS `part` (`id` int NOT NULL, `t` text, PRIMARY KEY (`id`)) PARTITION BY RANGE (`id`) (PARTITION `p 0` VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);\n"

const shellTrigger = "DELIMITER ;;\nCREATE TRIGGER item_insert AFTER INSERT ON item FOR EACH ROW BEGIN SET @last = NEW.id; INSERT INTO part VALUES (NEW.id, NEW.name); END;;\nDELIMITER ;\n"

// shellFolder writes a folder after the format of MySQL Shell's dump utilities.
// It is not written by MySQL Shell, which Debian does not have.
func shellFolder(t *testing.T, chunks [][]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shell")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	object := func(name string, v any) {
		t.Helper()
		text, err := json.MarshalIndent(v, "", "    ")
		if err != nil {
			t.Fatal(err)
		}
		write(name, text)
	}
	type values = map[string]any
	options := func(table string, columns []string, decode values) values {
		return values{
			"schema": "shop", "table": table, "columns": columns, "decodeColumns": decode, "defaultCharacterSet": "utf8mb4",
			"fieldsTerminatedBy": "\t", "fieldsEnclosedBy": "", "fieldsOptionallyEnclosed": false, "fieldsEscapedBy": `\`, "linesTerminatedBy": "\n",
		}
	}
	sizes := values{}
	rows := func(name, text string) {
		var out bytes.Buffer
		w, err := zstd.NewWriter(&out)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		write(name, out.Bytes())
		write(name+".idx", make([]byte, 8))
		sizes[name] = len(text)
	}
	count := 0
	for i, chunk := range chunks {
		at := "@"
		if i == len(chunks)-1 {
			at = "@@"
		}
		count += len(chunk)
		rows(fmt.Sprintf("shop@item%s%d.tsv.zst", at, i), strings.Join(chunk, ""))
	}
	rows("shop@part@p%200@@0.tsv.zst", "1\ta\\tb\n2\t\\N\n")
	rows("shop@part@p1@@0.tsv.zst", "10\tten\\\\\n")
	object("@.json", values{
		"dumper": "written by hand", "version": "2.0.1", "origin": "dumpSchemas", "schemas": []string{"shop"}, "basenames": values{"shop": "shop"},
		"defaultCharacterSet": "utf8mb4", "tzUtc": true, "serverVersion": "8.0.36", "consistent": true,
		"capabilities": []values{{"id": "partition_awareness", "versionRequired": "8.0.27"}},
	})
	object("shop.json", values{
		"schema": "shop", "includesDdl": true, "includesData": true, "tables": []string{"item", "part"}, "views": []string{"a", "b"},
		"basenames": values{"item": "shop@item", "part": "shop@part", "a": "shop@a", "b": "shop@b"},
	})
	object("shop@item.json", values{
		"options":  options("item", []string{"id", "name", "raw", "at", "doc"}, values{"raw": "FROM_BASE64"}),
		"triggers": []string{"item_insert"}, "includesData": true, "includesDdl": true, "extension": "tsv.zst", "chunking": true, "compression": "zstd",
	})
	object("shop@part.json", values{
		"options": options("part", []string{"id", "t"}, nil), "includesData": true, "includesDdl": true, "extension": "tsv.zst", "chunking": true,
		"partitions": []string{"p 0", "p1"}, "basenames": values{"p 0": "shop@part@p%200", "p1": "shop@part@p1"},
	})
	for name, text := range map[string]string{
		"@.sql": "-- MySQLShell dump 2.0.1\n", "@.post.sql": "", "shop.sql": shellSchema, "shop@item.sql": shellItem, "shop@part.sql": shellPart,
		"shop@item.triggers.sql": shellTrigger, "shop@a.pre.sql": "CREATE VIEW `a` AS SELECT 1 AS `id`;\n", "shop@b.pre.sql": "CREATE VIEW `b` AS SELECT 1 AS `id`;\n",
		"shop@a.sql": "DROP VIEW IF EXISTS `a`;\nCREATE VIEW `a` AS SELECT `id` FROM `b`;\n", "shop@b.sql": "DROP VIEW IF EXISTS `b`;\nCREATE VIEW `b` AS SELECT `id` FROM `item`;\n",
	} {
		write(name, []byte(text))
	}
	object("@.done.json", values{"end": "2026-01-01 00:00:00", "tableRows": values{"shop": values{"item": count, "part": 3}}, "chunkFileBytes": sizes})
	return dir
}

// shellRows are rows of the table item, as lines and as SQL literals.
func shellRows(chunks, each int) (lines [][]string, values []string) {
	escape := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)
	for c := range chunks {
		var chunk []string
		for i := range each {
			id := c*each + i // 0, too, which must stay 0
			name := fmt.Sprintf("Größe\t%d\\\n'", id)
			raw := []byte{byte(id), 0, '\\', 0xff, '\n', byte(id >> 8)}
			encoded := base64.StdEncoding.EncodeToString(raw)
			chunk = append(chunk, fmt.Sprintf("%d\t%s\t%s\t2026-07-01 12:00:00\t{\"a\": \"x\\\\n\"}\n", id, escape.Replace(name), encoded))
			values = append(values, fmt.Sprintf(`(%d, '%s', FROM_BASE64('%s'), '2026-07-01 12:00:00', '{"a": "x\\n"}')`, id, strings.ReplaceAll(escape.Replace(name), "'", "''"), encoded))
		}
		lines = append(lines, chunk)
	}
	return lines, values
}

func TestShellFolder(t *testing.T) {
	t.Parallel()
	lines, values := shellRows(3, 2000)
	folder := shellFolder(t, lines)
	want := server(t, parts.MySQL)
	runSQL(t, want, strings.NewReader(shellSchema+shellItem+shellPart+"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00';\n"+
		"INSERT INTO item (id, name, raw, at, doc) VALUES "+strings.Join(values, ",\n")+";\nINSERT INTO part VALUES (1, 'a\\tb'), (2, NULL), (10, 'ten\\\\');\n"+
		"CREATE VIEW b AS SELECT id FROM item; CREATE VIEW a AS SELECT id FROM b;\n"+shellTrigger), "want", "")
	baked := bake(t, parts.MySQL, parts.Order{Dumps: []string{folder}, Env: manyChunks})
	got := serve(t, baked, "")
	for _, s := range []*parts.Server{want, got} { // they keep the sql_mode of whoever makes them
		execute(t, s, "DROP TRIGGER shop.item_insert; DROP PROCEDURE shop.count_")
	}
	same(t, want.DB(), got.DB(), compare.Options{Databases: []string{"shop"}})
	if m := baked.Manifest.Dumps[0]; m.Tool != "MySQL Shell" || m.ServerVersion != "8.0.36" || m.Files == 0 {
		t.Errorf("the manifest says %+v", m)
	}
}

// A folder made by MySQL Shell itself, where there is one: DBAKE_SHELL_FOLDER.
func TestShellFolderOfMySQLShell(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("DBAKE_SHELL_FOLDER")
	if folder == "" {
		t.Skip("set DBAKE_SHELL_FOLDER to a folder of util.dumpInstance() or util.dumpSchemas()")
	}
	baked := bake(t, parts.MySQL, parts.Order{Dumps: []string{folder}})
	for _, table := range baked.Manifest.Tables {
		t.Log(table.Schema, table.Name, table.Rows)
	}
	t.Log(strings.Join(baked.Manifest.Warnings, "\n"))
}

// Both ways to name a folder, through whole builds.
func TestFolderBuilds(t *testing.T) {
	t.Parallel()
	lines, _ := shellRows(2, 50)
	folder := shellFolder(t, lines)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	const verify = "verify: [SELECT COUNT(*) = 100 FROM shop.item, SELECT COUNT(*) = 3 FROM shop.part]\n"
	local := newProject(t, parts.MySQL, "dump: dumps/shell/\n"+verify)
	objects := map[string][]byte{"nightly/old/other.sql": []byte("not of it")}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		local.write("dumps/shell/"+e.Name(), string(text))
		objects["nightly/"+e.Name()] = text
	}
	local.restoresOnce(t)

	name := bucket(t, false, objects)
	remote := newProject(t, parts.MySQL, "dump: {from: s3://"+name+"/nightly/, pick: folder}\n"+verify).withS3()
	remote.restoresOnce(t)
	if output, err := remote.build(); err != nil || !stepCached(output, "[restore]") {
		t.Errorf("a folder that did not change is restored again: %v\n%s", err, output)
	}
	put(t, name, "nightly/@.post.sql", []byte("CREATE TABLE shop.more (a INT);"))
	if output, err := remote.build(); err != nil || !stepRan(output, "[restore]") {
		t.Errorf("a folder with a changed file is not restored: %v\n%s", err, output)
	}
}

// restoresOnce builds a project that nobody has built before.
func (p *project) restoresOnce(t *testing.T) {
	t.Helper()
	if output, err := p.build(); err != nil || !stepRan(output, "[restore]") {
		t.Fatalf("%v\n%s", err, output)
	}
}
