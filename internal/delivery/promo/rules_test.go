package promo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

func TestReadCodeKeepsLettersAndDigits(t *testing.T) {
	for in, want := range map[string]string{"azAZ09": "AZAZ09", "\u0020a-z_A.Z/0:9\u0020": "AZAZ09", "@[`{/:": "", "straße": "STRAE", "": ""} {
		if got := ReadCode(in); got != want {
			t.Errorf("ReadCode(%q) = %q; want %q", in, got, want)
		}
	}
}

// things returns n ids.
func things(n int) []id.ID {
	out := make([]id.ID, n)
	for i := range out {
		out[i] = id.ID(i + 1)
	}
	return out
}

func TestRulesHaveBounds(t *testing.T) {
	base := func(kind string) Promotion {
		return Promotion{Restaurant: pizzeria, Rules: Rules{Kind: kind, Percent: 10, Amount: 100, Items: []id.ID{10}, Bearer: delivery.PartyRestaurant, Currency: "EUR"}}
	}
	for name, c := range map[string]struct {
		kind   string
		change func(*Promotion)
		wrong  string // the field
	}{
		"a code of 3":              {"percent", func(p *Promotion) { p.Code = "a-b-c" }, ""},
		"a code of 2":              {"percent", func(p *Promotion) { p.Code = "a--b" }, "code"},
		"a code of nothing":        {"percent", func(p *Promotion) { p.Code = " - " }, "code"},
		"a code of 24":             {"percent", func(p *Promotion) { p.Code = strings.Repeat("x", 24) }, ""},
		"a code of 25":             {"percent", func(p *Promotion) { p.Code = strings.Repeat("x", 25) }, "code"},
		"1 percent":                {"percent", func(p *Promotion) { p.Percent = 1 }, ""},
		"0 percent":                {"percent", func(p *Promotion) { p.Percent = 0 }, "percent"},
		"100 percent":              {"percent", func(p *Promotion) { p.Percent = 100 }, ""},
		"101 percent":              {"percent", func(p *Promotion) { p.Percent = 101 }, "percent"},
		"a cent":                   {"amount", func(p *Promotion) { p.Amount = 1 }, ""},
		"nothing":                  {"amount", func(p *Promotion) { p.Amount = 0 }, "amount"},
		"as much as may be":        {"amount", func(p *Promotion) { p.Amount = MaxAmount }, ""},
		"a cent more":              {"amount", func(p *Promotion) { p.Amount = MaxAmount + 1 }, "amount"},
		"no dish":                  {"item", func(p *Promotion) { p.Items = nil }, "items"},
		"no kind":                  {"", func(*Promotion) {}, "kind"},
		"a cap below nothing":      {"percent", func(p *Promotion) { p.Cap = -1 }, "cap"},
		"a cap of the most":        {"percent", func(p *Promotion) { p.Cap = MaxAmount }, ""},
		"a cap above":              {"delivery", func(p *Promotion) { p.Cap = MaxAmount + 1 }, "cap"},
		"a minimum below nothing":  {"percent", func(p *Promotion) { p.Minimum = -1 }, "minimum"},
		"the largest minimum":      {"percent", func(p *Promotion) { p.Minimum = 10 * MaxAmount }, ""},
		"a larger minimum":         {"percent", func(p *Promotion) { p.Minimum = 10*MaxAmount + 1 }, "minimum"},
		"borne by a courier":       {"percent", func(p *Promotion) { p.Bearer = delivery.PartyCourier }, "bearer"},
		"borne by the town":        {"percent", func(p *Promotion) { p.Bearer = delivery.PartyPlatform }, ""},
		"in town, by a restaurant": {"delivery", func(p *Promotion) { p.Restaurant = 0 }, "bearer"},
		"in town, by the town":     {"delivery", func(p *Promotion) { p.Restaurant, p.Bearer = 0, delivery.PartyPlatform }, ""},
		"in town, for a dish":      {"percent", func(p *Promotion) { p.Restaurant, p.Bearer = 0, delivery.PartyPlatform }, "items"},
		"in town, for a section": {"percent", func(p *Promotion) {
			p.Restaurant, p.Bearer, p.Items, p.Sections = 0, delivery.PartyPlatform, nil, things(1)
		}, "items"},
		"in town, for both":           {"percent", func(p *Promotion) { p.Restaurant, p.Bearer, p.Sections = 0, delivery.PartyPlatform, things(1) }, "items"},
		"in town, for all":            {"percent", func(p *Promotion) { p.Restaurant, p.Bearer, p.Items = 0, delivery.PartyPlatform, nil }, ""},
		"first ever":                  {"percent", func(p *Promotion) { p.First = FirstEver }, ""},
		"first here":                  {"percent", func(p *Promotion) { p.First = FirstHere }, ""},
		"first of whom":               {"percent", func(p *Promotion) { p.First = "love" }, "first"},
		"less than no use":            {"percent", func(p *Promotion) { p.Most = -1 }, "most"},
		"a million uses":              {"percent", func(p *Promotion) { p.Most, p.Each = MaxUses, MaxUses }, ""},
		"more uses":                   {"percent", func(p *Promotion) { p.Most = MaxUses + 1 }, "most"},
		"more of one":                 {"percent", func(p *Promotion) { p.Each = MaxUses + 1 }, "each"},
		"less than none of one":       {"percent", func(p *Promotion) { p.Each = -1 }, "each"},
		"as many as have it":          {"percent", func(p *Promotion) { p.Most, p.Used = 5, 5 }, ""},
		"fewer than have it":          {"percent", func(p *Promotion) { p.Most, p.Used = 5, 6 }, "most"},
		"any number, and some have":   {"percent", func(p *Promotion) { p.Most, p.Used = 0, 6 }, ""},
		"sixty dishes and sections":   {"percent", func(p *Promotion) { p.Items, p.Sections = things(60), things(60) }, ""},
		"sixty-one dishes":            {"percent", func(p *Promotion) { p.Items = things(61) }, "items"},
		"sixty-one sections":          {"percent", func(p *Promotion) { p.Items, p.Sections = nil, things(61) }, "items"},
		"it ends when it begins":      {"percent", func(p *Promotion) { p.From, p.Until = noon.Add(time.Hour), noon.Add(time.Hour) }, "until"},
		"it ends a second later":      {"percent", func(p *Promotion) { p.From, p.Until = noon.Add(time.Hour), noon.Add(time.Hour+time.Second) }, ""},
		"it ends now":                 {"percent", func(p *Promotion) { p.Until = noon }, "until"},
		"it ended, and was made then": {"percent", func(p *Promotion) { p.Until, p.rev = noon, 1 }, ""},
		"hours that nobody reads":     {"percent", func(p *Promotion) { p.Hours = "whenever" }, "hours"},
	} {
		t.Run(name, func(t *testing.T) {
			p := base(c.kind)
			c.change(&p)
			err := p.tidy(noon)
			if c.wrong == "" {
				if err != nil {
					t.Errorf("tidy = %v", err)
				}
				return
			}
			if !errs.Is(err, errs.Invalid) || !strings.Contains(fmt.Sprintf("%+v", fields(err)), c.wrong) || len(fields(err)) != 1 {
				t.Errorf("tidy = %v, fields %v; want one about %q", err, fields(err), c.wrong)
			}
		})
	}
	// What a kind has no use for is taken out, and nobody is paid for ordering.
	for kind, want := range map[string]Rules{
		"percent":  {Kind: "percent", Percent: 10, Cap: 50, Items: []id.ID{10}, Sections: []id.ID{1}, Minimum: 40},
		"amount":   {Kind: "amount", Amount: 100, Items: []id.ID{10}, Sections: []id.ID{1}, Minimum: 100},
		"delivery": {Kind: "delivery", Cap: 50, Minimum: 40},
		"item":     {Kind: "item", Items: []id.ID{10}, Sections: []id.ID{1}, Minimum: 40},
	} {
		p := base(kind)
		p.Cap, p.Sections, p.Minimum = 50, []id.ID{1}, 40
		want.Bearer, want.Currency = p.Bearer, "EUR"
		if err := p.tidy(noon); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, p.Rules); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	for minimum, want := range map[money.Amount]money.Amount{99: 100, 100: 100, 101: 101} {
		p := base("amount")
		p.Minimum = minimum
		if err := p.tidy(noon); err != nil || p.Minimum != want {
			t.Errorf("from %d: %v, %d; want %d", minimum, err, p.Minimum, want)
		}
	}
}

