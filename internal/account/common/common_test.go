package common

import (
	"fmt"
	"testing"
)

func TestWhatThievesTryFirstIsKnown(t *testing.T) {
	for _, p := range []string{
		"password", "Password1", "12345678", "123456789", "qwertyuiop", "iloveyou", "sunshine", "princess", "football", "baseball", "trustno1", "starwars",
		"11111111", "passw0rd", "superman", "letmein1", "whatever", "1q2w3e4r", "zaq12wsx", "blink182", "qazwsxedc", "88888888",
	} {
		if !Password(p) {
			t.Errorf("%q is not known", p)
		}
	}
}

func TestOthersAreRarelyTakenForOne(t *testing.T) {
	const n = 200_000
	wrong := 0
	for i := range n {
		if Password(fmt.Sprintf("a town of %d neighbours", i)) {
			wrong++
		}
	}
	if wrong > n/10_000 {
		t.Errorf("%d of %d passwords are taken for common ones", wrong, n)
	}
}

func BenchmarkPassword(b *testing.B) {
	for b.Loop() {
		Password("correct horse battery")
	}
}
