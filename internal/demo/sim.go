package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/hours"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// How often the simulation looks, and how often it reads everything anew in case it has missed something; in real time.
const (
	lookEvery = 200 * time.Millisecond
	readEvery = 15 * time.Second
)

// An order that is so much later than promised is given up by a dispatcher, on the town's clock.
const stuckAfter = 90 * time.Minute

// live is an open order as the simulation sees it. Guarded by Demo.mu.
type live struct {
	id         id.ID
	code       string
	restaurant id.ID
	customer   id.ID
	courier    id.ID
	mode       delivery.Mode
	state      delivery.State
	placedAt   time.Time
	movedAt    time.Time
	readyAt    time.Time
	promiseTo  time.Time
	tempers    tempers
	busy       bool      // somebody acts for it at this moment
	rest       time.Time // nobody tries again before
	delayed    bool
}

// ahead reports whether the order was placed for later than what cooks at once.
func (o *live) ahead() bool { return o.promiseTo.Sub(o.placedAt) > 80*time.Minute }

// tempers are how those who deal with an order go about it. They follow from the seed and the order.
type tempers struct {
	confirm time.Duration // how long the kitchen lets the customer wait
	begin   time.Duration // and the stove
	late    time.Duration // how far off its own estimate it is
	delays  bool          // and says so
	refuses bool
	cancels bool          // the customer thinks better of it
	collect time.Duration // how long they take to come
	handed  time.Duration // how long the door takes to open
	absent  bool          // nobody opens the first time
}

func (d *Demo) tempersOf(order id.ID) tempers {
	r := rand.New(rand.NewPCG(uint64(d.town.Seed), uint64(order)))
	between := func(lo, hi time.Duration) time.Duration { return lo + time.Duration(r.Int64N(int64(hi-lo))) }
	t := tempers{
		confirm: between(25*time.Second, 3*time.Minute), begin: between(30*time.Second, 3*time.Minute), late: between(-3*time.Minute, 3*time.Minute),
		collect: between(2*time.Minute, 9*time.Minute), handed: between(40*time.Second, 2*time.Minute),
	}
	t.refuses, t.cancels, t.absent = r.Float64() < 0.012, r.Float64() < 0.02, r.Float64() < 0.015
	if r.Float64() < 0.08 {
		t.delays, t.late = true, between(6*time.Minute, 15*time.Minute)
	}
	return t
}

// Run lets the town live until ctx ends. The server must run.
func (d *Demo) Run(ctx context.Context) error {
	if err := d.reread(ctx); err != nil {
		return err
	}
	s, err := newStage(d)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	read := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if time.Since(read) > readEvery {
			read = time.Now()
			d.note(ctx, "the demo", "reread", d.reread(ctx))
		}
		s.tick(ctx)
	}
}

// stage is what the loop of the simulation alone touches.
type stage struct {
	*Demo
	rand   *rand.Rand
	hungry float64 // orders that are due, with their fraction
	looked time.Time
	riders []*rider
	shift  []hours.Schedule    // when riders usually work
	fates  map[id.ID]time.Time // when a dispatcher last looked after an order
	acts   []act
}

// act is one thing that somebody does.
type act struct {
	who  string
	what string
	do   func(context.Context) error
}

func newStage(d *Demo) (*stage, error) {
	s := &stage{Demo: d, rand: rand.New(rand.NewPCG(uint64(d.town.Seed), uint64(d.clock.Now().UnixNano()))), looked: d.clock.Now(), fates: map[id.ID]time.Time{}}
	for i := range d.world.couriers {
		var shift hours.Schedule
		if err := shift.UnmarshalText([]byte(d.town.Couriers[i].Shift)); err != nil {
			return nil, fmt.Errorf("demo: shift of %s: %w", d.town.Couriers[i].Handle, err)
		}
		s.shift = append(s.shift, shift)
		s.riders = append(s.riders, newRider(d, i))
	}
	return s, nil
}

// tick lets everybody do what is due.
func (s *stage) tick(ctx context.Context) {
	now := s.clock.Now()
	s.acts = s.acts[:0]
	s.eat(now)
	s.cook(now)
	s.ride(now)
	s.oversee(now)
	for _, a := range s.life.Acts() {
		s.act(a.Who, a.What, a.Do)
	}
	s.looked = now
	// The acts of one look concern different orders and couriers: at the same time they share commits.
	var work sync.WaitGroup
	for _, a := range s.acts {
		work.Go(func() { s.note(ctx, a.who, a.what, a.do(ctx)) })
	}
	work.Wait()
	s.feed.show()
}

