package buildkit

import (
	"strings"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// maxLog is how much of a step's output is kept, in bytes: as much as a failure
// is long at most.
const maxLog = 64 << 10

// restoreLog keeps the end of what the restore step prints. It is not safe for
// concurrent use.
type restoreLog struct {
	step digest.Digest
	text []byte
}

// add takes what it needs from a status.
func (l *restoreLog) add(s *client.SolveStatus) {
	for _, v := range s.Vertexes {
		if strings.HasPrefix(v.Name, "[restore]") {
			l.step = v.Digest
		}
	}
	for _, piece := range s.Logs {
		if l.step == "" || piece.Vertex != l.step {
			continue
		}
		l.text = append(l.text, piece.Data...)
		if more := len(l.text) - maxLog; more > 0 {
			l.text = append(l.text[:0], l.text[more:]...)
		}
	}
}

// failure is what the step printed last, if that is a failure.
func (l *restoreLog) failure(file *spec.File) (plan.Failure, bool) {
	return plan.FailureIn(string(l.text), func(path string) bool {
		return file.Position(path) != file.Position("")
	})
}
