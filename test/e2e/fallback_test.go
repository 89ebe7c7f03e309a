package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/test/parts"
)

// dockerBuild builds with the BuildKit inside Docker Engine. That of 20.10 gives
// up a client that does not answer for some seconds, which happens on a machine
// with a load far above its cores; such a build is tried again.
func (p *project) dockerBuild(args ...string) (string, error) {
	p.t.Helper()
	all := append([]string{"build", "--progress=plain", "-f", "dbake.yaml", "--network=host"}, p.args...)
	for tries := 1; ; tries++ {
		output, err := p.engine(append(append(all, args...), ".")...).CombinedOutput()
		if err == nil || tries == 3 || !strings.Contains(string(output), "no active session") {
			return string(output), err
		}
	}
}

// Docker Engine with graph drivers knows no MergeOp, and 20.10 no secrets in
// the environment. Images come out of it all the same.
func TestDockerEnginesOwnBuildKit(t *testing.T) {
	t.Parallel()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := bucket(t, true, map[string][]byte{"app.sql.gz": gzipped(t, appDump)})
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: s3://"+name+"/app.sql.gz\nimage: {labels: {stage: \"${STAGE}\"}}\n"+
		"accounts: {users: [{name: app, password: {secret: app_pw}, grants: [ALL ON shop.*]}]}\n")
	p.secret("aws", "[default]\naws_access_key_id = "+s3.AccessKey+"\naws_secret_access_key = "+s3.SecretKey+"\n")
	p.secret("app_pw", "app's own")
	p.args = append(p.args, "--build-arg", "AWS_ENDPOINT_URL="+s3.Endpoint, "--build-arg", "AWS_REGION="+s3.Region, "--build-arg", "STAGE=test")
	tag := filepath.Base(name) + ":test"
	output, err := p.dockerBuild("--tag", tag)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	holds(t, output, "cannot merge layers")
	c := run(t, tag, nil)
	c.serves()
	c.login(parts.MariaDB, "app", "app's own", items, "apples,pears,plums")
	if got := c.inspect(`{{index .Config.Labels "stage"}} {{.Config.Volumes}}`); got != "test map[]" {
		t.Errorf("label and volumes are %q", got)
	}

	output, err = p.dockerBuild("--tag", tag)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if !stepCached(output, "[restore]") {
		t.Errorf("the second build restores again:\n%s", output)
	}

	p.write("dbake.yaml", p.read("dbake.yaml")+"verify:\n  - SELECT COUNT(*) > 5 FROM item\n")
	output, err = p.dockerBuild("--tag", tag+"-never")
	if err == nil {
		t.Fatalf("the build succeeds:\n%s", output)
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	holds(t, lines[len(lines)-1], "dbake.yaml:9:", "SELECT COUNT(*) > 5 FROM item", "not true")
	if got := docker(t, "images", "--quiet", tag+"-never"); got != "" {
		t.Errorf("there is an image of a build that failed: %s", got)
	}
}
