package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dbake/dbake/test/compare"
	"github.com/dbake/dbake/test/parts"
)

// agent is the restore step's program, compiled once.
var agent = sync.OnceValues(func() (*parts.Seed, error) { return all.Seed(context.Background()) })

// bake restores dumps the way a build does, without the build around it.
func bake(t *testing.T, flavour parts.Flavour, order parts.Order) *parts.Baked {
	t.Helper()
	seed, err := agent()
	if err != nil {
		t.Fatal(err)
	}
	baked, err := seed.Restore(t.Context(), flavour, order)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the restore step took %.1f s for %d rows", baked.Took.Seconds(), baked.Manifest.Rows)
	return baked
}

// serve starts a server on what was baked.
func serve(t *testing.T, baked *parts.Baked, password string) *parts.Server {
	t.Helper()
	s, err := baked.Serve(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// runFile gives an SQL file to the command-line client. database may be empty.
func runFile(t *testing.T, s *parts.Server, file, database string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	runSQL(t, s, f, filepath.Base(file), database)
}

// runSQL is what people do without dbake: mysql < dump. Binary mode keeps the
// client from touching the bytes between quotes.
func runSQL(t *testing.T, s *parts.Server, text io.Reader, name, database string) {
	t.Helper()
	args := []string{"--comments", "--binary-mode", "--default-character-set=utf8mb4", "--max-allowed-packet=1G"}
	if database != "" {
		args = append(args, database)
	}
	if _, err := s.Client(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// execute runs statements as root.
func execute(t *testing.T, s *parts.Server, statements string) {
	t.Helper()
	if err := s.Exec(t.Context(), statements); err != nil {
		t.Fatalf("%v in %s", err, statements)
	}
}

// dumpTo makes a dump with the flavour's own program.
func dumpTo(t *testing.T, s *parts.Server, file string, args ...string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := s.Dump(t.Context(), f, append([]string{"--max-allowed-packet=1G"}, args...)...); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// same compares two servers and fails the test where they differ.
func same(t *testing.T, want, got *sql.DB, o compare.Options) {
	t.Helper()
	var snapshots [2]*compare.Snapshot
	var errs [2]error
	var group sync.WaitGroup
	for i, db := range []*sql.DB{want, got} {
		group.Go(func() { snapshots[i], errs[i] = compare.Take(t.Context(), db, o) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if text := compare.Join(compare.Diff(snapshots[0], snapshots[1])); text != "" {
		t.Errorf("the baked server (got) differs from one that got the dump from the client (want):\n%s", text)
	}
	if snapshots[0].Len() < 10 {
		t.Errorf("only %d facts were compared", snapshots[0].Len())
	}
	t.Logf("compared %d facts", snapshots[0].Len())
}

// compress packs a file by the tool of a format and gives the new file's name.
func compress(t *testing.T, file, format string) string {
	t.Helper()
	programs := map[string][]string{
		"gz": {"gzip", "-c"}, "zst": {"zstd", "-q", "-c"}, "bz2": {"bzip2", "-c"}, "xz": {"xz", "-0", "-c"}, "lz4": {"lz4", "-q", "-c"},
	}
	if format == "" {
		return file
	}
	packed := file + "." + format
	out, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), programs[format][0], append(programs[format][1:], file)...)
	cmd.Stdout, cmd.Stderr = out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v %s", programs[format][0], err, &stderr)
	}
	return packed
}

// testdata lists the SQL files for a flavour, in order.
func testdata(t *testing.T, flavour parts.Flavour) []string {
	t.Helper()
	var files []string
	for _, dir := range []string{"common", string(flavour)} {
		found, err := filepath.Glob(filepath.Join("testdata", "fidelity", dir, "*.sql"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no test data in %s: %v", dir, err)
		}
		files = append(files, found...)
	}
	return files
}

// createDatabase makes a database and fills it from SQL files.
func createDatabase(t *testing.T, s *parts.Server, name, options string, files ...string) {
	t.Helper()
	execute(t, s, "CREATE DATABASE `"+name+"` "+options)
	for _, file := range files {
		runFile(t, s, file, name)
	}
}

// randomRows fills a new table with rows of every kind of bytes; the same ones
// each time.
func randomRows(t *testing.T, s *parts.Server, database string, count int) {
	t.Helper()
	execute(t, s, "CREATE TABLE `"+database+"`.random_rows (id INT NOT NULL PRIMARY KEY, n BIGINT, d DECIMAL(30,10), f DOUBLE, f4 FLOAT, t TEXT CHARACTER SET utf8mb4, l VARCHAR(300) CHARACTER SET latin1, "+
		"b VARBINARY(300), bl MEDIUMBLOB, dt DATETIME(6), ts TIMESTAMP(3) NULL, j JSON, KEY (n), KEY (t(20)), KEY (dt, n))")
	random := rand.New(rand.NewPCG(42, 7))
	var text strings.Builder
	for id := range count {
		if id%100 == 0 {
			text.WriteString("INSERT INTO `" + database + "`.random_rows VALUES ")
		}
		text.WriteString(randomRow(random, id*3-count))
		if id%100 == 99 || id == count-1 {
			execute(t, s, text.String())
			text.Reset()
		} else {
			text.WriteByte(',')
		}
	}
}

// nasty are pieces that lexers and clients stumble over.
var nasty = []string{`'`, `"`, "`", `\`, ";", ",", "(", ")", "),(", "--", "-- ", "#", "/*", "*/", "/*!", "\n", "\r\n", "\x00", "\x1a", "\t", "NULL", `\N`, "DELIMITER ;;", "ü", "😀", "日本", " ", "%", "INSERT INTO", "\u2028", "\ufeff"}

func randomRow(r *rand.Rand, id int) string {
	text := func(most int) string {
		var b strings.Builder
		for range r.IntN(most) {
			b.WriteString(nasty[r.IntN(len(nasty))])
			b.WriteByte(byte('a' + r.IntN(26)))
		}
		return b.String()
	}
	octets := func(most int) []byte {
		b := make([]byte, r.IntN(most))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	hexed := func(b []byte) string { return "x'" + hex.EncodeToString(b) + "'" }
	values := []string{
		fmt.Sprint(int64(r.Uint64())),
		fmt.Sprintf("%d.%010d", r.Int64N(1e18)-5e17, r.Int64N(1e10)),
		fmt.Sprintf("%g", r.NormFloat64()*1e10), fmt.Sprintf("%g", r.Float32()),
		"CONVERT(" + hexed([]byte(text(30))) + " USING utf8mb4)",
		"CONVERT(" + hexed(octets(200)) + " USING latin1)",
		hexed(octets(300)), hexed(octets(2000)),
		fmt.Sprintf("'%04d-%02d-%02d %02d:%02d:%02d.%06d'", 1000+r.IntN(8999), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1e6)),
		fmt.Sprintf("FROM_UNIXTIME(%d.%03d)", 1+r.IntN(2147483646), r.IntN(1000)),
		fmt.Sprintf("JSON_OBJECT('k', CONVERT(%s USING utf8mb4), 'n', JSON_ARRAY(%d, NULL, TRUE))", hexed([]byte(text(10))), r.Int64()),
	}
	for i := range values {
		if r.IntN(12) == 0 {
			values[i] = "NULL"
		}
	}
	return fmt.Sprintf("(%d,%s)", id, strings.Join(values, ","))
}

// largeRow adds a row that no packet of the default size holds.
func largeRow(t *testing.T, s *parts.Server, database string) {
	t.Helper()
	execute(t, s, "CREATE TABLE `"+database+"`.large_row (id INT PRIMARY KEY, b LONGBLOB)")
	large := make([]byte, 0, 17<<20)
	sum := sha256.Sum256([]byte("seed"))
	for len(large) < cap(large)-len(sum) {
		large = append(large, sum[:]...)
		sum = sha256.Sum256(sum[:])
	}
	execute(t, s, "SET GLOBAL max_allowed_packet = 1073741824")
	if _, err := s.DB().ExecContext(t.Context(), "INSERT INTO `"+database+"`.large_row VALUES (1, ?), (2, 'small')", large); err != nil {
		t.Fatal(err)
	}
}
