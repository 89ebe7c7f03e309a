package e2e

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/dbake/dbake/test/parts"
)

// dumpToS3 fills a server with sql, dumps it with the flavour's own program,
// and puts the compressed dump into a new bucket.
func dumpToS3(t *testing.T, flavour parts.Flavour, sql string, args ...string) (url string) {
	t.Helper()
	ctx := t.Context()
	source := server(t, flavour)
	if _, err := source.Client(ctx, strings.NewReader(sql)); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	zip := gzip.NewWriter(&text)
	if err := source.Dump(ctx, zip, args...); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	s3, err := all.S3(ctx)
	if err != nil {
		t.Fatal(err)
	}
	bucket := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	if err := s3.CreateBucket(ctx, bucket, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s3.Put(ctx, bucket, "mysql/mysql.sql.gz", bytes.NewReader(text.Bytes())); err != nil {
		t.Fatal(err)
	}
	return "s3://" + bucket + "/mysql/mysql.sql.gz"
}

const shop = "CREATE DATABASE shop; USE shop; CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL, price DECIMAL(8,2), KEY (name));\n" +
	"INSERT INTO item (name, price) VALUES ('Äpfel', 1.50), ('it''s', NULL), ('tab\\there', 0.01);"

// The main job: a dump in S3 becomes a running image.
func TestDumpInS3BecomesARunningImage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		url := dumpToS3(t, flavour, shop, "--databases", "shop")
		p := newProject(t, flavour, "dump: "+url+"\n").withS3()
		ref, output := p.push()
		if !strings.Contains(output, "has no password") {
			t.Errorf("the build does not say that root has no password:\n%s", output)
		}
		c := run(t, ref, nil)
		c.waitHealthy()
		if got := c.query("SELECT GROUP_CONCAT(name ORDER BY id SEPARATOR '|') FROM shop.item"); got != "Äpfel|it's|tab\\there" {
			t.Errorf("the image's server says %q", got)
		}
		_, output = p.push()
		t.Log(output)
	})
}