func fields(err error) (paths []string) {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		for _, f := range e.Fields {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

func TestWhatCountsIsLookedUpAndNothingElse(t *testing.T) {
	for want, list := range map[bool][]Promotion{
		true:  {{Most: 1}, {Each: 1}, {Rules: Rules{First: FirstHere}}},
		false: {{}, {Used: 3}},
	} {
		for _, p := range list {
			if got := p.counted(); got != want {
				t.Errorf("counted(%+v) = %v", p, got)
			}
		}
	}
	if n := (&Promotion{Each: 5, Rules: Rules{First: FirstEver}}).each(); n != 1 {
		t.Errorf("a first order happens %d times", n)
	}
}

func TestBaseIsWhatThePromotionIsFor(t *testing.T) {
	b := bill(t, pizzeria, "", 250, pizzas(2), colas(1), delivery.QuoteLine{Item: 11, Qty: 0, Unit: 1, Total: 50}, delivery.QuoteLine{Item: 11, Qty: 1, Unit: 300, Total: 300})
	for name, c := range map[string]struct {
		p             Promotion
		sum, cheapest money.Amount
	}{
		"all":                       {Promotion{}, 2600, 300},
		"a dish":                    {Promotion{Rules: Rules{Items: []id.ID{10}}}, 2000, 1000},
		"a section":                 {Promotion{Rules: Rules{Sections: []id.ID{2}}}, 600, 300},
		"a dish and a section":      {Promotion{Rules: Rules{Items: []id.ID{10}, Sections: []id.ID{2}}}, 2600, 300},
		"a dish that is none of it": {Promotion{Rules: Rules{Items: []id.ID{99}}}, 0, 0},
		"a section and another one": {Promotion{Rules: Rules{Items: []id.ID{99}, Sections: []id.ID{1}}}, 2000, 1000},
	} {
		if sum, cheapest := c.p.base(b); sum != c.sum || cheapest != c.cheapest {
			t.Errorf("%s: %d, %d; want %d, %d", name, sum, cheapest, c.sum, c.cheapest)
		}
	}
	if n := (&Promotion{Rules: Rules{Items: []id.ID{98}, Sections: []id.ID{1}}}); n.covers(b.Menu, 99) {
		t.Error("a dish that is not on the card is covered by a section")
	}
}

func TestChooseTakesTheMostAndTheCodeWhereThatIsTheSame(t *testing.T) {
	b := bill(t, pizzeria, "", 250, pizzas(1)) // 10.00 of food
	amount := func(n id.ID, off money.Amount, stacks bool) *Promotion {
		return &Promotion{ID: n, Rules: Rules{Kind: "amount", Amount: off, Stacks: stacks}}
	}
	fee := func(n id.ID, stacks bool) *Promotion {
		return &Promotion{ID: n, Rules: Rules{Kind: "delivery", Stacks: stacks}}
	}
	for name, c := range map[string]struct {
		code *Promotion
		auto []*Promotion
		want string
	}{
		"nothing":                        {nil, nil, ""},
		"the larger offer":               {nil, []*Promotion{amount(1, 100, false), amount(2, 200, false)}, "2:200"},
		"the older where it is the same": {nil, []*Promotion{amount(3, 100, false), amount(2, 100, false)}, "2:100"},
		"the code where it is the same":  {amount(9, 100, false), []*Promotion{amount(1, 100, false)}, "9:100"},
		"the offer, which is more":       {amount(9, 100, false), []*Promotion{amount(1, 101, false)}, "1:101"},
		"both":                           {amount(9, 100, true), []*Promotion{amount(1, 100, true)}, "9:100 1:100"},
		"the code does not go together":  {amount(9, 100, false), []*Promotion{amount(1, 90, true)}, "9:100"},
		"the offer does not":             {amount(9, 100, true), []*Promotion{amount(1, 90, false)}, "9:100"},
		"no more than the food":          {amount(9, 700, true), []*Promotion{amount(1, 700, true)}, "9:700 1:300"},
		"the fee once":                   {fee(9, true), []*Promotion{fee(1, true)}, "9:250"},
		"the fee and the food":           {fee(9, true), []*Promotion{amount(1, 900, true)}, "9:250 1:900"},
		"the food and the fee":           {amount(9, 900, true), []*Promotion{fee(1, true)}, "9:900 1:250"},
		"all of the food and the fee":    {amount(9, 1000, true), []*Promotion{fee(1, true), amount(2, 10, true)}, "9:1000 1:250"},
		"takes nothing off":              {amount(9, 0, true), []*Promotion{amount(1, 5, true)}, "1:5"},
	} {
		var got []string
		for _, x := range choose(b, c.code, c.auto) {
			got = append(got, fmt.Sprintf("%d:%d", x.p.ID, x.off))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q; want %q", name, s, c.want)
		}
	}
	pickup := bill(t, pizzeria, "", 250, pizzas(1))
	pickup.Mode = delivery.Pickup
	if got := fee(1, false).off(pickup); got != 0 {
		t.Errorf("%d off the fee of what is collected", got)
	}
	if got := amount(1, -5, false).off(b); got != 0 {
		t.Errorf("less than nothing off: %d", got)
	}
}

func TestFromTheMinimumOnAndWhatIsLacking(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	p := percent(10, Rules{Minimum: 2000})
	p.Code = "BIG"
	tw.make(t, p)
	if list, problems, err := tw.Discounts(as(t, 5), bill(t, pizzeria, "BIG", 250, pizzas(2))); err != nil || len(problems) > 0 || total(list) != 200 {
		t.Errorf("just as much as is asked: %+v %+v %v", list, problems, err)
	}
	_, problems, err := tw.Discounts(as(t, 5), bill(t, pizzeria, "BIG", 250, pizzas(1)))
	if err != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "20.00") || !strings.Contains(problems[0].Message, "10.00") {
		t.Errorf("%+v, %v; want how much it is from, and how much is lacking", problems, err)
	}
}

func TestUsesAreCountedForAPersonAndInAll(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		make := func(code string, change func(*Promotion)) *Promotion {
			p := percent(10, Rules{})
			p.Code = code
			change(&p)
			return tw.make(t, p)
		}
		each := make("EACH", func(p *Promotion) { p.Each = 1 })
		most := make("MOST", func(p *Promotion) { p.Most = 2 })
		ever := make("EVER", func(p *Promotion) { p.First = FirstEver })
		here := make("HERE", func(p *Promotion) { p.First = FirstHere })
		here2 := make("HERE2", func(p *Promotion) { p.First = FirstHere })
		use := func(order, account id.ID, p *Promotion) {
			t.Helper()
			if err := d.Write(t.Context(), func(tx *db.Tx) error {
				return tw.Use(t.Context(), tx, order, account, pizzeria, []delivery.Discount{{Promotion: p.ID, Amount: 100}})
			}); err != nil {
				t.Fatal(err)
			}
		}
		use(1, 5, each)
		use(2, 5, most)
		use(3, 5, ever)
		use(4, 6, here)
		says := func(account id.ID, code, want, words string) {
			t.Helper()
			list, problems, err := tw.Discounts(as(t, account), bill(t, pizzeria, code, 250, pizzas(2)))
			got := ""
			if len(problems) > 0 {
				got = problems[0].Code
			}
			if err != nil || got != want || want == "" && total(list) != 200 || want != "" && !strings.Contains(problems[0].Message, words) {
				t.Errorf("%s for %d: %q, %+v, %v; want %q", code, account, got, list, err, want)
			}
		}
		says(5, "EACH", "promo_used_up", "used up")
		says(6, "EACH", "", "")
		says(0, "EACH", "", "") // nobody is signed in
		says(5, "MOST", "", "")
		use(5, 7, most)
		says(6, "MOST", "promo_used_up", "used up")
		says(0, "MOST", "promo_used_up", "used up")
		says(5, "EVER", "promo_first_order", "in town")
		says(6, "EVER", "", "") // as far as orders know
		says(0, "EVER", "", "")
		says(6, "HERE", "promo_first_order", "at Da Test")
		says(5, "HERE", "", "")
		// Where orders know of another one: anywhere, or here.
		var asked []id.ID
		tw.opt.Ordered = func(_ context.Context, account, restaurant id.ID) (bool, error) {
			asked = append(asked, restaurant)
			return account == 8, nil
		}
		says(8, "EVER", "promo_first_order", "in town")
		says(8, "HERE2", "promo_first_order", "at Da Test")
		says(9, here2.Code, "", "")
		says(0, "HERE2", "", "")
		if !slices.Equal(asked, []id.ID{0, pizzeria, pizzeria}) {
			t.Errorf("orders are asked about the restaurants %v; want 0 for the whole town", asked)
		}
		tw.opt.Ordered = nil
		says(8, "EVER", "", "")
		uses, err := tw.Uses(asAdmin(t), most.ID, "", 1)
		if err != nil || len(uses.Items) != 1 || uses.Items[0].Order != 5 || uses.Next == "" {
			t.Fatalf("Uses = %+v, %v", uses, err)
		}
		uses, err = tw.Uses(asAdmin(t), most.ID, uses.Next, 1)
		if err != nil || len(uses.Items) != 1 || uses.Items[0].Order != 2 || uses.Items[0].Account != 5 || uses.Next != "" {
			t.Errorf("the next page = %+v, %v", uses, err)
		}
		if _, err := tw.Uses(as(t, 5), most.ID, "", 1); !errs.Is(err, errs.NotFound) {
			t.Errorf("a neighbour reads who used it: %v", err)
		}
	}, Schema, events.Schema)
}

