package cart

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

// slack is how much later than promised food may come in these tests.
const slack = 10 * time.Minute

var noon = time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)

// counter is one restaurant with its card, whose terms a test sets.
type counter struct {
	shop  *delivery.Shop
	menu  *delivery.Menu
	terms delivery.Terms
}

func (c *counter) Shop(_ context.Context, r id.ID) (*delivery.Shop, error) {
	if r != c.shop.ID {
		return nil, errs.New(errs.NotFound, "There is no such restaurant.")
	}
	return c.shop, nil
}

func (c *counter) Terms(context.Context, id.ID, delivery.Mode, *geo.Point, *time.Time, money.Amount) (delivery.Terms, error) {
	return c.terms, nil
}

func (c *counter) Menu(context.Context, id.ID) (*delivery.Menu, error) { return c.menu, nil }

// pizzeria sells a pizza (id 10) of two halves at the dearer's price with toppings, and a cola (id 11) of which five are left.
func pizzeria() *counter {
	pizza := &delivery.Item{ID: 10, Name: "Pizza", Price: 800, Tax: "food", Stock: -1, Groups: []*delivery.OptionGroup{
		{ID: 20, Name: "Halves", Min: 2, Max: 2, Rule: "MAX", Options: []*delivery.Option{{ID: 30, Name: "Margherita", Price: 0, Stock: -1}, {ID: 31, Name: "Truffle", Price: 450, Stock: -1}}},
		{ID: 21, Name: "Extras", Max: 3, Rule: "SUM", Options: []*delivery.Option{{ID: 32, Name: "Olives", Price: 100, Stock: -1}, {ID: 33, Name: "Capers", Price: 120, OutUntil: delivery.Forever, Stock: -1}}},
	}}
	cola := &delivery.Item{ID: 11, Name: "Cola", Price: 290, Tax: "drink", Stock: 5}
	sec := &delivery.Section{ID: 1, Name: "All", Items: []*delivery.Item{pizza, cola}}
	return &counter{
		shop:  &delivery.Shop{ID: 7, Version: 1, Name: "Da Test", Currency: "EUR", Loc: time.UTC, Tax: map[string]int{"food": 700, "drink": 1900}, FeeTax: 1900},
		menu:  &delivery.Menu{Restaurant: 7, Version: 1, Sections: []*delivery.Section{sec}, Items: map[id.ID]*delivery.Item{10: pizza, 11: cola}},
		terms: delivery.Terms{Fee: 250, Minimum: 1000, ReadyAt: noon.Add(20 * time.Minute), From: noon.Add(35 * time.Minute), To: noon.Add(45 * time.Minute)},
	}
}

func (c *counter) quote(t require, req delivery.QuoteRequest) *delivery.Quote {
	t.Helper()
	req.Restaurant = 7
	q, err := NewQuoter(c, c, nil, func() time.Time { return noon }, slack).Quote(context.Background(), req)
	if err != nil {
		t.Fatalf("Quote: %v", err)
	}
	return q
}

type require interface {
	Helper()
	Fatalf(string, ...any)
}

func delivered(lines ...delivery.LineRequest) delivery.QuoteRequest {
	return delivery.QuoteRequest{Mode: delivery.ByCourier, To: &delivery.Address{Point: geo.Point{Lat: 50, Lon: 8}}, Lines: lines}
}

func pizza(qty int, options ...id.ID) delivery.LineRequest {
	l := delivery.LineRequest{Item: 10, Qty: qty}
	for _, o := range options {
		l.Options = append(l.Options, delivery.Choice{Option: o})
	}
	return l
}

