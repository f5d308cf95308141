package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// exportBatch is how many trips are read at once.
const exportBatch = 200

// Personal says what trips hold of people: customers' doors, and couriers' work. way is how long the doors are kept: the order slice, which
// knows when an order is over, calls ForgetWay then.
func (s *Service) Personal(way func() time.Duration) personal.Part {
	return personal.Part{
		Name: "deliveries",
		Tables: []personal.Table{
			{
				Name: "trip", Link: "courier offered_to declined known failed_by",
				Plain: "order_id version code restaurant state offer_until ready_at promise_to assign_at tip due currency closed_at",
			},
			{
				Name: "task", Personal: "lat lon place street note photo", Link: "courier",
				Plain: "id order_id stop state planned_at started_at started_heard arrived_at arrived_heard ended_at ended_heard reason",
			},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Deliveries"),
				What:  i18n.T(ctx, "Of couriers: which orders they carried, when they picked up and handed over, their tips and notes. Of customers: the door an order went to."),
				Why:   i18n.T(ctx, "So that orders find a courier and couriers find the door, and so that couriers can prove and be paid for their work."),
				Kept:  i18n.T(ctx, "Doors: %s. Which courier carried what stays as long as the order; when they delete their account, it is a number that leads to nobody.", personal.Span(ctx, way())),
			}
		},
		Count:  personal.Counting(s.DB, countTrips),
		Export: s.exportTrips,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			// Their photos stay with the orders that they show until those are forgotten.
			if err := dropNotes(ctx, tx, account); err != nil {
				return personal.Erased{}, fmt.Errorf("dispatch: drop the notes of %s: %w", account, err)
			}
			return personal.Erased{}, nil
		},
		Blocks: s.blocks,
	}
}

// ForgetWay forgets where a trip that is over led, and returns the photos that were taken on it.
func (s *Service) ForgetWay(ctx context.Context, tx *db.Tx, order id.ID) ([]string, error) {
	t, err := lock(ctx, tx, order)
	if errors.Is(err, errNoTrip) {
		return nil, nil // collected at the counter
	}
	if err != nil {
		return nil, err
	}
	var photos []string
	for _, k := range []Task{t.Pickup, t.Dropoff} {
		if k.Photo != "" {
			photos = append(photos, k.Photo)
		}
	}
	if err := forgetWay(ctx, tx, order); err != nil {
		return nil, fmt.Errorf("dispatch: forget the way of %s: %w", order, err)
	}
	return photos, nil
}

func (s *Service) blocks(ctx context.Context, account id.ID) (out []personal.Obstacle, err error) {
	var n int
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		n, err = countOpen(ctx, tx, account)
		return err
	})
	if err != nil || n == 0 {
		return nil, err
	}
	return []personal.Obstacle{{
		Text:  i18n.N(ctx, n, "You still carry %d order. Finish it, or ask your dispatcher to give it to somebody else.", "You still carry %d orders. Finish them, or ask your dispatcher to give them to somebody else."),
		Href:  "/courier",
		Label: i18n.T(ctx, "Your stops"),
	}}, nil
}

// carried is a trip in its courier's copy: nothing of the customer.
type carried struct {
	Order      id.ID        `json:"order"`
	Code       string       `json:"code"`
	Restaurant string       `json:"restaurant"`
	State      TripState    `json:"state"`
	PickedUp   time.Time    `json:"picked_up_at,omitzero"`
	HandedOver time.Time    `json:"handed_over_at,omitzero"`
	Arrived    time.Time    `json:"arrived_at,omitzero"`
	Tip        money.Amount `json:"tip"`
	Collected  money.Amount `json:"to_collect"`
	Currency   string       `json:"currency"`
	Reason     string       `json:"reason,omitempty"`
	Note       string       `json:"note,omitempty"`
}

func (s *Service) exportTrips(ctx context.Context, account id.ID, to personal.Archive) error {
	var out []carried
	for above := id.ID(0); ; {
		var trips []*Trip
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			trips, err = tripsOf(ctx, tx, account, above, exportBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("dispatch: read the trips of %s: %w", account, err)
		}
		for _, t := range trips {
			above = t.Order
			out = append(out, carried{
				Order: t.Order, Code: t.Code, Restaurant: t.Pickup.Place, State: t.State, PickedUp: t.Pickup.Ended.At, Arrived: t.Dropoff.Arrived.At,
				HandedOver: t.Dropoff.Ended.At, Tip: t.Tip, Collected: t.Due, Currency: t.Currency, Reason: t.Dropoff.Reason, Note: t.Dropoff.Note,
			})
		}
		if len(trips) < exportBatch {
			break
		}
	}
	if len(out) == 0 {
		return nil
	}
	return to.JSON("deliveries.json", i18n.T(ctx, "What you delivered as courier"), out)
}
