package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// parseCommandLine checks that a command line of dbake names a command and flags
// that exist.
func parseCommandLine(t *testing.T, where string, args []string) {
	t.Helper()
	cmd, rest, err := newRootCommand().Find(args)
	if err != nil {
		t.Errorf("%s: dbake %q: %v", where, args, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil && err != pflag.ErrHelp { //nolint:errorlint // it is that very value
		t.Errorf("%s: dbake %q: %v", where, args, err)
	}
	if cmd.HasSubCommands() && len(cmd.Flags().Args()) > 0 && slices.Index(rest, "--help") < 0 {
		t.Errorf("%s: dbake %q: there is no such command", where, args)
	}
}

// commandLines finds dbake's command lines in a text: in a document those in
// fenced blocks, in anything else all.
func commandLines(name, text string) (list [][]string) {
	document, fenced := strings.HasSuffix(name, ".md"), false
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if document && strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if document && !fenced {
			continue
		}
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines[i])
		}
		if args, ok := commandLine(line); ok {
			list = append(list, args)
		}
	}
	return list
}

// commandLine gives the arguments of dbake in a line of a shell script.
func commandLine(line string) (args []string, ok bool) {
	for _, before := range []string{"- ", "run: ", "command: ", "$ "} {
		line = strings.TrimPrefix(line, before)
	}
	for _, before := range []string{"$(", "`", "| ", "&& "} {
		if _, after, found := strings.Cut(line, before+"dbake "); found {
			line = "dbake " + after
		}
	}
	line, ok = strings.CutPrefix(line, "dbake ")
	return splitWords(line), ok
}

// splitWords splits as a shell does, up to the end of the command.
func splitWords(line string) (words []string) {
	var word strings.Builder
	quote, inside := rune(0), false
	end := func() {
		if inside {
			words = append(words, word.String())
		}
		word.Reset()
		inside = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, inside = r, true
		case r == ' ' || r == '\t':
			end()
		case strings.ContainsRune("|;&<>)`", r) || r == '#' && !inside:
			end()
			return words
		default:
			word.WriteRune(r)
			inside = true
		}
	}
	end()
	return words
}

