package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/baker/progress"
)

// bakeOptions are the flags of dbake bake.
type bakeOptions struct {
	spec     specFlags
	progress progressFlag
	builder  builderFlags
	registry registryFlags
	notify   notifyFlags

	tags         []string
	suffix       string
	output       string
	platforms    []string
	labels       []string
	compression  string
	caches       []string
	noCache      bool
	metadataFile string
	provenance   bool
	sbom         bool
}

func (o *bakeOptions) addFlags(f *pflag.FlagSet) {
	o.spec.addFlags(f)
	o.builder.addFlags(f)
	o.registry.addFlags(f)
	o.progress.addFlags(f)
	o.notify.addFlags(f)
	f.StringArrayVarP(&o.tags, "tag", "t", nil, "name and tag of the image; may hold {{.DumpDate}}, {{.DumpTime}}, {{.ETag}}, {{.VersionID}}, {{.Server}}, {{.GitSHA}}, {{.GitShort}} (repeatable)")
	f.StringVar(&o.suffix, "tag-suffix", "", "put behind every tag; may hold the same fields")
	f.StringVarP(&o.output, "output", "o", "push", "where the image goes: push, docker, oci:DIR, tar:FILE")
	f.StringSliceVar(&o.platforms, "platform", nil, "platforms of the image, as linux/amd64,linux/arm64 (default: this machine's)")
	f.StringArrayVar(&o.labels, "label", nil, "add a label, as NAME=VALUE (repeatable)")
	f.StringVar(&o.compression, "compression", "", "compression of the data layers: zstd, gzip, estargz (default: the file's image.compression, or zstd)")
	f.StringArrayVar(&o.caches, "cache", nil, `take unchanged data layers from this image (repeatable; default: the first tag; "none" for no image)`)
	f.BoolVar(&o.noCache, "no-cache", false, "restore although nothing has changed")
	f.StringVar(&o.metadataFile, "metadata-file", "", "write what was baked to this file, as JSON")
	f.BoolVar(&o.provenance, "provenance", true, "attach SLSA provenance to a pushed image")
	f.BoolVar(&o.sbom, "sbom", true, "attach an SPDX document to a pushed image")
}

const bakeExamples = `  # From the dump in S3 to the registry, without a Docker daemon
  dbake bake -t registry.example.com/team/app-data

  # Two tags, moved together when the image is complete
  dbake bake -t registry.example.com/app-data:latest -t 'registry.example.com/app-data:{{.DumpDate}}'

  # For the Docker Engine of this machine, from another dump
  dbake bake -t app-data -o docker --set dump=./dump.sql.gz

  # With a secret that dbake.yaml names, and for two platforms
  dbake bake -t registry.example.com/app-data --secret id=root_password,src=root.txt --platform linux/amd64,linux/arm64`

func newBakeCommand() *cobra.Command {
	var o bakeOptions
	cmd := &cobra.Command{
		Use:   "bake [-f FILE] -t REF... [flags]",
		Short: "Bake the image that a dbake.yaml describes",
		Long: `Bake the image that a dbake.yaml describes, and push it.

The dump is restored by the builder: "local" needs no daemon and is taken where
it can run; "buildkit" and "docker" have a BuildKit do it. Tags move last, all
together, and only to a complete image. When the data has not changed since the
image that --cache names, its layers are taken and nothing is restored.
` + exitHelp,
		Example: bakeExamples,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBake(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runBake(ctx context.Context, o bakeOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := o.progress.check(); err != nil {
		return err
	}
	n, err := o.notifier(ctx)
	if err != nil {
		return err
	}
	result, err := o.bake(ctx, n, stdin, stderr)
	if err != nil {
		return err
	}
	if o.metadataFile != "" {
		err = writeMetadata(o.metadataFile, result)
	}
	// The tags have moved, whatever became of the file.
	return errors.Join(printResult(stdout, result), err)
}

// bake bakes, and tells how it ended whoever is to be told.
func (o *bakeOptions) bake(ctx context.Context, n *notifier, stdin io.Reader, stderr io.Writer) (*baker.Result, error) {
	var result *baker.Result
	options, wrong := o.options(ctx, stdin)
	err := o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
		err := wrong
		if err == nil {
			options.Registry = o.registry.open(w)
			defer options.Registry.Close()
			n.look(ctx, options.Registry, o.before(), options.File)
			result, err = o.bakeWith(ctx, &options, w)
		}
		n.tell(ctx, result, err, w)
		return err
	})
	return result, err
}

// bakeWith bakes with the builder of the flags.
func (o *bakeOptions) bakeWith(ctx context.Context, options *baker.Options, w progress.Writer) (*baker.Result, error) {
	if options.Output.Kind == baker.OutputDocker {
		e, err := engine.New(ctx, engine.Options{})
		if err != nil {
			return nil, err
		}
		defer e.Close()
		info, err := e.Info(ctx)
		if err != nil {
			return nil, err
		}
		options.Loader, options.KeepsLayers = e, info.Containerd
	}
	done, err := o.builder.open(ctx, options, w)
	if err != nil {
		return nil, err
	}
	result, err := baker.Bake(ctx, *options, w)
	return result, errors.Join(err, done())
}

// options is everything of a bake but the builder.
func (o *bakeOptions) options(ctx context.Context, stdin io.Reader) (baker.Options, error) {
	var b baker.Options
	order, err := o.spec.load(stdin)
	if err != nil {
		return b, err
	}
	b = baker.Options{
		File: order.file, Name: order.name, Data: order.data, Args: order.args, Context: order.dir,
		Refs: o.tags, Suffix: o.suffix, GitSHA: gitSHA(ctx, order.dir), NoCache: o.noCache, Reuse: o.reuse(),
		Compression: layer.Compression(o.compression), Provenance: o.provenance, SBOM: o.sbom, Version: buildVersion(),
	}
	if b.Output, err = baker.ParseOutput(o.output); err != nil {
		return b, usageError{fmt.Errorf("--output: %w", err)}
	}
	if err := b.Output.CheckTags(o.tags); err != nil {
		return b, usageError{err}
	}
	if o.compression != "" {
		if _, err := layer.MediaType(b.Compression, false); err != nil {
			return b, usageError{fmt.Errorf("--compression %s is not known; it is zstd, gzip or estargz", o.compression)}
		}
	}
	if b.Platforms, err = parsePlatforms(o.platforms); err != nil {
		return b, err
	}
	if b.Labels, err = parseLabels(o.labels); err != nil {
		return b, err
	}
	if b.Created, err = sourceDateEpoch(order.args); err != nil {
		return b, err
	}
	if b.Secrets, err = o.builder.secretStore(); err != nil {
		return b, err
	}
	return b, nil
}

// reuse lists the images whose data layers may be taken.
func (o *bakeOptions) reuse() []string {
	if len(o.caches) == 0 {
		return o.first()
	}
	var list []string
	for _, c := range o.caches {
		if c != "none" {
			list = append(list, c)
		}
	}
	return list
}

// first is the first tag, as a list, unless it hangs on the dump.
func (o *bakeOptions) first() []string {
	if len(o.tags) == 0 || strings.Contains(o.tags[0]+o.suffix, "{{") {
		return nil
	}
	ref := o.tags[0]
	if o.suffix != "" && !strings.Contains(path.Base(ref), ":") {
		ref += ":latest"
	}
	return []string{ref + o.suffix}
}

func parsePlatforms(list []string) ([]v1.Platform, error) {
	var platforms []v1.Platform
	for _, s := range list {
		p, err := v1.ParsePlatform(strings.TrimSpace(s))
		if err != nil || p.OS == "" || p.Architecture == "" {
			return nil, usageError{fmt.Errorf("--platform %q is no platform such as linux/amd64", s)}
		}
		platforms = append(platforms, *p)
	}
	return platforms, nil
}

func parseLabels(list []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, s := range list {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--label %q is no label; write NAME=VALUE", s)}
		}
		if strings.HasPrefix(name, "io.dbake.") {
			return nil, usageError{fmt.Errorf("--label %s: names that begin with io.dbake. are dbake's own", name)}
		}
		labels[name] = value
	}
	return labels, nil
}

