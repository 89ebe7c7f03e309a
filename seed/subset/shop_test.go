package subset

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// shop is the example of docs/subsetting.md: customers, who refer to each other,
// their orders, items of products, which are in categories, images of the
// products, and settings that have nothing to do with it.
func shop() *database {
	table := func(name string, refs ...string) *schema.Table {
		s := &schema.Table{
			Schema: "app", Name: name, Columns: []schema.Column{{Name: "id", Type: "int"}},
			Keys: []schema.Key{{Name: "PRIMARY", Primary: true, Unique: true, Columns: []string{"id"}}},
		}
		for _, ref := range refs {
			column := ref
			if ref == name {
				column = "parent"
			}
			s.Columns = append(s.Columns, schema.Column{Name: column, Type: "int"})
			s.ForeignKeys = append(s.ForeignKeys, schema.ForeignKey{Columns: []string{column}, RefTable: ref, RefColumns: []string{"id"}})
		}
		return s
	}
	return &database{
		tables: []*schema.Table{
			table("items", "orders", "products"), table("customers", "customers"), table("orders", "customers"),
			table("products", "categories"), table("categories", "categories"), table("images", "products"), table("settings"),
		},
		rows: [][][]string{
			{{"0", "0", "0"}, {"1", "1", "1"}, {"2", "2", "0"}},
			{{"0", "2"}, {"1", ""}, {"2", ""}}, // customer 0 was brought by customer 2
			{{"0", "0"}, {"1", "1"}, {"2", "2"}},
			{{"0", "1"}, {"1", "2"}},
			{{"0", ""}, {"1", "0"}, {"2", ""}},
			{{"0", "0"}, {"1", "1"}, {"2", ""}},
			{{"0"}, {"1"}},
		},
	}
}

func TestShop(t *testing.T) {
	t.Parallel()
	root := []spec.TableRule{{Match: "app.customers", Where: "id = 0"}}
	for name, c := range map[string]struct {
		options spec.Restore
		want    map[string][]int
	}{
		"children": {
			spec.Restore{Subset: &spec.Subset{Roots: root, Follow: spec.FollowChildren, Others: spec.OthersAll}},
			map[string][]int{
				"customers": {0, 2}, // 2 is 0's parent, and brings no orders
				"orders":    {0}, "items": {0}, "products": {0}, "categories": {0, 1}, "images": {0, 2}, "settings": {0, 1},
			},
		},
		"no others": {
			spec.Restore{Subset: &spec.Subset{Roots: root, Follow: spec.FollowChildren, Others: spec.OthersNone}},
			map[string][]int{"customers": {0, 2}, "orders": {0}, "items": {0}, "products": {0}, "categories": {0, 1}},
		},
		"parents": {
			spec.Restore{Subset: &spec.Subset{Roots: root, Follow: spec.FollowParents, Others: spec.OthersAll}},
			map[string][]int{"customers": {0, 2}, "products": {0, 1}, "categories": {0, 1, 2}, "images": {0, 1, 2}, "settings": {0, 1}},
		},
		"narrowed": {
			spec.Restore{
				Subset: &spec.Subset{Roots: root, Follow: spec.FollowChildren, Others: spec.OthersAll},
				Tables: []spec.TableRule{
					{Match: "app.orders", Where: "id > 0"},
					{Match: "app.settings", Limit: ptr(int64(1))},
					{Match: "app.customers", Rows: "all"},
				},
			},
			map[string][]int{"customers": {0, 2}, "images": {2}, "settings": {0}}, // an image of no product
		},
	} {
		db := shop()
		got := map[string][]int{}
		for i, list := range run(t, db, c.options, t.TempDir()) {
			if len(list) > 0 {
				got[db.tables[i].Name] = list
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
