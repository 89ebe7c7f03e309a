// Package deploy_test checks the pipeline on AWS as far as a machine without AWS
// can: that the Terraform module says what it means, that its policies allow the
// calls that dbake makes and no others.
package deploy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dbake/dbake/spec"
)

// module is the parsed Terraform module.
type module struct {
	t      *testing.T
	bodies map[string]*hclsyntax.Body // by file name
}

func parseModule(t *testing.T) *module {
	t.Helper()
	files, err := filepath.Glob("terraform/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no Terraform: %v", err)
	}
	m := &module{t: t, bodies: map[string]*hclsyntax.Body{}}
	parser := hclparse.NewParser()
	for _, name := range files {
		file, problems := parser.ParseHCLFile(name)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			t.Fatalf("%s: %T", name, file.Body)
		}
		m.bodies[filepath.Base(name)] = body
	}
	return m
}

// blocks gives the blocks of a type, and with the labels if given.
func (m *module) blocks(kind string, labels ...string) (found []*hclsyntax.Block) {
	for _, body := range m.bodies {
		found = append(found, inside(body, kind, labels...)...)
	}
	return found
}

func inside(body *hclsyntax.Body, kind string, labels ...string) (found []*hclsyntax.Block) {
	for _, b := range body.Blocks {
		if b.Type == kind && len(b.Labels) >= len(labels) && slices.Equal(b.Labels[:len(labels)], labels) {
			found = append(found, b)
		}
	}
	return found
}

// one gives the one block.
func (m *module) one(kind string, labels ...string) *hclsyntax.Block {
	m.t.Helper()
	found := m.blocks(kind, labels...)
	if len(found) != 1 {
		m.t.Fatalf("there are %d blocks %s %v, want 1", len(found), kind, labels)
	}
	return found[0]
}

// constant is an attribute's value as text; an expression of variables is its
// source.
func (m *module) constant(body *hclsyntax.Body, name string) string {
	m.t.Helper()
	a := body.Attributes[name]
	if a == nil {
		return ""
	}
	if v, problems := a.Expr.Value(nil); !problems.HasErrors() && v.Type().FriendlyName() == "string" {
		return v.AsString()
	}
	return m.source(a.Expr.Range())
}

func (m *module) source(r hcl.Range) string {
	m.t.Helper()
	text, err := os.ReadFile(r.Filename)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(r.SliceBytes(text))
}

// references are what the module's expressions refer to: var.name,
// aws_s3_bucket.dumps, data.aws_region.current.
func (m *module) references() map[string]bool {
	found := map[string]bool{}
	for _, body := range m.bodies {
		problems := hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
			e, ok := n.(*hclsyntax.ScopeTraversalExpr)
			if !ok {
				return nil
			}
			words := []string{e.Traversal.RootName()}
			for _, step := range e.Traversal[1:] {
				if attribute, ok := step.(hcl.TraverseAttr); ok {
					words = append(words, attribute.Name)
				}
			}
			words = words[:min(len(words), map[bool]int{true: 3, false: 2}[words[0] == "data"])]
			found[strings.Join(words, ".")] = true
			return nil
		})
		if problems.HasErrors() {
			m.t.Fatal(problems)
		}
	}
	return found
}

func TestModuleIsFormatted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("terraform/*.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(hclwrite.Format(text), text) {
			t.Errorf("%s is not formatted: terraform fmt does it", name)
		}
	}
}

// Every variable has a type and a description and is used, and everything that
// is referred to is there.
func TestModuleNames(t *testing.T) {
	t.Parallel()
	m := parseModule(t)
	used, declared := m.references(), map[string]bool{}
	for _, kind := range []string{"variable", "output"} {
		for _, b := range m.blocks(kind) {
			if m.constant(b.Body, "description") == "" {
				t.Errorf("%s %s has no description", kind, b.Labels[0])
			}
		}
	}
	for _, b := range m.blocks("variable") {
		name := "var." + b.Labels[0]
		declared[name] = true
		if b.Body.Attributes["type"] == nil {
			t.Errorf("%s has no type", name)
		}
		if !used[name] {
			t.Errorf("%s is not used", name)
		}
	}
	for _, b := range m.blocks("resource") {
		declared[strings.Join(b.Labels, ".")] = true
	}
	for _, b := range m.blocks("data") {
		name := "data." + strings.Join(b.Labels, ".")
		declared[name] = true
		if !used[name] {
			t.Errorf("%s is not used", name)
		}
	}
	for _, b := range m.blocks("locals") {
		for name := range b.Body.Attributes {
			declared["local."+name] = true
		}
	}
	// Names that stand for themselves: types in variables, dynamic blocks' and loops' variables.
	own := regexp.MustCompile(`^(string|number|bool|any|null|path\.module|each\.(key|value)|environment_variable\.(key|value)|vpc_config\.value|suffix|name|value|arn)$`)
	for name := range used {
		if !declared[name] && !own.MatchString(name) {
			t.Errorf("%s is used and not declared", name)
		}
	}
}