// sourceDateEpoch is the image's date (reproducible-builds.org,
// SOURCE_DATE_EPOCH), or nil.
func sourceDateEpoch(args map[string]string) (*time.Time, error) {
	value := args["SOURCE_DATE_EPOCH"]
	if value == "" {
		return nil, nil //nolint:nilnil // no date is an answer
	}
	seconds, err := parseSeconds(value)
	if err != nil {
		return nil, usageError{fmt.Errorf("SOURCE_DATE_EPOCH is not a number of seconds since 1970: %q", value)}
	}
	t := time.Unix(seconds, 0).UTC()
	return &t, nil
}

// printResult says what came out, as docker push does: a line for each tag.
func printResult(out io.Writer, r *baker.Result) error {
	if len(r.Refs) == 0 {
		_, err := fmt.Fprintln(out, r.Digest)
		return err
	}
	for _, ref := range r.Refs {
		if _, err := fmt.Fprintf(out, "%s@%s\n", ref, r.Digest); err != nil {
			return err
		}
	}
	return nil
}

// metadata is what --metadata-file holds: the keys of docker buildx build's, and
// dbake's own.
type metadata struct {
	Digest       string            `json:"containerimage.digest"`
	ConfigDigest string            `json:"containerimage.config.digest"`
	Name         string            `json:"image.name,omitempty"`
	Platforms    []string          `json:"dbake.platforms"`
	Base         string            `json:"dbake.base"`
	BaseDigest   string            `json:"dbake.base.digest,omitempty"`
	Reused       string            `json:"dbake.reused,omitempty"`
	DataBytes    int64             `json:"dbake.data.bytes"`
	DataLayers   int               `json:"dbake.data.layers"`
	Seconds      float64           `json:"dbake.seconds"`
	Attached     map[string]string `json:"dbake.attestations,omitempty"`
	Manifest     any               `json:"dbake.manifest"`
}

func writeMetadata(name string, r *baker.Result) error {
	text, err := json.MarshalIndent(metadata{
		Digest: r.Digest.String(), ConfigDigest: r.ConfigDigest.String(), Name: strings.Join(r.Refs, ","),
		Platforms: r.Platforms, Base: r.Base, BaseDigest: r.BaseDigest, Reused: r.Reused, DataBytes: r.DataBytes,
		DataLayers: r.Layers, Seconds: r.Took.Seconds(), Attached: r.Attached, Manifest: r.Manifest,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("write the metadata file: %w", err)
	}
	text = append(text, '\n')
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() { // /dev/stdout, a pipe
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return fmt.Errorf("write the metadata file: %w", err)
		}
		return nil
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), ".dbake-*")
	if err != nil {
		return fmt.Errorf("write the metadata file: %w", err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(text)
	if err := errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return fmt.Errorf("write the metadata file: %w", err)
	}
	if err := os.Rename(temporary.Name(), name); err != nil {
		return fmt.Errorf("write the metadata file: %w", err)
	}
	return nil
}
