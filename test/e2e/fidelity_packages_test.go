package e2e

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbake/dbake/test/compare"
	"github.com/dbake/dbake/test/parts"
)

// shipped is a schema that comes with a program in Debian.
type shipped struct {
	database, options, pkg string
	files                  []string
	// rows fill what the schema leaves empty.
	rows string
}

const dbconfig = "usr/share/dbconfig-common/data/"

var shippedSchemas = []shipped{
	{
		database: "roundcube", options: "CHARACTER SET utf8mb4", pkg: "roundcube-core", files: []string{dbconfig + "roundcube/install/mysql"},
		rows: "INSERT INTO users (username, mail_host, created, preferences) VALUES ('jörg','mail',NOW(),'a:1:{s:8:\"timezone\";s:3:\"it''s\";}'); INSERT INTO contacts (changed, name, vcard, user_id) SELECT NOW(), '😀', 'BEGIN:VCARD\\r\\n', user_id FROM users;",
	},
	{
		database: "bacula", options: "CHARACTER SET latin1", pkg: "bacula-director-mysql", files: []string{dbconfig + "bacula-director-mysql/install/mysql"},
		rows: "INSERT INTO Path (Path) VALUES ('/etc/'), (0x2FFF00275C); INSERT INTO File (JobId, PathId, FilenameId, LStat, MD5) VALUES (1,1,1,'P0A','x'), (1,2,1,'',0x00);",
	},
	{
		database: "icinga", pkg: "icinga2-ido-mysql", files: []string{dbconfig + "icinga2-ido-mysql/install/mysql"},
		rows: "INSERT INTO icinga_instances (instance_name, instance_description) VALUES ('default','it''s');",
	},
	{
		database: "pdns", pkg: "pdns-backend-mysql", files: []string{"usr/share/pdns-backend-mysql/schema/schema.mysql.sql", "usr/share/pdns-backend-mysql/schema/enable-foreign-keys.mysql.sql"},
		rows: "INSERT INTO domains (name, type) VALUES ('example.com','NATIVE'); INSERT INTO records (domain_id, name, type, content) SELECT id, name, 'TXT', '\"v=spf1; -all\"' FROM domains;",
	},
	{
		database: "phpmyadmin", options: "CHARACTER SET utf8mb3", pkg: "phpmyadmin", files: []string{dbconfig + "phpmyadmin/install/mysql"},
		rows: "INSERT INTO pma__bookmark (dbase, user, label, query) VALUES ('x','root','ünï','SELECT \\'a\\'; -- b');",
	},
	{database: "zabbix", options: "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", pkg: "zabbix-server-mysql", files: []string{
		"usr/share/zabbix-server-mysql/schema.sql.gz", "usr/share/zabbix-server-mysql/images.sql.gz",
	}},
}

// The schemas of programs in Debian, with their own rows, come out as the
// client would have restored them.
func TestFidelityOfSchemasThatDebianShips(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		source := server(t, flavour)
		args := []string{"--routines", "--events", "--databases"}
		for _, s := range shippedSchemas {
			install(t, source, s)
			args = append(args, s.database)
		}
		file := filepath.Join(t.TempDir(), "shipped.sql")
		dumpTo(t, source, file, args...)
		want := reference(t, flavour, file)
		baked := bake(t, flavour, parts.Order{Dumps: []string{compress(t, file, "gz")}})
		same(t, want.DB(), serve(t, baked, "").DB(), compare.Options{})
	})
}

func install(t *testing.T, s *parts.Server, schema shipped) {
	t.Helper()
	dir, err := all.DebianPackage(t.Context(), schema.pkg)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, s, "CREATE DATABASE "+schema.database+" "+schema.options)
	// Not every schema knows strict mode, a session setting of the client.
	const prologue = "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION';\n"
	for _, name := range schema.files {
		runSQL(t, s, io.MultiReader(strings.NewReader(prologue), bytes.NewReader(unpacked(t, filepath.Join(dir, name)))), schema.pkg, schema.database)
	}
	if schema.rows != "" {
		runSQL(t, s, strings.NewReader(prologue+schema.rows), schema.pkg, schema.database)
	}
}

func unpacked(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(file, ".gz") {
		return text
	}
	zip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if text, err = io.ReadAll(zip); err != nil {
		t.Fatal(err)
	}
	return text
}

// putDump puts a dump into a new bucket and gives its URL.
func putDump(t *testing.T, name string, text []byte) (url string) {
	t.Helper()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bucket := fmt.Sprintf("dumps-%d", time.Now().UnixNano())
	if err := s3.CreateBucket(t.Context(), bucket, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s3.Put(t.Context(), bucket, name, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return "s3://" + bucket + "/" + name
}

// containerDB starts an image and connects to its server by the socket, which
// a bind mount brings to this machine.
func containerDB(t *testing.T, ref string) *sql.DB {
	t.Helper()
	dir, err := os.MkdirTemp(all.Dir(), "socket-") //nolint:usetesting // a test's own folder has too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	c := run(t, ref, []string{"--volume", dir + ":/var/run/mysqld"})
	c.waitHealthy()
	db, err := parts.OpenSocket(filepath.Join(dir, "mysqld.sock"), "root", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, c.logs())
	}
	return db
}
