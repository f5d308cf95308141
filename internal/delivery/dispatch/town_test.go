package dispatch

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// noon is when tests begin, and kitchenAt where they cook.
var (
	noon      = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	kitchenAt = geo.Point{Lat: 52.5, Lon: 13.4}
	homeAt    = geo.Point{Lat: 52.51, Lon: 13.41}
)

const (
	shopID       id.ID = 70
	dispatcherID id.ID = 90
	anna         id.ID = 101 // nearest to the kitchen
	ben          id.ID = 102
	cleo         id.ID = 103
)

// town is a Service with the rest of the world played by itself.
type town struct {
	*Service
	log   *events.Log
	clock *clock.Manual

	mu       sync.Mutex
	orders   map[id.ID]*delivery.Brief
	said     []string // what dispatch told orders
	couriers []delivery.Courier
}

func newTown(t *testing.T, d *db.DB) *town {
	t.Helper()
	bus := events.NewLocal()
	w := &town{clock: clock.NewManual(noon), orders: map[id.ID]*delivery.Brief{}}
	w.log = events.New(d, bus)
	ids := id.NewSource(1)
	q := jobs.New(d, bus, w.clock.Now, ids, jobs.Options{Log: slog.New(slog.DiscardHandler)})
	w.Service = New(Deps{
		DB: d, IDs: ids, Now: w.clock.Now, Log: w.log, Jobs: q, Orders: w, Couriers: w, Shops: w, Photos: w,
		Restore: func(_ context.Context, order id.ID) error {
			w.orders[order].State = delivery.InDelivery
			return nil
		},
	}, Options{})
	w.React(w.log, realtime.New(w.log, bus), q)
	w.comes(anna, geo.Move(kitchenAt, 0, 300))
	w.comes(ben, geo.Move(kitchenAt, 90, 800))
	w.comes(cleo, geo.Move(kitchenAt, 180, 2000))
	return w
}

func (w *town) comes(courier id.ID, at geo.Point) {
	w.couriers = append(w.couriers, delivery.Courier{ID: courier, Name: "Courier " + courier.String(), Vehicle: delivery.Bike, Since: noon, Point: at, PosAt: noon})
}

func (w *town) OnDuty(context.Context, *db.Tx) ([]delivery.Courier, error) {
	out := slices.Clone(w.couriers)
	for i := range out {
		out[i].PosAt = w.clock.Now()
	}
	return out, nil
}

func (w *town) Shop(context.Context, id.ID) (*delivery.Shop, error) {
	return &delivery.Shop{ID: shopID, Name: "Trattoria", Street: "Ring 1", Point: kitchenAt, Phone: "030 1"}, nil
}

func (w *town) Near(_ context.Context, _ delivery.NearQuery, buf []delivery.Listing) ([]delivery.Listing, error) {
	return append(buf, delivery.Listing{Card: &delivery.Card{ID: shopID, Slug: "trattoria", Name: "Trattoria", Point: kitchenAt}, Rush: true}), nil
}

func (w *town) Put(context.Context, io.Reader) (string, error) { return "/media/door.jpg", nil }

func (w *town) Brief(_ context.Context, _ *db.Tx, order id.ID) (delivery.Brief, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.orders[order]
	if b == nil {
		return delivery.Brief{}, errs.New(errs.NotFound, "no order")
	}
	return *b, nil
}

func (w *town) OpenBriefs(context.Context) ([]delivery.Brief, error) {
	var out []delivery.Brief
	for _, b := range w.orders {
		if b.State != delivery.Cancelled && b.State != delivery.Delivered {
			out = append(out, *b)
		}
	}
	slices.SortFunc(out, func(a, b delivery.Brief) int { return int(a.ID - b.ID) })
	return out, nil
}

// say moves an order as delivery/order would.
func (w *town) say(order, courier id.ID, what string, from, to delivery.State) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.orders[order]
	if b.Courier != courier {
		return errs.New(errs.Conflict, "another's").WithCode("not_yours")
	}
	if b.State != from {
		return errs.New(errs.Conflict, "The order is %s.", b.State).WithCode("wrong_state")
	}
	b.State = to
	w.said = append(w.said, what)
	return nil
}

func (w *town) SetCourier(_ context.Context, _ *db.Tx, order, courier id.ID, _ time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.orders[order].Courier = courier
	return nil
}

func (w *town) PickUp(_ context.Context, _ *db.Tx, order, courier id.ID, _ time.Time) error {
	return w.say(order, courier, "pickup", delivery.Ready, delivery.InDelivery)
}

