package demo

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/discover"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/demo/town"
)

// So many orders are to be open: fewer are dull to watch, more than the couriers can carry make everybody late.
const (
	fewOpen  = 18
	manyOpen = 34
)

// eat lets neighbours get hungry, and some think better of what they ordered.
func (s *stage) eat(now time.Time) {
	open := s.cancelEarly(now)
	if asleep(now, s.town.Location) {
		s.hungry = 0
		return
	}
	perHour := s.opt.OrdersPerHour
	steered := perHour == 0
	if steered {
		perHour = max(s.town.Demand(now), 30)
	}
	s.hungry += perHour * now.Sub(s.looked).Hours()
	if steered {
		switch {
		case open < fewOpen:
			s.hungry = max(s.hungry, 1) // one at every look, until the town is busy
		case open >= manyOpen:
			s.hungry = min(s.hungry, 0.9)
		}
	}
	for range min(int(s.hungry), 4) {
		s.hungry--
		if w, ok := s.town.NextOrder(s.rand, now); ok && !s.guard.played(s.world.neighbours[w.Neighbour].ID) {
			card, decline := s.rand.Float64() < 0.62, s.rand.Float64() < 0.03
			who := s.world.neighbours[w.Neighbour]
			s.act(who, "order", func(ctx context.Context) error { return s.order(ctx, w, now, card, decline) })
		}
	}
	s.hungry = min(s.hungry, 4)
}

// cancelEarly has customers cancel what no kitchen has looked at, and returns how many orders are open that are cooked soon.
func (s *stage) cancelEarly(now time.Time) (open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if !o.ahead() {
			open++
		}
		i, ok := s.world.byNeighbour[o.customer]
		if !ok || o.state != delivery.Created || !o.tempers.cancels || o.busy || now.Before(o.rest) || now.Sub(o.placedAt) < 20*time.Second || s.guard.played(o.customer) {
			continue
		}
		s.actOn(o, s.world.neighbours[i], "cancel", func(ctx context.Context) (*order.View, error) {
			return s.Orders.Cancel(ctx, o.id, order.Why{Reason: "CUSTOMER"})
		})
	}
	return open
}

// order has a neighbour look around, choose, and order what they wish.
func (d *Demo) order(ctx context.Context, w town.Wish, now time.Time, card, declined bool) error {
	p := &d.town.Neighbours[w.Neighbour]
	mode := delivery.ByCourier
	if w.Pickup {
		mode = delivery.Pickup
	}
	home := p.Home.Point
	if _, err := d.Discover.Find(ctx, discover.Query{To: &home, Mode: mode, Limit: 20}); err != nil {
		return err
	}
	shop := d.world.shops[w.Restaurant].id
	m, err := d.Menus.Menu(ctx, shop)
	if err != nil {
		return err
	}
	lines, ok := d.lines(m, w)
	if !ok {
		return nil // the card has changed: they look elsewhere another time
	}
	req := delivery.QuoteRequest{Restaurant: shop, Mode: mode, Lines: lines, Tip: w.Tip, Note: w.KitchenNote}
	if mode == delivery.ByCourier {
		req.To = d.address(w.Neighbour)
		if w.CourierNote != "" {
			req.To.Notes = w.CourierNote
		}
	}
	if !w.Slot.IsZero() {
		if req.At, err = d.slot(ctx, shop, mode, home, now, w.Slot); err != nil {
			return err
		}
	}
	q, err := d.Quotes.Quote(ctx, req)
	if err != nil {
		return err
	}
	if len(q.Problems) > 0 {
		d.note(ctx, p.Handle, "quote", errs.New(errs.Conflict, "%s", q.Problems[0].Message).WithCode(q.Problems[0].Code))
		return nil
	}
	place := delivery.PlaceRequest{QuoteRequest: req, Fingerprint: q.Fingerprint, Method: delivery.PayOnDelivery, Name: p.Name, Phone: p.Phone}
	if card {
		place.Method, place.Card = delivery.PayByCard, "tok_ok"
		if declined {
			place.Card = "tok_declined"
		}
	}
	_, err = d.Orders.Place(ctx, id.Secret(), place)
	if declined && card && errs.CodeOf(err) == "card_declined" {
		place.Card = "tok_ok" // there is another card
		_, err = d.Orders.Place(ctx, id.Secret(), place)
	}
	return err
}

// address returns where a neighbour lives.
func (d *Demo) address(neighbour int) *delivery.Address {
	p := &d.town.Neighbours[neighbour]
	return &delivery.Address{Point: p.Home.Point, Street: p.Home.Label, City: d.town.Name, Detail: p.Note, Name: p.Name, Phone: p.Phone}
}

// slot returns the start of the bookable slot nearest to a time, nil where there is none that evening.
func (d *Demo) slot(ctx context.Context, shop id.ID, mode delivery.Mode, home geo.Point, now, want time.Time) (*time.Time, error) {
	slots, err := d.Restaurants.Slots(ctx, shop, mode, &home, now, 1)
	if err != nil {
		return nil, err
	}
	var best *time.Time
	for i := range slots {
		if at := slots[i].From; at.Before(want.Add(time.Hour)) && (best == nil || at.Sub(want).Abs() < best.Sub(want).Abs()) {
			best = &at
		}
	}
	return best, nil
}
