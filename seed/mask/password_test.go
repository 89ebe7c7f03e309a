package mask

import (
	"testing"

	known "golang.org/x/crypto/bcrypt"
)

// TestCryptHashes: SHA-crypt as "openssl passwd" gives it, and bcrypt as another
// implementation reads it.
func TestCryptHashes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		algorithm, password, salt string
		rounds                    int
		want                      string
	}{
		{"sha256", "Hello world!", "saltstring", 5000, "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		{"sha256", "Hello world!", "saltstringsaltst", 10000, "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"},
		{"sha512", "Hello world!", "saltstring", 5000, "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
	} {
		if got := shaCrypt(c.algorithm, c.password, c.salt, c.rounds); got != c.want {
			t.Errorf("%s of %q with %d rounds is %s, want %s", c.algorithm, c.password, c.rounds, got, c.want)
		}
	}
	hash, err := bcrypt("secret", []byte("0123456789abcdef"), 5)
	if err != nil {
		t.Fatal(err)
	}
	if err := known.CompareHashAndPassword([]byte(hash), []byte("secret")); err != nil {
		t.Errorf("%s: %v", hash, err)
	}
	if known.CompareHashAndPassword([]byte(hash), []byte("other")) == nil {
		t.Errorf("%s is the hash of any password", hash)
	}
}
