package seed

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/folder"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

// loadDump restores the dump that objects make together.
func (r *restore) loadDump(ctx context.Context, objects []plan.Object) error {
	first := objects[0]
	if first.File == "" && first.Location.Kind != spec.KindContextFolder {
		return r.loadObject(ctx, first)
	}
	src := source.New(source.Config{ContextDir: r.dirs.Context, SecretDir: r.dirs.Secrets})
	defer src.Close()
	if first.Location.Kind == spec.KindContextFolder {
		var err error
		if objects, err = src.ListFolder(first); err != nil {
			return err
		}
	}
	return r.loadFolder(ctx, src, objects)
}

// loadFolder restores a dump folder.
func (r *restore) loadFolder(ctx context.Context, src *source.Source, objects []plan.Object) error {
	whole := plan.Dumps(objects)[0]
	name := source.Display(whole)
	r.emit(event.Phase{Name: r.phase(), Detail: name})
	files := newFolderFiles(src, objects)
	defer files.close()
	p, err := folder.New(files.names, func(file string) ([]byte, error) { return files.readAll(ctx, file) })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if r.filter.collector == nil {
		for _, text := range p.Warnings {
			r.warn("", name+": "+text)
		}
	}
	loader, err := r.newLoader(ctx, name, dump.NewScanner(strings.NewReader("")))
	if err != nil {
		return err
	}
	stop := r.report(name, files, loader)
	err = loader.RunFiles(ctx, p.Header, files.open(ctx, p.Steps))
	stop()
	if err != nil || r.filter.collector != nil {
		return err
	}
	if err := r.checkRows(name, p, loader); err != nil {
		return err
	}
	d := describeDump(whole)
	d.Files, d.Tool, d.ServerVersion = len(objects), p.Header.Tool, p.Header.ServerVersion
	if p.Kind == folder.Tab {
		d.Tool = string(p.Kind)
	}
	r.record(d, loader)
	return nil
}

// checkRows compares what went in with what the folder says it has: a file of
// rows that is missing shows nowhere else.
func (r *restore) checkRows(name string, p *folder.Plan, loader *load.Loader) error {
	if loader.Counts().Skipped > 0 {
		return nil
	}
	got := map[folder.Table]int64{}
	for _, t := range loader.Tables() {
		got[folder.Table{Schema: t.Schema, Name: t.Name}] = t.Rows + t.Dropped
	}
	for table, want := range p.Rows {
		n, loaded := got[table]
		left := !r.wantsRows(table.Schema, table.Name) || !loaded && r.order.Options.Databases != nil
		if n != want && !left {
			return fmt.Errorf("%s: table %s.%s got %d rows, and the dump says it has %d: files are missing, or not of this dump", name, table.Schema, table.Name, n, want)
		}
	}
	return nil
}

// progress is how far the reading of a dump is, in bytes; Size is -1 when
// unknown.
type progress interface {
	Position() int64
	Size() int64
}

// folderFiles opens the files of a dump folder. Only Position and Size are for
// several goroutines.
type folderFiles struct {
	src     *source.Source
	names   []string
	objects map[string]plan.Object
	size    int64

	ahead    map[int]source.Stream // opened for later steps
	position atomic.Int64
}

func newFolderFiles(src *source.Source, objects []plan.Object) *folderFiles {
	f := &folderFiles{src: src, objects: map[string]plan.Object{}, ahead: map[int]source.Stream{}}
	for _, o := range objects {
		f.names = append(f.names, o.File)
		f.objects[o.File] = o
		f.size += max(0, o.Size)
	}
	return f
}

// Position is how many bytes of the folder have been read.
func (f *folderFiles) Position() int64 { return min(f.position.Load(), f.size) }

// Size is the size of all files.
func (f *folderFiles) Size() int64 { return f.size }

// maxSmall is up to how many bytes a script may have that says how others are
// read: such as the definition of a table.
const maxSmall = 16 << 20

// readAll reads a small file.
func (f *folderFiles) readAll(ctx context.Context, name string) ([]byte, error) {
	stream, err := f.src.Open(ctx, f.objects[name])
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	text, _, err := source.Decompress(stream)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer text.Close()
	data, err := io.ReadAll(io.LimitReader(text, maxSmall+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(data) > maxSmall:
		return nil, fmt.Errorf("%s has more than %d MiB, too much for a file that describes others", name, maxSmall>>20)
	}
	return data, nil
}

// Files after the current one are opened ahead, which hides the time that a
// server needs to answer, as long as they are small: each is in memory then.
const (
	openAhead     = 8
	maxOpenedSize = 2 << 20
)

// stream opens the file of a step, and some of those behind it.
func (f *folderFiles) stream(ctx context.Context, steps []folder.Step, at int) (source.Stream, error) {
	for i := at; i < min(at+openAhead, len(steps)); i++ {
		object := f.objects[steps[i].File]
		if f.ahead[i] != nil || i > at && (object.Size > maxOpenedSize || object.Size <= 0) {
			continue
		}
		stream, err := f.src.Open(ctx, object)
		if err != nil {
			return nil, err
		}
		f.ahead[i] = stream
	}
	stream := f.ahead[at]
	delete(f.ahead, at)
	return stream, nil
}

func (f *folderFiles) close() {
	for _, stream := range f.ahead {
		stream.Close()
	}
}

// open gives the files of all steps, each until the next one is asked for.
func (f *folderFiles) open(ctx context.Context, steps []folder.Step) iter.Seq2[load.File, error] {
	return func(yield func(load.File, error) bool) {
		for i := range steps {
			if !f.each(ctx, steps, i, yield) {
				return
			}
		}
	}
}

func (f *folderFiles) each(ctx context.Context, steps []folder.Step, at int, yield func(load.File, error) bool) bool {
	step := steps[at]
	name := source.Display(f.objects[step.File])
	stream, err := f.stream(ctx, steps, at)
	if err != nil {
		return yield(load.File{}, err)
	}
	defer stream.Close()
	counted := &counting{r: stream, n: &f.position}
	var text io.ReadCloser
	if step.Rows != nil {
		format, _ := source.FormatOf(step.File)
		text, err = source.DecompressAs(counted, format)
	} else {
		text, _, err = source.Decompress(counted)
	}
	if err != nil {
		return yield(load.File{}, fmt.Errorf("%s: %w", name, err))
	}
	defer text.Close()
	return yield(load.File{Step: step, Name: name, Text: text}, nil)
}

// counting counts what is read.
type counting struct {
	r io.ReadCloser
	n *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *counting) Close() error { return c.r.Close() }
