// Package dataset makes the database that the benchmark restores, once, and
// keeps its dumps: one of mysqldump and one of mydumper.
package dataset

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/test/parts"
)

// version counts the changes of what the generator makes; it is part of the
// cache's key.
const version = 1

//go:embed schema.sql
var schema string

//go:embed keys.sql
var keys string

// Set is a dataset on disk.
type Set struct {
	Dir string `json:"-"`
	// Rows of all tables, and of the largest, bench.events; Text and Gzip are the mysqldump's size in bytes,
	// plain and compressed.
	Rows, Events, Text, Gzip int64
	// Server is the version of the server that was dumped.
	Server string
	// Mydumper is empty, or says why there is no dump of mydumper.
	Mydumper string
}

// Dump is the file that mysqldump and gzip wrote.
func (s *Set) Dump() string { return filepath.Join(s.Dir, "dump.sql.gz") }

// MydumperDir is the folder that mydumper wrote.
func (s *Set) MydumperDir() string { return filepath.Join(s.Dir, "mydumper") }

// Open gives the dataset with about that many megabytes (10^6) of mysqldump's
// text. It is made on the first call, which takes a few minutes per gigabyte,
// and found in the cache by the next. The same version and size always give the
// same rows.
func Open(ctx context.Context, cache string, megabytes int) (*Set, error) {
	dir := filepath.Join(cache, fmt.Sprintf("bench-v%d-%d", version, megabytes))
	s := &Set{Dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, "set.json"))
	if err == nil {
		return s, json.Unmarshal(text, s)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the dataset: %w", err)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, fmt.Errorf("keep a dataset: %w", err)
	}
	unfinished, err := os.MkdirTemp(cache, "bench-unfinished-")
	if err != nil {
		return nil, fmt.Errorf("keep a dataset: %w", err)
	}
	defer os.RemoveAll(unfinished)
	made := &Set{Dir: unfinished}
	if err := made.make(ctx, megabytes); err != nil {
		return nil, fmt.Errorf("make a dataset: %w", err)
	}
	if err := os.Chmod(unfinished, 0o755); err != nil {
		return nil, err
	}
	made.Dir = dir
	return made, os.Rename(unfinished, dir)
}

// make fills a server and dumps it.
func (s *Set) make(ctx context.Context, megabytes int) (err error) {
	p, err := parts.Start(ctx, parts.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }() //nolint:contextcheck // what has started is stopped, whatever ended
	server, err := p.StartServer(ctx, parts.MySQL, "--innodb-buffer-pool-size=1G", "--innodb-redo-log-capacity=1G", "--innodb-doublewrite=OFF")
	if err != nil {
		return err
	}
	if err := s.fill(ctx, server, scaleFor(megabytes)); err != nil {
		return err
	}
	if err := server.DB().QueryRowContext(ctx, "SELECT VERSION()").Scan(&s.Server); err != nil {
		return err
	}
	if err := s.mysqldump(ctx, server); err != nil {
		return err
	}
	if err := s.mydumper(ctx, server); err != nil {
		s.Mydumper = err.Error()
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, "set.json"), text, 0o644)
}

func (s *Set) fill(ctx context.Context, server *parts.Server, sizes scale) error {
	if err := server.Exec(ctx, schema); err != nil {
		return fmt.Errorf("make the tables: %w", err)
	}
	for n := range lookups {
		err := server.Exec(ctx, fmt.Sprintf("CREATE TABLE bench.lookup_%02d (id INT NOT NULL PRIMARY KEY, code VARCHAR(20) NOT NULL, label VARCHAR(60), KEY code (code))", n))
		if err != nil {
			return err
		}
	}
	s.Events = int64(sizes.events)
	for _, t := range sizes.tables() {
		rows, err := t.load(ctx, server)
		if err != nil {
			return fmt.Errorf("fill %s: %w", t.name, err)
		}
		s.Rows += rows
	}
	if err := server.Exec(ctx, keys); err != nil {
		return fmt.Errorf("make the keys: %w", err)
	}
	return nil
}

// load makes the table's rows and streams them into the server.
func (t table) load(ctx context.Context, server *parts.Server) (int64, error) {
	name := fnv.New64a()
	name.Write([]byte(t.name))
	random := rand.New(rand.NewPCG(name.Sum64(), version)) //nolint:gosec // the same rows each time
	reader, writer := io.Pipe()
	defer reader.Close()
	go func() {
		out := bufio.NewWriterSize(writer, 1<<20)
		var line []byte
		for i := range t.rows {
			line = t.row(line[:0], random, i)
			if _, err := out.Write(line); err != nil {
				return // the server has given up, and says why
			}
		}
		writer.CloseWithError(out.Flush())
	}()
	mysql.RegisterReaderHandler(t.name, func() io.Reader { return reader })
	defer mysql.DeregisterReaderHandler(t.name)
	result, err := server.DB().ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::"+t.name+"' INTO TABLE bench."+t.name+" "+t.into)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if err == nil && n != int64(t.rows) {
		err = fmt.Errorf("the server took %d of %d rows", n, t.rows)
	}
	return n, err
}

// mysqldump writes the dump through gzip, as a nightly job does.
func (s *Set) mysqldump(ctx context.Context, server *parts.Server) error {
	file, err := os.Create(s.Dump())
	if err != nil {
		return err
	}
	defer file.Close()
	gzip := exec.CommandContext(ctx, "gzip")
	gzip.Stdout = file
	stdin, err := gzip.StdinPipe()
	if err != nil {
		return err
	}
	if err := gzip.Start(); err != nil {
		return err
	}
	count := &counter{to: stdin}
	err = server.Dump(ctx, count, "--single-transaction", "--skip-dump-date", "--databases", "bench")
	if err := errors.Join(err, stdin.Close(), gzip.Wait()); err != nil {
		return err
	}
	s.Text = count.n
	info, err := file.Stat()
	if err != nil {
		return err
	}
	s.Gzip = info.Size()
	return file.Close()
}

// mydumper makes the dump that myloader reads.
func (s *Set) mydumper(ctx context.Context, server *parts.Server) error {
	cmd := exec.CommandContext(ctx, "mydumper", "--socket", server.Socket, "--user", "root", "--database", "bench",
		"--outputdir", s.MydumperDir(), "--threads", "2", "--compress", "--chunk-filesize", "64", "--verbose", "1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("mydumper: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// counter counts the bytes on their way.
type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}
