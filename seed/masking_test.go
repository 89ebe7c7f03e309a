package seed

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

const testKey = "0123456789abcdef0123456789abcdef"

// shopDump is a dump of users and their orders; canary-… and Ünveiled are what masks
// are to hide.
func shopDump() string {
	var users, orders strings.Builder
	for i := 1; i <= 200; i++ {
		comma := ","
		if i == 1 {
			comma = ""
		}
		fmt.Fprintf(&users, "%s(%d,'canary-%d@real.example','Ünveiled %d',_binary 'canary-blob','%d','b%d')", comma, i, i, i, i%5, i%2)
		fmt.Fprintf(&orders, "%s(%d,%d,'canary-%d@real.example')", comma, i, i, i)
	}
	return head + "SET FOREIGN_KEY_CHECKS=0;\nSET SQL_MODE='NO_AUTO_VALUE_ON_ZERO';\n" +
		"CREATE TABLE `orders` (`id` int NOT NULL, `user` int NOT NULL, `email` varchar(100) NOT NULL, PRIMARY KEY (`id`), KEY `u` (`user`), KEY `e` (`email`), " +
		"CONSTRAINT `o1` FOREIGN KEY (`user`) REFERENCES `users` (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
		"INSERT INTO `orders` VALUES " + orders.String() + ";\n" +
		"CREATE TABLE `users` (`id` int NOT NULL AUTO_INCREMENT, `email` varchar(100) NOT NULL, `name` varchar(100) CHARACTER SET latin1, `photo` blob, `grade` char(1), `kind` varchar(9), " +
		"PRIMARY KEY (`id`), UNIQUE KEY `email` (`email`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
		"INSERT INTO `users` VALUES " + users.String() + ";\n" + foot
}

func masks() *spec.Mask {
	return &spec.Mask{
		Key: &spec.Secret{Secret: "mask_key"},
		Columns: spec.MaskColumns{
			{Pattern: "app.*.email", Transform: map[string]any{"email": map[string]any{}}},
			{Pattern: "app.users.name", Transform: map[string]any{"name": map[string]any{}}},
			{Pattern: "app.users.photo", Transform: map[string]any{"null": map[string]any{}}},
		},
	}
}

// mask orders masks, as the frontend does with what Resolve answers.
func (k *kitchen) mask() {
	k.t.Helper()
	k.secret("mask_key", testKey+"\n")
	k.order.Mask = masks()
	r, err := Resolve(k.t.Context(), plan.Resolve{MaskKey: "mask_key"}, k.dirs, func(event.Event) {})
	if err != nil {
		k.t.Fatal(err)
	}
	if k.order.KeyCheck = r.KeyCheck; len(r.KeyCheck) != 32 || strings.Contains(testKey, r.KeyCheck) {
		k.t.Errorf("the key's check is %q", r.KeyCheck)
	}
}

// nowhere asserts that no file of the layer, no event and no manifest holds a text,
// in any of the forms that servers store it in.
func (k *kitchen) nowhere(texts ...string) {
	k.t.Helper()
	err := filepath.WalkDir(k.dirs.Out, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		for _, text := range texts {
			wide := []byte(strings.Join(strings.Split(text, ""), "\x00"))
			if bytes.Contains(content, []byte(text)) || bytes.Contains(content, wide) || bytes.Contains(content, fmt.Appendf(nil, "%x", text)) {
				k.t.Errorf("%s holds %q", name, text)
			}
		}
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, text := range texts {
		if strings.Contains(fmt.Sprintf("%+v", k.events), text) {
			k.t.Errorf("an event holds %q", text)
		}
	}
}

func TestRestoreMasks(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", shopDump())
	k.mask()
	k.order.Options.Tables = []spec.TableRule{{Match: "app.users", Where: "grade <> '4' OR email = 'canary-4@real.example'"}}
	m := k.mustBake()
	k.nowhere("canary-", "nveiled", testKey, "Ünveiled")
	want := []string{"app.orders.email", "app.users.email", "app.users.name", "app.users.photo"}
	if m.Mask == nil || m.Mask.KeyCheck != k.order.KeyCheck || len(m.Mask.Rules) != 64 {
		t.Fatalf("the manifest says of masks: %+v", m.Mask)
	}
	if diff := cmp.Diff(want, m.Mask.Columns); diff != "" {
		t.Errorf("masked columns (-want +got):\n%s", diff)
	}
	users := m.Tables[1]
	if users.Rows != 161 || users.Masked != 161 || users.Dropped != 39 || users.Digest == "" {
		t.Errorf("the manifest says of users: %+v", users)
	}
	got := k.ask("SELECT CONCAT_WS(' ', COUNT(*), COUNT(DISTINCT u.email), SUM(u.email = o.email), SUM(u.photo IS NULL), SUM(u.kind LIKE 'b_'), SUM(u.name <> '')) FROM app.users u JOIN app.orders o ON o.user = u.id")
	if got != "161 161 161 161 161 161" {
		t.Errorf("users and orders hold %s", got)
	}
}

func TestRestoreKeepsASubsetAndMasksIt(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", shopDump())
	k.mask()
	k.order.Options.Subset = &spec.Subset{
		Roots:  []spec.TableRule{{Match: "app.users", Where: "email LIKE 'canary-1_@%'"}},
		Follow: spec.FollowChildren, Others: spec.OthersAll,
	}
	m := k.mustBake()
	k.nowhere("canary-", "nveiled")
	if len(m.Tables) != 2 || m.Tables[0].Rows != 10 || m.Tables[0].Dropped != 190 || m.Tables[1].Rows != 10 {
		t.Errorf("the manifest counts %+v", m.Tables)
	}
	if got := k.ask("SELECT CONCAT_WS(' ', COUNT(*), MIN(u.id), MAX(u.id), SUM(u.email = o.email)) FROM app.users u JOIN app.orders o ON o.user = u.id"); got != "10 10 19 10" {
		t.Errorf("users and orders hold %s", got)
	}
}

func TestRestoreWantsTheKey(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", shopDump())
	k.mask()
	check := k.order.KeyCheck
	for name, c := range map[string]struct{ key, want string }{
		"another": {"another-key-of-enough-bytes", "changed"},
		"short":   {"0123456789abcde", "16 or more"},
		"empty":   {"\n", "empty"},
	} {
		k.secret("mask_key", c.key)
		k.order.KeyCheck = check
		err := k.mustFail(c.want)
		if got := FailureOf(err).Path; got != "mask.key" || strings.Contains(err.Error(), strings.TrimSpace(c.key)) && c.key != "\n" {
			t.Errorf("%s: path %q, error %v", name, got, err)
		}
	}
	k.order.Mask.Columns[0].Transform = map[string]any{"email": map[string]any{"nothing": true}}
	k.secret("mask_key", testKey)
	k.mustFail("nothing")
}

// What cannot be masked fails the bake, and neither the error nor what the bake
// prints holds a value.
func TestRestoreFailsWhereMasksDoNotReach(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", strings.Replace(shopDump(), foot, "INSERT INTO users SELECT 900,'canary-900@real.example','x',NULL,'x','x';\n"+foot, 1))
	k.mask()
	k.order.Options.OnError = spec.OnErrorContinue
	err := k.mustFail("app.users", "not plain lists of values")
	if strings.Contains(fmt.Sprint(err, k.events), "canary") {
		t.Errorf("a value is shown: %v", err)
	}
	var st *load.StatementError
	if !errors.As(err, &st) || st.Table != "users" {
		t.Errorf("got %v, want a statement's error", err)
	}
}