func TestCurrentIsWhatOffersPromiseNow(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	shop, _ := street{}.Shop(t.Context(), pizzeria)
	if got, err := tw.Current(t.Context(), shop); got != nil || err != nil {
		t.Errorf("without promotions: %v, %v", got, err)
	}
	town := percent(5, Rules{Bearer: delivery.PartyPlatform})
	town.Restaurant = 0
	tw.make(t, town)
	labels := func(restaurant id.ID) string {
		t.Helper()
		shop, _ := street{}.Shop(t.Context(), restaurant)
		list, err := tw.Current(t.Context(), shop)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, o := range list {
			out = append(out, o.Label)
		}
		return strings.Join(out, "; ")
	}
	if got := labels(sushi); got != "5 % off" {
		t.Errorf("the town's alone: %q", got)
	}
	tw.make(t, percent(10, Rules{Minimum: 1500}))
	if got := labels(pizzeria); got != "10 % off from €15.00; 5 % off" {
		t.Errorf("one of each: %q", got)
	}
	if list, _, err := tw.Discounts(as(t, 5), bill(t, pizzeria, "", 250, pizzas(2))); err != nil || total(list) != 200 {
		t.Errorf("one of each: %+v, %v", list, err)
	}
	code := percent(90, Rules{})
	code.Code = "SECRET"
	tw.make(t, code)
	tw.make(t, percent(80, Rules{From: noon.Add(time.Minute)}))
	if got := labels(pizzeria); got != "10 % off from €15.00; 5 % off" {
		t.Errorf("its own first: %q", got)
	}
	tw.clock.Advance(time.Minute)
	if got := labels(pizzeria); got != "10 % off from €15.00; 80 % off; 5 % off" {
		t.Errorf("a minute later: %q", got)
	}
}

