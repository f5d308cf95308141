package order

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/delivery/promo"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// stockSchema is a menu's stock at its simplest.
var stockSchema = fstest.MapFS{"schema/2026-11-22-teststock.sql": {Data: []byte("CREATE TABLE test_stock (\n    item BIGINT PRIMARY KEY,\n    portions BIGINT NOT NULL\n);\n")}}

var schemas = []fs.FS{Schema, ledger.Schema, promo.Schema, payment.Schema, idem.Schema, events.Schema, jobs.Schema, stockSchema}

const (
	shopID  id.ID = 7
	pizza   id.ID = 100
	cola    id.ID = 101
	courier id.ID = 30
)

var (
	anna  = access.Actor{ID: 10, Name: "Anna"}
	bert  = access.Actor{ID: 11, Name: "Bert"}
	cook  = access.Actor{ID: 20, Name: "Carla", Roles: []access.Grant{{Role: access.RoleStaff, Place: shopID}}}
	rider = access.Actor{ID: courier, Name: "Dora", Roles: []access.Grant{{Role: access.RoleCourier}}}
	desk  = access.Actor{ID: 40, Name: "Emil", Roles: []access.Grant{{Role: access.RoleDispatcher}}}
	chief = access.Actor{ID: 50, Name: "Fee", Roles: []access.Grant{{Role: access.RoleAdmin}}}
)

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

// town is a Service with its surroundings: a real event log, queue, payments and sandbox, and a quoter, a shop and a stock of its own.
type town struct {
	*Service
	d     *db.DB
	clock *clock.Manual
	queue *jobs.Queue
	log   *events.Log
	hub   *realtime.Hub
	pay   *payment.Service
	books *ledger.Service
	done  chan string // kinds of jobs done

	mu       sync.Mutex
	version  int64
	price    int64
	auto     bool
	problems []delivery.Problem
	counted  bool // take from test_stock
	soldOut  []id.ID
}

func newTown(t testing.TB, d *db.DB) *town {
	t.Helper()
	tw := &town{d: d, clock: clock.NewManual(time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)), version: 1, price: 1250, done: make(chan string, 1000)}
	bus := events.NewLocal()
	ids := id.NewSource(1)
	tw.log = events.New(d, bus)
	tw.hub = realtime.New(tw.log, bus)
	tw.queue = jobs.New(d, bus, tw.clock.Now, ids, jobs.Options{Poll: 5 * time.Millisecond, OnDone: func(kind, outcome string, _ time.Duration) {
		select {
		case tw.done <- kind + " " + outcome:
		default:
		}
	}})
	tw.books = ledger.New(d, ids, tw.clock.Now, ledger.Options{Orders: tw})
	tw.pay = payment.New(payment.Deps{
		DB: d, IDs: ids, Now: tw.clock.Now, Log: tw.log, Jobs: tw.queue, Books: tw.books,
		Providers: []payment.Named{{Name: payment.SandboxName, Provider: payment.NewSandbox(d)}},
	}, payment.Options{Settle: func(ctx context.Context, order id.ID) error { return tw.Settle(ctx, order) }})
	tw.Service = New(Deps{
		DB: d, IDs: ids, Now: tw.clock.Now, Log: tw.log, Hub: tw.hub, Jobs: tw.queue, Quoter: tw, Shops: tw, Stock: tw, Payments: tw.pay, People: tw,
		Books: tw.books, Promotions: promo.New(promo.Deps{DB: d, IDs: ids, Now: tw.clock.Now, Log: tw.log}, promo.Options{}),
	}, Options{SellOut: func(_ context.Context, _ *db.Tx, _ id.ID, items []id.ID) error {
		tw.soldOut = append(tw.soldOut, items...)
		return nil
	}})
	tw.pay.React(tw.queue)
	tw.React(tw.log, tw.hub, tw.queue)
	return tw
}

