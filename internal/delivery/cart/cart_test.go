package cart

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// street is two restaurants next to each other: the pizzeria (id 7) and a bar (id 8) that sells a soda (id 12).
type street struct {
	pizza, bar *counter
}

func newStreet() *street {
	bar := pizzeria()
	soda := &delivery.Item{ID: 12, Name: "Soda", Price: 300, Tax: "drink", Stock: -1}
	bar.shop = &delivery.Shop{ID: 8, Version: 1, Slug: "bar", Name: "Bar", Currency: "EUR", Loc: time.UTC, Street: "Ring 2", PicksUp: true, Tax: map[string]int{"drink": 1900}}
	bar.menu = &delivery.Menu{Restaurant: 8, Version: 1, Items: map[id.ID]*delivery.Item{12: soda}, Sections: []*delivery.Section{{ID: 2, Name: "Bar", Items: []*delivery.Item{soda}}}}
	s := &street{pizza: pizzeria(), bar: bar}
	s.pizza.shop.Slug, s.pizza.shop.Delivers, s.pizza.shop.PicksUp, s.pizza.shop.Street = "da-test", true, true, "Ring 1"
	return s
}

func (s *street) at(r id.ID) (*counter, error) {
	switch r {
	case 7:
		return s.pizza, nil
	case 8:
		return s.bar, nil
	}
	return nil, errs.New(errs.NotFound, "There is no such restaurant.")
}

func (s *street) Shop(_ context.Context, r id.ID) (*delivery.Shop, error) {
	c, err := s.at(r)
	if err != nil {
		return nil, err
	}
	return c.shop, nil
}

func (s *street) ShopBySlug(_ context.Context, slug string) (*delivery.Shop, error) {
	for _, c := range []*counter{s.pizza, s.bar} {
		if c.shop.Slug == slug {
			return c.shop, nil
		}
	}
	return nil, errs.New(errs.NotFound, "There is no such restaurant.")
}

func (s *street) Profile(_ context.Context, r id.ID) (*delivery.Profile, error) {
	c, err := s.at(r)
	if err != nil {
		return nil, err
	}
	return &delivery.Profile{Card: &delivery.Card{Name: c.shop.Name, Cuisines: []string{"italian"}}, Active: true, Delivers: c.shop.Delivers, PicksUp: c.shop.PicksUp}, nil
}

func (s *street) Slots(context.Context, id.ID, delivery.Mode, *geo.Point, time.Time, int) ([]delivery.Slot, error) {
	return []delivery.Slot{{From: noon.Add(time.Hour), To: noon.Add(75 * time.Minute)}}, nil
}

func (s *street) Terms(_ context.Context, r id.ID, mode delivery.Mode, _ *geo.Point, at *time.Time, _ int64) (delivery.Terms, error) {
	c, err := s.at(r)
	if err != nil {
		return delivery.Terms{}, err
	}
	t := c.terms
	if mode == delivery.Pickup {
		t.Fee, t.Minimum = 0, 0
	}
	if at != nil {
		t.From, t.To = *at, at.Add(15*time.Minute)
	}
	return t, nil
}

func (s *street) Menu(_ context.Context, r id.ID) (*delivery.Menu, error) {
	c, err := s.at(r)
	if err != nil {
		return nil, err
	}
	return c.menu, nil
}

// desk takes orders as order.Service does, as far as the cart can tell: once for each key.
type desk struct {
	mu     sync.Mutex
	quoter *Quoter
	placed map[string]delivery.PlaceRequest
	fail   error // answers instead
}

