package load

import (
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestSafeMessageHidesValues(t *testing.T) {
	const value = "Ann O'Brien"
	for _, c := range []struct {
		number  uint16
		message string
		want    string
	}{
		{1062, "Duplicate entry '" + value + "' for key 'users.email'", "Duplicate entry '…' for key 'users.email'"},
		{1366, "Incorrect string value: '" + value + "' for column `app`.`users`.`name` at row 7", "Incorrect string value: '…' for column `app`.`users`.`name` at row 7"},
		{1366, "Incorrect integer value: '" + value + "' for column 'id' at row 1", "Incorrect integer value: '…' for column 'id' at row 1"},
		{1292, "Truncated incorrect DOUBLE value: '" + value + "'", "Truncated incorrect DOUBLE value: '…'"},
		{1064, "You have an error in your SQL syntax; check the manual near '" + value + "' at line 1", "You have an error in your SQL syntax; check the manual"},
		{1146, "Table 'app.users' doesn't exist", "Table 'app.users' doesn't exist"},
		{9999, "Something new about '" + value + "' and '" + value + "'", "Something new about '…'"},
		{1644, "no mail for " + value, "a trigger or routine of the dump raised a condition, whose text may hold values"},
		{1526, "Table has no partition for value 19700101", "the table has no partition for the value"},
		{1863, "Found a row in wrong partition (1 != 0) from REBUILD ( `name`:" + value + ")", "found a row in the wrong partition"},
		{3617, "Latitude 95.170824 is out of range in function st_geomfromtext. It must be within [-90.0, 90.0].", "Latitude … is out of range in function st_geomfromtext. It must be within [-…, …]."},
		{1205, "Lock wait timeout exceeded", "Lock wait timeout exceeded"},
	} {
		got := SafeMessage(&mysql.MySQLError{Number: c.number, Message: c.message}, true)
		if got != c.want {
			t.Errorf("%d: %s, want %s", c.number, got, c.want)
		}
		if strings.Contains(got, "Ann") || strings.Contains(got, "Brien") {
			t.Errorf("%d: the message shows the value: %s", c.number, got)
		}
	}
}

func TestSafeMessageOfDDLKeepsNames(t *testing.T) {
	e := &mysql.MySQLError{Number: 1273, Message: "Unknown collation: 'utf8mb4_uca1400_ai_ci'"}
	if got := SafeMessage(e, false); got != e.Message {
		t.Errorf("got %s", got)
	}
}
