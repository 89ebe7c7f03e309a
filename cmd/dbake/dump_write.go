package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"time"

	"github.com/dbake/dbake/seed/target"
)

// written is a dump that is complete where it belongs.
type written struct {
	place   string
	sum     string // SHA-256 of what was written, in hex
	size    int64  // of the same, in bytes
	took    time.Duration
	removed []string
	stdout  bool
}

// tee counts and sums up what is written.
type tee struct {
	w    io.Writer
	sum  hash.Hash
	size int64
}

func (t *tee) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.sum.Write(p[:n])
	t.size += int64(n)
	return n, err
}

// write makes a dump of the text that fill writes, with the metadata that fill
// gives. When something fails nothing is left of it. database is what
// {{.Database}} stands for.
func (o *targetFlags) write(ctx context.Context, database string, stdout io.Writer, events *dumpEvents, fill filler) (*written, error) {
	began := time.Now()
	s3 := newS3(func(text string) { events.warn("%s", text) })
	defer s3.Client.Close()
	place, err := o.open(ctx, s3, database, began, stdout)
	if err != nil {
		return nil, err
	}
	done, err := o.commit(ctx, place, fill)
	if err != nil {
		if aborted := place.Abort(); aborted != nil {
			err = errors.Join(err, aborted)
		}
		events.end(err)
		return nil, err
	}
	events.end(nil)
	done.place, done.stdout = place.shown, o.to == standardOutput
	if place.object.Key != "" {
		done.removed, err = o.after(ctx, s3, place, database, done.sum, began)
	}
	done.took = time.Since(began)
	return done, err
}

// filler writes the text of a dump and gives the metadata to keep with it.
type filler func(context.Context, io.Writer) (map[string]string, error)

// commit packs what fill writes, and completes it.
func (o *targetFlags) commit(ctx context.Context, place *destination, fill filler) (*written, error) {
	out := &tee{w: place, sum: sha256.New()}
	packed, err := target.Compress(out, o.compression)
	if err != nil {
		return nil, err
	}
	metadata, err := fill(ctx, packed)
	// Also after a failure: packing goes on in the background until then.
	if closed := packed.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	if err := place.Commit(ctx, metadata); err != nil {
		return nil, err
	}
	return &written{sum: hex.EncodeToString(out.sum.Sum(nil)), size: out.size}, nil
}

// report says what came out: the place on standard output, for scripts, and the
// rest beside it. text is the dump's size in bytes before it was packed.
func (w *written) report(what string, text int64, stdout, stderr io.Writer) error {
	fmt.Fprintf(stderr, "%s in %.1f s: %.1f MB of text, %.1f MB written, SHA-256 %s\n",
		what, w.took.Seconds(), float64(text)/1e6, float64(w.size)/1e6, w.sum)
	for _, key := range w.removed {
		fmt.Fprintf(stderr, "removed the old dump %s\n", path.Base(key))
	}
	if w.stdout {
		return nil
	}
	_, err := fmt.Fprintln(stdout, w.place)
	return err
}
