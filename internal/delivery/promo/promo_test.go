package promo

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

const (
	pizzeria id.ID = 7
	sushi    id.ID = 8
)

// Monday, noon.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// street is two restaurants with one card: pizzas (section 1) and a cola.
type street struct{}

func (street) Shop(_ context.Context, r id.ID) (*delivery.Shop, error) {
	switch r {
	case pizzeria:
		return &delivery.Shop{ID: r, Slug: "da-test", Name: "Da Test", Currency: "EUR", Loc: time.UTC, Tax: map[string]int{"food": 700}, FeeTax: 1900}, nil
	case sushi:
		return &delivery.Shop{ID: r, Slug: "sushi", Name: "Sushi", Currency: "EUR", Loc: time.UTC, Tax: map[string]int{"food": 700}, FeeTax: 1900}, nil
	}
	return nil, errs.New(errs.NotFound, "There is no such restaurant.")
}

func (s street) ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error) {
	for _, r := range []id.ID{pizzeria, sushi} {
		if shop, err := s.Shop(ctx, r); err == nil && shop.Slug == slug {
			return shop, nil
		}
	}
	return nil, errs.New(errs.NotFound, "There is no such restaurant.")
}

func (street) Menu(_ context.Context, r id.ID) (*delivery.Menu, error) {
	pizza := &delivery.Item{ID: 10, Name: "Pizza", Price: 1000}
	cola := &delivery.Item{ID: 11, Name: "Cola", Price: 300}
	pizzas := &delivery.Section{ID: 1, Name: "Pizzas", Items: []*delivery.Item{pizza}}
	drinks := &delivery.Section{ID: 2, Name: "Drinks", Items: []*delivery.Item{cola}}
	pizza.Section, cola.Section = pizzas, drinks
	return &delivery.Menu{Restaurant: r, Sections: []*delivery.Section{pizzas, drinks}, Items: map[id.ID]*delivery.Item{10: pizza, 11: cola}}, nil
}

type town struct {
	*Service
	clock  *clock.Manual
	before map[id.ID]bool // who has ordered
}

func newTown(d *db.DB) *town {
	t := &town{clock: clock.NewManual(noon), before: map[id.ID]bool{}}
	t.Service = New(Deps{DB: d, IDs: id.NewSource(1), Now: t.clock.Now, Log: events.New(d, events.NewLocal()), Shops: street{}, Menus: street{}},
		Options{Currency: "EUR", Ordered: func(_ context.Context, account, _ id.ID) (bool, error) { return t.before[account], nil }})
	return t
}

func as(t testing.TB, account id.ID, roles ...access.Grant) context.Context {
	return access.With(t.Context(), access.Actor{ID: account, Roles: roles})
}

func asAdmin(t testing.TB) context.Context { return as(t, 1, access.Grant{Role: access.RoleAdmin}) }

func asOwner(t testing.TB) context.Context {
	return as(t, 2, access.Grant{Role: access.RoleOwner, Place: pizzeria})
}

func (tw *town) make(t testing.TB, p Promotion) *Promotion {
	t.Helper()
	out, err := tw.Create(asAdmin(t), p)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return out
}

func bill(t testing.TB, restaurant id.ID, code string, fee money.Amount, lines ...delivery.QuoteLine) *delivery.Bill {
	shop, _ := street{}.Shop(t.Context(), restaurant)
	menu, _ := street{}.Menu(t.Context(), restaurant)
	b := &delivery.Bill{Shop: shop, Menu: menu, Mode: delivery.ByCourier, Lines: lines, Fee: fee, FeeKnown: true, Code: code, Now: noon}
	for _, l := range lines {
		b.Subtotal += l.Total
	}
	return b
}

func pizzas(n int) delivery.QuoteLine {
	return delivery.QuoteLine{Item: 10, Qty: n, Unit: 1000, Total: 1000 * int64(n), Rate: 700}
}

func colas(n int) delivery.QuoteLine {
	return delivery.QuoteLine{Item: 11, Qty: n, Unit: 300, Total: 300 * int64(n), Rate: 1900}
}