// What must hold whoever uses the module.
func TestModuleIsSafe(t *testing.T) {
	t.Parallel()
	m := parseModule(t)
	project := m.one("resource", "aws_codebuild_project", "bake").Body
	if got := m.constant(inside(project, "environment")[0].Body, "privileged_mode"); got != "false" {
		t.Errorf("the bake's privileged mode is %s", got)
	}
	public := m.one("resource", "aws_s3_bucket_public_access_block").Body
	for _, name := range []string{"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"} {
		if got := m.constant(public, name); got != "true" {
			t.Errorf("%s of the bucket is %q", name, got)
		}
	}
	versions := m.one("resource", "aws_s3_bucket_versioning").Body
	if got := m.constant(inside(versions, "versioning_configuration")[0].Body, "status"); got != "Enabled" {
		t.Errorf("versioning of the bucket is %q", got)
	}
	for _, kind := range []string{"aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_lifecycle_configuration", "aws_ecr_lifecycle_policy", "aws_s3_bucket_policy"} {
		m.one("resource", kind)
	}
	scan := inside(m.one("resource", "aws_ecr_repository").Body, "image_scanning_configuration")[0].Body
	if m.constant(scan, "scan_on_push") != "true" {
		t.Error("images are not scanned")
	}
	for _, b := range m.blocks("resource", "aws_cloudwatch_log_group") {
		if b.Body.Attributes["retention_in_days"] == nil {
			t.Errorf("the logs of %s are kept for ever", b.Labels[1])
		}
	}
	for _, kind := range []string{"aws_s3_bucket_acl", "aws_iam_user", "aws_iam_access_key", "aws_iam_role_policy_attachment"} {
		if len(m.blocks("resource", kind)) > 0 {
			t.Errorf("there is a %s", kind)
		}
	}
}

// A new object below the prefix starts a bake of exactly its version, in the
// words of CodeBuild's StartBuild.
func TestModuleTellsTheBuildWhatCame(t *testing.T) {
	t.Parallel()
	m := parseModule(t)
	rule := m.source(m.one("resource", "aws_cloudwatch_event_rule", "upload").Body.Attributes["event_pattern"].Range())
	for _, want := range []string{`["aws.s3"]`, `["Object Created"]`, "aws_s3_bucket.dumps.id", "${var.dump_prefix}*${suffix}"} {
		if !strings.Contains(rule, want) {
			t.Errorf("the rule has no %s:\n%s", want, rule)
		}
	}
	text := m.transform(inside(m.one("resource", "aws_cloudwatch_event_target", "upload").Body, "input_transformer")[0].Body, uploadEvent)
	var input codebuild.StartBuildInput
	strict := json.NewDecoder(strings.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&input); err != nil || len(input.EnvironmentVariablesOverride) != 1 {
		t.Fatalf("%v:\n%s", err, text)
	}
	variable := input.EnvironmentVariablesOverride[0]
	if *variable.Name != "DBAKE_DUMP" || !slices.Contains(variable.Type.Values(), variable.Type) {
		t.Errorf("the variable is %s, %s", *variable.Name, variable.Type)
	}
	want := spec.Location{Kind: spec.KindS3Object, Bucket: "acme-dumps", Key: "mysql/app 20261121.sql.zst", VersionID: "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"}
	if got, err := spec.ParseLocation(*variable.Value); err != nil || got != want {
		t.Errorf("the dump is %+v, %v", got, err)
	}
}

// uploadEvent is an event of an upload, in the shape of the S3 User Guide's
// "EventBridge event message structure".
const uploadEvent = `{
  "version": "0", "id": "2d4eba74-fd51-3966-4bfa-b013c9da8ff1", "detail-type": "Object Created", "source": "aws.s3",
  "account": "123456789012", "time": "2026-11-21T03:00:59Z", "region": "eu-west-1", "resources": ["arn:aws:s3:::acme-dumps"],
  "detail": {
    "version": "0", "bucket": {"name": "acme-dumps"},
    "object": {"key": "mysql/app 20261121.sql.zst", "size": 99797, "etag": "7a72374e1238761aca7778318b363232", "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "sequencer": "0062E99A88DC407460"},
    "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012", "source-ip-address": "192.0.2.1", "reason": "CompleteMultipartUpload"
  }
}`

// transform makes of an event what EventBridge's input transformer does.
func (m *module) transform(transformer *hclsyntax.Body, event string) string {
	m.t.Helper()
	var values map[string]any
	if err := json.Unmarshal([]byte(event), &values); err != nil {
		m.t.Fatal(err)
	}
	text := m.constant(transformer, "input_template")
	paths, ok := transformer.Attributes["input_paths"].Expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		m.t.Fatal("input_paths is no object")
	}
	for _, item := range paths.Items {
		path, problems := item.ValueExpr.Value(nil)
		if problems.HasErrors() {
			m.t.Fatal(problems)
		}
		var value any = values
		for name := range strings.SplitSeq(strings.TrimPrefix(path.AsString(), "$."), ".") {
			object, ok := value.(map[string]any)
			if value = object[name]; !ok || value == nil {
				m.t.Fatalf("the event has no %s", path.AsString())
			}
		}
		found, ok := value.(string)
		if !ok {
			m.t.Fatalf("%s is no text", path.AsString())
		}
		text = strings.ReplaceAll(text, "<"+m.source(item.KeyExpr.Range())+">", found)
	}
	return text
}
