// Package imageconfig is what a baked image says and holds besides its data: its
// config, its labels, and the two files that make the base's server serve the
// data directory. It is the same whoever puts the image together, BuildKit or the
// baker, and is made of values alone.
package imageconfig

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// Labels of a baked image. Those with a value per dump hold one per line, in
// the order of the dumps.
const (
	// LabelSource says where the dumps came from, without query strings.
	LabelSource = "io.dbake.source"
	// LabelSourceVersion holds the S3 version ids, LabelSourceETag the ETags.
	LabelSourceVersion = "io.dbake.source.version"
	LabelSourceETag    = "io.dbake.source.etag"
	// LabelServer is flavour and version: "mysql 9.7.0".
	LabelServer = "io.dbake.server"
	// LabelManifest is the whole manifest as compact JSON, unless it is
	// longer than MaxManifestLabel; the image always has it as a file.
	LabelManifest = "io.dbake.manifest"
)

// MaxManifestLabel is the size in bytes up to which a manifest becomes a label.
const MaxManifestLabel = 16 << 10

const (
	ociPrefix     = "org.opencontainers.image."
	serverPort    = "3306/tcp"
	historyAuthor = "dbake"
)

// Base is the image that the data goes onto, for one platform.
type Base struct {
	// Name is the reference as the user wrote it, Digest what it stood for;
	// Digest is empty when a local image was used.
	Name, Digest string
	Config       *dockerspec.DockerOCIImage
}

// Input is what a baked image is made from.
type Input struct {
	File     *spec.File
	Base     Base
	Platform ocispecs.Platform
	Resolved plan.Resolved
	// Manifest is the manifest as compact JSON.
	Manifest []byte
	// Created is the image's date; nil leaves it out.
	Created *time.Time
	// Labels are those of the command line.
	Labels map[string]string
}

// Config is the config of the baked image: the base's, changed as little as
// serving the baked data takes. Its root file system is still the base's.
func Config(in Input) *dockerspec.DockerOCIImage {
	img := *in.Base.Config
	img.Platform = in.Platform
	img.Created = in.Created
	img.History = append(slices.Clone(img.History),
		ocispecs.History{CreatedBy: "dbake: entrypoint and server settings", Comment: historyAuthor, Created: in.Created},
		ocispecs.History{
			CreatedBy: "dbake: restore " + strings.Join(ObjectNames(in.Resolved.Objects), ", "),
			Comment:   historyAuthor,
			Created:   in.Created,
		})
	c := &img.Config
	c.Volumes = nil
	c.Entrypoint = []string{plan.EntrypointPath}
	c.Cmd = serverCommand(c.Cmd, in.Resolved.Base.Server)
	c.ArgsEscaped = false //nolint:staticcheck // deprecated, but it would come along from the base
	c.ExposedPorts = maps.Clone(c.ExposedPorts)
	if c.ExposedPorts == nil {
		c.ExposedPorts = map[string]struct{}{}
	}
	c.ExposedPorts[serverPort] = struct{}{}
	c.Healthcheck = &dockerspec.HealthcheckConfig{
		Test:          []string{"CMD", plan.EntrypointPath, "healthcheck"},
		Interval:      10 * time.Second,
		Timeout:       5 * time.Second,
		StartPeriod:   30 * time.Second,
		StartInterval: time.Second,
		Retries:       3,
	}
	c.Labels = in.labels()
	c.OnBuild = nil
	return &img
}

// serverCommand keeps the base's command when it starts a server, also one of
// options only, which entrypoints of database images take for the server's.
func serverCommand(cmd []string, server string) []string {
	name := path.Base(server)
	if len(cmd) == 0 {
		return []string{name}
	}
	switch first := path.Base(cmd[0]); {
	case first == "mysqld", first == "mariadbd":
		return cmd
	case strings.HasPrefix(cmd[0], "-"):
		return append([]string{name}, cmd...)
	}
	return []string{name}
}

// labels are, from weakest to strongest: the base's, dbake's own, those of the
// file, and those of the command line. What the base says of itself in the
// org.opencontainers.image namespace is not true of the baked image.
func (in Input) labels() map[string]string {
	labels := map[string]string{}
	for name, value := range in.Base.Config.Config.Labels {
		if !strings.HasPrefix(name, ociPrefix) {
			labels[name] = value
		}
	}
	labels[ocispecs.AnnotationBaseImageName] = in.Base.Name
	if in.Base.Digest != "" {
		labels[ocispecs.AnnotationBaseImageDigest] = in.Base.Digest
	}
	maps.Copy(labels, SourceLabels(in.Resolved))
	if len(in.Manifest) <= MaxManifestLabel {
		labels[LabelManifest] = string(in.Manifest)
	}
	maps.Copy(labels, in.File.Image.Labels)
	maps.Copy(labels, in.Labels)
	return labels
}

// SourceLabels say what was restored and by which server.
func SourceLabels(r plan.Resolved) map[string]string {
	labels := map[string]string{
		LabelSource: strings.Join(ObjectNames(r.Objects), "\n"),
		LabelServer: strings.TrimSpace(r.Base.Flavour + " " + r.Base.Version),
	}
	perObject := map[string]func(plan.Object) string{
		LabelSourceVersion: func(o plan.Object) string { return o.VersionID },
		LabelSourceETag:    func(o plan.Object) string { return o.ETag },
	}
	for name, get := range perObject {
		var values []string
		for _, o := range plan.Dumps(r.Objects) {
			values = append(values, get(o))
		}
		if joined := strings.Join(values, "\n"); strings.TrimSpace(joined) != "" {
			labels[name] = joined
		}
	}
	return labels
}

// CheckVolumes refuses a data directory below a VOLUME of the base. Tools that
// build on the baked image bring inherited VOLUMEs back easily, and then every
// "docker run" copies the whole data directory into a new volume.
func CheckVolumes(bs Base, dataDir string) error {
	for _, volume := range slices.Sorted(maps.Keys(bs.Config.Config.Volumes)) {
		if isBelow(dataDir, volume) {
			return fmt.Errorf("datadir %s is below %s, which the base %s declares a VOLUME: "+
				"its data would not stay in the image; choose another directory, such as /data/mysql", dataDir, volume, bs.Name)
		}
	}
	return nil
}

func isBelow(dir, parent string) bool {
	dir, parent = path.Clean(dir), path.Clean("/"+parent)
	return dir == parent || parent == "/" || strings.HasPrefix(dir, parent+"/")
}
