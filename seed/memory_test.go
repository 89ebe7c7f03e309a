package seed

import (
	"testing"

	"github.com/dbake/dbake/seed/plan"
)

func TestServerMemoryFollowsTheDumps(t *testing.T) {
	const gb = 1 << 30
	for name, c := range map[string]struct {
		available int64
		sizes     []int64
		want      int64
	}{
		"small dump":        {16 * gb, []int64{1 << 20}, gb / 2},
		"several dumps":     {64 * gb, []int64{gb / 20, gb / 20}, gb / 20 * 2 * 20},
		"large dump":        {16 * gb, []int64{5 * gb}, 8 * gb},
		"size not known":    {16 * gb, []int64{-1}, 8 * gb},
		"no dump":           {16 * gb, nil, gb / 2},
		"little memory":     {gb / 2, []int64{1 << 20}, gb / 4},
		"beyond any number": {16 * gb, []int64{1 << 62, 1 << 62}, 8 * gb},
	} {
		var objects []plan.Object
		for _, size := range c.sizes {
			objects = append(objects, plan.Object{Size: size})
		}
		if got := serverMemory(c.available, objects); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
