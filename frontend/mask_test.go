package frontend

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"

	"github.com/dbake/dbake/seed/plan"
)

// The value of a secret is in no cache key: the resolve step looks at it every
// time, and what it answers makes another key another restore.
func TestMaskKeyIsLookedAtEveryTime(t *testing.T) {
	masked := contextFilesWith("dump: dump.sql\nmask:\n  key: {secret: mask_key}\n  columns:\n    app.users.email: {email: {}}\n")
	s := newStub(t, masked)
	s.build(t)
	op, _, ignored := s.step(t, stepResolve)
	hasKey := slices.ContainsFunc(op.GetExec().Mounts, func(m *pb.Mount) bool {
		return m.Dest == plan.SecretDir+"/mask_key" && m.SecretOpt.GetID() == "mask_key" && !m.SecretOpt.Optional
	})
	if !ignored || !hasKey || !strings.Contains(strings.Join(op.GetExec().Meta.Env, " "), "DBAKE_BUILD=") {
		t.Errorf("the resolve step: ignores the cache %v, has the key %v", ignored, hasKey)
	}
	digests := map[string]bool{}
	for _, check := range []string{"", "one", "another", "one"} {
		s := newStub(t, masked)
		s.resolved.KeyCheck = check
		s.build(t)
		_, digest, ignored := s.step(t, stepRestore)
		if ignored {
			t.Error("the restore step ignores the cache")
		}
		digests[digest] = true
	}
	if len(digests) != 3 {
		t.Errorf("three keys make %d restores", len(digests))
	}
}
