package group

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	pizzeria id.ID = 7
	anna     id.ID = 5
	ben      id.ID = 6
)

// town sells pizza (10 €, id 10), and keeps everybody's cart in memory.
type town struct {
	*Service
	clock *clock.Manual
	log   *events.Log
	mu    sync.Mutex
	carts map[string]Cart
	bill  Bill
}

func newTown(d *db.DB) *town {
	t := &town{clock: clock.NewManual(noon), carts: map[string]Cart{}}
	bus := events.NewLocal()
	t.log = events.New(d, bus)
	t.Service = New(Deps{
		DB: d, IDs: id.NewSource(1), Now: t.clock.Now, Hub: realtime.New(t.log, bus), Carts: t,
		Shop: func(_ context.Context, r id.ID) (*delivery.Shop, error) {
			if r != pizzeria {
				return nil, errs.New(errs.NotFound, "There is no such restaurant.")
			}
			return &delivery.Shop{ID: r, Slug: "da-test", Name: "Da Test", Currency: "EUR", Loc: time.UTC}, nil
		},
		Quote: func(_ context.Context, q delivery.QuoteRequest) (*delivery.Quote, error) {
			out := &delivery.Quote{}
			for _, l := range q.Lines {
				out.Lines = append(out.Lines, delivery.QuoteLine{Item: l.Item, Name: "Pizza", Qty: l.Qty, Unit: 1000, Total: 1000 * int64(l.Qty)})
			}
			return out, nil
		},
		Bill:  func(context.Context, id.ID) (Bill, error) { return t.bill, nil },
		Where: func(*http.Request) *geo.Point { return nil },
		Jobs:  jobs.New(d, bus, t.clock.Now, id.NewSource(2), jobs.Options{}),
	})
	t.React(t.log)
	return t
}

func key(account id.ID, guest string) string { return account.String() + guest }

func (t *town) Cart(_ context.Context, account id.ID, guest string) (Cart, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.carts[key(account, guest)], nil
}

func (t *town) Empty(_ context.Context, account id.ID, guest string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.carts, key(account, guest))
	return nil
}

func (t *town) Fill(_ context.Context, account id.ID, c Cart) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.carts[key(account, "")] = c
	return nil
}

func (t *town) wants(who Who, qty int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.carts[key(who.Account, who.Guest)] = Cart{Restaurant: pizzeria, Lines: []delivery.LineRequest{{Item: 10, Qty: qty, Note: "hot"}}}
}

func as(t testing.TB, account id.ID, name string) context.Context {
	return access.With(t.Context(), access.Actor{ID: account, Name: name})
}

func TestSeveralFillAnOrderAndTheHostPays(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go tw.log.Run(ctx)
		g, err := tw.Create(as(t, anna, "Anna"), pizzeria, time.Time{})
		if err != nil || !g.Mine || g.Me == 0 || len(g.Members) != 1 {
			t.Fatalf("Create = %+v, %v", g, err)
		}
		host, guest := Who{Account: anna, Name: "Anna"}, Who{Guest: id.Secret(), Name: " Carla "}
		tw.wants(guest, 1)
		if err := tw.AddCart(t.Context(), g.Token, guest); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("a dish of somebody who does not take part: %v; want forbidden", err)
		}
		if err := tw.Join(t.Context(), g.Token, guest); err != nil {
			t.Fatal(err)
		}
		tw.wants(host, 2)
		for _, w := range []Who{host, guest} {
			if err := tw.AddCart(t.Context(), g.Token, w); err != nil {
				t.Fatalf("AddCart of %s: %v", w.Name, err)
			}
		}
		seen, err := tw.Get(t.Context(), g.Token, guest)
		if err != nil || seen.Food != 3000 || len(seen.Members) != 2 || seen.Members[1].Name != "Carla" || seen.Me != seen.Members[1].ID || seen.Mine {
			t.Fatalf("as the guest sees it: %+v, %v", seen, err)
		}
		if err := tw.Remove(t.Context(), g.Token, guest, seen.Members[0].Lines[0].ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("the guest takes out the host's dish: %v; want not found", err)
		}
		if err := tw.Checkout(as(t, ben, "Ben"), g.Token); !errs.Is(err, errs.Forbidden) {
			t.Errorf("somebody else goes to checkout: %v; want forbidden", err)
		}
		if err := tw.Checkout(as(t, anna, "Anna"), g.Token); err != nil {
			t.Fatal(err)
		}
		cart, _ := tw.Cart(t.Context(), anna, "")
		if len(cart.Lines) != 2 || cart.Lines[1].Note != "Carla: hot" {
			t.Fatalf("the host's cart: %+v", cart)
		}
		tw.wants(guest, 1)
		if err := tw.AddCart(t.Context(), g.Token, guest); errs.CodeOf(err) != "group_closed" {
			t.Errorf("a dish while the host pays: %v; want group_closed", err)
		}
		tw.bill = Bill{State: delivery.Created, Fee: 250, Tip: 100, Off: 300, Total: 3050}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			return tw.log.Append(t.Context(), tx, noon, anna, delivery.Order{What: delivery.OrderPlaced, Order: 900, Customer: anna, Restaurant: pizzeria})
		}); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); seen.State != Ordered; {
			if seen, err = tw.Get(t.Context(), g.Token, guest); err != nil || time.Now().After(deadline) {
				t.Fatalf("never ordered: %+v, %v", seen, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		// 20.00 − 2.00 + 1.75 and 10.00 − 1.00 + 1.75
		if seen.Members[0].Share != 1975 || seen.Members[1].Share != 1075 || seen.Total != 3050 {
			t.Fatalf("shares: %+v", seen.Members)
		}
		if err := tw.SetPaid(as(t, ben, "Ben"), g.Token, seen.Members[1].ID, true); !errs.Is(err, errs.Forbidden) {
			t.Errorf("somebody else ticks a share: %v; want forbidden", err)
		}
		if err := tw.SetPaid(as(t, anna, "Anna"), g.Token, seen.Members[1].ID, true); err != nil {
			t.Fatal(err)
		}
		if seen, err = tw.Get(t.Context(), g.Token, guest); err != nil || !seen.Members[1].Paid {
			t.Fatalf("not ticked: %+v, %v", seen.Members, err)
		}
	}, Schema, events.Schema)
}

