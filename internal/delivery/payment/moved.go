package payment

import (
	"context"
	"fmt"
	"math"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Moved returns what came in, and what went back to cards, for orders with ids above after, up to last (0: all): what the books must say, too.
func (s *Service) Moved(ctx context.Context, tx *db.Tx, after, last id.ID) ([]delivery.Moved, error) {
	if last == 0 {
		last = math.MaxInt64
	}
	out, err := db.All(ctx, tx, func(s db.Scanner) (m delivery.Moved, err error) {
		var order int64
		err = s.Scan(&order, &m.Taken, &m.Returned)
		m.Order = id.ID(order)
		return m, err
	}, `SELECT order_id, amount, CASE WHEN method = 'card' THEN refunded ELSE 0 END FROM payment WHERE order_id > $1 AND order_id <= $2 AND group_id = 0
		AND state IN ('captured', 'refunded_partially', 'refunded', 'refund_failed') ORDER BY order_id`, int64(after), int64(last))
	if err != nil {
		return nil, fmt.Errorf("payment: list what moved: %w", err)
	}
	return out, nil
}

// Shares returns what came in by card for each group order and has not gone back.
func (s *Service) Shares(ctx context.Context, tx *db.Tx) (map[id.ID]money.Amount, error) {
	out := map[id.ID]money.Amount{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var group int64
		var sum money.Amount
		err := s.Scan(&group, &sum)
		out[id.ID(group)] = sum
		return err
	}, `SELECT group_id, CAST(SUM(amount - refunded) AS BIGINT) FROM payment WHERE group_id <> 0
		AND state IN ('captured', 'refunded_partially', 'refunded', 'refund_failed') GROUP BY group_id`)
	if err != nil {
		return nil, fmt.Errorf("payment: sum up shares: %w", err)
	}
	return out, nil
}