func (d *desk) Place(ctx context.Context, key string, in delivery.PlaceRequest) (*delivery.Placed, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if before, ok := d.placed[key]; ok {
		if diff := cmp.Diff(before, in); diff != "" {
			return nil, errs.InvalidField("header.Idempotency-Key", "This key was used for another request.").WithCode("idempotency_mismatch")
		}
		return &delivery.Placed{Order: 99, Code: "K7Q-2PM", Replay: true}, nil
	}
	if d.fail != nil {
		return nil, d.fail
	}
	q, err := d.quoter.Quote(ctx, in.QuoteRequest)
	if err != nil {
		return nil, err
	}
	if len(q.Problems) > 0 {
		return nil, errs.InvalidField(q.Problems[0].Path, "%s", q.Problems[0].Message).WithCode(q.Problems[0].Code)
	}
	if !d.quoter.Unchanged(in.Fingerprint, q) {
		return nil, errs.New(errs.Conflict, "Something has changed since you looked.").WithCode("quote_changed")
	}
	d.placed[key] = in
	return &delivery.Placed{Order: 99, Code: "K7Q-2PM"}, nil
}

// world is a Service in its surroundings.
type world struct {
	*Service
	street *street
	desk   *desk
	clock  *clock.Manual
	bus    events.Bus
}

func newWorld(d *db.DB) *world {
	w := &world{street: newStreet(), clock: clock.NewManual(noon), bus: events.NewLocal()}
	q := NewQuoter(w.street, w.street, nil, w.clock.Now, slack)
	w.desk = &desk{quoter: q, placed: map[string]delivery.PlaceRequest{}}
	w.Service = New(Deps{DB: d, Bus: w.bus, Now: w.clock.Now, Quoter: q, Restaurants: w.street, Menus: w.street, Orders: w.desk}, Options{})
	return w
}

func cola(qty int) delivery.LineRequest { return delivery.LineRequest{Item: 11, Qty: qty} }

func soda(qty int) delivery.LineRequest { return delivery.LineRequest{Item: 12, Qty: qty} }

func (w *world) add(t *testing.T, o Owner, restaurant id.ID, l delivery.LineRequest) Cart {
	t.Helper()
	w.clock.Advance(time.Second)
	c, err := w.Add(t.Context(), o, restaurant, "", l)
	if err != nil {
		t.Fatalf("Add: %v", err)
	}
	return c
}

// has fails unless the owner's cart holds these quantities by item.
func (w *world) has(t *testing.T, o Owner, want map[id.ID]int) {
	t.Helper()
	c, err := w.Get(t.Context(), o)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	got := map[id.ID]int{}
	for _, l := range c.Lines {
		got[l.Item] += l.Qty
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("cart (-want +got):\n%s", diff)
	}
	guest := ""
	n := 0
	for _, q := range want {
		n += q
	}
	if o.account != 0 {
		if got := w.Count(t.Context(), o.account, guest); got != n {
			t.Fatalf("Count = %d; want %d", got, n)
		}
	}
}

var (
	anna       = OwnerOf(1, "")
	ben        = OwnerOf(2, "")
	guestToken = "0123456789012345678901234567890123456789012"
	guest      = OwnerOf(0, guestToken)
)

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newWorld(d)) }, Schema, events.Schema, jobs.Schema)
}

func TestLinesMergeWhereTheyAreTheSame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add(t, anna, 7, pizza(1, 31, 30))
		w.add(t, anna, 7, pizza(2, 30, 31))
		c := w.add(t, anna, 7, pizza(1, 30, 31, 32))
		if len(c.Lines) != 2 || c.Lines[0].Qty != 3 || c.Lines[1].N != 2 {
			t.Fatalf("lines %+v; want 3 of one and 1 of another", c.Lines)
		}
		w.has(t, ben, map[id.ID]int{})
	})
}

