package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/export"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/mysqld"
)

// Masks that SQL statements make leave the old values in the files of the server
// that ran them: in free space of pages, in undo and redo logs, in indexes, in
// statistics. So that server is one of its own, which nobody gets. What it says
// when it is asked, and nothing else, goes into a second, new server, whose data
// directory becomes the image.

// masksInServer reports whether mask.sql or a transform "sql" changes values.
func (r *restore) masksInServer() bool {
	return r.order.Mask != nil && (len(r.order.Mask.SQL) > 0 || r.masksByExpression())
}

// scratchDir is where the first server has everything.
func (r *restore) scratchDir() string { return filepath.Join(r.dirs.Work, "unmasked") }

// inTwoServers restores into a server of its own, masks there, and copies the
// result into the data directory of the image.
func (r *restore) inTwoServers(ctx context.Context) error {
	c := r.config()
	c.Memory /= 2
	c.DataDir, c.WorkDir = filepath.Join(r.scratchDir(), "data"), filepath.Join(r.scratchDir(), "run")
	if err := r.initialize(ctx, c); err != nil {
		return err
	}
	err := r.serve(ctx, c, false, func(ctx context.Context, admin *sql.Conn) error {
		if err := r.fill(ctx, admin); err != nil {
			return err
		}
		if err := r.maskInServer(ctx, admin); err != nil {
			return err
		}
		if err := r.initialize(ctx, r.config()); err != nil {
			return err
		}
		masked := r.server
		return r.serveImage(ctx, func(ctx context.Context, to *sql.Conn) error { return r.remake(ctx, masked, admin, to) })
	})
	return errors.Join(err, os.RemoveAll(r.scratchDir()))
}

// remake copies what the masked server says into the host.
func (r *restore) remake(ctx context.Context, masked *mysqld.Server, from, to *sql.Conn) error {
	r.emit(event.Phase{Name: "make the data directory anew", Detail: "without what masks replaced"})
	flavour := r.server.Flavour()
	if err := executeAll(ctx, from, "SET NAMES utf8mb4", "SET SESSION sql_mode = '', time_zone = '+00:00'"); err != nil {
		return err
	}
	if err := executeAll(ctx, to, "SET NAMES utf8mb4", "SET SESSION sql_mode = '', time_zone = '+00:00'"); err != nil {
		return err
	}
	system, err := readSystem(ctx, flavour, from)
	if err != nil {
		return err
	}
	// Dumps and scripts may have taken the administrator's account.
	fresh, err := readSystem(ctx, flavour, to)
	if err != nil {
		return err
	}
	if err := writeSystem(ctx, flavour, fresh, from); err != nil {
		return err
	}
	if err := letDefiners(ctx, from, from, to); err != nil {
		return err
	}
	if flavour == mysqld.MySQL {
		if err := reviveViews(ctx, from); err != nil {
			return err
		}
	}
	databases, err := texts(ctx, from, `SELECT SCHEMA_NAME FROM information_schema.SCHEMATA
		WHERE LOWER(SCHEMA_NAME) NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema', 'ndbinfo')`)
	if err != nil {
		return fmt.Errorf("list the masked databases: %w", err)
	}
	if len(databases) > 0 {
		if err := r.copyDatabases(ctx, masked); err != nil {
			return fmt.Errorf("make the data directory anew behind the masks: %w", err)
		}
	}
	if flavour == mysqld.MySQL {
		if err := errors.Join(copyHistograms(ctx, from, to), copyGTIDs(ctx, from, to)); err != nil {
			return err
		}
	}
	return writeSystem(ctx, flavour, system, to)
}

// maskedData is what the copy is called in progress and errors.
const maskedData = "the masked data"

// copyDatabases dumps the masked server and restores that dump, through a pipe.
func (r *restore) copyDatabases(ctx context.Context, masked *mysqld.Server) error {
	connector, err := mysql.NewConnector(masked.DriverConfig(""))
	if err != nil {
		return fmt.Errorf("prepare a connection to the server: %w", err)
	}
	text, w := io.Pipe()
	in := &copied{r: text}
	session, err := r.session(ctx)
	if err != nil {
		return err
	}
	lanes, err := r.lanes(ctx)
	if err != nil {
		return err
	}
	loader := load.NewParallel(session, lanes, dump.NewScanner(in), load.Options{
		Object: maskedData, Repair: r.copyRepairer, ChunkBytes: r.tuning.ChunkBytes,
		Warn: func(text string) { r.warn("", text) },
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// Nobody writes to that server any more, so its warnings mean nothing.
		_, err := export.Run(ctx, connector, export.Options{Connections: r.laneCount()}, w, event.Discard)
		w.CloseWithError(err)
	}()
	stop := r.report(maskedData, in, loader)
	err = loader.Run(ctx)
	text.CloseWithError(errors.New("the copy has ended"))
	<-ended
	stop()
	if err != nil {
		return err
	}
	r.replaceTables(loader.Tables())
	return nil
}

// copied counts what goes from one server to the other; it is a progress.
type copied struct {
	r io.Reader
	n atomic.Int64
}

func (c *copied) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *copied) Position() int64 { return c.n.Load() }
func (c *copied) Size() int64     { return -1 }

// replaceTables makes the manifest say what tables are in the image: scripts may have
// made, emptied and dropped some. A digest is that of the copy's rows.
func (r *restore) replaceTables(tables []load.Table) {
	before := r.manifest.Tables
	r.manifest.Tables, r.manifest.Rows = nil, 0
	for _, t := range tables {
		entry := manifest.Table{Schema: t.Schema, Name: t.Name, Rows: t.Rows, Bytes: t.Bytes, Digest: t.Digest}
		for _, b := range before {
			if b.Schema == t.Schema && b.Name == t.Name {
				entry.Masked += b.Masked
				entry.Dropped += b.Dropped
			}
		}
		r.manifest.Tables = append(r.manifest.Tables, entry)
		r.manifest.Rows += t.Rows
	}
	slices.SortStableFunc(r.manifest.Tables, func(a, b manifest.Table) int {
		return strings.Compare(a.Schema+"\x00"+a.Name, b.Schema+"\x00"+b.Name)
	})
}
