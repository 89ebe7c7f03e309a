package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/pgzip"

	"github.com/dbake/dbake/hack/internal/shop"
	"github.com/dbake/dbake/test/parts"
)

const password = "secret"

// bench carries what the measurements need.
type bench struct {
	parts *parts.Parts
	out   io.Writer
	runs  int

	base, image string // references
	dir         string // build context: dbake.yaml and the dump
	s3          *parts.S3
}

// prepare makes the dump and starts the parts, so that no measurement pays for
// it.
func (b *bench) prepare(ctx context.Context, rows int) (err error) {
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
	return b.makeDump(ctx, rows)
}

// dumpPath is the dump on this machine.
func (b *bench) dumpPath() string { return filepath.Join(b.parts.Dir(), "dump.sql.gz") }

func (b *bench) makeDump(ctx context.Context, rows int) error {
	server, err := b.parts.StartServer(ctx, parts.MySQL)
	if err != nil {
		return err
	}
	if _, err := server.Client(ctx, strings.NewReader(shop.SQL(rows))); err != nil {
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
	if err := writer.Close(); err != nil {
		return err
	}
	if err := server.Close(); err != nil {
		return err
	}
	if err := b.s3.CreateBucket(ctx, "bench", false); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "the dump: about %d rows, %.1f MB compressed\n\n", rows, float64(info.Size())/1e6)
	_, err = b.s3.Put(ctx, "bench", "dump.sql.gz", file)
	return err
}

// measure prints one line per measurement.
func (b *bench) measure(ctx context.Context) error {
	plain, err := b.start(ctx, 1, "--volume", b.dumpPath()+":/docker-entrypoint-initdb.d/dump.sql.gz:ro",
		"--env", "MYSQL_ROOT_PASSWORD="+password, b.base)
	if err != nil {
		return fmt.Errorf("the plain way: %w", err)
	}
	b.line("docker run, dump in /docker-entrypoint-initdb.d", plain)
	bake, err := b.bake(ctx)
	if err != nil {
		return err
	}
	b.line("docker buildx build --push", bake)
	again, err := b.bake(ctx)
	if err != nil {
		return err
	}
	b.line("the same again, dump unchanged", again)
	began := time.Now()
	if _, err := b.parts.Docker(ctx, "pull", "--quiet", b.image); err != nil {
		return err
	}
	b.line("docker pull of the baked image, base present", time.Since(began))
	baked, err := b.start(ctx, b.runs, b.image)
	if err != nil {
		return fmt.Errorf("the baked image: %w", err)
	}
	b.line(fmt.Sprintf("docker run of the baked image (median of %d)", b.runs), baked)
	fmt.Fprintf(b.out, "\nto the first answer: %.0f times as fast as restoring at start\n", plain.Seconds()/baked.Seconds())
	return nil
}

func (b *bench) line(name string, d time.Duration) {
	fmt.Fprintf(b.out, "%-50s %8.2f s\n", name, d.Seconds())
}

// start measures "docker run" to the first answer: the median of some runs.
func (b *bench) start(ctx context.Context, runs int, args ...string) (time.Duration, error) {
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
		id = strings.TrimSpace(id)
		if err := b.answer(ctx, id, port); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
		if _, err := b.parts.Docker(ctx, "rm", "--force", "--volumes", id); err != nil {
			return 0, err
		}
	}
	slices.Sort(times)
	return times[runs/2], nil
}

// answer waits for a container's first answer or its end.
func (b *bench) answer(ctx context.Context, id string, port int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if _, err := b.parts.Docker(ctx, "wait", id); err != nil {
			return // answered, or interrupted
		}
		cmd, err := b.parts.DockerCommand(ctx, "logs", "--tail", "20", id)
		if err != nil {
			return
		}
		log, _ := cmd.CombinedOutput()
		cancel(fmt.Errorf("the container ended\n%s", log))
	}()
	return shop.WaitForAnswer(ctx, port, "root", password)
}

// bake measures one build with its push.
func (b *bench) bake(ctx context.Context) (time.Duration, error) {
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
