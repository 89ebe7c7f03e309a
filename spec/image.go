package spec

import "strings"

// ReservedLabels is how the labels begin that dbake itself sets.
const ReservedLabels = "io.dbake."

// Values of Image.Compression.
const (
	CompressionZstd    = "zstd"
	CompressionGzip    = "gzip"
	CompressionEstargz = "estargz"
)

func (d *decoder) image(n *node) Image {
	var i Image
	if !record[Image](d, n) {
		return i
	}
	if v := n.get("labels"); v != nil {
		i.Labels = d.labels(v)
	}
	if v := n.get("compression"); v != nil {
		i.Compression = choice(d, v, CompressionZstd, CompressionGzip, CompressionEstargz)
	}
	return i
}

func (d *decoder) labels(n *node) map[string]string {
	if !d.is(n, kindMapping) {
		return nil
	}
	labels := make(map[string]string, len(n.fields))
	for _, f := range n.fields {
		switch {
		case f.key == "" || strings.ContainsAny(f.key, "= \t\r\n") || strings.ContainsFunc(f.key, isControl):
			d.add(f.pos, f.value.path, `without blanks and "="`, "%q is not a label's name", f.key)
		case strings.HasPrefix(f.key, ReservedLabels):
			d.add(f.pos, f.value.path, "", "labels that begin with %s are reserved for dbake", ReservedLabels)
		}
		if d.is(f.value, kindString) {
			labels[f.key] = f.value.text
		}
	}
	return labels
}
