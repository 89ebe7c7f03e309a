package load

import (
	"testing"

	"github.com/dbake/dbake/seed/dump"
)

func TestWhichSetStatementsConcernTheServer(t *testing.T) {
	for text, want := range map[string]bool{
		"SET GLOBAL max_allowed_packet = 1":                  true,
		"SET @@GLOBAL.sync_binlog=1":                         true,
		"SET NAMES utf8mb4, @@global.x := 2":                 true,
		"SET PERSIST x = 1":                                  true,
		"SET SESSION sql_mode = @@GLOBAL.sql_mode":           false,
		"SET sql_mode=@@global.sql_mode, time_zone='+00:00'": false,
		"SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='GLOBAL'":    false,
	} {
		if got := isGlobal(dump.Statement{Text: []byte(text)}); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
