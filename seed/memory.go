package seed

import (
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/plan"
)

// serverMemory gives the memory that a server may use to restore these dumps:
// half of what there is, but for small dumps no more than they can fill. A server
// takes time to set a large buffer pool up, and about a tenth of its size beside
// it.
func serverMemory(available int64, objects []plan.Object) int64 {
	const (
		least = 512 << 20
		// A dump compresses to a tenth at best, and its data directory is less
		// than twice its text.
		growth = 20
	)
	half := available / 2
	var dumps int64
	for _, o := range objects {
		if o.Size < 0 || o.Size > half {
			return half
		}
		dumps += o.Size
	}
	return min(half, max(least, growth*dumps))
}

// memory is serverMemory on the machine we are on.
func (r *restore) memory() int64 { return serverMemory(mysqld.AvailableMemory(), r.order.Objects) }
