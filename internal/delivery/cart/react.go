package cart

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

// sweepBatch is how many carts one transaction deletes, so that it holds up no other writer.
const sweepBatch = 500

// React empties carts that became orders, forgets old ones, and keeps the counts of all nodes in step.
func (s *Service) React(log *events.Log, _ *realtime.Hub, q *jobs.Queue) {
	// The checkout empties the cart itself, at once. This is for a server that died between the order and that.
	log.Subscribe("cart", []string{"order." + delivery.OrderPlaced}, func(ctx context.Context, tx *db.Tx, e events.Event) error {
		var o delivery.Order
		if err := json.Unmarshal(e.Data, &o); err != nil {
			return fmt.Errorf("cart: decode %s: %w", e.Kind, err)
		}
		return s.ordered(ctx, tx, o.Customer, o.Restaurant, o.At)
	})
	if _, err := s.bus.Subscribe(changedTopic, func(key []byte) { s.counts.drop(string(key)) }); err != nil {
		slog.Error("cart: changes on other nodes are seen late", "err", err)
	}
	const kind = "cart.sweep"
	q.Handle(kind, func(ctx context.Context, _ jobs.Job) error { return s.Sweep(ctx) })
	q.Schedule(kind, "23 4 * * *", "UTC", kind, struct{}{})
}

// Sweep deletes the carts that nobody has touched for Keep.
func (s *Service) Sweep(ctx context.Context) error {
	for {
		var n int64
		err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = sweep(ctx, tx, s.now().Add(-Keep), sweepBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("cart: delete old carts: %w", err)
		}
		if n < sweepBatch {
			return nil
		}
	}
}
