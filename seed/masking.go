package seed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/spec"
)

// minKey is the length in bytes of the shortest mask key: one that can be guessed
// could be found by its check, and by every mask.
const minKey = 16

// maskKey reads the secret that masks depend on.
func (d Dirs) maskKey(id string) ([]byte, error) {
	text, err := d.secret(id)
	if err != nil {
		return nil, err
	}
	if len(text) < minKey {
		return nil, fmt.Errorf("secret %q has %d bytes, and a key for masks needs %d or more: make one with \"openssl rand -hex 32\"", id, len(text), minKey)
	}
	return []byte(text), nil
}

// keyCheck gives what tells one key from another and nothing else about it.
func keyCheck(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("dbake cache"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// makeMasks makes the masks, and begins to say in the manifest what they are.
func (r *restore) makeMasks() (rows.Filters, error) {
	m := r.order.Mask
	var key []byte
	if m.Key != nil {
		var err error
		if key, err = r.dirs.maskKey(m.Key.Secret); err != nil {
			return nil, at("mask.key", err)
		}
		if check := keyCheck(key); check != r.order.KeyCheck {
			return nil, at("mask.key", errors.New("the key is not the one that the bake began with: it has changed in between; bake again"))
		}
	}
	rules, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the mask section down: %w", err)
	}
	scripts, err := r.readScripts()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append(rules, scripts...))
	r.manifest.Mask = &manifest.Mask{Rules: hex.EncodeToString(sum[:]), KeyCheck: r.order.KeyCheck, Columns: []string{}}
	masks, err := r.newMasker(key)
	if !r.masksRows() && r.filter.policy == nil {
		masks = nil // every statement of a dump may run as it is
	}
	return masks, err
}

// masksRows reports whether masks change rows on their way into the server.
func (r *restore) masksRows() bool {
	return slices.ContainsFunc(r.order.Mask.Columns, func(c spec.MaskColumn) bool { return !isExpression(c) })
}

// recordMask notes which columns of a table have been masked.
func (r *restore) recordMask(t load.Table) {
	m := r.manifest.Mask
	if m == nil {
		return
	}
	for column := range t.Cells {
		m.Columns = append(m.Columns, strings.Join([]string{t.Schema, t.Name, column}, "."))
	}
	slices.Sort(m.Columns)
	m.Columns = slices.Compact(m.Columns)
}
