// Package bytesize writes numbers of bytes for people.
package bytesize

import "fmt"

// Text gives a number of bytes with a decimal unit, as 1.5 MB.
func Text(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}
