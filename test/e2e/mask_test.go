package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const maskYAML = `version: 1
base: mysql:8.4
dump: s3://%[1]s/dump.sql
mask:
  key: {secret: mask_key}
  policy: {require_decision: true}
  columns:
    app.users.email: {email: {}}
`

// maskDump is a dump of about 60 MB.
func maskDump() []byte {
	var b bytes.Buffer
	b.WriteString("-- MySQL dump 10.13  Distrib 8.4.6, for Linux (x86_64)\n--\n-- Host: localhost    Database: app\n-- ------------------------------------------------------\n" +
		"CREATE TABLE `users` (`id` int, `email` varchar(100), `x` text, UNIQUE KEY (`email`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n")
	filler := strings.Repeat("x", 500)
	for id := 0; id < 110_000; {
		b.WriteString("INSERT INTO `users` VALUES ")
		for row := range 2000 {
			if row > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "(%d,'canary-%d@real.org','%s')", id, id, filler)
			id++
		}
		b.WriteString(";\n")
	}
	b.WriteString("-- Dump completed on 2026-11-21 17:00:00\n")
	return b.Bytes()
}

// A masked dump goes from S3 to S3 without a server; it is there when it is
// complete, and work that is stopped or fails leaves nothing.
func TestMaskToS3(t *testing.T) {
	d := newS3Dump(t)
	if _, err := d.Put(t.Context(), d.bucket, "dump.sql", bytes.NewReader(maskDump())); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	yaml := fmt.Sprintf(maskYAML, d.bucket)
	for name, text := range map[string]string{"dbake.yaml": yaml, "undecided.yaml": strings.Replace(yaml, "email: {email", "id: {noise", 1), "key": "0123456789abcdef0123456789abcdef\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, err := all.Baker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mask := func(ctx context.Context, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, program, append([]string{"mask", "--secret", "id=mask_key,src=key"}, args...)...)
		cmd.Dir = dir
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = time.Minute
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		return string(out) + stderr.String(), err
	}
	for i := range 3 {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(50+i*150)*time.Millisecond, errors.New("stopped"))
		out, err := mask(ctx, "--to", "s3://"+d.bucket+"/masked.sql")
		cancel()
		if err == nil || strings.Contains(out, "canary") {
			t.Errorf("stopped, it says %v: %s", err, out)
		}
	}
	out, err := mask(t.Context(), "--to", "s3://"+d.bucket+"/masked.sql", "-f", "undecided.yaml")
	if err == nil || !strings.Contains(out, "undecided.yaml:6:11: mask.policy: 1 column has no rule and must have one: app.users.email") {
		t.Errorf("undecided, it says %v: %s", err, out)
	}
	if keys, uploads := d.content(); len(keys) != 1 || uploads > 0 {
		t.Errorf("objects %v and %d uploads are left", keys, uploads)
	}
	to := "s3://" + d.bucket + "/staging/masked.sql.gz"
	if out, err = mask(t.Context(), "--to", to); err != nil || !strings.HasPrefix(out, to+"\n") {
		t.Fatalf("it says %v: %s", err, out)
	}
	key := "staging/masked.sql.gz"
	object, err := d.Client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &d.bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	unpacked, err := gzip.NewReader(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("canary")) || bytes.Count(text, []byte("@example.com'")) != 110_000 || !bytes.HasSuffix(text, []byte("-- Dump completed on 2026-11-21 17:00:00\n")) {
		t.Errorf("the masked dump has %d bytes and %d masks", len(text), bytes.Count(text, []byte("@example.com'")))
	}
}
