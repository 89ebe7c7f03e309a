package spec

import (
	_ "embed"
	"slices"
)

//go:generate go test ./internal/schemagen -run TestSchemaFileIsCurrent -update

//go:embed dbake.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of dbake.yaml, for editors
// and other tools. It is made from the types of this package when they change,
// not when the program runs, so that programs need no schema library.
//
// A file that the schema takes can still be refused by Parse, which knows more
// rules; a file that Parse takes is valid.
func Schema() []byte { return slices.Clone(schema) }
