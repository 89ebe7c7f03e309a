package e2e

import (
	"sync"
	"testing"

	"github.com/dbake/dbake/test/parts"
)

// appDump is the dump in the images that most tests only run.
const appDump = header + `CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(99));
INSERT INTO item (name) VALUES ('apples'),('pears'),('plums');
CREATE TABLE untouched (id INT AUTO_INCREMENT PRIMARY KEY, a LONGBLOB);
INSERT INTO untouched (a) VALUES (REPEAT('u', 8000000)),(REPEAT('v', 8000000)),(REPEAT('w', 8000000));
CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(99));
` + trailer

var bakedImages struct {
	sync.Mutex
	refs map[parts.Flavour]string
}

// baked gives an image with appDump in the database shop, whose root account
// has no password. All tests share it.
func baked(t *testing.T, flavour parts.Flavour) string {
	t.Helper()
	bakedImages.Lock()
	defer bakedImages.Unlock()
	if ref := bakedImages.refs[flavour]; ref != "" {
		return ref
	}
	p := newProject(t, flavour, "restore: {database: shop}\ndump: app.sql\n")
	p.write("app.sql", appDump)
	ref, _ := p.push()
	if bakedImages.refs == nil {
		bakedImages.refs = map[parts.Flavour]string{}
	}
	bakedImages.refs[flavour] = ref
	return ref
}