func percent(n int, more Rules) Promotion {
	more.Kind, more.Percent = delivery.DiscountPercent, n
	if more.Bearer == "" {
		more.Bearer = delivery.PartyRestaurant
	}
	return Promotion{Restaurant: pizzeria, Rules: more}
}

func total(list []delivery.Discount) (sum money.Amount) {
	for _, d := range list {
		sum += d.Amount
	}
	return sum
}

func TestEachKindTakesOffWhatItSays(t *testing.T) {
	for name, c := range map[string]struct {
		p    Rules
		want money.Amount
	}{
		"percent of all":        {Rules{Kind: "percent", Percent: 10}, 230},
		"percent, capped":       {Rules{Kind: "percent", Percent: 50, Cap: 500}, 500},
		"percent of a section":  {Rules{Kind: "percent", Percent: 10, Sections: []id.ID{1}}, 200},
		"percent of a dish":     {Rules{Kind: "percent", Percent: 10, Items: []id.ID{11}}, 30},
		"amount":                {Rules{Kind: "amount", Amount: 700}, 700},
		"amount of a dish":      {Rules{Kind: "amount", Amount: 700, Items: []id.ID{11}}, 300},
		"delivery":              {Rules{Kind: "delivery"}, 250},
		"delivery, capped":      {Rules{Kind: "delivery", Cap: 100}, 100},
		"item":                  {Rules{Kind: "item", Items: []id.ID{10, 11}}, 300},
		"below the minimum":     {Rules{Kind: "percent", Percent: 10, Minimum: 2400}, 0},
		"over since yesterday":  {Rules{Kind: "percent", Percent: 10, Until: noon.Add(time.Hour)}, 0},
		"not on Mondays":        {Rules{Kind: "percent", Percent: 10, Hours: "Tu-Su 10:00-22:00"}, 0},
		"on Mondays until nine": {Rules{Kind: "percent", Percent: 10, Hours: "Mo 10:00-21:00"}, 230},
	} {
		t.Run(name, func(t *testing.T) {
			tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
			c.p.Bearer = delivery.PartyRestaurant
			tw.make(t, Promotion{Restaurant: pizzeria, Rules: c.p})
			b := bill(t, pizzeria, "", 250, pizzas(2), colas(1))
			if !c.p.Until.IsZero() {
				b.Now = noon.Add(24 * time.Hour)
			}
			list, problems, err := tw.Discounts(as(t, 5), b)
			if err != nil || len(problems) > 0 || total(list) != c.want {
				t.Fatalf("Discounts = %+v, %v, %v; want %d off", list, problems, err, c.want)
			}
			if here, _, _ := tw.Discounts(as(t, 5), bill(t, sushi, "", 250, pizzas(9))); len(here) != 0 {
				t.Errorf("another restaurant has it, too: %+v", here)
			}
		})
	}
}

func TestAWrongCodeSaysWhatToDoAndTakesNothingOff(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	with := func(code string, p Promotion) Promotion { p.Code = code; return p }
	tw.make(t, with("LATER", percent(10, Rules{From: noon.Add(time.Hour)})))
	tw.make(t, with("EVENING", percent(10, Rules{Hours: "18:00-22:00"})))
	tw.make(t, with("BIG", percent(10, Rules{Minimum: 5000})))
	tw.make(t, with("FIRST", percent(10, Rules{First: FirstEver})))
	tw.make(t, with("COLA", percent(10, Rules{Items: []id.ID{11}})))
	elsewhere := with("SUSHI", percent(10, Rules{}))
	elsewhere.Restaurant = sushi
	tw.make(t, elsewhere)
	once := with("ONCE", percent(10, Rules{}))
	once.Most = 1
	used := tw.make(t, once)
	over := tw.make(t, with("OVER", percent(10, Rules{})))
	if _, err := tw.SetState(asAdmin(t), over.ID, Ended); err != nil {
		t.Fatal(err)
	}
	paused := tw.make(t, with("PAUSED", percent(10, Rules{})))
	if _, err := tw.SetState(asAdmin(t), paused.ID, Paused); err != nil {
		t.Fatal(err)
	}
	tw.before[5] = true
	if err := tw.db.Write(t.Context(), func(tx *db.Tx) error {
		return tw.Use(t.Context(), tx, 100, 6, pizzeria, []delivery.Discount{{Promotion: used.ID, Amount: 1}})
	}); err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]string{
		"nonsense": "promo_unknown", "later": "promo_later", "evening": "promo_later", "paused": "promo_later", "big": "promo_minimum",
		"first": "promo_first_order", "sushi": "promo_other_restaurant", "once": "promo_used_up", "over": "promo_expired", "cola": "promo_nothing",
	} {
		list, problems, err := tw.Discounts(as(t, 5), bill(t, pizzeria, code, 250, pizzas(2)))
		if err != nil || len(list) != 0 || len(problems) != 1 || problems[0].Code != want || problems[0].Path != "code" || problems[0].Message == "" {
			t.Errorf("%s: %+v %+v %v; want the problem %s and nothing off", code, list, problems, err, want)
		}
	}
	if list, problems, err := tw.Discounts(as(t, 9), bill(t, pizzeria, " fi-rst ", 250, pizzas(2))); err != nil || len(problems) > 0 || total(list) != 200 {
		t.Errorf("a first order with a code typed oddly: %+v %+v %v", list, problems, err)
	}
}

