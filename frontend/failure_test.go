package frontend

import "testing"

func TestLimitedBuffer(t *testing.T) {
	var b limitedBuffer
	for range 3 {
		if n, err := b.Write(make([]byte, maxFailure/2+1)); err != nil || n != maxFailure/2+1 {
			t.Fatal(n, err)
		}
	}
	if b.Len() != maxFailure {
		t.Errorf("kept %d bytes, want %d", b.Len(), maxFailure)
	}
}
