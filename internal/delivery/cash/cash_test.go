package cash

import (
	"context"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/idem"
)

var schemas = []fs.FS{Schema, ledger.Schema, idem.Schema}

const shop id.ID = 7

var (
	desk  = access.Actor{ID: 40, Name: "Emil", Roles: []access.Grant{{Role: access.RoleDispatcher}, {Role: access.RoleCourier}}}
	admin = access.Actor{ID: 41, Name: "Ada", Roles: []access.Grant{{Role: access.RoleAdmin}}}
	owner = access.Actor{ID: 20, Name: "Carla", Roles: []access.Grant{{Role: access.RoleOwner, Place: shop}}}
	kurt  = access.Actor{ID: 30, Name: "Kurt", Roles: []access.Grant{{Role: access.RoleCourier}}}
	mira  = access.Actor{ID: 31, Name: "Mira", Roles: []access.Grant{{Role: access.RoleCourier}}}
	anna  = access.Actor{ID: 10, Name: "Anna"}
)

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

// town is cash with real books, over orders that are 10.00 each, paid at the door.
type town struct {
	*Service
	books  *ledger.Service
	orders map[id.ID]delivery.Bought
}

func (tw *town) Bought(_ context.Context, _ *db.Tx, order id.ID) (delivery.Bought, error) {
	return tw.orders[order], nil
}

func (tw *town) BoughtAfter(context.Context, *db.Tx, id.ID, int) ([]delivery.Bought, error) {
	return nil, nil
}

func newTown(d *db.DB) *town {
	tw := &town{orders: map[id.ID]delivery.Bought{}}
	ids, now := id.NewSource(1), clock.NewManual(time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)).Now
	tw.books = ledger.New(d, ids, now, ledger.Options{Orders: tw})
	tw.Service = New(Deps{
		DB: d, IDs: ids, Now: now, Books: tw.books, Currency: "EUR", Zone: time.UTC, Limit: func() money.Amount { return 2000 },
		Name: func(_ context.Context, account id.ID) (string, error) {
			for _, a := range []access.Actor{desk, admin, owner, kurt, mira, anna} {
				if a.ID == account {
					return a.Name, nil
				}
			}
			return "", errs.New(errs.NotFound, "There is no such account.")
		},
	})
	return tw
}