func TestHoldsSaysWhetherSomebodyCouldHaveIt(t *testing.T) {
	shop, _ := street{}.Shop(t.Context(), pizzeria)
	for name, c := range map[string]struct {
		change func(*Promotion)
		want   bool
	}{
		"as it is":         {func(*Promotion) {}, true},
		"paused":           {func(p *Promotion) { p.State = Paused }, false},
		"in francs":        {func(p *Promotion) { p.Currency = "CHF" }, false},
		"from now on":      {func(p *Promotion) { p.From = noon }, true},
		"from later on":    {func(p *Promotion) { p.From = noon.Add(time.Second) }, false},
		"until now":        {func(p *Promotion) { p.Until = noon }, false},
		"until later":      {func(p *Promotion) { p.Until = noon.Add(time.Second) }, true},
		"one is left":      {func(p *Promotion) { p.Most, p.Used = 3, 2 }, true},
		"none is left":     {func(p *Promotion) { p.Most, p.Used = 3, 3 }, false},
		"more than may be": {func(p *Promotion) { p.Most, p.Used = 3, 4 }, false},
		"any number":       {func(p *Promotion) { p.Most, p.Used = 0, 4 }, true},
		"at this time":     {func(p *Promotion) { p.Hours = "Mo 11:00-13:00" }, true},
		"at another time":  {func(p *Promotion) { p.Hours = "Mo 18:00-20:00" }, false},
	} {
		p := Promotion{State: Active, Rules: Rules{Currency: "EUR"}}
		c.change(&p)
		if err := p.compile(); err != nil {
			t.Fatal(err)
		}
		if got := p.holds(noon, shop); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPromotionsAreSaidInWords(t *testing.T) {
	menu, _ := street{}.Menu(t.Context(), pizzeria)
	for want, r := range map[string]Rules{
		"10 % off": {Kind: "percent", Percent: 10}, "10 % off Pizzas": {Kind: "percent", Percent: 10, Sections: []id.ID{1}}, "10 % off Drinks, Pizza": {Kind: "percent", Percent: 10, Sections: []id.ID{2}, Items: []id.ID{10}},
		"€2.50 off": {Kind: "amount", Amount: 250}, "€2.50 off Cola": {Kind: "amount", Amount: 250, Items: []id.ID{11}}, "Free delivery": {Kind: "delivery"}, "Cola for free": {Kind: "item", Items: []id.ID{11}},
		"A dish for free": {Kind: "item", Items: []id.ID{99}}, "Lunch": {Kind: "percent", Percent: 10, Label: "Lunch"},
	} {
		p := Promotion{Rules: r}
		p.Currency = "EUR"
		if got := p.label(t.Context(), menu); got != want {
			t.Errorf("label = %q; want %q", got, want)
		}
		if got := p.promise(t.Context(), menu); got != want {
			t.Errorf("promise = %q; want %q", got, want)
		}
		p.Minimum = 1
		wantFrom := want + " from €0.01"
		if r.Label != "" {
			wantFrom = want
		}
		if got := p.promise(t.Context(), menu); got != wantFrom {
			t.Errorf("promise = %q; want %q", got, wantFrom)
		}
		if got := p.things(nil); got != "" {
			t.Errorf("without a card: %q", got)
		}
	}
	four := &delivery.Menu{Sections: []*delivery.Section{{ID: 1, Name: "A"}, {ID: 2, Name: "B"}, {ID: 3, Name: "C"}, {ID: 4, Name: "D"}}}
	if got := (&Promotion{Rules: Rules{Sections: things(3)}}).things(four); got != "A, B, C" {
		t.Errorf("three: %q", got)
	}
	if got := (&Promotion{Rules: Rules{Sections: things(4)}}).things(four); got != "A, B, C, …" {
		t.Errorf("four: %q", got)
	}
	all := Promotion{Code: "YES", Most: 2, Each: 3, Rules: Rules{
		Label: "Not this", Kind: "percent", Percent: 10, Cap: 500, Minimum: 1000, Currency: "EUR", Hours: "Mo 12:00-14:00", From: noon, Until: noon.Add(24 * time.Hour), Stacks: true, Bearer: delivery.PartyPlatform,
	}}
	sentence := func(change func(*Promotion)) string {
		p := all
		change(&p)
		return p.sentence(t.Context(), menu, time.UTC)
	}
	got := sentence(func(*Promotion) {})
	parts := []string{
		"10 % off", "at most €5.00", "from €10.00 of food", "at these times: Mo 12:00-14:00", " on", "until ", "3 times each", "for the first 2 orders", "with the code YES", "together with another offer", "borne by the town",
	}
	at := 0
	for _, part := range parts {
		i := strings.Index(got[at:], part)
		if i < 0 {
			t.Fatalf("%q lacks %q, or not in this order", got, part)
		}
		at += i + len(part)
	}
	for lacks, change := range map[string]func(*Promotion){
		"at most": func(p *Promotion) { p.Cap = 0 }, "of food": func(p *Promotion) { p.Minimum = 0 }, "at these times": func(p *Promotion) { p.Hours = "" }, "until": func(p *Promotion) { p.Until = time.Time{} },
		"times each": func(p *Promotion) { p.Each = 0 }, "time each": func(p *Promotion) { p.First = FirstEver }, "orders": func(p *Promotion) { p.Most = 0 }, "code": func(p *Promotion) { p.Code = "" },
		"together": func(p *Promotion) { p.Stacks = false }, "borne": func(p *Promotion) { p.Bearer = delivery.PartyRestaurant },
	} {
		if s := sentence(change); strings.Contains(s, lacks) {
			t.Errorf("%q speaks of %q", s, lacks)
		}
	}
	for first, want := range map[string]string{FirstEver: "for new customers", FirstHere: "for first orders here"} {
		if s := sentence(func(p *Promotion) { p.First = first }); !strings.Contains(s, want) {
			t.Errorf("%q lacks %q", s, want)
		}
	}
	if s := moment(t.Context(), noon, time.UTC); !strings.Contains(s, " 12:00") {
		t.Errorf("moment = %q", s)
	}
}

func TestPromotionsAreListedPageByPageAndChangedFromWhatWasRead(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		var noted []string
		tw.opt.Audit = func(_ context.Context, _ *db.Tx, verb, thing string, detail map[string]any) error {
			noted = append(noted, fmt.Sprint(verb, " ", thing, " ", detail["state"], " ", detail["code"]))
			return nil
		}
		var ids []id.ID
		for i := range 3 {
			p := percent(10, Rules{})
			p.Code = fmt.Sprint("CODE", i)
			ids = append([]id.ID{tw.make(t, p).ID}, ids...)
		}
		other := percent(10, Rules{})
		other.Restaurant = sushi
		theirs := tw.make(t, other)
		var told int
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), `SELECT COUNT(*) FROM event`).Scan(&told) }); err != nil || told != 4 || len(noted) != 4 {
			t.Errorf("of four promotions %d were noted and nodes were told of %d, %v", len(noted), told, err)
		}
		if want := fmt.Sprintf("promotion.create promotion:%s active CODE2", ids[0]); noted[2] != want {
			t.Errorf("noted %q; want %q", noted[2], want)
		}
		read := func(restaurant id.ID, limit int) (got []id.ID, pages int) {
			t.Helper()
			for cursor := ""; ; {
				p, err := tw.List(asAdmin(t), restaurant, cursor, limit)
				if err != nil || len(p.Items) > limit {
					t.Fatalf("%+v, %v", p, err)
				}
				for _, x := range p.Items {
					got = append(got, x.ID)
				}
				if pages++; p.Next == "" || pages > 9 {
					return got, pages
				}
				cursor = p.Next
			}
		}
		for limit, pages := range map[int]int{1: 3, 2: 2, 3: 1} {
			if got, n := read(pizzeria, limit); !slices.Equal(got, ids) || n != pages {
				t.Errorf("by %d: %v on %d pages; want %v on %d", limit, got, n, ids, pages)
			}
		}
		if got, n := read(0, 2); !slices.Equal(got, append([]id.ID{theirs.ID}, ids...)) || n != 2 {
			t.Errorf("all: %v on %d pages", got, n)
		}
		if _, err := tw.Create(asAdmin(t), func() Promotion { p := percent(10, Rules{}); p.Code = "code-1"; return p }()); errs.CodeOf(err) != "code_taken" {
			t.Errorf("a code that is taken: %v", err)
		}
		if _, err := tw.Change(asOwner(t), ids[0], func(p *Promotion) { p.Code = "CODE1" }); errs.CodeOf(err) != "code_taken" {
			t.Errorf("changed to a code that is taken: %v", err)
		}
		if _, err := tw.Create(asAdmin(t), Promotion{Restaurant: 99, Rules: Rules{Kind: "percent", Percent: 10, Bearer: delivery.PartyRestaurant}}); !errs.Is(err, errs.NotFound) {
			t.Errorf("of a restaurant that is none: %v", err)
		}
		// Two change it from what they read; the later one looks again. What was made is a revision like any other.
		_, err := tw.Change(asOwner(t), ids[0], func(p *Promotion) {
			if _, err := tw.Change(asOwner(t), ids[0], func(p *Promotion) { p.Percent = 30 }); err != nil {
				t.Fatal(err)
			}
			p.Percent = 40
		})
		if errs.CodeOf(err) != "changed_meanwhile" {
			t.Errorf("changed at once: %v", err)
		}
		p, err := tw.Change(asOwner(t), ids[0], func(p *Promotion) { p.Percent, p.Restaurant, p.Used, p.Currency = 50, sushi, 9, "CHF" })
		if err != nil || p.Percent != 50 || p.Restaurant != pizzeria || p.Used != 0 || p.Currency != "EUR" || p.rev != 3 {
			t.Errorf("Change = %+v, %v", p, err)
		}
		if got, err := tw.Get(asOwner(t), ids[0]); err != nil || got.rev != p.rev || got.Percent != 50 {
			t.Errorf("as stored %+v, %v", got, err)
		}
		if made := tw.make(t, percent(1, Rules{})); made.rev != 1 || made.State != Active {
			t.Errorf("made %+v", made)
		}
		if _, err := tw.Change(asOwner(t), ids[0], func(p *Promotion) { p.State = "odd" }); !errs.Is(err, errs.Invalid) {
			t.Errorf("an odd state: %v", err)
		}
		if _, err := tw.SetState(asOwner(t), ids[0], Ended); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.SetState(asOwner(t), ids[0], Active); errs.CodeOf(err) != "ended" {
			t.Errorf("what has ended is taken up again: %v", err)
		}
		town, err := tw.Create(asAdmin(t), Promotion{Rules: Rules{Kind: "delivery", Bearer: delivery.PartyPlatform, Currency: "CHF"}})
		if err != nil || town.Currency != "EUR" {
			t.Errorf("the town's: %+v, %v", town, err)
		}
	}, Schema, events.Schema)
}