func TestOwnersSetWhatTheirRestaurantBearsAndNothingElse(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	own := percent(10, Rules{})
	mine, err := tw.Create(asOwner(t), own)
	if err != nil {
		t.Fatalf("their own: %v", err)
	}
	town := percent(10, Rules{Bearer: delivery.PartyPlatform})
	if _, err := tw.Create(asOwner(t), town); !errs.Is(err, errs.Forbidden) {
		t.Errorf("borne by the town: %v; want forbidden", err)
	}
	other := own
	other.Restaurant = sushi
	if _, err := tw.Create(asOwner(t), other); !errs.Is(err, errs.Forbidden) {
		t.Errorf("of another restaurant: %v; want forbidden", err)
	}
	whole := town
	whole.Restaurant = 0
	if _, err := tw.Create(asOwner(t), whole); !errs.Is(err, errs.Forbidden) {
		t.Errorf("of the whole town: %v; want forbidden", err)
	}
	if _, err := tw.Change(asOwner(t), mine.ID, func(p *Promotion) { p.Bearer = delivery.PartyPlatform }); !errs.Is(err, errs.Forbidden) {
		t.Errorf("changed to be borne by the town: %v; want forbidden", err)
	}
	theirs := tw.make(t, other)
	if _, err := tw.Get(asOwner(t), theirs.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("read another's: %v; want not found", err)
	}
	borne := tw.make(t, town)
	if _, err := tw.SetState(asOwner(t), borne.ID, Ended); !errs.Is(err, errs.Forbidden) {
		t.Errorf("end what the town bears: %v; want forbidden", err)
	}
	for who, ctx := range map[string]context.Context{
		"a neighbour": as(t, 5), "staff": as(t, 4, access.Grant{Role: access.RoleStaff, Place: pizzeria}),
	} {
		if _, err := tw.Create(ctx, own); err == nil {
			t.Errorf("%s made a promotion", who)
		}
		if _, err := tw.List(ctx, pizzeria, "", 0); err == nil {
			t.Errorf("%s listed promotions", who)
		}
	}
	if list, err := tw.List(asOwner(t), pizzeria, "", 0); err != nil || len(list.Items) != 2 {
		t.Errorf("the owner's list: %v, %v; want two", list.Items, err)
	}
	if _, err := tw.List(asOwner(t), 0, "", 0); err == nil {
		t.Error("an owner listed everything")
	}
}

func TestACodeOfOneUseIsUsedOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		for round := range 20 {
			p := percent(10, Rules{})
			p.Code, p.Most = id.Code(10), 1
			made := tw.make(t, p)
			won := race(100, func(i int) error {
				order := id.ID(round*1000 + i + 1)
				return d.Write(t.Context(), func(tx *db.Tx) error {
					return tw.Use(t.Context(), tx, order, order, pizzeria, []delivery.Discount{{Promotion: made.ID, Amount: 100}})
				})
			}, func(err error) {
				if errs.CodeOf(err) != "promotion_used_up" {
					t.Errorf("round %d: %v", round, err)
				}
			})
			got, err := tw.Get(asAdmin(t), made.ID)
			if won != 1 || err != nil || got.Used != 1 {
				t.Fatalf("round %d: %d orders have it, %+v, %v; want one", round, won, got, err)
			}
		}
	}, Schema, events.Schema)
}

func TestOnePersonUsesItAsOftenAsAllowed(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		p := percent(10, Rules{})
		p.Each = 3
		made := tw.make(t, p)
		won := race(40, func(i int) error {
			return d.Write(t.Context(), func(tx *db.Tx) error {
				return tw.Use(t.Context(), tx, id.ID(i+1), 5, pizzeria, []delivery.Discount{{Promotion: made.ID, Amount: 100}})
			})
		}, func(error) {})
		if got, err := tw.Get(asAdmin(t), made.ID); won != 3 || err != nil || got.Used != 3 {
			t.Fatalf("%d uses, %+v, %v; want three", won, got, err)
		}
	}, Schema, events.Schema)
}

// race calls fn n times at once, gives what failed to lost and returns how many did not.
func race(n int, fn func(int) error, lost func(error)) (won int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			err := fn(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else {
				lost(err)
			}
		})
	}
	wg.Wait()
	return won
}

func TestACancelledOrderGivesItsUseBackOnceAndTakesItAgain(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		p := percent(10, Rules{})
		p.Most, p.Each = 2, 1
		made := tw.make(t, p)
		off := []delivery.Discount{{Promotion: made.ID, Amount: 100}}
		use := func(order, account id.ID) error {
			return d.Write(t.Context(), func(tx *db.Tx) error { return tw.Use(t.Context(), tx, order, account, pizzeria, off) })
		}
		giveBack := func(order id.ID) {
			if err := d.Write(t.Context(), func(tx *db.Tx) error { return tw.GiveBack(t.Context(), tx, order) }); err != nil {
				t.Fatal(err)
			}
		}
		used := func(want int64) {
			t.Helper()
			if got, err := tw.Get(asAdmin(t), made.ID); err != nil || got.Used != want {
				t.Fatalf("used %d, %v; want %d", got.Used, err, want)
			}
		}
		for range 2 { // counted once
			if err := use(1, 5); err != nil {
				t.Fatal(err)
			}
		}
		used(1)
		if err := use(2, 5); errs.CodeOf(err) != "promotion_used_up" {
			t.Fatalf("a second order of one person: %v", err)
		}
		used(1)
		giveBack(1)
		giveBack(1)
		used(0)
		if _, err := tw.SetState(asAdmin(t), made.ID, Ended); err != nil {
			t.Fatal(err)
		}
		if err := use(3, 6); errs.CodeOf(err) != "promotion_used_up" {
			t.Fatalf("a new order after the end: %v", err)
		}
		if err := use(1, 5); err != nil {
			t.Fatalf("an order that is taken up again: %v", err)
		}
		used(1)
	}, Schema, events.Schema)
}

func TestEveryNodeSeesAChangeAndItsUses(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	p := tw.make(t, percent(10, Rules{}))
	b := bill(t, pizzeria, "", 0, pizzas(1))
	if list, _, err := tw.Discounts(t.Context(), b); err != nil || total(list) != 100 {
		t.Fatalf("before: %+v %v", list, err)
	}
	if _, err := tw.Change(asOwner(t), p.ID, func(p *Promotion) { p.Percent = 20 }); err != nil {
		t.Fatal(err)
	}
	if list, _, err := tw.Discounts(t.Context(), b); err != nil || total(list) != 200 {
		t.Fatalf("after: %+v %v", list, err)
	}
	if _, err := tw.Change(asOwner(t), p.ID, func(p *Promotion) { p.Percent = 0 }); !errs.Is(err, errs.Invalid) {
		t.Fatalf("nonsense was stored: %v", err)
	}
}