func TestManyAddAtOnceAndNothingIsLost(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		tw := newTown(d)
		g, err := tw.Create(as(t, anna, "Anna"), pizzeria, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 20 {
			who := Who{Guest: id.Secret(), Name: "Guest"}
			tw.wants(who, 1)
			wg.Go(func() {
				if err := tw.Join(t.Context(), g.Token, who); err != nil {
					t.Errorf("Join: %v", err)
				}
				if err := tw.AddCart(t.Context(), g.Token, who); err != nil {
					t.Errorf("AddCart: %v", err)
				}
			})
		}
		wg.Wait()
		if g, err = tw.Get(t.Context(), g.Token, Who{}); err != nil || g.Food != 20_000 || len(g.Members) != 21 {
			t.Fatalf("%d of food by %d, %v; want 20000 by 21", g.Food, len(g.Members), err)
		}
	}, Schema, events.Schema)
}

func TestAfterTheDeadlineNothingIsAdded(t *testing.T) {
	tw := newTown(dbtest.SQLite(t, Schema, events.Schema))
	g, err := tw.Create(as(t, anna, "Anna"), pizzeria, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	host := Who{Account: anna}
	tw.wants(host, 1)
	tw.clock.Advance(time.Hour)
	if err := tw.AddCart(t.Context(), g.Token, host); errs.CodeOf(err) != "group_closed" {
		t.Errorf("after the deadline: %v; want group_closed", err)
	}
	if c, _ := tw.Cart(t.Context(), anna, ""); len(c.Lines) != 1 {
		t.Error("a cart that was refused was emptied")
	}
	if _, err := tw.Create(as(t, anna, "Anna"), pizzeria, noon); !errs.Is(err, errs.Invalid) {
		t.Errorf("a deadline that is over: %v; want invalid", err)
	}
	if _, err := tw.Get(t.Context(), "nonsense", host); !errs.Is(err, errs.NotFound) {
		t.Errorf("a wrong link: %v; want not found", err)
	}
}

func TestSharesSumToTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		food := rapid.SliceOfN(rapid.Int64Range(0, 10_000), 1, 12).Draw(t, "food")
		var sum money.Amount
		for _, f := range food {
			sum += f
		}
		b := Bill{Fee: rapid.Int64Range(0, 900).Draw(t, "fee"), Tip: rapid.Int64Range(0, 900).Draw(t, "tip"), Off: rapid.Int64Range(0, sum).Draw(t, "off")}
		b.Total = sum + b.Fee + b.Tip - b.Off
		var all money.Amount
		for i, s := range shares(food, b) {
			all += s
			if s < 0 {
				t.Fatalf("share %d is %d", i, s)
			}
		}
		if all != b.Total {
			t.Fatalf("shares of %d sum to %d", b.Total, all)
		}
	})
}
