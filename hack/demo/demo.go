package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/klauspost/pgzip"

	"github.com/dbake/dbake/test/parts"
	"github.com/dbake/dbake/test/shop"
)

//go:embed dbake.yaml.txt
var spec string

// query is what the running image is asked.
const query = "SELECT country, orders, revenue FROM shop.revenue ORDER BY revenue DESC"

// demo carries what one step leaves for the next.
type demo struct {
	parts *parts.Parts
	out   io.Writer

	rootPassword, appPassword string

	s3       *parts.S3
	base     string // reference of the base image
	baker    string // dbake's program
	frontend string // reference of the frontend image
	image    string // reference of the baked image
	dir      string // the user's folder: dbake.yaml and nothing else
	want     string // the answer of the server that was dumped

	container    string
	port         int
	baked, again time.Duration
	built        time.Duration // by docker buildx build
	firstAnswer  time.Duration
}

// say prints a headline.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "\n== "+format+"\n", args...)
}

// typed prints a command the way a user types it.
func (d *demo) typed(format string, args ...any) {
	fmt.Fprintf(d.out, "$ "+format+"\n", args...)
}

// show runs a command with its output on the terminal.
func (d *demo) show(cmd *exec.Cmd) error {
	cmd.Dir = d.dir
	cmd.Stdout, cmd.Stderr = d.out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return nil
}

// startParts starts what a user has already: a registry with a base image in
// it, and an S3 server.
func (d *demo) startParts(ctx context.Context) (err error) {
	d.say("Starting a registry and an S3 server, and compiling dbake")
	if d.base, err = d.parts.BaseImage(ctx, parts.MySQL); err != nil {
		return err
	}
	if d.s3, err = d.parts.S3(ctx); err != nil {
		return err
	}
	if d.baker, err = d.parts.Baker(ctx); err != nil {
		return err
	}
	registry, err := d.parts.Registry(ctx)
	if err != nil {
		return err
	}
	d.image, d.frontend = registry.Host+"/shop-db:demo", registry.Host+"/dbake-frontend:dev"
	d.dir = filepath.Join(d.parts.Dir(), "shop-db")
	fmt.Fprintf(d.out, "base image %s, S3 at %s\n", d.base, d.s3.Endpoint)
	return os.Mkdir(d.dir, 0o755)
}

// dump fills a server, as production would have, and stores its dump in S3.
func (d *demo) dump(ctx context.Context, rows int) error {
	d.say("A shop's database is dumped to S3, as a nightly job would do it")
	server, err := d.parts.StartServer(ctx, parts.MySQL)
	if err != nil {
		return err
	}
	if _, err := server.Client(ctx, strings.NewReader(shop.SQL(rows))); err != nil {
		return fmt.Errorf("fill the shop's database: %w", err)
	}
	if d.want, err = server.Client(ctx, nil, "--table", "--execute="+query); err != nil {
		return err
	}
	d.typed("mysqldump --single-transaction --routines --triggers --events --databases shop | gzip > shop.sql.gz")
	var dump bytes.Buffer
	writer := pgzip.NewWriter(&dump)
	size := &counter{w: writer}
	began := time.Now()
	err = server.Dump(ctx, size, "--single-transaction", "--routines", "--triggers", "--events", "--databases", "shop")
	if err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := server.Close(); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "%.1f MB, %.1f MB compressed, %.1f s\n", mega(size.n), mega(int64(dump.Len())), time.Since(began).Seconds())
	d.typed("aws s3 cp shop.sql.gz s3://acme-backup/mysql/shop.sql.gz")
	if err := d.s3.CreateBucket(ctx, "acme-backup", true); err != nil {
		return err
	}
	_, err = d.s3.Put(ctx, "acme-backup", "mysql/shop.sql.gz", bytes.NewReader(dump.Bytes()))
	return err
}

// writeSpec writes the dbake.yaml and prints it.
func (d *demo) writeSpec(context.Context) error {
	d.say("What to bake is said in one file")
	t, err := template.New("dbake.yaml").Parse(spec)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, map[string]string{"Frontend": d.frontend, "Base": d.base}); err != nil {
		return err
	}
	d.typed("cat dbake.yaml")
	fmt.Fprint(d.out, &text)
	return os.WriteFile(filepath.Join(d.dir, "dbake.yaml"), text.Bytes(), 0o644)
}

// bake bakes and pushes the image without any daemon.
func (d *demo) bake(ctx context.Context) (err error) {
	d.say("dbake restores the dump, makes the image and pushes it; no daemon is needed")
	d.baked, err = d.dbake(ctx)
	return err
}

// bakeAgain shows that an unchanged dump costs nothing.
func (d *demo) bakeAgain(ctx context.Context) (err error) {
	d.say("The same again: the dump has not changed, so nothing is restored")
	d.again, err = d.dbake(ctx)
	return err
}

// dbake runs dbake bake. The layers are gzip, because Debian 12's Docker Engine,
// which is to run the image, reads no zstd.
func (d *demo) dbake(ctx context.Context) (time.Duration, error) {
	args := []string{
		"bake", "--tag", d.image, "--compression", "gzip",
		"--secret", "id=root_password,env=ROOT_PASSWORD", "--secret", "id=app_password,env=APP_PASSWORD",
	}
	d.typed("dbake %s", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, d.baker, append(args, "--progress", "plain")...)
	cmd.Env = append(d.secrets(os.Environ()), "AWS_ENDPOINT_URL="+d.s3.Endpoint, "AWS_REGION="+d.s3.Region)
	began := time.Now()
	err := d.show(cmd)
	return time.Since(began), err
}

// secrets adds the secrets to an environment.
func (d *demo) secrets(env []string) []string {
	return append(env, "AWS_ACCESS_KEY_ID="+d.s3.AccessKey, "AWS_SECRET_ACCESS_KEY="+d.s3.SecretKey,
		"ROOT_PASSWORD="+d.rootPassword, "APP_PASSWORD="+d.appPassword)
}

// build shows the other way to the same image: BuildKit, with dbake as its
// frontend.
func (d *demo) build(ctx context.Context) error {
	d.say("The other way: docker buildx build, with the frontend image in a registry of your own")
	d.typed("make frontend FRONTEND=%s", d.frontend)
	frontend, err := d.parts.FrontendImage(ctx)
	if err != nil {
		return err
	}
	if frontend != d.frontend {
		return fmt.Errorf("the frontend image is %s, and dbake.yaml names %s", frontend, d.frontend)
	}
	args := []string{
		"build", "--file", "dbake.yaml",
		"--build-arg", "AWS_ENDPOINT_URL=" + d.s3.Endpoint, "--build-arg", "AWS_REGION=" + d.s3.Region,
		"--secret", "id=AWS_ACCESS_KEY_ID", "--secret", "id=AWS_SECRET_ACCESS_KEY",
		"--secret", "id=root_password,env=ROOT_PASSWORD", "--secret", "id=app_password,env=APP_PASSWORD",
		"--tag", d.image + "-buildx", "--push", ".",
	}
	d.typed("docker buildx %s", strings.Join(args, " "))
	cmd, err := d.parts.BuildxCommand(ctx, args...)
	if err != nil {
		return err
	}
	cmd.Env = d.secrets(cmd.Env)
	began := time.Now()
	err = d.show(cmd)
	d.built = time.Since(began)
	return err
}

// counter counts the bytes on their way to w.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }
