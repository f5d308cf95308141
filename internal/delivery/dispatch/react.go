package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// The kinds of jobs.
const (
	assignKind = "dispatch.assign" // finds a courier for one order
	wakeKind   = "dispatch.wake"   // looks at all orders that wait, when something has changed that may help them
)

// again is how soon a courier is looked for again where there was none.
const again = 20 * time.Second

// React has trips follow their orders, couriers be looked for, and everybody told.
func (s *Service) React(log *events.Log, hub *realtime.Hub, q *jobs.Queue) {
	duty, task := delivery.CourierDuty{}.EventKind(), delivery.TaskChanged{}.EventKind()
	kinds := []string{duty}
	for _, what := range []string{
		delivery.OrderConfirmed, delivery.OrderReady, delivery.OrderDelayed, delivery.OrderPickedUp, delivery.OrderDelivered,
		delivery.OrderCancelled, delivery.OrderRestored,
	} {
		kinds = append(kinds, delivery.Order{What: what}.EventKind())
	}
	log.Subscribe("dispatch", kinds, func(ctx context.Context, tx *db.Tx, e events.Event) error {
		if e.Kind == duty {
			return s.dutyChanged(ctx, tx, e)
		}
		var p delivery.Order
		if err := json.Unmarshal(e.Data, &p); err != nil {
			return fmt.Errorf("dispatch: event %d: %w", e.Seq, err)
		}
		if p.Mode != delivery.ByCourier {
			return nil
		}
		return s.follow(ctx, tx, p.Order, p.At)
	})
	log.Watch(s.hear)
	hub.Route(task, topics)
	hub.Allow("dispatch", func(ctx context.Context, _ string) error { return dispatcher(ctx, "dispatch.board") })
	q.Handle(assignKind, func(ctx context.Context, j jobs.Job) error {
		var args assignArgs
		if err := json.Unmarshal(j.Args, &args); err != nil {
			return jobs.Discard(err)
		}
		wait, err := s.Seek(ctx, args.Order)
		if err == nil && wait > 0 {
			return jobs.Snooze(wait)
		}
		return err
	})
	q.Handle(wakeKind, func(ctx context.Context, _ jobs.Job) error { return s.seekAll(ctx) })
	q.Schedule(wakeKind, "@every 60s", "", wakeKind, struct{}{})
}

type assignArgs struct {
	Order id.ID `json:"order"`
}

// topics returns who hears of a changed task: its courier, whoever had it before, dispatchers, and who follows the order.
func topics(e events.Event) []string {
	var p delivery.TaskChanged
	if json.Unmarshal(e.Data, &p) != nil {
		return nil
	}
	if p.State == stateOffered || p.State == stateWithdrawn {
		// Whom an order is offered to is nothing to the customer.
		return []string{"dispatch", "courier:" + max(p.Courier, p.Before).String()}
	}
	out := []string{"dispatch", "order:" + p.Order.String()}
	for _, c := range []id.ID{p.Courier, p.Before} {
		if c != 0 {
			out = append(out, "courier:"+c.String())
		}
	}
	return out
}

// search has a courier be looked for from the trip's time on.
func (s *Service) search(ctx context.Context, tx *db.Tx, t *Trip) error {
	unique := assignKind + ":" + t.Order.String()
	if err := s.Jobs.CancelUnique(ctx, tx, unique); err != nil {
		return fmt.Errorf("dispatch: search for %s: %w", t.Order, err)
	}
	_, err := s.Jobs.Enqueue(ctx, tx, assignKind, assignArgs{t.Order}, jobs.Opts{RunAt: t.AssignAt, Unique: unique})
	if err != nil {
		return fmt.Errorf("dispatch: search for %s: %w", t.Order, err)
	}
	return nil
}

// wake has all waiting orders be looked at: a courier is free who was not.
func (s *Service) wake(ctx context.Context, tx *db.Tx) error {
	if _, err := s.Jobs.Enqueue(ctx, tx, wakeKind, struct{}{}, jobs.Opts{Unique: wakeKind}); err != nil {
		return fmt.Errorf("dispatch: wake: %w", err)
	}
	return nil
}

// follow brings a trip to where its order stands now, which may be further than the event says that led here.
func (s *Service) follow(ctx context.Context, tx *db.Tx, order id.ID, at time.Time) error {
	b, err := s.Orders.Brief(ctx, tx, order)
	if err != nil {
		return fmt.Errorf("dispatch: follow order %s: %w", order, err)
	}
	if b.To == nil {
		return nil
	}
	m := Moment{At: at, Heard: s.Now()}
	err = s.change(ctx, tx, order, func(t *Trip) (bool, error) {
		switch b.State {
		case delivery.Confirmed, delivery.Preparing, delivery.Ready, delivery.InDelivery:
			return true, s.goOn(ctx, tx, t, &b, m)
		case delivery.Delivered, delivery.Concluded:
			if !t.Finish(m) {
				return false, nil
			}
			return true, s.wake(ctx, tx)
		case delivery.Cancelled:
			if !t.Cancel(m) {
				return false, nil
			}
			return true, s.wake(ctx, tx)
		}
		return false, nil
	})
	if errors.Is(err, errNoTrip) {
		return s.begin(ctx, tx, &b)
	}
	return err
}

// begin makes the trip of an order that the kitchen has accepted.
func (s *Service) begin(ctx context.Context, tx *db.Tx, b *delivery.Brief) error {
	switch b.State {
	case delivery.Confirmed, delivery.Preparing, delivery.Ready:
	default:
		return nil
	}
	shop, err := s.Shops.Shop(ctx, b.Restaurant)
	if err != nil {
		return fmt.Errorf("dispatch: restaurant of %s: %w", b.ID, err)
	}
	t := &Trip{
		Order: b.ID, Code: b.Code, Restaurant: b.Restaurant, State: Unassigned, Tip: b.Tip, Due: b.Due, Currency: b.Currency,
		Pickup:  Task{ID: s.IDs.Next(), Stop: Pickup, State: Todo, Point: shop.Point, Place: shop.Name, Street: shop.Street},
		Dropoff: Task{ID: s.IDs.Next(), Stop: Dropoff, State: Todo, Point: b.To.Point, Place: b.CustomerName, Street: b.To.Street},
	}
	t.Retime(b.ReadyAt, b.PromiseTo, s.pace())
	if err := insertTrip(ctx, tx, t); err != nil {
		return fmt.Errorf("dispatch: store trip of %s: %w", b.ID, err)
	}
	if err := s.tell(ctx, tx, t, &Trip{}); err != nil {
		return err
	}
	return s.search(ctx, tx, t)
}

// goOn has a trip follow an order that is being cooked or carried.
func (s *Service) goOn(ctx context.Context, tx *db.Tx, t *Trip, b *delivery.Brief, m Moment) error {
	was := t.AssignAt
	opened := false
	if !t.Open() {
		courier, err := s.keeps(ctx, tx, b)
		if err != nil {
			return err
		}
		if opened = t.Restore(courier); !opened {
			return nil // done: an order can't be less than delivered any more
		}
		if err := s.Orders.SetCourier(ctx, tx, t.Order, courier, s.Now()); err != nil {
			return err
		}
	}
	t.Retime(b.ReadyAt, b.PromiseTo, s.pace())
	if b.State == delivery.InDelivery {
		t.PickedUp(m)
	}
	if t.State == Unassigned && (opened || !t.AssignAt.Equal(was)) {
		return s.search(ctx, tx, t)
	}
	return nil
}

// keeps returns who is to carry an order that was restored: whoever had it, if they have the food or are still on duty; else 0.
func (s *Service) keeps(ctx context.Context, tx *db.Tx, b *delivery.Brief) (id.ID, error) {
	if b.Courier == 0 || b.State == delivery.InDelivery {
		return b.Courier, nil
	}
	c, err := s.courier(ctx, tx, b.Courier)
	if err != nil || c == nil {
		return 0, err
	}
	return c.ID, nil
}

