// Package money computes in integer minor units (cents). An amount's currency stands beside it, once per document, never inside it.
package money

import (
	"math/bits"
	"strconv"
	"strings"
)

// Amount is a sum in minor units of a currency: 1250 is 12.50 in a currency of two decimals. Negative amounts are money that goes back.
type Amount = int64

// Max is the largest amount that any single price, fee or total may have. It leaves room to multiply by a quantity and to sum a long
// cart without leaving 63 bits.
const Max Amount = 1_000_000_000_00

// TaxIncluded returns the tax contained in gross at rate basis points (1900 is 19 %), rounded half away from zero:
// gross − gross/(1+rate). It is how prices that include their tax are taken apart.
func TaxIncluded(gross Amount, rate int) Amount {
	return MulDiv(gross, int64(rate), int64(10_000+rate))
}

// MulDiv returns a*b/c rounded half away from zero, exact for every a and every positive b and c whose result fits 63 bits.
// It returns 0 where b is 0 or c is not positive.
func MulDiv(a, b, c int64) int64 {
	if b <= 0 || c <= 0 {
		return 0
	}
	neg := a < 0
	ua := uint64(a)
	if neg {
		ua = -ua
	}
	hi, lo := bits.Mul64(ua, uint64(b))
	lo, carry := bits.Add64(lo, uint64(c)/2, 0)
	hi += carry
	if hi >= uint64(c) {
		return 0
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	if neg {
		return -int64(q)
	}
	return int64(q)
}

// Decimals returns how many digits stand behind the point in an ISO 4217 currency: 2 for most, 0 for JPY and its like, 3 for KWD and its like.
func Decimals(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// Split shares total among weights so that the parts sum to total exactly; the largest remainders get the odd cents, the first of
// equals first. Weights must not be negative; where they are all zero everything goes to the first. Split returns nil for no weights.
func Split(total Amount, weights []int64) []Amount {
	if len(weights) == 0 {
		return nil
	}
	var sum int64
	for _, w := range weights {
		sum += w
	}
	parts := make([]Amount, len(weights))
	if sum <= 0 {
		parts[0] = total
		return parts
	}
	sign := int64(1)
	if total < 0 {
		sign, total = -1, -total
	}
	rest := total
	remainders := make([]uint64, len(weights))
	for i, w := range weights {
		hi, lo := bits.Mul64(uint64(total), uint64(w))
		q, r := bits.Div64(hi, lo, uint64(sum))
		parts[i], remainders[i] = int64(q), r
		rest -= int64(q)
	}
	for ; rest > 0; rest-- {
		best := 0
		for i := range remainders {
			if remainders[i] > remainders[best] {
				best = i
			}
		}
		parts[best]++
		remainders[best] = 0
	}
	for i := range parts {
		parts[i] *= sign
	}
	return parts
}

// Format writes an amount plainly, as "12.50 EUR", for messages and logs. Pages write it in the person's language instead (web/ui).
func Format(a Amount, currency string) string {
	d := Decimals(currency)
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	s := strconv.FormatInt(a, 10)
	if d == 0 {
		return sign + s + " " + currency
	}
	for len(s) <= d {
		s = "0" + s
	}
	return sign + s[:len(s)-d] + "." + s[len(s)-d:] + " " + currency
}

// Parse reads an amount as people type it, "2.50", "2,5" or "2", and reports whether it is one: not negative, no more decimals than the currency
// has, and at most Max.
func Parse(typed, currency string) (Amount, bool) {
	d := Decimals(currency)
	whole, frac, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(typed), ",", "."), ".")
	if whole+frac == "" || len(frac) > d {
		return 0, false
	}
	n, err := strconv.ParseUint(whole+frac+strings.Repeat("0", d-len(frac)), 10, 63)
	return Amount(n), err == nil && Amount(n) <= Max
}