// bring has somebody collect the price of an order: at the door, or in the restaurant with pickup.
func (tw *town) bring(t testing.TB, order id.ID, by access.Actor, mode delivery.Mode) {
	t.Helper()
	b := delivery.Bought{Sale: delivery.Sale{
		Order: order, Customer: anna.ID, Restaurant: shop, Mode: mode, Currency: "EUR",
		Lines: []delivery.QuoteLine{{Name: "Dal", Qty: 1, Unit: 1000, Total: 1000}}, Subtotal: 1000, Total: 1000,
	}, Sold: true}
	tw.orders[order] = b
	err := tw.DB.Write(t.Context(), func(tx *db.Tx) error {
		if err := tw.books.Sell(t.Context(), tx, b.Sale, tw.Now()); err != nil {
			return err
		}
		return tw.books.Take(t.Context(), tx, delivery.Taken{Order: order, Method: delivery.PayOnDelivery, Amount: 1000, Currency: "EUR", By: by.ID, At: tw.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (tw *town) wantBalances(t testing.TB, want map[delivery.Book]money.Amount) {
	t.Helper()
	for b, amount := range want {
		b.Currency = "EUR"
		var got money.Amount
		err := tw.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
			got, err = tw.books.Balance(t.Context(), tx, b)
			return err
		})
		if err != nil || got != amount {
			t.Errorf("%s %d %s has %d, %v; want %d", b.Kind, b.Owner, b.Sub, got, err, amount)
		}
	}
}

func purseOf(a access.Actor) delivery.Book {
	return delivery.Book{Kind: delivery.BookCash, Owner: a.ID}
}

var (
	bank        = delivery.Book{Kind: delivery.BookBank}
	differences = delivery.Book{Kind: delivery.BookPlatform, Sub: delivery.SubDifferences}
)

// carry has Kurt carry 20.00 and Mira 10.00, with 10.00 at a counter.
func (tw *town) carry(t testing.TB) {
	t.Helper()
	tw.bring(t, 1, kurt, delivery.ByCourier)
	tw.bring(t, 2, kurt, delivery.ByCourier)
	tw.bring(t, 3, mira, delivery.ByCourier)
	tw.bring(t, 4, owner, delivery.Pickup)
}

func TestWhatIsHandedInLeavesThePurse(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.carry(t)
		sheet, err := tw.Purses(as(desk), "", 1)
		if err != nil || len(sheet.Items) != 1 || sheet.Items[0] != (Purse{kurt.ID, "Kurt", 2000, "EUR", true}) || sheet.Limit != 2000 {
			t.Fatalf("the first page: %+v, %v; want Kurt with 20.00, which is too much", sheet, err)
		}
		sheet, err = tw.Purses(as(desk), sheet.Next, 1)
		if err != nil || len(sheet.Items) != 1 || sheet.Items[0] != (Purse{mira.ID, "Mira", 1000, "EUR", false}) || sheet.Next != "" {
			t.Fatalf("the second page: %+v, %v; want Mira with 10.00 and no restaurant", sheet, err)
		}
		h, err := tw.TakeIn(as(desk), kurt.ID, "k", Wish{Expected: 2000, Counted: 2000, Note: " thanks "})
		if err != nil || h.Difference != 0 || h.Choice != Keep || h.By != desk.ID || h.Note != "thanks" {
			t.Fatalf("handed in: %+v, %v", h, err)
		}
		tw.wantBalances(t, map[delivery.Book]money.Amount{purseOf(kurt): 0, purseOf(mira): 1000, {Kind: delivery.BookCash, Owner: shop}: 1000, bank: 2000, differences: 0})
		mine, err := tw.Mine(as(kurt), "", 0)
		if err != nil || mine.Amount != 0 || mine.Over || len(mine.History.Items) != 1 || mine.History.Items[0] != *h {
			t.Fatalf("Kurt sees %+v, %v; want nothing and %+v", mine, err, h)
		}
		if mine, err = tw.Mine(as(mira), "", 0); err != nil || mine.Amount != 1000 || len(mine.History.Items) != 0 {
			t.Fatalf("Mira sees %+v, %v; want 10.00 and no hand-in", mine, err)
		}
		if past, err := tw.History(as(admin), "", 0); err != nil || len(past.Items) != 1 || past.Items[0] != *h {
			t.Fatalf("the history: %+v, %v", past, err)
		}
		if _, err := tw.TakeIn(as(desk), kurt.ID, "again", Wish{Counted: 100}); errs.CodeOf(err) != "nothing" {
			t.Fatalf("out of an empty purse: %v", err)
		}
	}, schemas...)
}

func TestADifferenceStaysOrIsWrittenOff(t *testing.T) {
	for name, c := range map[string]struct {
		counted money.Amount
		choice  string
		purse   money.Amount
		written money.Amount
	}{
		"short, stays":       {1950, Keep, 50, 0},
		"short, written off": {1950, WriteOff, 0, 50},
		"over, stays":        {2030, Keep, -30, 0},
		"over, written off":  {2030, WriteOff, 0, -30},
		"all lost":           {0, WriteOff, 0, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Run(t, func(t *testing.T, d *db.DB) {
				tw := newTown(d)
				tw.carry(t)
				h, err := tw.TakeIn(as(desk), kurt.ID, "k", Wish{Expected: 2000, Counted: c.counted, Choice: c.choice})
				if err != nil || h.Difference != c.counted-2000 {
					t.Fatalf("%+v, %v", h, err)
				}
				tw.wantBalances(t, map[delivery.Book]money.Amount{purseOf(kurt): c.purse, differences: c.written, bank: c.counted, purseOf(mira): 1000})
				if c.purse >= 0 {
					return
				}
				if _, err := tw.TakeIn(as(desk), kurt.ID, "more", Wish{Expected: c.purse, Counted: c.purse - 1}); !errs.Is(err, errs.Invalid) {
					t.Fatalf("more back than is owed: %v", err)
				}
				if _, err := tw.TakeIn(as(desk), kurt.ID, "back", Wish{Expected: c.purse, Counted: c.purse}); err != nil {
					t.Fatalf("back: %v", err)
				}
				tw.wantBalances(t, map[delivery.Book]money.Amount{purseOf(kurt): 0, bank: 2000})
			}, schemas...)
		})
	}
}