// work runs the queue until the test ends.
func (tw *town) work(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := tw.queue.Run(ctx); err != nil {
			t.Errorf("the queue: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// await waits until a job of a kind has ended in some way.
func (tw *town) await(t *testing.T, want string) {
	t.Helper()
	for {
		select {
		case got := <-tw.done:
			if got == want {
				return
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no %q in 20 s", want)
		}
	}
}

func (tw *town) Quote(_ context.Context, req delivery.QuoteRequest) (*delivery.Quote, error) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	q := &delivery.Quote{
		Restaurant: req.Restaurant, Mode: req.Mode, Currency: "EUR", ASAP: req.At == nil, Fee: 250, Tip: req.Tip, Problems: tw.problems,
		ReadyAt: tw.clock.Now().Add(20 * time.Minute), From: tw.clock.Now().Add(30 * time.Minute), To: tw.clock.Now().Add(45 * time.Minute),
		ShopVersion: tw.version, MenuVersion: tw.version,
	}
	for _, l := range req.Lines {
		q.Lines = append(q.Lines, delivery.QuoteLine{Item: l.Item, Name: fmt.Sprintf("Dish %d", l.Item), Qty: l.Qty, Unit: tw.price, Total: tw.price * int64(l.Qty), Tax: "food", Rate: 700, Note: l.Note})
		q.Subtotal += tw.price * int64(l.Qty)
	}
	q.Total = q.Subtotal + q.Fee + q.Tip
	q.Taxes = []delivery.TaxLine{{Rate: 700, Gross: q.Total - q.Tip, Tax: 10}}
	q.Fingerprint = fmt.Sprint(q.Total)
	return q, nil
}

func (tw *town) Unchanged(fingerprint string, q *delivery.Quote) bool {
	return fingerprint == q.Fingerprint
}

func (tw *town) Shop(_ context.Context, restaurant id.ID) (*delivery.Shop, error) {
	if restaurant != shopID {
		return nil, errs.New(errs.NotFound, "There is no such restaurant.")
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	return &delivery.Shop{ID: shopID, Version: tw.version, Slug: "luigi", Name: "Luigi", Street: "Market 1", City: "Stoa", Currency: "EUR", Loc: time.UTC, AutoAccept: tw.auto}, nil
}

func (tw *town) ShopBySlug(ctx context.Context, slug string) (*delivery.Shop, error) {
	if slug != "luigi" {
		return nil, errs.New(errs.NotFound, "There is no such restaurant.")
	}
	return tw.Shop(ctx, shopID)
}

func (tw *town) check(version int64) error {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	if version != tw.version {
		return errs.New(errs.Conflict, "It has changed.").WithCode("changed")
	}
	return nil
}

func (tw *town) CheckShop(_ context.Context, _ *db.Tx, _ id.ID, version int64) error {
	return tw.check(version)
}

func (tw *town) CheckMenu(_ context.Context, _ *db.Tx, _ id.ID, version int64) error {
	return tw.check(version)
}
func (tw *town) TakeSlot(context.Context, *db.Tx, id.ID, string) error { return nil }
func (tw *town) GiveSlot(context.Context, *db.Tx, id.ID, string) error { return nil }

func (tw *town) Take(ctx context.Context, tx *db.Tx, _ id.ID, portions []delivery.Portion) error {
	if !tw.counted {
		return nil
	}
	for _, p := range portions {
		n, err := tx.Exec(ctx, `UPDATE test_stock SET portions = portions - $1 WHERE item = $2 AND portions >= $1`, p.Qty, int64(p.Item))
		if err != nil {
			return err
		}
		if n == 0 {
			e := errs.InvalidField(p.Path, "Sold out.")
			e.Kind = errs.Conflict
			return e.WithCode("sold_out")
		}
	}
	return nil
}

func (tw *town) Give(ctx context.Context, tx *db.Tx, _ id.ID, portions []delivery.Portion) error {
	if !tw.counted {
		return nil
	}
	for _, p := range portions {
		if _, err := tx.Exec(ctx, `UPDATE test_stock SET portions = portions + $1 WHERE item = $2`, p.Qty, int64(p.Item)); err != nil {
			return err
		}
	}
	return nil
}

func (tw *town) Name(context.Context, id.ID) (string, error) { return "Dora", nil }

// stock sets how many portions of an item there are, and has them counted.
func (tw *town) stock(t *testing.T, item id.ID, n int) {
	t.Helper()
	tw.counted = true
	err := tw.d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO test_stock (item, portions) VALUES ($1, $2) ON CONFLICT (item) DO UPDATE SET portions = excluded.portions`, int64(item), n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (tw *town) left(t *testing.T, item id.ID) (n int) {
	t.Helper()
	err := tw.d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT portions FROM test_stock WHERE item = $1`, int64(item)).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wanted is an order for n pizzas.
func (tw *town) wanted(mode delivery.Mode, n int) delivery.PlaceRequest {
	in := delivery.PlaceRequest{
		QuoteRequest: delivery.QuoteRequest{Restaurant: shopID, Mode: mode, Lines: []delivery.LineRequest{{Item: pizza, Qty: n}}, Tip: 100},
		Method:       delivery.PayOnDelivery,
	}
	if mode == delivery.ByCourier {
		in.To = &delivery.Address{Point: geo.Point{Lat: 52, Lon: 13}, Street: "Elm 3", Name: "Anna", Phone: "+49 30 1234"}
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	in.Fingerprint = fmt.Sprint(tw.price*int64(n) + 250 + 100)
	return in
}

var keys = id.NewSource(9)

// place places an order for Anna.
func (tw *town) place(t testing.TB, in delivery.PlaceRequest) *delivery.Placed {
	t.Helper()
	p, err := tw.Place(as(anna), keys.Next().String(), in)
	if err != nil {
		t.Fatalf("place: %v", err)
	}
	return p
}

func (tw *town) see(t testing.TB, a access.Actor, order id.ID) *View {
	t.Helper()
	v, err := tw.Get(as(a), order)
	if err != nil {
		t.Fatalf("get as %s: %v", a.Name, err)
	}
	return v
}

// told returns the kinds of an order's events, oldest first.
func (tw *town) told(t testing.TB, order id.ID) []string {
	t.Helper()
	es, err := tw.log.SinceOf(context.Background(), []string{"order:" + order.String()}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range es {
		out = append(out, e.Kind)
	}
	return out
}

// both runs a test on both databases.
func both(t *testing.T, test func(t *testing.T, tw *town)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newTown(t, d)) }, schemas...)
}

// ride carries out what dispatch does in a transaction of its own.
func (tw *town) ride(fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := as(rider)
	return tw.d.Write(ctx, func(tx *db.Tx) error { return fn(ctx, tx) })
}

// must fails the test on an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
