package demo

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// A visitor in the kitchen has help: a colleague does what would otherwise be lost, so late on the town's clock.
const (
	helpConfirm = 25 * time.Minute
	helpCook    = 20 * time.Minute
)

// cook lets kitchens do what is due for their orders, and be overrun or take a rest now and then.
func (s *stage) cook(now time.Time) {
	s.mu.Lock()
	for _, o := range s.orders {
		i, ok := s.world.byShop[o.restaurant]
		if ok && !o.busy && !now.Before(o.rest) {
			s.cookOrder(o, i, now)
		}
	}
	s.mu.Unlock()
	if asleep(now, s.town.Location) {
		return
	}
	for i, sh := range s.world.shops {
		if s.guard.played(sh.owner.ID) {
			continue
		}
		if s.chance(now, 0.04) {
			s.act(sh.owner, "rush", func(ctx context.Context) error {
				_, err := s.Restaurants.SetRush(ctx, s.world.shops[i].id, now.Add(30*time.Minute), 0)
				return err
			})
		}
		if s.chance(now, 0.02) {
			s.act(sh.owner, "pause", func(ctx context.Context) error {
				_, err := s.Restaurants.SetPause(ctx, s.world.shops[i].id, now.Add(15*time.Minute))
				return err
			})
		}
	}
}

// cookOrder does the next thing for one order, if it is time. Called with mu held.
func (s *stage) cookOrder(o *live, shop int, now time.Time) {
	owner := s.world.shops[shop].owner
	t := o.tempers
	confirm, begin, late, collect := o.placedAt.Add(t.confirm), o.movedAt.Add(t.begin), t.late, t.collect
	if s.guard.played(owner.ID) {
		confirm, begin, late, collect = o.placedAt.Add(helpConfirm), o.readyAt.Add(-5*time.Minute), helpCook, helpCook
		t.refuses, t.delays, t.cancels = false, false, false
	}
	switch o.state {
	case delivery.Created:
		if now.Before(confirm) || t.cancels && now.Before(o.placedAt.Add(5*time.Minute)) {
			return
		}
		if t.refuses && !s.guard.played(o.customer) {
			s.actOn(o, owner, "refuse", func(ctx context.Context) (*order.View, error) { return s.refuse(ctx, o.id) })
			return
		}
		s.actOn(o, owner, "confirm", func(ctx context.Context) (*order.View, error) { return s.Orders.Confirm(ctx, o.id, nil) })
	case delivery.Confirmed:
		// What was ordered for later goes on the stove half an hour before.
		if begin = latest(begin, o.readyAt.Add(-30*time.Minute)); now.Before(begin) {
			return
		}
		s.actOn(o, owner, "prepare", func(ctx context.Context) (*order.View, error) { return s.Orders.Prepare(ctx, o.id) })
	case delivery.Preparing:
		if t.delays && !o.delayed && now.After(o.readyAt.Add(-3*time.Minute)) {
			o.delayed = true
			minutes := int(t.late / time.Minute)
			s.actOn(o, owner, "delay", func(ctx context.Context) (*order.View, error) {
				return s.Orders.Delay(ctx, o.id, order.Later{Minutes: minutes, Note: "The stove is full, sorry!"})
			})
			return
		}
		if o.delayed && t.delays {
			late = 0
		}
		if now.Before(o.readyAt.Add(late)) || now.Before(o.movedAt.Add(3*time.Minute)) {
			return
		}
		s.actOn(o, owner, "ready", func(ctx context.Context) (*order.View, error) { return s.Orders.MarkReady(ctx, o.id) })
	case delivery.Ready:
		if o.mode != delivery.Pickup || now.Before(latest(o.movedAt, o.readyAt).Add(collect)) {
			return
		}
		customer := access.Actor{ID: o.customer}
		s.actOn(o, owner, "collect", func(ctx context.Context) (*order.View, error) {
			said, err := s.Orders.Get(as(ctx, customer), o.id) // the customer tells their code at the counter
			if err != nil {
				return nil, err
			}
			return s.Orders.Collect(ctx, o.id, said.PickupCode)
		})
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// refuse has a kitchen refuse an order because its first dish has run out.
func (d *Demo) refuse(ctx context.Context, o id.ID) (*order.View, error) {
	v, err := d.Orders.Get(ctx, o)
	if err != nil {
		return nil, err
	}
	why := order.Why{Reason: "SOLD_OUT", Items: []id.ID{v.Lines[0].Item}}
	return d.Orders.Refuse(ctx, o, why)
}

// restock fills up everywhere what is counted, as kitchens do in the morning.
func (s *stage) restock() {
	for i := range s.world.shops {
		sh := s.world.shops[i]
		if s.guard.played(sh.owner.ID) {
			continue
		}
		s.act(sh.owner, "restock", func(ctx context.Context) error {
			m, err := s.Menus.Menu(ctx, sh.id)
			if err != nil {
				return err
			}
			for _, section := range s.town.Restaurants[i].Menu {
				for _, it := range section.Items {
					have := itemOf(m, section.Name, it.Name)
					if it.Stock == 0 || have == nil || have.Stock < 0 || have.Stock >= int64(it.Stock) {
						continue
					}
					n := int64(it.Stock)
					if err := s.Menus.Set(ctx, sh.owner, sh.id, have.ID, menu.Availability{Stock: &n}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
}
