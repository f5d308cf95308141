package money

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestTaxIncludedOfKnownBills(t *testing.T) {
	for name, c := range map[string]struct {
		gross Amount
		rate  int
		want  Amount
	}{
		"19% of 11.90": {1190, 1900, 190},
		"7% of 10.70":  {1070, 700, 70},
		"none":         {500, 0, 0},
		"half a cent":  {3, 2000, 1}, // 0.5 rounds away from zero
		"refund":       {-1190, 1900, -190},
	} {
		t.Run(name, func(t *testing.T) {
			if got := TaxIncluded(c.gross, c.rate); got != c.want {
				t.Fatalf("TaxIncluded(%d, %d) = %d; want %d", c.gross, c.rate, got, c.want)
			}
		})
	}
}

func TestMulDivAgreesWithBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(-Max*1000, Max*1000).Draw(t, "a")
		b := rapid.Int64Range(1, 1_000_000).Draw(t, "b")
		c := rapid.Int64Range(b, 2_000_000).Draw(t, "c")
		n := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		abs := new(big.Int).Abs(n)
		abs.Add(abs, big.NewInt(c/2)).Quo(abs, big.NewInt(c))
		want := abs.Int64()
		if a < 0 {
			want = -want
		}
		if got := MulDiv(a, b, c); got != want {
			t.Fatalf("MulDiv(%d, %d, %d) = %d; want %d", a, b, c, got, want)
		}
	})
}

func TestSplitLosesNoCent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(-Max, Max).Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 10_000), 1, 12).Draw(t, "weights")
		var sum, all Amount
		for _, w := range weights {
			all += w
		}
		for i, p := range Split(total, weights) {
			sum += p
			if weights[i] == 0 && all > 0 && p != 0 {
				t.Fatalf("part %d of weight 0 got %d", i, p)
			}
		}
		if sum != total {
			t.Fatalf("parts of %d by %v sum to %d", total, weights, sum)
		}
	})
}

func TestFormatShowsTheCurrencysDecimals(t *testing.T) {
	for _, c := range []struct {
		a    Amount
		cur  string
		want string
	}{{1250, "EUR", "12.50 EUR"}, {5, "EUR", "0.05 EUR"}, {-5, "EUR", "-0.05 EUR"}, {1250, "JPY", "1250 JPY"}, {1250, "KWD", "1.250 KWD"}, {0, "EUR", "0.00 EUR"}} {
		if got := Format(c.a, c.cur); got != c.want {
			t.Errorf("Format(%d, %s) = %q; want %q", c.a, c.cur, got, c.want)
		}
	}
}

func TestParseReadsWhatPeopleType(t *testing.T) {
	for _, c := range []struct {
		typed, currency string
		want            Amount
		ok              bool
	}{
		{"2.50", "EUR", 250, true},
		{" 2,5 ", "EUR", 250, true},
		{"2", "EUR", 200, true},
		{".5", "EUR", 50, true},
		{"0", "EUR", 0, true},
		{"250", "JPY", 250, true},
		{"1.250", "KWD", 1250, true},
		{"", "EUR", 0, false},
		{".", "EUR", 0, false},
		{"2.505", "EUR", 0, false},
		{"2.5", "JPY", 0, false},
		{"-1", "EUR", 0, false},
		{"+1", "EUR", 0, false},
		{"1 000", "EUR", 0, false},
		{"1.000,00", "EUR", 0, false},
		{"1e3", "EUR", 0, false},
		{"99999999999999999999", "EUR", 0, false},
	} {
		if got, ok := Parse(c.typed, c.currency); ok != c.ok || ok && got != c.want {
			t.Errorf("%q %s: %d, %v; want %d, %v", c.typed, c.currency, got, ok, c.want, c.ok)
		}
	}
}