func TestFiftyAtOnceAreOneHandIn(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.carry(t)
		for name, key := range map[string]func(i int) string{
			"one key":   func(int) string { return "same" },
			"many keys": func(i int) string { return "key-" + string(rune('A'+i)) },
		} {
			had := map[string]money.Amount{"one key": 2000, "many keys": 1000}[name]
			who := map[string]access.Actor{"one key": kurt, "many keys": mira}[name]
			var wg sync.WaitGroup
			var mu sync.Mutex
			ids, refused := map[id.ID]int{}, 0
			for i := range 50 {
				wg.Go(func() {
					h, err := tw.TakeIn(as(desk), who.ID, key(i), Wish{Expected: had, Counted: had})
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						ids[h.ID]++
					case errs.CodeOf(err) == "changed":
						refused++
					default:
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			wg.Wait()
			if len(ids) != 1 || name == "one key" && refused != 0 || name == "many keys" && refused != 49 {
				t.Errorf("%s: hand-ins %v, %d refused", name, ids, refused)
			}
		}
		tw.wantBalances(t, map[delivery.Book]money.Amount{purseOf(kurt): 0, purseOf(mira): 0, bank: 3000})
		if past, err := tw.History(as(desk), "", 0); err != nil || len(past.Items) != 2 {
			t.Errorf("the history: %+v, %v; want two hand-ins", past, err)
		}
	}, schemas...)
}

func TestWhatIsWrongIsNotEntered(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		tw.carry(t)
		tw.bring(t, 5, desk, delivery.ByCourier)
		all := Wish{Expected: 2000, Counted: 2000}
		for name, c := range map[string]struct {
			who     access.Actor
			courier id.ID
			key     string
			w       Wish
			want    errs.Kind
		}{
			"a stranger":              {access.Actor{}, kurt.ID, "k", all, errs.Unauthenticated},
			"a customer":              {anna, kurt.ID, "k", all, errs.NotFound},
			"an owner":                {owner, kurt.ID, "k", all, errs.NotFound},
			"the courier":             {kurt, kurt.ID, "k", all, errs.Forbidden},
			"another courier":         {mira, kurt.ID, "k", all, errs.NotFound},
			"a dispatcher's own cash": {desk, desk.ID, "k", Wish{Expected: 1000, Counted: 1000}, errs.Forbidden},
			"a counter's cash":        {desk, shop, "k", Wish{Expected: 1000, Counted: 1000}, errs.NotFound},
			"nobody":                  {desk, 999, "k", all, errs.NotFound},
			"no key":                  {desk, kurt.ID, "", all, errs.Invalid},
			"changed meanwhile":       {desk, kurt.ID, "k", Wish{Expected: 1000, Counted: 1000}, errs.Conflict},
			"less than nothing":       {desk, kurt.ID, "k", Wish{Expected: 2000, Counted: -1}, errs.Invalid},
			"nothing at all":          {desk, kurt.ID, "k", Wish{Expected: 2000}, errs.Invalid},
			"beyond all measure":      {desk, kurt.ID, "k", Wish{Expected: 2000, Counted: money.Max + 1}, errs.Invalid},
			"no such choice":          {desk, kurt.ID, "k", Wish{Expected: 2000, Counted: 2000, Choice: "burn"}, errs.Invalid},
		} {
			if h, err := tw.TakeIn(as(c.who), c.courier, c.key, c.w); !errs.Is(err, c.want) {
				t.Errorf("%s: %+v, %v; want %s", name, h, err, c.want)
			}
		}
		for _, a := range []access.Actor{{}, anna, owner, kurt} {
			if _, err := tw.Purses(as(a), "", 0); err == nil {
				t.Errorf("%q reads who carries cash", a.Name)
			}
			if _, err := tw.History(as(a), "", 0); err == nil {
				t.Errorf("%q reads what was handed in", a.Name)
			}
		}
		if _, err := tw.Mine(as(anna), "", 0); !errs.Is(err, errs.Forbidden) {
			t.Errorf("a customer's cash: %v", err)
		}
		tw.wantBalances(t, map[delivery.Book]money.Amount{purseOf(kurt): 2000, purseOf(mira): 1000, purseOf(desk): 1000, bank: 0, differences: 0})
		if _, err := tw.TakeIn(as(desk), kurt.ID, "k", all); err != nil {
			t.Fatalf("at last: %v", err)
		}
		if _, err := tw.TakeIn(as(desk), mira.ID, "k", all); errs.CodeOf(err) != "idempotency_mismatch" {
			t.Errorf("a key of another hand-in: %v", err)
		}
	}, schemas...)
}
