package order

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// The kinds of jobs. Those with a key carry the order's id behind it.
const (
	dueKind      = "order.due"
	refuseKind   = "order.refuse"
	concludeKind = "order.conclude"
	settleKind   = "order.settle"
)

type orderArgs struct {
	Order id.ID `json:"order"`
}

// React registers the jobs of orders and who hears of their events: everybody who may see the order, its restaurant, its courier and the
// dispatchers. The event log is not listened to.
func (s *Service) React(_ *events.Log, hub *realtime.Hub, q *jobs.Queue) {
	for kind, fn := range map[string]func(context.Context, id.ID) error{
		dueKind: s.due, refuseKind: s.refuseLate, concludeKind: s.conclude, settleKind: s.Settle,
	} {
		q.Handle(kind, func(ctx context.Context, j jobs.Job) error {
			var a orderArgs
			if err := json.Unmarshal(j.Args, &a); err != nil {
				return jobs.Discard(err)
			}
			return fn(ctx, a.Order)
		})
	}
	for _, kind := range delivery.OrderKinds() {
		hub.Route(kind, topics)
	}
	hub.Route(delivery.PaymentChanged{}.EventKind(), func(e events.Event) []string { return []string{e.Subject} })
	hub.Subjects("order")
	hub.Allow("order", s.mayWatch)
}

// topics returns who hears of an order's event. The restaurant of an order whose card was declined has never heard of it.
func topics(e events.Event) []string {
	var o delivery.Order
	if err := json.Unmarshal(e.Data, &o); err != nil {
		return nil
	}
	out := []string{e.Subject}
	if o.Reason == PaymentDeclined {
		return out
	}
	out = append(out, "restaurant:"+o.Restaurant.String(), "dispatch")
	if o.Courier != 0 {
		out = append(out, "courier:"+o.Courier.String())
	}
	return out
}

// mayWatch returns nil for who may read the order that a topic names.
func (s *Service) mayWatch(ctx context.Context, topic string) error {
	order, err := id.Parse(strings.TrimPrefix(topic, "order:"))
	if err != nil {
		return errNotFound
	}
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := load(ctx, tx, order)
		if err != nil {
			return err
		}
		_, err = permit(actor, &r, "order.read")
		return err
	})
}

// due says that nobody has confirmed an order and the refusal is near.
func (s *Service) due(ctx context.Context, order id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		old, err := load(ctx, tx, order)
		if err != nil || old.state != delivery.Created || !old.announced || old.warned {
			return err
		}
		next := old
		next.warned = true
		if ok, err := update(ctx, tx, &old, &next); err != nil || !ok {
			return changedElse(err)
		}
		if err := s.append(ctx, tx, &next, happening{what: delivery.OrderDue, at: stored(s.Now())}); err != nil {
			return err
		}
		_, err = s.Jobs.Enqueue(ctx, tx, refuseKind, orderArgs{order}, jobs.Opts{RunAt: next.confirmBy, Unique: refuseKind + ":" + order.String()})
		return err
	})
}

// refuseLate refuses an order that nobody has confirmed in time.
func (s *Service) refuseLate(ctx context.Context, order id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := load(ctx, tx, order)
		if err != nil || r.state != delivery.Created || !r.announced {
			return err
		}
		if early := r.confirmBy.Sub(s.Now()); early > 0 { // a clock was set back, or the order was restored meanwhile
			return jobs.Snooze(early)
		}
		_, _, err = s.do(ctx, tx, order, move{
			verb: Refuse, what: delivery.OrderCancelled, who: system, edit: because(Refuse, Why{Reason: NotConfirmed}), then: s.cancelled,
		})
		return err
	})
}

// concludeLater has a delivered order concluded.
func (s *Service) concludeLater(ctx context.Context, tx *db.Tx, order id.ID) error {
	_, err := s.Jobs.Enqueue(ctx, tx, concludeKind, orderArgs{order}, jobs.Opts{RunAt: s.Now().Add(s.opt.ConcludeAfter)})
	return err
}

// conclude closes a delivered order: from now on nothing happens to it.
func (s *Service) conclude(ctx context.Context, order id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		_, _, err := s.do(ctx, tx, order, move{verb: Conclude, what: delivery.OrderConcluded, who: system})
		return err
	})
}

func system(*row) (Who, error) { return System, nil }
