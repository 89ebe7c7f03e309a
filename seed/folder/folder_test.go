package folder_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/folder"
)

// files is a folder in memory.
type files map[string]string

func (f files) plan() (*folder.Plan, error) {
	return folder.New(slices.Collect(maps.Keys(f)), func(name string) ([]byte, error) {
		text, ok := f[name]
		if !ok {
			return nil, errors.New("no such file: " + name)
		}
		return []byte(text), nil
	})
}

func (f files) with(name, text string) files {
	out := maps.Clone(f)
	out[name] = text
	return out
}

func (f files) without(name string) files {
	out := maps.Clone(f)
	delete(out, name)
	return out
}

// order gives the plan's steps in short.
func order(t *testing.T, f files) []string {
	t.Helper()
	p, err := f.plan()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range p.Steps {
		text := s.File
		if s.Schema != "" {
			text += " in " + s.Schema
		}
		if s.Rows != nil {
			text += " into " + s.Rows.Table.Schema + "." + s.Rows.Table.Name
			if s.Rows.Partition != "" {
				text += "/" + s.Rows.Partition
			}
		}
		out = append(out, text+[]string{"", " without triggers", " triggers"}[s.Part])
	}
	return out
}

func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var mydumper = files{
	"metadata":                       "Started dump at: 2026-01-01 00:00:00\nFinished dump at: 2026-01-01 00:00:01\n",
	"shop-schema-create.sql":         "CREATE DATABASE `shop`;\n",
	"shop.eu-schema-create.sql.gz":   "CREATE DATABASE `shop.eu`;\n",
	"mysql-schema-create.sql":        "CREATE DATABASE `mysql`;\n",
	"mysql.user.sql":                 "",
	"shop.item-schema.sql":           "",
	"shop.item.00010.sql.zst":        "",
	"shop.item.00002.sql.zst":        "",
	"shop.item.00002.00001.sql.zst":  "",
	"shop.item-schema-triggers.sql":  "",
	"shop.view-schema.sql":           "",
	"shop.view-schema-view.sql":      "",
	"shop-schema-post.sql":           "",
	"shop.eu.a.b.sql":                "",
	"shop.seq-schema-sequence.sql":   "",
	"shop.item-metadata":             "12\n",
	"shop-schema-create-checksum":    "",
	"mydumper_1-schema-create.sql":   "/*!40101 SET NAMES utf8mb4*/;\nCREATE DATABASE /*!32312 IF NOT EXISTS*/ `a``/b` /*!40100 */;\n",
	"mydumper_1.mydumper_2.0000.sql": "",
}

func TestMydumperOrder(t *testing.T) {
	t.Parallel()
	same(t, []string{
		"mydumper_1-schema-create.sql",
		"shop-schema-create.sql",
		"shop.eu-schema-create.sql.gz",
		"shop.seq-schema-sequence.sql in shop",
		"shop.item-schema.sql in shop",
		"shop.view-schema.sql in shop",
		"mydumper_1.mydumper_2.0000.sql in a`/b",
		"shop.item.00002.sql.zst in shop",
		"shop.item.00002.00001.sql.zst in shop",
		"shop.item.00010.sql.zst in shop",
		"shop.eu.a.b.sql in shop.eu",
		"shop-schema-post.sql in shop",
		"shop.view-schema-view.sql in shop",
		"shop.item-schema-triggers.sql in shop",
	}, order(t, mydumper))
	p, err := mydumper.plan()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "2 files about system tables") {
		t.Errorf("warnings: %q", p.Warnings)
	}
	for _, s := range p.Steps {
		if s.Create {
			t.Errorf("%s makes the schema %s, which has a script of its own", s.File, s.Schema)
		}
	}
}

func TestMydumperRowsOfItsMetadata(t *testing.T) {
	t.Parallel()
	p, err := mydumper.with("metadata", "# Started dump at: x\n[config]\nquote-character = BACKTICK\n\n[source]\nrows = 5\n\n"+
		"[`mydumper_1`.`mydumper_2`]\nreal_table_name=odd/name\nrows = 7\n\n[`shop`.`item`]\nreal_table_name=item\nrows = 12\n# Finished dump at: y\n").plan()
	if err != nil {
		t.Fatal(err)
	}
	same(t, map[folder.Table]int64{{Schema: "a`/b", Name: "odd/name"}: 7, {Schema: "shop", Name: "item"}: 12}, p.Rows)
}