func TestDiscountsNeverTakeOffMoreThanThereIsAndDontDependOnOrder(t *testing.T) {
	shop, _ := street{}.Shop(context.Background(), pizzeria)
	menu, _ := street{}.Menu(context.Background(), pizzeria)
	rapid.Check(t, func(t *rapid.T) {
		b := &delivery.Bill{Shop: shop, Menu: menu, Mode: delivery.ByCourier, Fee: rapid.Int64Range(0, 600).Draw(t, "fee"), FeeKnown: true, Now: noon}
		for range rapid.IntRange(1, 4).Draw(t, "lines") {
			l := delivery.QuoteLine{Item: rapid.SampledFrom([]id.ID{10, 11}).Draw(t, "item"), Qty: rapid.IntRange(1, 9).Draw(t, "qty"), Unit: rapid.Int64Range(0, 3000).Draw(t, "unit")}
			l.Total = l.Unit * int64(l.Qty)
			b.Lines, b.Subtotal = append(b.Lines, l), b.Subtotal+l.Total
		}
		next := id.ID(0)
		draw := func(name string) *Promotion {
			next++
			p := &Promotion{ID: next, Restaurant: pizzeria, Rules: Rules{
				Kind: rapid.SampledFrom([]string{"percent", "amount", "delivery", "item"}).Draw(t, name), Percent: rapid.IntRange(1, 100).Draw(t, "percent"),
				Amount: rapid.Int64Range(1, 20000).Draw(t, "amount"), Cap: rapid.SampledFrom([]int64{0, 100, 1500}).Draw(t, "cap"), Stacks: rapid.Bool().Draw(t, "stacks"),
			}}
			if p.Kind == "item" || rapid.Bool().Draw(t, "some") {
				p.Items = []id.ID{rapid.SampledFrom([]id.ID{10, 11}).Draw(t, "of")}
			}
			return p
		}
		var code *Promotion
		if rapid.Bool().Draw(t, "has code") {
			code = draw("code")
		}
		var auto []*Promotion
		for range rapid.IntRange(0, 4).Draw(t, "autos") {
			auto = append(auto, draw("auto"))
		}
		got := choose(b, code, auto)
		var food, fee, sum money.Amount
		for _, x := range got {
			if x.off <= 0 {
				t.Fatalf("takes %d off", x.off)
			}
			sum += x.off
			if x.p.Kind == delivery.DiscountFee {
				fee += x.off
			} else {
				food += x.off
			}
		}
		if food > b.Subtotal || fee > b.Fee {
			t.Fatalf("%d off food of %d, %d off a fee of %d", food, b.Subtotal, fee, b.Fee)
		}
		if len(got) > 2 || len(got) == 2 && (code == nil || got[0].p != code || !code.Stacks || !got[1].p.Stacks) {
			t.Fatalf("%d promotions together that don't go together", len(got))
		}
		for _, p := range append(slices.Clone(auto), code) {
			if p == nil {
				continue
			}
			most := p.off(b)
			if p.Kind != delivery.DiscountFee {
				most = min(most, b.Subtotal)
			}
			if most > sum {
				t.Fatalf("%d off, but one alone takes off %d", sum, most)
			}
		}
		slices.Reverse(auto)
		again := choose(b, code, auto)
		if !slices.Equal(got, again) {
			t.Fatalf("in another order: %v, then %v", got, again)
		}
	})
}

func TestUseOfAPromotionThatIsGoneIsRefused(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	err := tw.db.Write(t.Context(), func(tx *db.Tx) error {
		return tw.Use(t.Context(), tx, 1, 5, pizzeria, []delivery.Discount{{Promotion: 99, Amount: 1}})
	})
	if !errors.Is(err, errUsedUp) {
		t.Fatalf("Use = %v; want used up", err)
	}
}

func BenchmarkDiscountsWithoutPromotions(b *testing.B) {
	tw := newTown(dbtest.SQLite(b, Schema, events.Schema))
	bl := bill(b, pizzeria, "", 250, pizzas(2))
	for b.Loop() {
		if _, _, err := tw.Discounts(b.Context(), bl); err != nil {
			b.Fatal(err)
		}
	}
}