// Whatever examples and documentation tell users to type exists.
func TestDeployExamplesUseFlagsThatExist(t *testing.T) {
	t.Parallel()
	root := "../.."
	found := map[string]int{}
	for _, dir := range []string{"examples", "docs", "deploy", "README.md"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".tf") {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for _, args := range commandLines(name, string(text)) {
				found[dir]++
				parseCommandLine(t, name, args)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("command lines: %v", found)
	if found["examples"] < 5 || found["docs"] < 5 {
		t.Errorf("only %v command lines were found", found)
	}
}

// The workflows are YAML, and bake and deploy the same image.
func TestDeployWorkflows(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"github-actions/app-data.yml": {"$IMAGE:latest", "$IMAGE:{{.GitSHA}}", "$IMAGE:$GITHUB_SHA"},
		"circleci/config.yml":         {"$IMAGE:latest", "$IMAGE:{{.GitSHA}}", "$IMAGE:$CIRCLE_SHA1"},
	} {
		text, err := os.ReadFile(filepath.Join("../../examples", name))
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := yaml.Unmarshal(text, &tree); err != nil || tree["jobs"] == nil {
			t.Errorf("%s: %v", name, err)
		}
		var images []string
		for _, args := range commandLines(name, string(text)) {
			cmd, rest, err := newRootCommand().Find(args)
			if err != nil || cmd.ParseFlags(rest) != nil {
				t.Fatalf("%s: %q: %v", name, args, err)
			}
			if tags, err := cmd.Flags().GetStringArray("tag"); err == nil {
				images = append(images, tags...)
			}
			if image, err := cmd.Flags().GetString("image"); err == nil {
				images = append(images, image)
			}
		}
		if diff := cmp.Diff(want, images); diff != "" {
			t.Errorf("%s: images (-want +got):\n%s", name, diff)
		}
	}
}

// buildspec is a build specification of CodeBuild, version 0.2.
type buildspec struct {
	Version float64 `yaml:"version"`
	Phases  map[string]struct {
		Commands []string `yaml:"commands"`
	} `yaml:"phases"`
}

func readBuildspec(t *testing.T, name string) buildspec {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	var b buildspec
	if err := yaml.UnmarshalWithOptions(text, &b, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if b.Version != 0.2 {
		t.Errorf("%s: version %v", name, b.Version)
	}
	return b
}

// run runs the commands of all phases as CodeBuild does, in one shell in a folder,
// with programs that note their arguments in place of the real ones; those in
// fails fail.
func (b buildspec) run(t *testing.T, programs []string, fails string, env ...string) (calls [][]string, dir string, err error) {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	noted := filepath.Join(bin, "noted")
	for _, p := range programs {
		script := "#!/bin/sh\n{ echo '#'; printf '%s\\n' " + p + " \"$@\"; } >> " + noted + "\ncase \"" + p + " $*\" in " + fails + ") exit 7 ;; esac\n"
		if err := os.WriteFile(filepath.Join(bin, p), []byte(script), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	var script strings.Builder
	script.WriteString("set -e\n")
	for _, phase := range []string{"install", "pre_build", "build"} {
		for _, command := range b.Phases[phase].Commands {
			script.WriteString(command + "\n")
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script.String())
	cmd.Dir, cmd.Env = dir, append([]string{"PATH=" + bin + ":" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	text, _ := os.ReadFile(noted)
	for call := range strings.SplitSeq(strings.TrimPrefix(string(text), "#\n"), "#\n") {
		calls = append(calls, strings.Split(strings.TrimSuffix(call, "\n"), "\n"))
	}
	t.Logf("%s", out)
	return calls, dir, err
}

func TestDeployBuildspec(t *testing.T) {
	t.Parallel()
	b := readBuildspec(t, "buildspec.yml")
	calls, dir, err := b.run(t, []string{"dbake"}, "none",
		"DBAKE_IMAGE=registry.example.com/app-data", "DBAKE_TAGS=latest {{.DumpTime}}", "DBAKE_YAML=version: 1\nbase: mysql:8.4",
		"DBAKE_DUMP=s3://acme-backup/mysql/a b.sql.zst?versionId=3HL4", "SLACK_WEBHOOK=https://hooks.example.com/x",
		"DBAKE_FLAGS=--secret id=root_password,env=ROOT_PASSWORD --platform linux/arm64")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"dbake", "version"},
		{"dbake", "check", "--file", "dbake.yaml"},
		{
			"dbake", "bake", "--file", "dbake.yaml", "--builder", "local", "--progress", "plain", "--metadata-file", "/tmp/dbake-metadata.json",
			"--tag", "registry.example.com/app-data:latest", "--tag", "registry.example.com/app-data:{{.DumpTime}}",
			"--set", "dump=s3://acme-backup/mysql/a b.sql.zst?versionId=3HL4",
			"--secret", "id=slack_webhook,env=SLACK_WEBHOOK", "--notify", "slack=slack_webhook",
			"--secret", "id=root_password,env=ROOT_PASSWORD", "--platform", "linux/arm64",
		},
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for _, call := range calls {
		parseCommandLine(t, "buildspec.yml", call[1:])
	}
	if text, err := os.ReadFile(filepath.Join(dir, "dbake.yaml")); err != nil || string(text) != "version: 1\nbase: mysql:8.4\n" {
		t.Errorf("dbake.yaml: %q, %v", text, err)
	}
}

func TestDeployBuildspecFails(t *testing.T) {
	t.Parallel()
	b := readBuildspec(t, "buildspec.yml")
	for name, test := range map[string]struct {
		fails string
		env   []string
	}{
		"bake":     {"'dbake bake '*", []string{"DBAKE_IMAGE=a"}},
		"check":    {"'dbake check '*", []string{"DBAKE_IMAGE=a"}},
		"checksum": {"none", []string{"DBAKE_IMAGE=a", "DBAKE_URL=/bin/true", "DBAKE_SHA256=" + strings.Repeat("0", 64)}},
		"no image": {"none", nil},
	} {
		if _, _, err := b.run(t, []string{"dbake"}, test.fails, test.env...); err == nil {
			t.Errorf("%s: the build goes on", name)
		}
	}
}

func TestDeployBuildspecBuildx(t *testing.T) {
	t.Parallel()
	calls, _, err := readBuildspec(t, "buildspec-buildx.yml").run(t, []string{"docker", "aws"}, "none",
		"DBAKE_IMAGE=registry.example.com/app-data", "AWS_REGION=eu-west-1", "DBAKE_DUMP=s3://acme-backup/a.sql")
	if err != nil {
		t.Fatal(err)
	}
	last := strings.Join(calls[len(calls)-1], " ")
	for _, want := range []string{
		"docker buildx build --builder dbake", "--push", "--build-arg AWS_REGION=eu-west-1", "--secret id=AWS_SESSION_TOKEN,env=AWS_SESSION_TOKEN",
		"--tag registry.example.com/app-data:latest --build-arg DUMP=s3://acme-backup/a.sql .",
	} {
		if !strings.Contains(last, want) {
			t.Errorf("the build has no %q: %s", want, last)
		}
	}
}

// The task definition is one, and the containers share the socket's folder.
func TestDeployFargateExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/fargate/task-definition.json")
	if err != nil {
		t.Fatal(err)
	}
	var task struct {
		Volumes              []struct{ Name string }
		ContainerDefinitions []struct {
			Name        string
			MountPoints []struct{ SourceVolume, ContainerPath string }
		}
	}
	if err := json.Unmarshal(text, &task); err != nil || len(task.Volumes) != 1 || len(task.ContainerDefinitions) != 2 {
		t.Fatalf("%+v, %v", task, err)
	}
	for _, c := range task.ContainerDefinitions {
		if len(c.MountPoints) != 1 || c.MountPoints[0].SourceVolume != task.Volumes[0].Name || c.MountPoints[0].ContainerPath != "/var/run/mysqld" {
			t.Errorf("%s does not share the socket's folder: %+v", c.Name, c.MountPoints)
		}
	}
}