func TestMydumperOfRowsAloneMakesTheSchema(t *testing.T) {
	t.Parallel()
	p, err := files{"metadata": "Finished dump at: x", "shop.item.sql": ""}.plan()
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Steps[0]; s.Schema != "shop" || !s.Create {
		t.Errorf("%+v", s)
	}
}

func TestFoldersThatAreNotWhole(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]files{
		"no file metadata":       mydumper.without("metadata"),
		"metadata.partial":       mydumper.without("metadata").with("metadata.partial", ""),
		"Finished dump at":       mydumper.with("metadata", "Started dump at: x"),
		"tablespaces":            mydumper.with("all-schema-create-tablespace.sql", ""),
		"--load-data":            mydumper.with("shop.item.00003.dat", ""),
		"@.done.json":            shell.without("@.done.json"),
		"@.json is missing":      shell.without("@.json"),
		"shop@item@1.tsv.zst":    shell.without("shop@item@1.tsv.zst"),
		"shop@item@2.tsv.zst":    shell.without("shop@item@@2.tsv.zst"),
		"shop@item.json":         shell.without("shop@item.json"),
		"shop@view.pre.sql":      shell.without("shop@view.pre.sql"),
		"gone.tsv.zst":           shell.with("@.done.json", `{"chunkFileBytes": {"shop@gone.tsv.zst": 3}}`),
		"version \"3.0.0\"":      shell.with("@.json", `{"version": "3.0.0"}`),
		"capability \"magic\"":   shell.with("@.json", `{"version": "2.0.1", "capabilities": [{"id": "magic"}]}`),
		"CSV dialect":            shell.with("shop@item.json", `{"options": {"fieldsEnclosedBy": "\""}}`),
		"decoded by \"REVERSE\"": shell.with("shop@item.json", `{"options": {"decodeColumns": {"b": "REVERSE"}}}`),
		"is not beside it":       tab.without("item.sql").with("other.sql", ""),
		"makes no table":         tab.with("item.sql", "SELECT 1;"),
		"no dump folder":         {"a.sql": "", "readme.txt": ""},
	} {
		if _, err := f.plan(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// shell is written by hand after the format of MySQL Shell 8.0 and later.
var shell = files{
	"@.json":      `{"version": "2.0.1", "schemas": ["shop", "a/b"], "basenames": {"shop": "shop", "a/b": "a%2Fb"}, "defaultCharacterSet": "utf8mb4", "tzUtc": true, "serverVersion": "8.0.36", "capabilities": [{"id": "partition_awareness"}]}`,
	"@.done.json": `{"tableRows": {"shop": {"item": 30}}, "chunkFileBytes": {"shop@item@0.tsv.zst": 17}}`,
	"@.sql":       "", "@.post.sql": "", "@.users.sql": "",
	"shop.json": `{"schema": "shop", "tables": ["item", "part"], "views": ["view"], "basenames": {"item": "shop@item", "part": "shop@part", "view": "shop@view"}}`,
	"shop.sql":  "",
	"shop@item.json": `{"options": {"schema": "shop", "table": "item", "columns": ["id", "b"], "decodeColumns": {"b": "FROM_BASE64"}, "defaultCharacterSet": "utf8mb4",
		"fieldsTerminatedBy": "\t", "fieldsEnclosedBy": "", "fieldsOptionallyEnclosed": false, "fieldsEscapedBy": "\\", "linesTerminatedBy": "\n"},
		"triggers": ["t"], "extension": "tsv.zst", "chunking": true, "compression": "zstd"}`,
	"shop@item.sql": "", "shop@item.triggers.sql": "",
	"shop@item@0.tsv.zst": "", "shop@item@1.tsv.zst": "", "shop@item@@2.tsv.zst": "", "shop@item@0.tsv.zst.idx": "",
	"shop@part.json": `{"options": {"columns": ["id"]}, "extension": "tsv", "partitions": ["p0", "p1"], "basenames": {"p0": "shop@part@p0", "p1": "shop@part@p1"}}`,
	"shop@part.sql":  "", "shop@part@p0@@0.tsv": "", "shop@part@p1.tsv": "",
	"shop@view.pre.sql": "", "shop@view.sql": "",
	"a%2Fb.json":   `{"schema": "a/b", "tables": ["t"], "basenames": {"t": "a%2Fb@t"}}`,
	"a%2Fb.sql":    "",
	"a%2Fb@t.json": `{"options": {}, "includesData": false, "extension": "tsv.gz"}`,
	"a%2Fb@t.sql":  "",
}

func TestShellOrder(t *testing.T) {
	t.Parallel()
	same(t, []string{
		"@.sql", "shop.sql", "a%2Fb.sql",
		"shop@item.sql in shop", "shop@part.sql in shop", "shop@view.pre.sql in shop", "a%2Fb@t.sql in a/b",
		"shop@item@0.tsv.zst into shop.item", "shop@item@1.tsv.zst into shop.item", "shop@item@@2.tsv.zst into shop.item",
		"shop@part@p0@@0.tsv into shop.part/p0", "shop@part@p1.tsv into shop.part/p1",
		"shop@item.triggers.sql in shop", "shop@view.sql in shop", "@.users.sql", "@.post.sql",
	}, order(t, shell))
	p, err := shell.plan()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "8.0.36", p.Header.ServerVersion)
	same(t, map[folder.Table]int64{{Schema: "shop", Name: "item"}: 30}, p.Rows)
	rows := p.Steps[7].Rows
	same(t, &folder.Rows{
		Table: folder.Table{Schema: "shop", Name: "item"}, Columns: []string{"id", "b"}, Decode: map[string]string{"b": "FROM_BASE64"},
		Charset: "utf8mb4", Dialect: folder.DefaultDialect, Bytes: 17,
	}, rows)
	if zone := p.Steps[7].Begin[1]; !strings.Contains(zone, "time_zone = '+00:00'") {
		t.Errorf("the session's state is %q", zone)
	}
}

const tabHeader = "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for Linux (x86_64)\n--\n-- Host: localhost    Database: shop\n/*!40101 SET NAMES utf8mb4 */;\n/*!40103 SET TIME_ZONE='+00:00' */;\n"

var tab = files{
	"item.sql":       tabHeader + "CREATE TABLE `item` (id INT);\n-- Dump completed\nDELIMITER ;;\nCREATE TRIGGER t BEFORE INSERT ON item FOR EACH ROW SET @a = 1;;\nDELIMITER ;\n",
	"item.txt.gz":    "",
	"@65e5.sql":      strings.Replace(tabHeader, "utf8mb4", "latin1", 1) + "CREATE TABLE `日` (id INT);\n",
	"@65e5.txt":      "",
	"a_view.sql":     tabHeader + "/*!50001 CREATE VIEW `a_view` AS SELECT * FROM `z_view` */;\n",
	"z_view.sql":     tabHeader + "/*!50001 CREATE VIEW `z_view` AS SELECT f(id) FROM `item` */;\n",
	"z_routines.sql": "CREATE FUNCTION f(a INT) RETURNS INT RETURN a;\n",
}

func TestTabOrder(t *testing.T) {
	t.Parallel()
	same(t, []string{
		"@65e5.sql without triggers", "@65e5.txt into .日",
		"item.sql without triggers", "item.txt.gz into .item",
		"z_routines.sql", "z_view.sql", "a_view.sql",
		"item.sql triggers",
	}, order(t, tab))
	p, err := tab.plan()
	if err != nil {
		t.Fatal(err)
	}
	same(t, []string{"latin1", "binary"}, []string{p.Steps[1].Rows.Charset, p.Steps[3].Rows.Charset})
	if zone := p.Steps[3].Begin[1]; !strings.Contains(zone, "'+00:00'") {
		t.Errorf("rows are read with %q, and not in the zone in which they were written", zone)
	}
}
