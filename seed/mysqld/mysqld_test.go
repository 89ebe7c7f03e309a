package mysqld

import (
	"strings"
	"testing"
)

// A server that crashes prints the statement it was at, and InnoDB the records it
// stumbled over.
func TestExitErrorShowsNoRows(t *testing.T) {
	t.Parallel()
	for name, log := range map[string][]string{
		"statement": {
			"2026-01-01T00:00:00Z UTC - mysqld got signal 11 ;", "Trying to get some variables.",
			"Some pointers may be invalid and cause the dump to abort.",
			"Query (7f00c8004d20): INSERT INTO users VALUES ('Kanarie')",
		},
		"record": {
			"2026-01-01 0:00:00 0 [ERROR] InnoDB: Unique key constraint is not satisfied",
			"PHYSICAL RECORD: n_fields 2; compact format; info bits 0", " 0: len 7; hex 4b616e61726965; asc Kanarie;;",
		},
	} {
		text := (&ExitError{Doing: "serve", Log: log}).Error()
		if strings.Contains(text, "Kanarie") || strings.Contains(text, "4b616e") || !strings.Contains(text, "its log says") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