func (w *town) Heading(_ context.Context, _ *db.Tx, order, courier id.ID, _, _ time.Time) error {
	return w.say(order, courier, "heading", delivery.InDelivery, delivery.InDelivery)
}

func (w *town) Arrived(_ context.Context, _ *db.Tx, order, courier id.ID, _ time.Time) error {
	return w.say(order, courier, "arrived", delivery.InDelivery, delivery.InDelivery)
}

func (w *town) HandOver(_ context.Context, _ *db.Tx, order, courier id.ID, p delivery.Proof, _ time.Time) error {
	if p.Code != w.orders[order].HandoverCode && p.Photo == "" {
		return errs.InvalidField("code", "wrong")
	}
	return w.say(order, courier, "handover", delivery.InDelivery, delivery.Delivered)
}

func (w *town) FailHandOver(_ context.Context, _ *db.Tx, order, courier id.ID, reason, _ string, _ time.Time) error {
	return w.say(order, courier, "fail "+reason, delivery.InDelivery, delivery.Cancelled)
}

// confirmed has a restaurant accept an order, and the trip follow.
func (w *town) confirmed(t *testing.T, order id.ID) *Trip {
	t.Helper()
	now := w.clock.Now()
	w.orders[order] = &delivery.Brief{
		ID: order, Code: "K7Q-2PM", Restaurant: shopID, Mode: delivery.ByCourier, State: delivery.Confirmed, CustomerName: "Zoe",
		To: &delivery.Address{Point: homeAt, Street: "Am Wald 3", Phone: "030 2", Notes: "Ring twice"}, ReadyAt: now.Add(10 * time.Minute), Due: 2350, Tip: 200, Currency: "EUR",
		PromiseTo: now.Add(40 * time.Minute), HandoverCode: "1234",
	}
	w.follows(t, order)
	return w.trip(t, order)
}

// follows does what the subscription does with an event of an order.
func (w *town) follows(t *testing.T, order id.ID) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(tx *db.Tx) error { return w.follow(t.Context(), tx, order, w.clock.Now()) })
	if err != nil {
		t.Fatalf("follow order %s: %v", order, err)
	}
}

func (w *town) becomes(t *testing.T, order id.ID, to delivery.State) {
	t.Helper()
	w.orders[order].State = to
	w.follows(t, order)
}

func (w *town) trip(t *testing.T, order id.ID) *Trip {
	t.Helper()
	var trip *Trip
	err := w.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
		trip, err = byOrder(t.Context(), tx, order)
		return err
	})
	if err != nil {
		t.Fatalf("trip of %s: %v", order, err)
	}
	return trip
}

func (w *town) seeks(t *testing.T, order id.ID) time.Duration {
	t.Helper()
	wait, err := w.Seek(t.Context(), order)
	if err != nil {
		t.Fatalf("Seek: %v", err)
	}
	return wait
}

// as returns a context in which a courier, or the dispatcher, acts.
func (w *town) as(t *testing.T, who id.ID) context.Context {
	role := access.RoleCourier
	if who == dispatcherID {
		role = access.RoleDispatcher
	}
	return access.With(t.Context(), access.Actor{ID: who, Name: "Courier " + who.String(), Roles: []access.Grant{{Role: role}}})
}

// carries gives an order to a courier who has accepted it.
func (w *town) carries(t *testing.T, order, courier id.ID) *Trip {
	t.Helper()
	w.confirmed(t, order)
	if err := w.Assign(w.as(t, dispatcherID), order, courier); err != nil {
		t.Fatalf("Assign: %v", err)
	}
	return w.trip(t, order)
}

func (w *town) does(t *testing.T, courier, task id.ID, list ...Action) {
	t.Helper()
	for _, a := range list {
		if err := w.Do(w.as(t, courier), task, a, Did{Proof: delivery.Proof{Code: "1234"}}); err != nil {
			t.Fatalf("%s: %v", a, err)
		}
	}
}

func (w *town) changes(t *testing.T) []delivery.TaskChanged {
	t.Helper()
	list, err := w.log.Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var out []delivery.TaskChanged
	for _, e := range list {
		var p delivery.TaskChanged
		if e.Kind == p.EventKind() {
			if err := json.Unmarshal(e.Data, &p); err != nil {
				t.Fatal(err)
			}
			out = append(out, p)
		}
	}
	return out
}

func towns(t *testing.T, test func(*testing.T, *town)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newTown(t, d)) }, Schema, events.Schema, jobs.Schema)
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if errs.CodeOf(err) != code {
		t.Fatalf("error = %v (code %q); want code %q", err, errs.CodeOf(err), code)
	}
}

func wantKind(t *testing.T, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Fatalf("error = %v; want kind %v", err, kind)
	}
}
