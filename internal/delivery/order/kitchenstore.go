package order

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// figures are a kitchen's day in numbers.
type figures struct {
	orders    int // taken, without those that were cancelled
	delivered int
	onTime    int // of those: before their promise was over
}

// figuresOf returns a restaurant's numbers since a time, from its newest 500 orders.
func figuresOf(ctx context.Context, tx *db.Tx, restaurant id.ID, since time.Time) (figures, error) {
	f, err := db.One(ctx, tx, func(s db.Scanner) (figures, error) {
		var f figures
		err := s.Scan(&f.orders, &f.delivered, &f.onTime)
		return f, err
	}, `SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN h.at IS NULL THEN 0 ELSE 1 END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN h.at <= o.promise_to THEN 1 ELSE 0 END), 0) AS BIGINT)
		FROM (SELECT id, state, placed_at, promise_to FROM orders WHERE restaurant = $1 AND announced ORDER BY id DESC LIMIT 500) AS o
		LEFT JOIN order_history AS h ON h.order_id = o.id AND h.what = 'delivered'
		WHERE o.placed_at >= $2 AND o.state <> 'CANCELLED'`, int64(restaurant), micro(since))
	if err != nil {
		return figures{}, fmt.Errorf("order: sum up a kitchen's day: %w", err)
	}
	return f, nil
}
