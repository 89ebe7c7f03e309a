package mask

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"sync"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/blowfish" //nolint:staticcheck // bcrypt is made of it

	"github.com/dbake/dbake/seed/rows"
)

// password gives every row the hash of one password that developers know. The
// salt comes from the password, so that a bake can be repeated; it protects
// nothing, since the password is in the dbake.yaml.
type password struct{ hash func() (string, error) }

func newPassword(_ *transform, o options) (definition, error) {
	text := o.text("password", "")
	salt := sha256.Sum256([]byte("dbake password salt " + text))
	var hash func() (string, error)
	switch algorithm := o.text("algorithm", "bcrypt"); algorithm {
	case "sha256", "sha512":
		n := o.whole("cost", 5000)
		if n < 1000 {
			return nil, o.fail("cost", "", "%s takes 1000 rounds or more, not %d", algorithm, n)
		}
		hash = func() (string, error) { return shaCrypt(algorithm, text, crypt64(salt[:12]), n), nil }
	case "argon2id":
		n := o.whole("cost", 3)
		if n > 100 {
			return nil, o.fail("cost", "", "argon2id takes 1 to 100 passes, not %d", n)
		}
		hash = func() (string, error) { return argon2id(text, salt[:16], n), nil }
	default:
		n := o.whole("cost", 10)
		if n < 4 || n > 16 {
			return nil, o.fail("cost", "", "bcrypt takes a cost from 4 to 16, not %d", n)
		}
		if len(text) > 72 {
			return nil, o.fail("password", "", "bcrypt takes 72 bytes at most")
		}
		hash = func() (string, error) { return bcrypt(text, salt[:16], n) }
	}
	return password{sync.OnceValues(hash)}, nil
}

func (d password) bind(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	text, err := d.hash()
	if err != nil {
		return nil, traits{}, err
	}
	return constant{text: text, kind: rows.Text}.bind(b)
}

var bcryptAlphabet = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

// bcrypt hashes with a salt of 16 bytes of the caller's, which
// golang.org/x/crypto/bcrypt does not take (Provos and Mazières, 1999).
func bcrypt(password string, salt []byte, cost int) (string, error) {
	key := append([]byte(password), 0)
	cipher, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		return "", fmt.Errorf("bcrypt: %w", err)
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, cipher)
		blowfish.ExpandKey(salt, cipher)
	}
	text := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(text); i += 8 {
		for range 64 {
			cipher.Encrypt(text[i:i+8], text[i:i+8])
		}
	}
	return fmt.Sprintf("$2y$%02d$%s%s", cost, bcryptAlphabet.EncodeToString(salt), bcryptAlphabet.EncodeToString(text[:23])), nil
}

func argon2id(password string, salt []byte, passes int) string {
	const memory, threads, size = 64 * 1024, 4, 32
	sum := argon2.IDKey([]byte(password), salt, uint32(passes), memory, threads, size)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

const crypt64Alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func crypt64(b []byte) string {
	text := make([]byte, len(b))
	for i, c := range b {
		text[i] = crypt64Alphabet[c&63]
	}
	return string(text)
}

// shaCrypt is $5$ and $6$ of crypt(3) (Ulrich Drepper, "Unix crypt using SHA-256
// and SHA-512").
func shaCrypt(algorithm, password, salt string, rounds int) string {
	prefix, newHash := "$5$", sha256.New
	if algorithm == "sha512" {
		prefix, newHash = "$6$", sha512.New
	}
	sum := shaRounds(newHash, []byte(password), []byte(salt), rounds)
	if rounds != 5000 {
		prefix += "rounds=" + strconv.Itoa(rounds) + "$"
	}
	return prefix + salt + "$" + cryptEncode(sum)
}

func shaRounds(newHash func() hash.Hash, password, salt []byte, rounds int) []byte {
	b := newHash()
	b.Write(password)
	b.Write(salt)
	b.Write(password)
	inner := b.Sum(nil)

	a := newHash()
	a.Write(password)
	a.Write(salt)
	a.Write(stretch(inner, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			a.Write(inner)
		} else {
			a.Write(password)
		}
	}
	sum := a.Sum(nil)

	p := newHash()
	for range password {
		p.Write(password)
	}
	s := newHash()
	for range 16 + int(sum[0]) {
		s.Write(salt)
	}
	passwords, salts := stretch(p.Sum(nil), len(password)), stretch(s.Sum(nil), len(salt))
	for i := range rounds {
		c := newHash()
		odd := i&1 == 1
		write := func(when bool, b []byte) {
			if when {
				c.Write(b)
			}
		}
		write(odd, passwords)
		write(!odd, sum)
		write(i%3 != 0, salts)
		write(i%7 != 0, passwords)
		write(odd, sum)
		write(!odd, passwords)
		sum = c.Sum(nil)
	}
	return sum
}

func stretch(b []byte, n int) []byte {
	long := make([]byte, 0, n)
	for len(long) < n {
		long = append(long, b[:min(len(b), n-len(long))]...)
	}
	return long
}

// cryptEncode writes a sum in the order that crypt(3) has: three bytes from the
// three thirds in turn, rotating.
func cryptEncode(sum []byte) string {
	var text []byte
	write := func(a, b, c byte, n int) {
		w := uint32(a)<<16 | uint32(b)<<8 | uint32(c)
		for range n {
			text = append(text, crypt64Alphabet[w&63])
			w >>= 6
		}
	}
	third := len(sum) / 3
	i, j, k := 0, third, 2*third
	for range third {
		write(sum[i], sum[j], sum[k], 4)
		if len(sum) == 32 {
			i, j, k = k+1, i+1, j+1
		} else {
			i, j, k = j+1, k+1, i+1
		}
	}
	if len(sum) == 32 {
		write(0, sum[31], sum[30], 3)
	} else {
		write(0, 0, sum[63], 2)
	}
	return string(text)
}