// TestTheLastUseAndTheFirstGivenBackAreTold sees to it that nodes hear when there are no more, and when there are some again.
func TestTheLastUseAndTheFirstGivenBackAreTold(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		limited := percent(10, Rules{})
		limited.Most = 2
		p := tw.make(t, limited)
		free := tw.make(t, percent(20, Rules{}))
		events := func() (n int) {
			t.Helper()
			if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), `SELECT COUNT(*) FROM event`).Scan(&n) }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		do := func(told int, fn func(tx *db.Tx) error) {
			t.Helper()
			before := events()
			if err := d.Write(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
			if n := events() - before; n != told {
				t.Errorf("told %d times; want %d", n, told)
			}
		}
		use := func(order id.ID, p *Promotion) func(*db.Tx) error {
			return func(tx *db.Tx) error {
				return tw.Use(t.Context(), tx, order, 5, pizzeria, []delivery.Discount{{Promotion: p.ID, Amount: 1}})
			}
		}
		back := func(order id.ID) func(*db.Tx) error {
			return func(tx *db.Tx) error { return tw.GiveBack(t.Context(), tx, order) }
		}
		do(0, use(1, p))
		do(1, use(2, p)) // the last one
		do(1, back(2))   // one can be had again
		do(0, back(1))
		do(0, back(1))
		do(0, use(3, free))
		do(0, back(3))
		do(0, use(1, p))
		// The last use of one promotion is no reason to forget the other one of the same order.
		do(1, func(tx *db.Tx) error {
			return tw.Use(t.Context(), tx, 4, 5, pizzeria, []delivery.Discount{{Promotion: free.ID, Amount: 1}, {Promotion: p.ID, Amount: 1}})
		})
		used := func(want int64) {
			t.Helper()
			if got, err := tw.Get(asAdmin(t), free.ID); err != nil || got.Used != want {
				t.Errorf("the other promotion: %+v, %v; want %d uses", got, err, want)
			}
		}
		used(1)
		do(1, back(4))
		used(0)
		do(0, back(1))
		// A person of whom nothing is counted is not counted below nothing.
		var below int
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), `SELECT COUNT(*) FROM promo_person`).Scan(&below) }); err != nil || below != 0 {
			t.Errorf("%d people are counted for what counts nobody, %v", below, err)
		}
		if got, err := tw.Get(asAdmin(t), p.ID); err != nil || got.Used != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	}, Schema, events.Schema)
}

