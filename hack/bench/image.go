package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/pgzip"

	"github.com/dbake/dbake/test/parts"
	"github.com/dbake/dbake/test/shop"
)

const password = "secret"

// startRuns is how often an image is started; the median counts.
const startRuns = 5

// timing is one line of the image's table.
type timing struct {
	name string
	took time.Duration
}

// imageBench measures what is around the restore: builds and starts.
type imageBench struct {
	out         io.Writer
	parts       *parts.Parts
	base, image string // references
	dir         string // build context: dbake.yaml
	s3          *parts.S3
	timings     []timing
}

// measureImage builds an image twice and starts containers of it.
func measureImage(ctx context.Context, out io.Writer, scratch string) (_ []timing, err error) {
	p, err := parts.Start(ctx, parts.Options{Dir: scratch})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }() //nolint:contextcheck // what has started is stopped, whatever ended
	b := &imageBench{out: out, parts: p}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	err = b.measure(ctx)
	return b.timings, err
}

// prepare makes the dump and starts the parts, so that no measurement pays for
// it.
func (b *imageBench) prepare(ctx context.Context) (err error) {
	if b.base, err = b.parts.BaseImage(ctx, parts.MySQL); err != nil {
		return err
	}
	frontend, err := b.parts.FrontendImage(ctx)
	if err != nil {
		return err
	}
	if b.s3, err = b.parts.S3(ctx); err != nil {
		return err
	}
	if _, err := b.parts.Docker(ctx, "pull", "--quiet", b.base); err != nil {
		return err
	}
	b.image = strings.Replace(b.base, "/mysql:", "/baked:", 1)
	b.dir = filepath.Join(b.parts.Dir(), "bench")
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		return err
	}
	text := fmt.Sprintf("# syntax=%s\nversion: 1\nbase: %s\ndump: s3://bench/dump.sql.gz\naccounts:\n"+
		"  root: {host: \"%%\", password: {secret: root_password}}\n", frontend, b.base)
	if err := os.WriteFile(filepath.Join(b.dir, "dbake.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	return b.makeDump(ctx)
}

// dumpPath is the dump on this machine.
func (b *imageBench) dumpPath() string { return filepath.Join(b.parts.Dir(), "dump.sql.gz") }

func (b *imageBench) makeDump(ctx context.Context) error {
	server, err := b.parts.StartServer(ctx, parts.MySQL)
	if err != nil {
		return err
	}
	if _, err := server.Client(ctx, strings.NewReader(shop.SQL(100_000))); err != nil {
		return fmt.Errorf("fill the database: %w", err)
	}
	file, err := os.Create(b.dumpPath())
	if err != nil {
		return err
	}
	defer file.Close()
	writer := pgzip.NewWriter(file)
	if err := server.Dump(ctx, writer, "--single-transaction", "--routines", "--databases", "shop"); err != nil {
		return err
	}
	if err := errors.Join(writer.Close(), server.Close()); err != nil {
		return err
	}
	if err := b.s3.CreateBucket(ctx, "bench", false); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = b.s3.Put(ctx, "bench", "dump.sql.gz", file)
	return err
}

func (b *imageBench) measure(ctx context.Context) error {
	for _, step := range []struct {
		name string
		run  func() (time.Duration, error)
	}{
		{"`docker run` of the base, dump in /docker-entrypoint-initdb.d, to the first answer", func() (time.Duration, error) {
			return b.start(ctx, 1, "--volume", b.dumpPath()+":/docker-entrypoint-initdb.d/dump.sql.gz:ro",
				"--env", "MYSQL_ROOT_PASSWORD="+password, b.base)
		}},
		{"`docker buildx build --push`", func() (time.Duration, error) { return b.bake(ctx) }},
		{"the same again, dump unchanged", func() (time.Duration, error) { return b.bake(ctx) }},
		{"`docker pull` of the baked image, base present", func() (time.Duration, error) {
			began := time.Now()
			_, err := b.parts.Docker(ctx, "pull", "--quiet", b.image)
			return time.Since(began), err
		}},
		{"`docker run` of the baked image, to the first answer", func() (time.Duration, error) {
			return b.start(ctx, startRuns, b.image)
		}},
		{"the same with mysqld itself as entrypoint", func() (time.Duration, error) {
			return b.start(ctx, startRuns, "--entrypoint", "mysqld", b.image, "--user=mysql")
		}},
	} {
		took, err := step.run()
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(b.out, "%-84s %6.2f s\n", step.name, took.Seconds())
		b.timings = append(b.timings, timing{step.name, took})
	}
	return nil
}

// start measures "docker run" to the first answer: the median of some runs.
func (b *imageBench) start(ctx context.Context, runs int, args ...string) (time.Duration, error) {
	times := make([]time.Duration, runs)
	for i := range times {
		port, err := parts.FreePort()
		if err != nil {
			return 0, err
		}
		began := time.Now()
		id, err := b.parts.Docker(ctx, append([]string{"run", "--detach", "--publish", fmt.Sprintf("127.0.0.1:%d:3306", port)}, args...)...)
		if err != nil {
			return 0, err
		}
		if err := b.answer(ctx, port); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
		if _, err := b.parts.Docker(ctx, "rm", "--force", "--volumes", strings.TrimSpace(id)); err != nil {
			return 0, err
		}
	}
	slices.Sort(times)
	return times[runs/2], nil
}

func (b *imageBench) answer(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	return shop.WaitForAnswer(ctx, port, "root", password)
}

// bake measures one build with its push.
func (b *imageBench) bake(ctx context.Context) (time.Duration, error) {
	cmd, err := b.parts.BuildxCommand(ctx, "build", "--file", filepath.Join(b.dir, "dbake.yaml"),
		"--build-arg", "AWS_ENDPOINT_URL="+b.s3.Endpoint, "--build-arg", "AWS_REGION="+b.s3.Region,
		"--secret", "id=AWS_ACCESS_KEY_ID", "--secret", "id=AWS_SECRET_ACCESS_KEY",
		"--secret", "id=root_password,env=ROOT_PASSWORD", "--tag", b.image, "--push", b.dir)
	if err != nil {
		return 0, err
	}
	cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID="+b.s3.AccessKey, "AWS_SECRET_ACCESS_KEY="+b.s3.SecretKey, "ROOT_PASSWORD="+password)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("bake: %w\n%s", err, out)
	}
	return time.Since(began), nil
}