// dutyChanged takes back what was offered to a courier who left, and has waiting orders be looked at when one comes.
func (s *Service) dutyChanged(ctx context.Context, tx *db.Tx, e events.Event) error {
	var p delivery.CourierDuty
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return fmt.Errorf("dispatch: event %d: %w", e.Seq, err)
	}
	if !p.On {
		offers, err := offersTo(ctx, tx, p.Courier)
		if err != nil {
			return fmt.Errorf("dispatch: offers to %s: %w", p.Courier, err)
		}
		for _, o := range offers {
			err := s.change(ctx, tx, o.Order, func(t *Trip) (bool, error) {
				if t.OfferedTo != p.Courier {
					return false, nil
				}
				t.Withdraw()
				return true, nil
			})
			if err != nil {
				return err
			}
		}
	}
	return s.wake(ctx, tx)
}

// Seek looks for a courier for one order: it takes back an offer whose time is up and offers the order to the nearest free courier who has
// not declined it. It returns when to look again; 0: never, since the order needs nobody.
func (s *Service) Seek(ctx context.Context, order id.ID) (time.Duration, error) {
	var wait time.Duration
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		wait = 0
		return s.change(ctx, tx, order, func(t *Trip) (moved bool, err error) {
			moved, wait, err = s.seek(ctx, tx, t)
			return moved, err
		})
	})
	if db.IsUnique(err) {
		return time.Second, nil // this very moment the courier was offered something else
	}
	return wait, err
}

func (s *Service) seek(ctx context.Context, tx *db.Tx, t *Trip) (moved bool, wait time.Duration, err error) {
	now := s.Now()
	if t.State == Offered && t.OfferUntil.After(now) {
		return false, t.OfferUntil.Sub(now), nil
	}
	if t.State != Offered && t.State != Unassigned {
		return false, 0, nil
	}
	moved = t.State == Offered
	t.Withdraw()
	if t.AssignAt.After(now) {
		return moved, t.AssignAt.Sub(now), nil
	}
	couriers, err := s.Couriers.OnDuty(ctx, tx)
	if err != nil {
		return false, 0, err
	}
	load, err := busy(ctx, tx)
	if err != nil {
		return false, 0, fmt.Errorf("dispatch: who is busy: %w", err)
	}
	idle, err := lastClosed(ctx, tx, now.Add(-maxAge))
	if err != nil {
		return false, 0, fmt.Errorf("dispatch: who is idle: %w", err)
	}
	working := slices.Collect(maps.Keys(load))
	c, found := Nearest(couriers, idle, slices.Concat(working, t.Declined), t.Pickup.Point, now)
	if !found {
		if _, declined := Nearest(couriers, idle, working, t.Pickup.Point, now); declined {
			t.Declined, moved = nil, true // everybody said no: in a while they are asked again
		}
		return moved, again, nil
	}
	wait = s.offerFor()
	return true, wait, t.Offer(c.ID, now.Add(wait))
}

// seekAll looks for couriers for all orders that wait.
func (s *Service) seekAll(ctx context.Context) error {
	var orders []id.ID
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		orders, err = waiting(ctx, tx, s.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("dispatch: who waits: %w", err)
	}
	for _, order := range orders {
		if _, err := s.Seek(ctx, order); err != nil {
			return err
		}
	}
	return nil
}

// Load reads which couriers are on the way to customers.
func (s *Service) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []heading
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = headings(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("dispatch: load headings: %w", err)
	}
	s.headed = map[id.ID][]id.ID{}
	for _, h := range list {
		s.headed[h.courier] = append(s.headed[h.courier], h.order)
	}
	return nil
}

// hear keeps Heading true: events come in order, and those that Load has seen already lead to the same end.
func (s *Service) hear(list []events.Event) {
	kind := delivery.TaskChanged{}.EventKind()
	for _, e := range list {
		var p delivery.TaskChanged
		if e.Kind != kind || json.Unmarshal(e.Data, &p) != nil || p.Stop != string(Dropoff) {
			continue
		}
		s.mu.Lock()
		for _, c := range []id.ID{p.Courier, p.Before} {
			// A new slice each time: readers keep the old one.
			rest := slices.DeleteFunc(slices.Clone(s.headed[c]), func(o id.ID) bool { return o == p.Order })
			if c == p.Courier && (p.State == string(Doing) || p.State == string(Arrived)) {
				rest = append(rest, p.Order)
			}
			if len(rest) == 0 {
				delete(s.headed, c)
			} else {
				s.headed[c] = rest
			}
		}
		s.mu.Unlock()
	}
}