func TestQuoteAddsOptionsByRuleAndTaxByRate(t *testing.T) {
	req := delivered(pizza(2, 30, 31, 32), delivery.LineRequest{Item: 11, Qty: 1})
	req.Tip = 300
	q := pizzeria().quote(t, req)
	if len(q.Problems) != 0 {
		t.Fatalf("problems: %v", q.Problems)
	}
	// A pizza is 8.00 + dearer half 4.50 + olives 1.00.
	if q.Lines[0].Unit != 1350 || q.Subtotal != 2*1350+290 || q.Fee != 250 || q.Total != 2990+250+300 {
		t.Fatalf("unit %d subtotal %d fee %d total %d", q.Lines[0].Unit, q.Subtotal, q.Fee, q.Total)
	}
	want := []delivery.TaxLine{{Rate: 1900, Gross: 540, Tax: 86}, {Rate: 700, Gross: 2700, Tax: 177}}
	if diff := cmp.Diff(want, q.Taxes); diff != "" {
		t.Fatalf("taxes (-want +got):\n%s", diff)
	}
}

func TestGroupPriceRules(t *testing.T) {
	picked := []delivery.QuoteOption{{Price: 100, Qty: 1}, {Price: 251, Qty: 1}}
	for rule, want := range map[string]money.Amount{"SUM": 351, "MAX": 251, "AVG": 176} {
		if got := groupPrice(rule, picked); got != want {
			t.Errorf("groupPrice(%s) = %d; want %d", rule, got, want)
		}
	}
	if got := groupPrice("AVG", nil); got != 0 {
		t.Errorf("groupPrice of nothing = %d; want 0", got)
	}
}

func TestQuoteNamesEveryProblemByItsPath(t *testing.T) {
	for name, c := range map[string]struct {
		req        delivery.QuoteRequest
		code, path string
	}{
		"empty":            {delivered(), "empty", "lines"},
		"no address":       {delivery.QuoteRequest{Mode: delivery.ByCourier, Lines: []delivery.LineRequest{pizza(2, 30, 31)}}, "address_missing", "to"},
		"gone":             {delivered(pizza(2, 30, 31), delivery.LineRequest{Item: 99, Qty: 1}), "unknown_item", "lines[1].item"},
		"one half missing": {delivered(pizza(2, 30)), "bad_options", "lines[0].options"},
		"foreign option":   {delivered(pizza(2, 30, 31, 77)), "bad_options", "lines[0].options"},
		"option sold out":  {delivered(pizza(2, 30, 31, 33)), "sold_out", "lines[0].options"},
		"too many":         {delivered(delivery.LineRequest{Item: 11, Qty: 6}), "sold_out", "lines[0].qty"},
		"too many in two lines": {
			delivered(delivery.LineRequest{Item: 11, Qty: 3}, delivery.LineRequest{Item: 11, Qty: 3}), "sold_out", "lines[1].qty",
		},
		"too small":     {delivered(delivery.LineRequest{Item: 11, Qty: 1}), "too_small", "lines"},
		"zero of it":    {delivered(pizza(0, 30, 31)), "bad_quantity", "lines[0].qty"},
		"minus one":     {delivered(pizza(-1, 30, 31)), "bad_quantity", "lines[0].qty"},
		"a lorry of it": {delivered(pizza(100, 30, 31)), "bad_quantity", "lines[0].qty"},
	} {
		t.Run(name, func(t *testing.T) {
			q := pizzeria().quote(t, c.req)
			if !slices.ContainsFunc(q.Problems, func(p delivery.Problem) bool { return p.Code == c.code && p.Path == c.path && p.Message != "" }) {
				t.Fatalf("problems %+v; want %s at %s", q.Problems, c.code, c.path)
			}
		})
	}
}

func TestQuoteRefusesWhatMeansNothing(t *testing.T) {
	c := pizzeria()
	quoter := NewQuoter(c, c, nil, func() time.Time { return noon }, slack)
	for name, req := range map[string]delivery.QuoteRequest{
		"mode":  {Restaurant: 7, Mode: "drone"},
		"tip":   {Restaurant: 7, Mode: delivery.Pickup, Tip: -1},
		"point": {Restaurant: 7, Mode: delivery.ByCourier, To: &delivery.Address{Point: geo.Point{Lat: 91}}},
	} {
		if _, err := quoter.Quote(t.Context(), req); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v; want an invalid error", name, err)
		}
	}
	if _, err := quoter.Quote(t.Context(), delivery.QuoteRequest{Restaurant: 8, Mode: delivery.Pickup}); !errs.Is(err, errs.NotFound) {
		t.Errorf("unknown restaurant: %v; want not found", err)
	}
}

