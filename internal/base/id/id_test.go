package id

import (
	"encoding/json"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestNextIsUniqueAndAscendsUnderConcurrency(t *testing.T) {
	src := NewSource(3)
	var mu sync.Mutex
	seen := make(map[ID]bool)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			last := ID(0)
			own := make([]ID, 0, 5000)
			for range 5000 {
				n := src.Next()
				if n <= last {
					t.Errorf("%d after %d", n, last)
					return
				}
				last = n
				own = append(own, n)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, n := range own {
				if seen[n] {
					t.Errorf("%d made twice", n)
				}
				seen[n] = true
			}
		})
	}
	wg.Wait()
}

func TestNodesNeverMeet(t *testing.T) {
	a, b := NewSource(1), NewSource(2)
	seen := map[ID]bool{}
	for range 10_000 {
		for _, n := range []ID{a.Next(), b.Next()} {
			if seen[n] {
				t.Fatalf("%d made by both nodes", n)
			}
			seen[n] = true
		}
	}
}

func TestJSONRoundTripIsAString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := ID(rapid.Int64Min(0).Draw(t, "id"))
		b, err := json.Marshal(struct{ ID ID }{want})
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ ID ID }
		if err := json.Unmarshal(b, &got); err != nil || got.ID != want || b[6] != '"' {
			t.Fatalf("round trip of %d by %s = %d, %v", want, b, got.ID, err)
		}
	})
}

func TestParseRefusesWhatIsNoIdentifier(t *testing.T) {
	for _, s := range []string{"", "-1", "1.5", "abc", "9223372036854775808", " 1", "01", "+1"} {
		if v, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %d; want an error", s, v)
		}
	}
}

func TestCodesHaveTheirLengthAndAlphabet(t *testing.T) {
	if c := Code(10); len(c) != 10 {
		t.Fatalf("Code(10) = %q", c)
	}
	if d := Digits(6); len(d) != 6 {
		t.Fatalf("Digits(6) = %q", d)
	}
	if s := Secret(); len(s) != 43 {
		t.Fatalf("Secret() has %d characters; want 43", len(s))
	}
}
