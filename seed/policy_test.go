package seed

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dbake/dbake/spec"
)

// A column that looks personal and has no rule fails the bake, by its name or by
// what the rows hold.
func TestRestoreRequiresDecisions(t *testing.T) {
	k := newKitchen(t)
	text := strings.Replace(shopDump(), "`kind` varchar(9)", "`kind` varchar(99)", 1)
	text = strings.Replace(text, ",'0','b1'", ",'0','jo-canary@real.net'", 40)
	k.dump("app.sql", strings.Replace(text, foot, "CREATE TABLE `z` (`id` int, `phone` varchar(20)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n"+foot, 1))
	k.mask()
	k.order.Mask.Policy = &spec.MaskPolicy{RequireDecision: true, Columns: spec.PolicyPersonal}
	k.order.Mask.Columns = k.order.Mask.Columns[:2]
	err := k.mustFail("app.users.photo (by its name: pictures of people), app.z.phone (by its name: phone numbers)", "dbake mask suggest")
	if got := FailureOf(err).Path; got != "mask.policy" {
		t.Errorf("the error is at %q", got)
	}
	keep := map[string]any{"keep": map[string]any{}}
	k.order.Mask.Columns = append(k.order.Mask.Columns, spec.MaskColumn{Pattern: "app.users.photo", Transform: keep}, spec.MaskColumn{Pattern: "app.z.phone", Transform: keep})
	if err := errors.Join(os.RemoveAll(k.dirs.Out), os.Mkdir(k.dirs.Out, 0o755)); err != nil {
		t.Fatal(err)
	}
	err = k.mustFail("app.users.kind (20 of 200 values look like email addresses)")
	if strings.Contains(fmt.Sprint(err, k.events), "canary") {
		t.Errorf("a value is shown: %v", err)
	}
}