func TestTotalIsTheSumOfItsPartsInAnyOrderOfLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) delivery.LineRequest {
			l := delivery.LineRequest{Item: rapid.SampledFrom([]id.ID{10, 11, 99}).Draw(t, "item"), Qty: rapid.IntRange(-2, 120).Draw(t, "qty")}
			for range rapid.IntRange(0, 4).Draw(t, "options") {
				l.Options = append(l.Options, delivery.Choice{Option: rapid.SampledFrom([]id.ID{30, 31, 32, 33, 77}).Draw(t, "option"), Qty: rapid.IntRange(0, 3).Draw(t, "n")})
			}
			return l
		}), 0, 8).Draw(t, "lines")
		c := pizzeria()
		req := delivered(lines...)
		req.Tip = rapid.Int64Range(0, MaxTip).Draw(t, "tip")
		q := c.quote(t, req)
		var lineSum, gross money.Amount
		for _, l := range q.Lines {
			if l.Unit < 0 || l.Total != l.Unit*int64(l.Qty) {
				t.Fatalf("line %+v", l)
			}
			lineSum += l.Total
		}
		for _, x := range q.Taxes {
			gross += x.Gross
			if x.Tax < 0 || x.Tax > x.Gross {
				t.Fatalf("tax %+v", x)
			}
		}
		if q.Total < 0 || q.Subtotal != lineSum || q.Total != q.Subtotal+q.Fee+q.Tip || gross != q.Total-q.Tip {
			t.Fatalf("subtotal %d lines %d fee %d tip %d total %d taxed %d", q.Subtotal, lineSum, q.Fee, q.Tip, q.Total, gross)
		}
		req.Lines = slices.Clone(lines)
		slices.Reverse(req.Lines)
		if back := c.quote(t, req); back.Total != q.Total {
			t.Fatalf("total %d, reversed %d", q.Total, back.Total)
		}
	})
}

func TestFingerprintHoldsPricesAndForgivesALittleDelay(t *testing.T) {
	c := pizzeria()
	req := delivered(pizza(2, 30, 31))
	agreed := c.quote(t, req).Fingerprint
	quoter := NewQuoter(c, c, nil, func() time.Time { return noon }, slack)
	later := func(d time.Duration) *counter {
		moved := pizzeria()
		moved.terms.To = moved.terms.To.Add(d)
		return moved
	}
	if !quoter.Unchanged(agreed, later(10*time.Minute).quote(t, req)) || !quoter.Unchanged(agreed, later(-30*time.Minute).quote(t, req)) {
		t.Error("ten minutes later, or earlier, must not ask again")
	}
	if quoter.Unchanged(agreed, later(11*time.Minute).quote(t, req)) {
		t.Error("eleven minutes later must ask again")
	}
	dearer := pizzeria()
	dearer.terms.Fee++
	if quoter.Unchanged(agreed, dearer.quote(t, req)) {
		t.Error("a dearer fee must ask again")
	}
	slot := noon.Add(3 * time.Hour)
	req.At = &slot
	q := c.quote(t, req)
	if quoter.Unchanged(agreed, q) || !quoter.Unchanged(q.Fingerprint, q) {
		t.Error("a slot is not as soon as possible, and is itself")
	}
	if quoter.Unchanged("nonsense", q) || quoter.Unchanged("", q) {
		t.Error("a made-up fingerprint agreed to a quote")
	}
}

func BenchmarkQuote(b *testing.B) {
	c := pizzeria()
	quoter := NewQuoter(c, c, nil, func() time.Time { return noon }, slack)
	req := delivered(pizza(2, 30, 31, 32), delivery.LineRequest{Item: 11, Qty: 1})
	req.Restaurant = 7
	b.ReportAllocs()
	for b.Loop() {
		if _, err := quoter.Quote(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
