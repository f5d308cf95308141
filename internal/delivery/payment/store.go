package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// row is a stored payment.
type row struct {
	delivery.Payment
	token   string
	asking  step
	ref     string
	attempt int64
}

func insert(ctx context.Context, tx *db.Tx, r row, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO payment (order_id, method, state, aim, amount, currency, token, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
		int64(r.Order), string(r.Method), string(r.State), string(r.Aim), r.Amount, r.Currency, r.token, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("payment: store the intent for order %d: %w", r.Order, err)
	}
	return nil
}

func collect(ctx context.Context, tx *db.Tx, r row, by id.ID, at time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `INSERT INTO payment (order_id, method, state, aim, amount, currency, taken_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT DO NOTHING`,
		int64(r.Order), string(r.Method), string(r.State), string(r.Aim), r.Amount, r.Currency, int64(by), at.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("payment: record what was collected for order %d: %w", r.Order, err)
	}
	return n, nil
}

func setAim(ctx context.Context, tx *db.Tx, order id.ID, aim delivery.PaymentAim, now time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE payment SET aim = $1, updated_at = $2 WHERE order_id = $3 AND aim <> $1 AND method = 'card'`,
		string(aim), now.UnixMicro(), int64(order))
	if err != nil {
		return 0, fmt.Errorf("payment: set the aim for order %d: %w", order, err)
	}
	return n, nil
}

func find(ctx context.Context, tx *db.Tx, order id.ID) (r row, err error) {
	var method, state, aim, asking string
	err = tx.Row(ctx, `SELECT method, state, aim, amount, refunded, currency, token, ref, asking, attempt, decline FROM payment WHERE order_id = $1`, int64(order)).
		Scan(&method, &state, &aim, &r.Amount, &r.Refunded, &r.Currency, &r.token, &r.ref, &asking, &r.attempt, &r.Decline)
	r.asking = step(asking)
	r.Order, r.Method, r.State, r.Aim = order, delivery.Method(method), delivery.PaymentState(state), delivery.PaymentAim(aim)
	return r, err
}

func update(ctx context.Context, tx *db.Tx, from, to row, now time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE payment SET state = $1, refunded = $2, ref = $3, attempt = $4, decline = $5, asking = '', updated_at = $6
		WHERE order_id = $7 AND state = $8 AND attempt = $9`,
		string(to.State), to.Refunded, to.ref, to.attempt, to.Decline, now.UnixMicro(), int64(from.Order), string(from.State), from.attempt)
	if err != nil {
		return 0, fmt.Errorf("payment: store the result for order %d: %w", from.Order, err)
	}
	return n, nil
}

// ask writes down what the provider is about to be asked, if the payment still is as it was read.
func ask(ctx context.Context, tx *db.Tx, r row, todo step, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE payment SET asking = $1, updated_at = $2 WHERE order_id = $3 AND state = $4 AND attempt = $5 AND aim = $6 AND asking = ''`,
		string(todo), now.UnixMicro(), int64(r.Order), string(r.State), r.attempt, string(r.Aim))
	if err != nil {
		return false, fmt.Errorf("payment: store the question for order %d: %w", r.Order, err)
	}
	return n == 1, nil
}

// dropToken forgets the card's token of a payment that has come to its end.
func dropToken(ctx context.Context, tx *db.Tx, order id.ID) error {
	if _, err := tx.Exec(ctx, `UPDATE payment SET token = '' WHERE order_id = $1 AND token <> ''`, int64(order)); err != nil {
		return fmt.Errorf("payment: forget the card of order %d: %w", order, err)
	}
	return nil
}
