package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/dbake/dbake/test/compare"
	"github.com/dbake/dbake/test/parts"
)

// dbakeDump runs dbake dump on a server and gives its standard output.
func dbakeDump(ctx context.Context, t *testing.T, s *parts.Server, args ...string) (string, error) {
	t.Helper()
	program, err := all.Baker(context.WithoutCancel(ctx))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"dump", "--no-defaults", "--socket", s.Socket, "--user", "root"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("dbake dump %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return stdout.String(), nil
}

// dumpsTheSame makes sure that what a server has comes through dbake dump and the
// client as it was. The server has loaded a dump before: definitions are shown in
// other words from then on.
func dumpsTheSame(t *testing.T, flavour parts.Flavour, source *parts.Server) {
	t.Helper()
	execute(t, source, "CREATE DATABASE floats; CREATE TABLE floats.t (id INT PRIMARY KEY, f FLOAT, g FLOAT(9,3)); "+
		"INSERT INTO floats.t VALUES (1, 1/3e0, -0e0), (2, 16777217, 0.1), (3, 3.4028234e38, 99999.999)")
	defer execute(t, source, "DROP DATABASE floats")
	file := filepath.Join(t.TempDir(), "dump.sql")
	out, err := dbakeDump(t.Context(), t, source, "--to", file, "--connections", "3")
	if err != nil {
		t.Fatal(err)
	}
	if out != file+"\n" {
		t.Errorf("it printed %q", out)
	}
	same(t, source.DB(), reference(t, flavour, file).DB(), compare.Options{})
}

// s3Dump is a bucket that dumps go to.
type s3Dump struct {
	*parts.S3
	t      *testing.T
	bucket string
}

func newS3Dump(t *testing.T) *s3Dump {
	t.Helper()
	server, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := &s3Dump{server, t, fmt.Sprintf("dump-%d", time.Now().UnixNano())}
	if err := server.CreateBucket(t.Context(), d.bucket, false); err != nil {
		t.Fatal(err)
	}
	for _, entry := range server.Env() {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	return d
}

// content lists the objects, and counts what has begun and not ended.
func (d *s3Dump) content() (keys []string, uploads int) {
	d.t.Helper()
	objects, err := d.Client.ListObjectsV2(d.t.Context(), &s3.ListObjectsV2Input{Bucket: &d.bucket})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, o := range objects.Contents {
		keys = append(keys, *o.Key)
	}
	unfinished, err := d.Client.ListMultipartUploads(d.t.Context(), &s3.ListMultipartUploadsInput{Bucket: &d.bucket})
	if err != nil {
		d.t.Fatal(err)
	}
	return keys, len(unfinished.Uploads)
}

// A dump in S3 is there when it is complete, with its sum; one that is stopped
// leaves nothing; old ones go.
func TestDumpToS3(t *testing.T) {
	source := server(t, parts.MySQL)
	execute(t, source, "CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, b VARBINARY(1000)); INSERT INTO app.t (b) VALUES (RANDOM_BYTES(1000)), (RANDOM_BYTES(1000))")
	for range 13 {
		execute(t, source, "INSERT INTO app.t (b) SELECT RANDOM_BYTES(1000) FROM app.t")
	}
	masksOnTheWayOut(t, source)
	d := newS3Dump(t)
	to := "s3://" + d.bucket + "/nightly/"
	stopped := 0
	for i := range 5 {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(60+i*220)*time.Millisecond, errors.New("stopped"))
		_, err := dbakeDump(ctx, t, source, "-B", "app", "--to", to, "--limit-rate", "30")
		cancel()
		if err != nil {
			stopped++
		}
	}
	if keys, uploads := d.content(); stopped != 5 || len(keys) > 0 || uploads > 0 {
		t.Errorf("%d of 5 dumps were stopped; objects %v and %d uploads are left", stopped, keys, uploads)
	}
	for i := range 3 {
		out, err := dbakeDump(t.Context(), t, source, "-B", "app", "--to", to, "--keep", "2", "--latest")
		if err != nil {
			t.Fatal(err)
		}
		key := strings.TrimSpace(strings.TrimPrefix(out, "s3://"+d.bucket+"/"))
		d.checkSum(key)
		if i < 2 {
			time.Sleep(1100 * time.Millisecond) // names and S3's times count seconds
		}
	}
	keys, uploads := d.content()
	if len(keys) != 3 || uploads != 0 || keys[2] != "nightly/latest.sql.zst" {
		t.Errorf("objects %v, %d uploads", keys, uploads)
	}
	baked := bake(t, parts.MySQL, parts.Order{Dumps: []string{d.fetch("nightly/latest.sql.zst")}})
	same(t, source.DB(), serve(t, baked, "").DB(), compare.Options{Databases: []string{"app"}})
}

// masksOnTheWayOut makes sure that no value that a dbake.yaml masks gets into a
// dump.
func masksOnTheWayOut(t *testing.T, source *parts.Server) {
	t.Helper()
	execute(t, source, "CREATE DATABASE people; CREATE TABLE people.users (id INT PRIMARY KEY, email VARCHAR(60), UNIQUE KEY (email)); "+
		"CREATE TABLE people.letters (id INT PRIMARY KEY, sender VARCHAR(60), FOREIGN KEY (sender) REFERENCES people.users (email)); "+
		"INSERT INTO people.users VALUES (1, 'canary@example.com'), (2, NULL); INSERT INTO people.letters VALUES (5, 'canary@example.com')")
	yaml := filepath.Join(t.TempDir(), "dbake.yaml")
	text := "version: 1\nbase: mysql:9.7\ndump: a.sql\nmask:\n  key: {secret: mask_key}\n  columns:\n    people.users.email: {email: {}}\n"
	if err := os.WriteFile(yaml, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MASK_KEY", "0123456789abcdef0123456789abcdef")
	args := []string{"-B", "people", "--to", "-", "-f", yaml, "--secret", "id=mask_key,env=MASK_KEY"}
	out, err := dbakeDump(t.Context(), t, source, args...)
	if err != nil {
		t.Fatal(err)
	}
	masked := regexp.MustCompile(`\(1,'([^']+@[^']+)'\)`).FindStringSubmatch(out)
	if strings.Contains(out, "canary") || masked == nil || !strings.Contains(out, "(5,'"+masked[1]+"')") {
		t.Errorf("not masked, or rows no longer join:\n%s", out)
	}
	if err := os.WriteFile(yaml, []byte(strings.ReplaceAll(text, "email: {email", "e_mail: {email")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dbakeDump(t.Context(), t, source, args...); err == nil || !strings.Contains(err.Error(), "mask.columns.people.users.e_mail: no column of what is dumped matches") {
		t.Errorf("a rule that is misspelt: %v", err)
	}
	text = strings.Replace(text, "columns:\n    people.users.email: {email", "policy: {require_decision: true}\n  columns:\n    people.users.id: {keep", 1)
	if err := os.WriteFile(yaml, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dbakeDump(t.Context(), t, source, args...); err == nil || !strings.Contains(err.Error(), "people.users.email (by its name: email addresses)") {
		t.Errorf("a column without a rule: %v", err)
	}
}

// get gives an object's bytes.
func (d *s3Dump) get(key string) []byte {
	d.t.Helper()
	out, err := d.Client.GetObject(d.t.Context(), &s3.GetObjectInput{Bucket: &d.bucket, Key: &key})
	if err != nil {
		d.t.Fatal(err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return content
}

// fetch downloads an object.
func (d *s3Dump) fetch(key string) string {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), path.Base(key))
	if err := os.WriteFile(file, d.get(key), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return file
}

// checkSum compares an object with the sum in its tag, and makes sure that the
// server has a checksum of its own for the whole.
func (d *s3Dump) checkSum(key string) {
	d.t.Helper()
	sum := sha256.Sum256(d.get(key))
	tags, err := d.Client.GetObjectTagging(d.t.Context(), &s3.GetObjectTaggingInput{Bucket: &d.bucket, Key: &key})
	if err != nil {
		d.t.Fatal(err)
	}
	if len(tags.TagSet) != 1 || *tags.TagSet[0].Key != "sha256" || *tags.TagSet[0].Value != hex.EncodeToString(sum[:]) {
		d.t.Errorf("%s: the sum is not in its tags", key)
	}
	head, err := d.Client.HeadObject(d.t.Context(), &s3.HeadObjectInput{Bucket: &d.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		d.t.Fatal(err)
	}
	if aws.ToString(head.ChecksumCRC32) == "" || head.ChecksumType != types.ChecksumTypeFullObject || head.Metadata["created-by"] == "" {
		d.t.Errorf("%s: checksum %q of type %q, metadata %v", key, aws.ToString(head.ChecksumCRC32), head.ChecksumType, head.Metadata)
	}
}
