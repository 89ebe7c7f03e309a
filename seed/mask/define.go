package mask

import "fmt"

// define makes the definition of a transform from its options.
func define(t *transform, o options) (definition, error) {
	maker, ok := makers()[t.name]
	if !ok {
		return nil, fmt.Errorf("%s: package mask does not know the transform %s", t.path, t.name)
	}
	return maker(t, o)
}

type makeFunc func(t *transform, o options) (definition, error)

// makers has every transform that package spec describes; a test holds the two
// together.
func makers() map[string]makeFunc {
	return map[string]makeFunc{
		"keep": newKeep, "null": newNull, "constant": newConstant, "template": newTemplate, "redact": newRedact,
		"truncate": newTruncate, "regex": newRegex, "hash": newHash,
		"email": newEmail, "name": newPerson, "first_name": newPerson, "last_name": newPerson, "username": newUsername,
		"address": newPlace, "city": newPlace, "country": newPlace, "company": newPlace, "job": newPlace,
		"phone": newDigits, "zip": newDigits, "credit_card": newDigits, "iban": newIBAN,
		"ip": newIP, "mac": newMAC, "url": newURL, "uuid": newUUID, "unique": newUnique,
		"shift": newShift, "noise": newNoise, "shuffle": newShuffle, "choice": newChoice,
		"password_hash": newPassword, "sql": newSQL, "json": newJSON, "php": newPHP, "chain": newChain,
	}
}

// none is the definition of transforms that do nothing to the stream.
type none struct{}

func (none) bind(*binder) (step, traits, error) { return same{}, traits{injective: true}, nil }

type same struct{}

func (same) apply(_ *row, v value) (value, error) { return v, nil }

func newKeep(*transform, options) (definition, error) { return none{}, nil }

func newSQL(t *transform, o options) (definition, error) {
	t.expression = o.text("expression", "")
	return none{}, nil
}

// chain applies transforms one after the other.
type chain []*transform

func newChain(t *transform, o options) (definition, error) {
	list, _ := o.values["steps"].([]any)
	c := make(chain, 0, len(list))
	for i, item := range list {
		at := fmt.Sprintf("%s[%d]", o.path, i)
		raw, ok := item.(map[string]any)
		if !ok {
			return nil, &Error{Path: at, Msg: "must be a mapping"}
		}
		link, err := nestedTransform(t, raw, at)
		if err != nil {
			return nil, err
		}
		c = append(c, link)
	}
	return c, nil
}

// nestedTransform makes a transform inside of another one, which needs a key
// when this one does.
func nestedTransform(outer *transform, raw map[string]any, at string) (*transform, error) {
	t, err := newTransform(raw, at)
	if err != nil {
		return nil, err
	}
	if t.name == "sql" {
		return nil, &Error{Path: t.path, Msg: "sql cannot be part of " + outer.name, Hint: "the server evaluates it: let it be the column's transform"}
	}
	outer.keyed = outer.keyed || t.keyed
	return t, nil
}

func (c chain) bind(b *binder) (step, traits, error) {
	steps := make(chainStep, 0, len(c))
	all := traits{injective: true}
	for _, t := range c {
		s, has, err := t.bind(b)
		if err != nil {
			return nil, all, fmt.Errorf("%s: %w", t.name, err)
		}
		steps = append(steps, s)
		all.injective = all.injective && has.injective
		all.null = all.null || has.null
		all.free, all.cut, all.sound = all.free || has.free, has.cut, has.sound
	}
	return steps, all, nil
}

type chainStep []step

func (c chainStep) apply(r *row, v value) (value, error) {
	for _, s := range c {
		var err error
		if v, err = s.apply(r, v); err != nil {
			return v, err
		}
	}
	return v, nil
}
