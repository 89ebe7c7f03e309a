package spec

import "slices"

// OptionKind is the type of an option of a transform.
type OptionKind string

// The kinds of options.
const (
	OptionText       OptionKind = "text"         // string
	OptionWhole      OptionKind = "whole"        // float64 without a fraction
	OptionNumber     OptionKind = "number"       // float64
	OptionBool       OptionKind = "bool"         // bool
	OptionScalar     OptionKind = "scalar"       // string, float64 or bool
	OptionScalars    OptionKind = "scalars"      // []any of scalars
	OptionWeights    OptionKind = "weights"      // []any of scalars, or map[string]any of numbers above 0
	OptionRegexp     OptionKind = "regexp"       // string, in RE2's syntax
	OptionSpan       OptionKind = "span"         // string: 30d, 12h, 90m, 45s, 2w
	OptionTransforms OptionKind = "transforms"   // []any of transforms
	OptionPaths      OptionKind = "paths"        // the transform's other keys: $ and a path → a transform
	OptionExpression OptionKind = "sql"          // string without ";"
	OptionCharacter  OptionKind = "one char"     // string of one character
	OptionTextOrNone OptionKind = "text or none" // string that may be empty
)

// Option is one option of a transform.
type Option struct {
	Name string
	Kind OptionKind
	// About says what it does, in a few words for editors.
	About string
	// Required options must be given.
	Required bool
	// Values lists all that a text can be; nil: any.
	Values []string
	// Min and Max are the limits of a number; Max 0: none.
	Min, Max float64
}

// Transform describes one transform of mask.columns: its name and what can
// stand below it. Package seed/mask carries it out.
type Transform struct {
	Name string
	// About says what it does, in a few words for editors.
	About string
	// Keyed transforms need mask.key, whatever their options are.
	Keyed bool
	// Nested transforms hold others.
	Nested bool
	// Main is the option that a value without the option's name stands for:
	// "truncate: 10" is "truncate: {length: 10}". Empty: there is none.
	Main    string
	Options []Option
}

// Option returns an option by name, or nil.
func (t *Transform) Option(name string) *Option {
	for i := range t.Options {
		if t.Options[i].Name == name {
			return &t.Options[i]
		}
	}
	return nil
}

// Paths reports whether keys that begin with $ are paths to transforms.
func (t *Transform) Paths() bool {
	return slices.ContainsFunc(t.Options, func(o Option) bool { return o.Kind == OptionPaths })
}

// The keys that may stand beside a transform.
const (
	// MaskWhen is a condition over columns of the row.
	MaskWhen = "when"
	// MaskScope keeps equal values of different scopes from having equal masks.
	MaskScope = "scope"
)

// Locales lists what the option locale can be.
func Locales() []string { return []string{"de", "en", "es", "fr", "it", "ja", "ko", "nl", "pt", "zh"} }

// Transforms lists all transforms of mask.columns.
func Transforms() []Transform {
	return slices.Concat(plainTransforms(), personTransforms(), numberedTransforms(), valueTransforms(), nestedTransforms())
}

// TransformNames lists the names of all transforms.
func TransformNames() []string {
	all := Transforms()
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	return names
}

