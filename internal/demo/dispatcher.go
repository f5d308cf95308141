package demo

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// oversee lets a dispatcher help where something is stuck, and ends the day.
func (s *stage) oversee(now time.Time) {
	who, patience := s.dispatcher()
	s.mu.Lock()
	soon := 0
	dawn := nextMorning(now, s.town.Location)
	bedtime := asleep(now, s.town.Location)
	for _, o := range s.orders {
		if !bedtime || o.readyAt.Before(dawn) {
			soon++
		}
		if !o.busy && !now.Before(o.rest) {
			s.help(o, who, patience, now, bedtime && o.readyAt.Before(dawn))
		}
	}
	for o, since := range s.failed {
		if now.Sub(since) < time.Minute*time.Duration(2*patience) {
			continue
		}
		delete(s.failed, o)
		s.act(who, "retry", func(ctx context.Context) error { return s.Dispatch.Retry(ctx, o) })
	}
	s.mu.Unlock()
	if bedtime && soon == 0 {
		s.clock.Set(dawn)
		s.restock()
		s.act(who, "morning", func(context.Context) error { return s.Hub.Send("demo:clock", "demo.morning", struct{}{}) })
	}
}

// dispatcher returns who looks after the town, and how many times as patient they are: where a visitor does the work, the colleague only
// helps out with what was left lying for long.
func (s *stage) dispatcher() (access.Actor, int) {
	patience := 1
	for _, a := range s.world.dispatchers {
		if s.guard.played(a.ID) {
			patience = 3
		}
	}
	for _, a := range s.world.dispatchers {
		if !s.guard.played(a.ID) {
			return a, patience
		}
	}
	return s.world.admin, patience
}

// help does what one order needs of a dispatcher. Called with mu held.
func (s *stage) help(o *live, who access.Actor, patience int, now time.Time, bedtime bool) {
	late := now.Sub(latest(o.promiseTo, o.readyAt))
	if late > stuckAfter || bedtime && minutesOf(now, s.town.Location) >= night {
		s.actOn(o, who, "give up", func(ctx context.Context) (*order.View, error) {
			return s.Orders.Cancel(ctx, o.id, order.Why{Reason: "OTHER", Note: "The town could not bring it. We are sorry."})
		})
		return
	}
	if o.mode != delivery.ByCourier || o.state == delivery.InDelivery || o.state == delivery.Created {
		return
	}
	if s.fates[o.id].Add(5 * time.Minute).After(now) {
		return
	}
	slow := now.Sub(latest(o.readyAt, o.movedAt))
	switch {
	case o.courier == 0 && o.state == delivery.Ready && slow > time.Duration(10*patience)*time.Minute:
		if to, ok := s.nearest(o); ok {
			s.fates[o.id] = now
			s.act(who, "assign", func(ctx context.Context) error { return s.Dispatch.Assign(ctx, o.id, to) })
		}
	case o.courier != 0 && slow > time.Duration(25*patience)*time.Minute:
		// Whoever has it does not come.
		s.fates[o.id] = now
		s.act(who, "take back", func(ctx context.Context) error { return s.Dispatch.Assign(ctx, o.id, 0) })
	}
}

// nearest returns the courier who would be at an order's restaurant first, those with less to do before others.
func (s *stage) nearest(o *live) (id.ID, bool) {
	i, ok := s.world.byShop[o.restaurant]
	if !ok {
		return 0, false
	}
	from := s.town.Restaurants[i].Address.Point
	best, least := id.ID(0), 0.0
	for _, r := range s.riders {
		if r.work == nil || !r.work.OnDuty || s.guard.played(r.actor.ID) {
			continue
		}
		cost := geo.FastDistanceM(r.at, from) + 1500*float64(len(r.work.Tasks))
		if best == 0 || cost < least {
			best, least = r.actor.ID, cost
		}
	}
	return best, best != 0
}