// act has somebody do something in this look.
func (s *stage) act(a access.Actor, what string, do func(context.Context) error) {
	s.acts = append(s.acts, act{a.Handle, what, func(ctx context.Context) error { return do(as(ctx, a)) }})
}

// actOn is act for an order: nobody else acts for it meanwhile, and after a refusal there is a rest.
func (s *stage) actOn(o *live, a access.Actor, what string, do func(context.Context) (*order.View, error)) {
	o.busy = true
	s.act(a, what, func(ctx context.Context) error {
		v, err := do(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		o.busy = false
		if err != nil {
			o.rest = s.clock.Now().Add(max(time.Minute, time.Duration(s.clock.Speed())*2*time.Second))
			return err
		}
		if v != nil {
			// The event comes in a moment, too; until then nobody must do the same again.
			o.state, o.readyAt, o.promiseTo, o.movedAt, o.courier = v.State, v.ReadyAt, v.Until, v.MovedAt, v.Courier
		}
		return nil
	})
}

// chance reports whether something happens now that happens so many times an hour.
func (s *stage) chance(now time.Time, perHour float64) bool {
	return s.rand.Float64() < perHour*now.Sub(s.looked).Hours()
}

// watch follows the event log.
func (d *Demo) watch(list []events.Event) {
	d.life.Heard(list)
	now := d.clock.Now()
	for _, e := range list {
		switch {
		case now.Sub(e.At) > 12*time.Hour: // the town's past, written before it opened
		case strings.HasPrefix(e.Kind, "order."):
			var p delivery.Order
			if err := json.Unmarshal(e.Data, &p); err != nil {
				d.note(context.Background(), "the demo", "read "+e.Kind, fmt.Errorf("demo: read event %d: %w", e.Seq, err))
				continue
			}
			d.follow(p, e.At)
			d.feed.add(p, e.At)
		case e.Kind == "task.changed":
			var p delivery.TaskChanged
			if json.Unmarshal(e.Data, &p) == nil {
				d.mu.Lock()
				d.stirs[p.Courier], d.stirs[p.Before] = true, true
				d.mu.Unlock()
			}
		}
	}
}

// follow notes what has become of an order.
func (d *Demo) follow(p delivery.Order, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.What == delivery.OrderFailed {
		d.failed[p.Order] = at
	}
	o := d.orders[p.Order]
	if !order.Open(p.State) {
		if o != nil {
			o.state = p.State
		}
		delete(d.orders, p.Order)
		return
	}
	if o == nil {
		o = &live{id: p.Order, placedAt: at, tempers: d.tempersOf(p.Order)}
		d.orders[p.Order] = o
	}
	if o.state != p.State || o.movedAt.IsZero() {
		o.movedAt = at
	}
	o.code, o.restaurant, o.customer, o.courier, o.mode, o.state = p.Code, p.Restaurant, p.Customer, p.Courier, p.Mode, p.State
	o.readyAt, o.promiseTo = p.ReadyAt, p.PromiseTo
	if p.What == delivery.OrderDelayed {
		o.delayed = true
	}
}

// reread brings what the simulation knows of orders in line with the database.
func (d *Demo) reread(ctx context.Context) error {
	began := time.Now()
	briefs, err := d.Orders.OpenBriefs(ctx)
	if err != nil {
		return fmt.Errorf("demo: read the open orders: %w", err)
	}
	now := d.clock.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	known := map[id.ID]bool{}
	for _, b := range briefs {
		known[b.ID] = true
		o := d.orders[b.ID]
		if o == nil {
			o = &live{id: b.ID, movedAt: now, tempers: d.tempersOf(b.ID)}
			d.orders[b.ID] = o
		} else if time.Since(began) > time.Second || o.busy {
			continue
		}
		o.code, o.restaurant, o.customer, o.courier, o.mode, o.placedAt = b.Code, b.Restaurant, b.Customer, b.Courier, b.Mode, b.PlacedAt
		o.state, o.readyAt, o.promiseTo = b.State, b.ReadyAt, b.PromiseTo
	}
	for k, o := range d.orders {
		if !known[k] && !o.busy && now.Sub(o.placedAt) > 5*time.Minute {
			delete(d.orders, k)
		}
	}
	for _, c := range d.world.couriers {
		d.stirs[c.ID] = true
	}
	return nil
}
