package serve

import "testing"

func TestOlderThan(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"20.10.24+dfsg1": true, "19.03.15": true, "22.06.0-beta.0": true,
		"23.0.0": false, "26.1.5+dfsg1": false, "dev": false, "library-import": false, "": false,
	} {
		if got := olderThan(version, zstdSince); got != want {
			t.Errorf("%q: %v, want %v", version, got, want)
		}
	}
}