// TransformNamed returns the transform of a name, or nil.
func TransformNamed(name string) *Transform {
	all := Transforms()
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

func plainTransforms() []Transform {
	return []Transform{
		{Name: "keep", About: "leave the values as they are: a decision, too"},
		{Name: "null", About: "NULL"},
		{Name: "constant", About: "the same value in every row", Main: "value", Options: []Option{
			{Name: "value", Kind: OptionScalar, Required: true, About: "the value"},
			{Name: "nulls", Kind: OptionBool, About: "replace NULL, too"},
		}},
		{Name: "template", About: "a text with placeholders such as {hash:8}", Main: "text", Options: []Option{
			{Name: "text", Kind: OptionText, Required: true, About: "the text"},
			localeOption(),
		}},
		{Name: "redact", About: "all but some characters replaced by *", Options: []Option{
			{Name: "keep_first", Kind: OptionWhole, About: "characters to keep at the beginning"},
			{Name: "keep_last", Kind: OptionWhole, About: "characters to keep at the end"},
			{Name: "char", Kind: OptionCharacter, About: "the character instead of *"},
		}},
		{Name: "truncate", About: "only the first characters", Main: "length", Options: []Option{
			{Name: "length", Kind: OptionWhole, Required: true, About: "how many characters stay"},
		}},
		{Name: "regex", About: "every match of a regular expression replaced", Options: []Option{
			{Name: "pattern", Kind: OptionRegexp, Required: true, About: "the expression, in RE2's syntax"},
			{Name: "replace", Kind: OptionTextOrNone, Required: true, About: "the replacement; ${1} is the first group"},
			{Name: "unmatched", Kind: OptionText, Values: []string{"keep", "fail", "null"}, About: "what becomes of values without a match"},
		}},
		{Name: "hash", About: "HMAC-SHA256 of the value", Keyed: true, Options: []Option{
			{Name: "format", Kind: OptionText, Values: []string{"hex", "base64", "base64url"}, About: "how the bytes are written"},
			{Name: "length", Kind: OptionWhole, Min: 1, Max: 64, About: "how many characters"},
		}},
	}
}

func personTransforms() []Transform {
	list := []Transform{
		{Name: "email", About: "an address of the same shape that no other address gets", Keyed: true, Options: []Option{
			{Name: "domain", Kind: OptionText, About: "the domain instead of example.com"},
			{Name: "keep_domain", Kind: OptionBool, About: "keep the domain"},
			{Name: "style", Kind: OptionText, Values: []string{"unique", "name"}, About: "name: made of names, which several addresses can get"},
			localeOption(),
		}},
		{Name: "name", About: "a full name", Keyed: true, Options: []Option{localeOption(), scriptOption()}},
		{Name: "first_name", About: "a given name", Keyed: true, Options: []Option{localeOption(), scriptOption()}},
		{Name: "last_name", About: "a family name", Keyed: true, Options: []Option{localeOption(), scriptOption()}},
		{Name: "username", About: "a user name of the same shape that no other one gets", Keyed: true, Options: []Option{
			{Name: "style", Kind: OptionText, Values: []string{"unique", "name"}, About: "name: made of names, which several users can get"},
			localeOption(),
		}},
	}
	about := []struct{ name, about string }{
		{"address", "a street address"},
		{"city", "a city"},
		{"country", "a country, or a country code for a country code"},
		{"company", "a company's name"},
		{"job", "a job title"},
	}
	for _, a := range about {
		list = append(list, Transform{Name: a.name, About: a.about, Keyed: true, Options: []Option{localeOption()}})
	}
	return list
}

func numberedTransforms() []Transform {
	keep := func(most float64, about string) []Option {
		return []Option{{Name: "keep", Kind: OptionWhole, Max: most, About: about}}
	}
	return []Transform{
		{Name: "phone", About: "other digits in the same format", Keyed: true, Options: keep(15, "digits to keep at the beginning")},
		{Name: "zip", About: "other digits and letters in the same format", Keyed: true, Options: keep(10, "digits and letters to keep at the beginning")},
		{
			Name: "credit_card", About: "another number with a valid check digit", Keyed: true,
			Options: keep(8, "digits to keep at the beginning, such as the issuer's 6"),
		},
		{Name: "iban", About: "another account of the same country with valid check digits", Keyed: true},
		{Name: "ip", About: "another address of the same family and kind", Keyed: true, Options: keep(128, "bits to keep at the beginning")},
		{Name: "mac", About: "another address in the same format", Keyed: true, Options: []Option{
			{Name: "keep_vendor", Kind: OptionBool, About: "keep the first three bytes"},
		}},
		{Name: "url", About: "another address below example.com, with the same scheme and shape", Keyed: true, Options: []Option{
			{Name: "keep_host", Kind: OptionBool, About: "keep the host"},
		}},
		{Name: "uuid", About: "another UUID of the same version", Keyed: true},
		{Name: "unique", About: "another value of the same shape that no other value gets", Keyed: true, Options: []Option{
			{Name: "as", Kind: OptionText, Values: []string{"shape", "code"}, About: "code: letters and digits that hide the shape, and are longer"},
			{Name: "min", Kind: OptionWhole, Min: -1 << 53, Max: 1 << 53, About: "for numbers: the least there is"},
			{Name: "max", Kind: OptionWhole, Min: -1 << 53, Max: 1 << 53, About: "for numbers: the greatest there is"},
		}},
	}
}

func valueTransforms() []Transform {
	return []Transform{
		{Name: "shift", About: "a date or time moved by up to a range", Keyed: true, Main: "range", Options: []Option{
			{Name: "range", Kind: OptionSpan, About: "how far at most, in either direction: 30d, 12h, 90m"},
			{Name: "by", Kind: OptionText, About: "the column that decides how far, so that its rows move together"},
			{Name: "fixed", Kind: OptionBool, About: "all values by the same span"},
		}},
		{Name: "noise", About: "a number changed by up to some percent", Keyed: true, Main: "percent", Options: []Option{
			{Name: "percent", Kind: OptionNumber, Max: 100, About: "how much at most, of the number"},
			{Name: "amount", Kind: OptionNumber, About: "how much at most"},
			{Name: "min", Kind: OptionNumber, Min: -1 << 53, Max: 1 << 53, About: "the least result"},
			{Name: "max", Kind: OptionNumber, Min: -1 << 53, Max: 1 << 53, About: "the greatest result"},
		}},
		{Name: "shuffle", About: "values of a dictionary change places", Keyed: true, Main: "values", Options: []Option{
			{Name: "values", Kind: OptionScalars, About: "the dictionary; the members of an enum when not given"},
			{Name: "unknown", Kind: OptionText, Values: []string{"fail", "choose"}, About: "what becomes of values that are not in it"},
		}},
		{Name: "choice", About: "one of some values", Keyed: true, Main: "values", Options: []Option{
			{Name: "values", Kind: OptionWeights, Required: true, About: "the values; as a mapping each with its weight"},
		}},
		{Name: "password_hash", About: "the hash of one known password", Main: "password", Options: []Option{
			{Name: "password", Kind: OptionText, Required: true, About: "the password; it is not a secret"},
			{Name: "algorithm", Kind: OptionText, Values: []string{"bcrypt", "sha256", "sha512", "argon2id"}, About: "the form of the hash"},
			{Name: "cost", Kind: OptionWhole, Min: 1, Max: 1 << 20, About: "bcrypt: 4 to 16; sha256, sha512: rounds; argon2id: passes"},
		}},
		{Name: "sql", About: "an SQL expression that the server evaluates after the restore", Main: "expression", Options: []Option{
			{Name: "expression", Kind: OptionExpression, Required: true, About: "the expression"},
		}},
	}
}

func nestedTransforms() []Transform {
	invalid := Option{Name: "invalid", Kind: OptionText, Values: []string{"fail", "null", "empty"}, About: "what becomes of values that are not valid"}
	paths := Option{Name: "paths", Kind: OptionPaths, About: "a transform"}
	return []Transform{
		{Name: "json", About: "transforms of values in a JSON document", Nested: true, Options: []Option{paths, invalid}},
		{Name: "php", About: "transforms of values in a document that PHP wrote with serialize", Nested: true, Options: []Option{paths, invalid}},
		{Name: "chain", About: "several transforms, one after the other", Nested: true, Main: "steps", Options: []Option{
			{Name: "steps", Kind: OptionTransforms, Required: true, About: "the transforms"},
		}},
	}
}

func localeOption() Option {
	return Option{Name: "locale", Kind: OptionText, Values: Locales(), About: "the language; en when not given"}
}

func scriptOption() Option {
	return Option{Name: "script", Kind: OptionText, Values: []string{"kanji", "katakana", "hiragana", "latin"}, About: "how Japanese names are written"}
}
