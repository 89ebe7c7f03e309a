package frontend

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/dbake/dbake/seed/plan"
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

// imageConfig is the config of the baked image: the base's, changed as little
// as serving the baked data takes.
func (b *bake) imageConfig(bs base, p ocispecs.Platform, rs restored) *dockerspec.DockerOCIImage {
	img := *bs.image
	img.Platform = p
	img.Created = b.args.epoch
	img.History = append(slices.Clone(img.History),
		ocispecs.History{CreatedBy: "dbake: entrypoint and server settings", Comment: historyAuthor, Created: b.args.epoch},
		ocispecs.History{
			CreatedBy: "dbake: restore " + strings.Join(objectNames(rs.resolved.Objects), ", "),
			Comment:   historyAuthor,
			Created:   b.args.epoch,
		})
	c := &img.Config
	c.Volumes = nil
	c.Entrypoint = []string{plan.EntrypointPath}
	c.Cmd = serverCommand(c.Cmd, rs.resolved.Base.Server)
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
	c.Labels = b.labels(bs, rs)
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
func (b *bake) labels(bs base, rs restored) map[string]string {
	labels := map[string]string{}
	for name, value := range bs.image.Config.Labels {
		if !strings.HasPrefix(name, ociPrefix) {
			labels[name] = value
		}
	}
	labels[ocispecs.AnnotationBaseImageName] = bs.name
	if bs.digest != "" {
		labels[ocispecs.AnnotationBaseImageDigest] = bs.digest.String()
	}
	maps.Copy(labels, sourceLabels(rs.resolved))
	if len(rs.manifest) <= MaxManifestLabel {
		labels[LabelManifest] = string(rs.manifest)
	}
	maps.Copy(labels, b.file.Image.Labels)
	maps.Copy(labels, b.dc.Labels)
	return labels
}

// sourceLabels say what was restored and by which server.
func sourceLabels(r plan.Resolved) map[string]string {
	labels := map[string]string{
		LabelSource: strings.Join(objectNames(r.Objects), "\n"),
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
