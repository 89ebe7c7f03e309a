package source

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/dbake/dbake/internal/s3test"
	"github.com/dbake/dbake/spec"
)

// startVersitygw runs a real S3 server and returns a client that may write.
func startVersitygw(t *testing.T) *s3.Client {
	t.Helper()
	s3test.Use(t, s3test.Versitygw(t))
	access, err := newTestSource(t).access(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := access.client("backup")
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("backup")}); err != nil {
		t.Fatal(err)
	}
	return client
}

// TestVersitygw does with a real server what the other tests do with fakes.
func TestVersitygw(t *testing.T) {
	client := startVersitygw(t)
	put := func(key string, data []byte) {
		t.Helper()
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("backup"), Key: &key, Body: bytes.NewReader(data)})
		if err != nil {
			t.Fatal(err)
		}
	}
	s := newTestSource(t)
	t.Run("read", func(t *testing.T) {
		for _, size := range []int{0, 999, 1000, 50000} {
			put("mysql/dump.sql", sqlText(size, 1))
			obj := resolveOne(t, s, s3Object("backup", "mysql/dump.sql"))
			if obj.Size != int64(size) || obj.ETag == "" || time.Since(obj.Modified).Abs() > time.Hour {
				t.Errorf("%+v", obj)
			}
			if got, err := readAll(t.Context(), s, obj); err != nil || !bytes.Equal(got, sqlText(size, 1)) {
				t.Errorf("%d of %d bytes, err %v", len(got), size, err)
			}
		}
	})
	t.Run("changed", func(t *testing.T) {
		put("mysql/dump.sql", sqlText(50000, 1))
		obj := resolveOne(t, s, s3Object("backup", "mysql/dump.sql"))
		put("mysql/dump.sql", sqlText(50000, 2))
		if _, err := readAll(t.Context(), s, obj); !errors.Is(err, ErrChanged) {
			t.Error(err)
		}
	})
	t.Run("prefix", func(t *testing.T) {
		put("nightly/b.sql", []byte("b"))
		put("nightly/", nil)
		time.Sleep(1100 * time.Millisecond) // LastModified counts seconds
		put("nightly/a.sql", []byte("a"))
		if obj := resolveOne(t, s, s3Prefix("nightly/", spec.PickNewest)); obj.Location.Key != "nightly/a.sql" {
			t.Error(obj)
		}
		objects, err := s.Resolve(t.Context(), []spec.Dump{s3Prefix("nightly/", spec.PickAll)})
		if got := strings.Join(keysOf(objects), " "); err != nil || got != "nightly/a.sql nightly/b.sql" {
			t.Error(got, err)
		}
	})
	t.Run("versions", func(t *testing.T) {
		_, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket:                  aws.String("backup"),
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		if err != nil {
			t.Fatal(err)
		}
		put("v.sql", sqlText(5000, 1))
		old := resolveOne(t, s, s3Object("backup", "v.sql"))
		put("v.sql", sqlText(6000, 2))
		asked := s3Object("backup", "v.sql")
		asked.Location.VersionID = old.VersionID
		if again := resolveOne(t, s, asked); old.VersionID == "" || again.VersionID != old.VersionID || again.Size != 5000 {
			t.Errorf("%+v and %+v", old, again)
		}
		if got, err := readAll(t.Context(), s, old); err != nil || !bytes.Equal(got, sqlText(5000, 1)) {
			t.Errorf("%d bytes, err %v", len(got), err)
		}
	})
	t.Run("errors", func(t *testing.T) {
		for _, test := range []struct {
			env, value string
			dump       spec.Dump
			want       string
		}{
			{"AWS_REGION", "us-east-1", s3Object("backup", "no/dump.sql"), `the bucket "backup" has no object "no/dump.sql" (GetObject: NoSuchKey)`},
			{"AWS_REGION", "us-east-1", s3Object("nowhere", "dump.sql"), `there is no bucket "nowhere" at http://127.0.0.1:`},
			{"AWS_REGION", "us-east-1", s3Prefix("no/", spec.PickAll), "there is no object below this prefix"},
			{"AWS_SECRET_ACCESS_KEY", "not the one", s3Object("backup", "v.sql"), "the request's signature is wrong"},
			{"AWS_ACCESS_KEY_ID", "nobody", s3Object("backup", "v.sql"), "the AWS access key does not exist"},
			{"AWS_REGION", "eu-west-1", s3Object("backup", "v.sql"), `the bucket "backup" is in the region us-east-1`},
		} {
			t.Run("", func(t *testing.T) {
				t.Setenv(test.env, test.value)
				_, err := newTestSource(t).Resolve(t.Context(), []spec.Dump{test.dump})
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got  %v\nwant %s", err, test.want)
				}
				noSecrets(t, err)
			})
		}
	})
}
