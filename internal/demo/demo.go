// Package demo is a town to look at: it fills an empty server with the generated town of demo/town and lets its people order, cook and ride
// through the same services as real requests do, each with the rights of the person who acts. Visitors step into any role with one click;
// what somebody has stepped into is left alone by the simulation.
//
// The simulation keeps no memory of its own that matters. Every fifth of a second it looks at where orders and tasks stand, and whoever is
// due does the next thing; how patient, quick and careful each is follows from the seed and the order's id. So it goes on after a restart,
// and nothing is stuck for long.
package demo

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/courier"
	"github.com/stoa-town/stoa/internal/delivery/discover"
	"github.com/stoa-town/stoa/internal/delivery/dispatch"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/delivery/promo"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/demo/friends"
	"github.com/stoa-town/stoa/internal/demo/town"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// Quoter prices what somebody wants; delivery/cart has one.
type Quoter interface {
	Quote(ctx context.Context, req delivery.QuoteRequest) (*delivery.Quote, error)
}

// Services are the parts of the server that the town's people use.
type Services struct {
	Events      *events.Log
	Hub         *realtime.Hub
	Accounts    *account.Service
	Restaurants *restaurant.Service
	Menus       *menu.Service
	Discover    *discover.Service
	Quotes      Quoter
	Orders      *order.Service
	Couriers    *courier.Service
	Dispatch    *dispatch.Service
	Promotions  *promo.Service
	Friends     friends.Services
}

// Options are how lively the town is.
type Options struct {
	Log           *slog.Logger
	OrdersPerHour float64 // of the town's clock; 0: what the town's habits make of the hour
}

// Demo is the town and its simulation.
type Demo struct {
	Services
	town  *town.Town
	clock *Clock
	opt   Options
	world *world

	life  *friends.Life
	feed  *feed
	guard *guard

	mu     sync.Mutex
	orders map[id.ID]*live
	stirs  map[id.ID]bool      // couriers whose tasks have changed
	failed map[id.ID]time.Time // orders whose door did not open
	seen   map[id.ID]seenRider // couriers as the page shows them

	faultsMu sync.Mutex
	faults   []error // of services that failed for no reason of ours, the first few
	refusals map[string]int
}

// New returns the Demo of a generated town on a server that runs by clk. Call Settle, Routes and then, once the server runs, Run.
func New(s Services, t *town.Town, clk *Clock, o Options) *Demo {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	d := &Demo{
		Services: s, town: t, clock: clk, opt: o, guard: newGuard(),
		orders: map[id.ID]*live{}, stirs: map[id.ID]bool{}, failed: map[id.ID]time.Time{}, seen: map[id.ID]seenRider{},
		refusals: map[string]int{},
	}
	d.feed = newFeed(d)
	// A page's news are for whoever looks at it: strangers, too.
	everybody := func(context.Context, string) error { return nil }
	s.Hub.Allow("demo", everybody)
	s.Events.Watch(d.watch)
	return d
}

// Figures are what the simulation has done since it started.
type Figures struct {
	Open      int            // orders that are not finished
	Placed    int            // orders announced to kitchens
	Delivered int            // brought or collected
	Cancelled int            // refused or cancelled
	Oldest    time.Duration  // age of the oldest open order by the town's clock, that were not ordered ahead
	Refusals  map[string]int // what services refused, by code or kind: people ask for what is sold out
	Faults    []error        // errors that are no refusals: there should be none
}

// Figures returns the present figures.
func (d *Demo) Figures() Figures {
	f := Figures{Refusals: map[string]int{}}
	now := d.clock.Now()
	d.mu.Lock()
	for _, o := range d.orders {
		if order.Open(o.state) {
			f.Open++
			if age := now.Sub(o.placedAt); !o.ahead() {
				f.Oldest = max(f.Oldest, age)
			}
		}
	}
	d.mu.Unlock()
	f.Placed, f.Delivered, f.Cancelled = d.feed.totals()
	d.faultsMu.Lock()
	defer d.faultsMu.Unlock()
	for k, n := range d.refusals {
		f.Refusals[k] = n
	}
	f.Faults = append(f.Faults, d.faults...)
	return f
}

// note counts what a service answered to a bot. People are refused things every day; anything else is a fault, and no reason to stop.
func (d *Demo) note(ctx context.Context, who, what string, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	d.opt.Log.Debug("the demo was refused", "who", who, "what", what, "err", err)
	kind := errs.KindOf(err)
	key := errs.CodeOf(err)
	if key == "" {
		key = kind.String()
	}
	d.faultsMu.Lock()
	defer d.faultsMu.Unlock()
	d.refusals[what+": "+key]++
	if kind == errs.Internal && len(d.faults) < 20 {
		d.faults = append(d.faults, errors.Join(errors.New(who+" "+what), err))
	}
}