func TestDishOfAnotherRestaurantStartsANewCartAndUndoBringsTheOldOneBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add(t, anna, 7, pizza(1, 30, 31))
		w.add(t, anna, 7, cola(2))
		w.add(t, anna, 8, soda(1))
		w.has(t, anna, map[id.ID]int{12: 1})
		if _, err := w.Undo(t.Context(), anna); err != nil {
			t.Fatalf("Undo: %v", err)
		}
		w.has(t, anna, map[id.ID]int{10: 1, 11: 2})
		if _, err := w.Undo(t.Context(), anna); !errs.Is(err, errs.Conflict) {
			t.Fatalf("a second Undo: %v; want a conflict", err)
		}
		c, err := w.Remove(t.Context(), anna, 1)
		if err != nil || len(c.Lines) != 1 {
			t.Fatalf("Remove: %v %+v", err, c.Lines)
		}
		if c, err = w.Undo(t.Context(), anna); err != nil || len(c.Lines) != 2 {
			t.Fatalf("Undo of a removal: %v %+v", err, c.Lines)
		}
		if _, err = w.Clear(t.Context(), anna); err != nil {
			t.Fatal(err)
		}
		w.has(t, anna, map[id.ID]int{})
		if _, err = w.Undo(t.Context(), anna); err != nil {
			t.Fatal(err)
		}
		w.has(t, anna, map[id.ID]int{10: 1, 11: 2})
	})
}

func TestChangesOfAnotherCartAreNotFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add(t, anna, 7, cola(2))
		for name, o := range map[string]Owner{"ben": ben, "a guest": guest} {
			if _, err := w.SetQty(t.Context(), o, 1, 5); !errs.Is(err, errs.NotFound) {
				t.Errorf("%s sets anna's line: %v; want not found", name, err)
			}
			if _, err := w.Remove(t.Context(), o, 1); !errs.Is(err, errs.NotFound) {
				t.Errorf("%s removes anna's line: %v; want not found", name, err)
			}
		}
		if _, err := w.Add(t.Context(), Owner{}, 7, "", cola(1)); !errs.Is(err, errs.Invalid) {
			t.Errorf("nobody adds: %v; want invalid", err)
		}
		w.has(t, anna, map[id.ID]int{11: 2})
	})
}

func TestTwoTabsAtOnceLoseNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		failed := make(chan error, 8)
		for range 8 {
			wg.Go(func() {
				if _, err := w.Add(t.Context(), anna, 7, "", cola(1)); err != nil {
					failed <- err
				}
			})
		}
		wg.Wait()
		close(failed)
		lost := 0
		for err := range failed {
			if !errs.Is(err, errs.Conflict) {
				t.Fatal(err)
			}
			lost++ // told to try again, not swallowed
		}
		w.has(t, anna, map[id.ID]int{11: 8 - lost})
	})
}

func TestGuestsCartMovesInAtSignInUnlessTheAccountsIsNewer(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, w *world)
		want   map[id.ID]int
	}{
		"account has none":   {func(t *testing.T, w *world) { w.add(t, guest, 7, cola(2)) }, map[id.ID]int{11: 2}},
		"guest has none":     {func(t *testing.T, w *world) { w.add(t, anna, 7, cola(1)) }, map[id.ID]int{11: 1}},
		"account's is older": {func(t *testing.T, w *world) { w.add(t, anna, 8, soda(1)); w.add(t, guest, 7, cola(2)) }, map[id.ID]int{11: 2}},
		"account's is newer": {func(t *testing.T, w *world) { w.add(t, guest, 7, cola(2)); w.add(t, anna, 8, soda(1)) }, map[id.ID]int{12: 1}},
		"account's is newer, void": {func(t *testing.T, w *world) {
			w.add(t, guest, 7, cola(2))
			w.add(t, anna, 8, soda(1))
			w.Clear(t.Context(), anna)
		}, map[id.ID]int{11: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				c.before(t, w)
				w.Count(t.Context(), 1, "") // remembered: must not be believed afterwards
				err := w.db.Write(t.Context(), func(tx *db.Tx) error { return w.Adopt(t.Context(), tx, 1, guestToken) })
				if err != nil {
					t.Fatalf("Adopt: %v", err)
				}
				w.has(t, anna, c.want)
				w.has(t, guest, map[id.ID]int{})
				if n := w.Count(t.Context(), 0, guestToken); n != 0 {
					t.Fatalf("the guest still counts %d", n)
				}
			})
		})
	}
}