func TestNobodyMakesAPromotionWithoutSigningIn(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	if _, err := tw.Create(access.With(t.Context(), access.Actor{}), percent(10, Rules{})); !errs.Is(err, errs.Unauthenticated) {
		t.Errorf("Create = %v", err)
	}
	if _, err := tw.Get(asAdmin(t), 404); !errs.Is(err, errs.NotFound) {
		t.Errorf("Get = %v", err)
	}
	b := bill(t, pizzeria, "CODE", 250)
	if list, problems, err := tw.Discounts(t.Context(), b); list != nil || problems != nil || err != nil {
		t.Errorf("of an empty cart: %v, %v, %v", list, problems, err)
	}
}

func TestANodeReadsAnewWhatAnotherOneChanged(t *testing.T) {
	d := dbtest.SQLite(t, Schema, events.Schema)
	here, there := newTown(d), newTown(d)
	there.ids = id.NewSource(2)
	b := bill(t, pizzeria, "", 0, pizzas(1))
	if list, _, err := here.Discounts(t.Context(), b); err != nil || total(list) != 0 {
		t.Fatalf("before: %v, %v", list, err)
	}
	there.make(t, percent(10, Rules{}))
	if list, _, err := here.Discounts(t.Context(), b); err != nil || total(list) != 0 {
		t.Fatalf("it has not heard of it yet: %v, %v", list, err)
	}
	here.cache.stale()
	if list, _, err := here.Discounts(t.Context(), b); err != nil || total(list) != 100 {
		t.Fatalf("after it has: %v, %v", list, err)
	}
	if here.cache.now.Load() == nil {
		t.Error("what was read is not kept")
	}
}