func TestOrderEmptiesTheCartItWasMadeFromAndNoLaterOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		order := func(at time.Time) {
			t.Helper()
			if err := w.db.Write(t.Context(), func(tx *db.Tx) error { return w.ordered(t.Context(), tx, 1, 7, at) }); err != nil {
				t.Fatal(err)
			}
		}
		w.add(t, anna, 7, cola(2))
		placed := w.clock.Now()
		order(placed)
		w.has(t, anna, map[id.ID]int{})
		w.add(t, anna, 7, cola(1))
		order(placed) // the event comes late
		w.has(t, anna, map[id.ID]int{11: 1})
		w.add(t, anna, 8, soda(1))
		order(w.clock.Now())
		w.has(t, anna, map[id.ID]int{12: 1})
	})
}

func TestSweepForgetsCartsThatNobodyTouches(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add(t, guest, 7, cola(1))
		w.clock.Advance(Keep - time.Hour)
		w.add(t, anna, 7, cola(1))
		w.clock.Advance(2 * time.Hour)
		if err := w.Sweep(t.Context(), w.clock.Now().Add(-Keep)); err != nil {
			t.Fatal(err)
		}
		w.has(t, guest, map[id.ID]int{})
		w.has(t, anna, map[id.ID]int{11: 1})
	})
}

func TestOrderingAgainFillsInWhatIsLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		f, err := w.Fill(t.Context(), 1, 7, []delivery.LineRequest{pizza(1, 30, 77), cola(2), {Item: 999, Qty: 1}})
		if err != nil || f.Missing != 1 {
			t.Fatalf("Fill: %v, missing %d; want 1", err, f.Missing)
		}
		w.has(t, anna, map[id.ID]int{10: 1, 11: 2})
		if len(f.Cart.Lines[0].Options) != 1 {
			t.Errorf("options %v; the one that is gone must go", f.Cart.Lines[0].Options)
		}
		if _, err := w.Fill(t.Context(), 1, 7, []delivery.LineRequest{{Item: 999, Qty: 1}}); errs.CodeOf(err) != "nothing_left" {
			t.Errorf("nothing left: %v", err)
		}
	})
}

func TestCountsOfOtherNodesFollowOverTheBus(t *testing.T) {
	d := dbtest.SQLite(t, Schema, events.Schema, jobs.Schema)
	here := newWorld(d)
	there := newWorld(d)
	there.Service.bus, there.bus = here.bus, here.bus
	if _, err := here.bus.Subscribe(changedTopic, func(key []byte) { here.counts.drop(string(key)) }); err != nil {
		t.Fatal(err)
	}
	if n := here.Count(t.Context(), 1, ""); n != 0 {
		t.Fatalf("Count = %d before", n)
	}
	there.add(t, anna, 7, cola(3))
	if n := here.Count(t.Context(), 1, ""); n != 3 {
		t.Fatalf("Count = %d; want 3 at once", n)
	}
}

func TestBadLinesAreRefusedByField(t *testing.T) {
	w := newWorld(dbtest.SQLite(t, Schema))
	many := make([]delivery.Choice, 41)
	for name, c := range map[string]struct {
		l    delivery.LineRequest
		path string
	}{
		"no item":      {delivery.LineRequest{Qty: 1}, "item"},
		"zero":         {cola(0), "qty"},
		"minus one":    {cola(-1), "qty"},
		"a hundred":    {cola(100), "qty"},
		"huge":         {cola(1 << 40), "qty"},
		"many options": {delivery.LineRequest{Item: 10, Qty: 1, Options: many}, "options"},
		"minus option": {delivery.LineRequest{Item: 10, Qty: 1, Options: []delivery.Choice{{Option: 30, Qty: -1}}}, "options"},
	} {
		_, err := w.Add(t.Context(), anna, 7, "", c.l)
		e, ok := asError(err)
		if !ok || e.Kind != errs.Invalid || e.Fields[0].Path != c.path {
			t.Errorf("%s: %v; want invalid at %s", name, err, c.path)
		}
	}
	if _, err := w.Add(t.Context(), anna, 5, "", cola(1)); !errs.Is(err, errs.NotFound) {
		t.Errorf("unknown restaurant: %v", err)
	}
}
