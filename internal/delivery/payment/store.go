package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// row is a stored payment.
type row struct {
	delivery.Payment
	token      string
	customer   id.ID
	restaurant id.ID
	save       bool
	asking     step
	attempt    int64
	fee, sent  money.Amount
	since      time.Time // when it was last changed
}

// giving is something that goes back to a card.
type giving struct {
	id     id.ID
	order  id.ID
	part   bool // of a refund that somebody granted; else what is left of an order that was cancelled
	amount money.Amount
}

func insert(ctx context.Context, tx *db.Tx, r row, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO payment (order_id, method, state, aim, amount, currency, token, provider, customer, restaurant, keep_card, created_at, updated_at, group_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)`,
		int64(r.Order), string(r.Method), string(r.State), string(r.Aim), r.Amount, r.Currency, r.token, r.Provider, int64(r.customer), int64(r.restaurant), bit(r.save), now.UnixMicro(),
		int64(r.Group))
	if err != nil {
		return fmt.Errorf("payment: store the intent for order %d: %w", r.Order, err)
	}
	return nil
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func collect(ctx context.Context, tx *db.Tx, r row, by id.ID, at time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `INSERT INTO payment (order_id, method, state, aim, amount, currency, provider, customer, restaurant, taken_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10, $10) ON CONFLICT DO NOTHING`,
		int64(r.Order), string(r.Method), string(r.State), string(r.Aim), r.Amount, r.Currency, int64(r.customer), int64(r.restaurant), int64(by), at.UnixMicro())
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

const columns = `order_id, method, state, aim, amount, refunded, refunding, currency, token, ref, asking, attempt, decline, provider, customer,
	restaurant, keep_card, client, url, fee, sent, updated_at, group_id`

func scan(s db.Scanner) (r row, err error) {
	var method, state, aim, asking string
	var order, customer, restaurant, save, since, group int64
	err = s.Scan(&order, &method, &state, &aim, &r.Amount, &r.Refunded, &r.Refunding, &r.Currency, &r.token, &r.Ref, &asking, &r.attempt, &r.Decline,
		&r.Provider, &customer, &restaurant, &save, &r.Action.Client, &r.Action.URL, &r.fee, &r.sent, &since, &group)
	r.Group, r.Order, r.customer, r.restaurant, r.save, r.asking = id.ID(group), id.ID(order), id.ID(customer), id.ID(restaurant), save == 1, step(asking)
	r.Method, r.State, r.Aim, r.since = delivery.Method(method), delivery.PaymentState(state), delivery.PaymentAim(aim), time.UnixMicro(since).UTC()
	return r, err
}

func find(ctx context.Context, tx *db.Tx, order id.ID) (row, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM payment WHERE order_id = $1`, int64(order))
}

func findByRef(ctx context.Context, tx *db.Tx, provider, ref string) (row, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM payment WHERE ref = $1 AND ref <> '' AND provider = $2`, ref, provider)
}

// update stores what a step made of a payment, where nobody was first. What goes back is counted elsewhere.
func update(ctx context.Context, tx *db.Tx, from, to row, now time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE payment SET state = $1, ref = $2, attempt = $3, decline = $4, client = $5, url = $6, fee = $7, sent = $8, asking = '',
		updated_at = $9 WHERE order_id = $10 AND state = $11 AND attempt = $12`,
		string(to.State), to.Ref, to.attempt, to.Decline, to.Action.Client, to.Action.URL, to.fee, to.sent, now.UnixMicro(), int64(from.Order),
		string(from.State), from.attempt)
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

// reserve sets amount aside to be given back of what was captured from a card, where so much is left and the payment's aim still is the one
// given, and reports whether it did.
func reserve(ctx context.Context, tx *db.Tx, order id.ID, amount money.Amount, aim delivery.PaymentAim, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE payment SET refunding = refunding + $1, updated_at = $2 WHERE order_id = $3 AND method = 'card' AND aim = $4
		AND state IN ('captured', 'refunded_partially') AND $1 > 0 AND amount - refunded - refunding >= $1`, amount, now.UnixMicro(), int64(order), string(aim))
	if err != nil {
		return false, fmt.Errorf("payment: set aside a refund of order %d: %w", order, err)
	}
	return n == 1, nil
}

func addRefund(ctx context.Context, tx *db.Tx, g giving, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO payment_refund (id, order_id, part, amount, state, created_at, updated_at) VALUES ($1, $2, $3, $4, 'pending', $5, $5)`,
		int64(g.id), int64(g.order), bit(g.part), g.amount, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("payment: store refund %d: %w", g.id, err)
	}
	return nil
}

// pending returns what of an order goes back and has no answer yet, oldest first.
func pending(ctx context.Context, tx *db.Tx, order id.ID) ([]giving, error) {
	out, err := db.All(ctx, tx, func(s db.Scanner) (g giving, err error) {
		var no, part int64
		err = s.Scan(&no, &part, &g.amount)
		g.id, g.order, g.part = id.ID(no), order, part == 1
		return g, err
	}, `SELECT id, part, amount FROM payment_refund WHERE order_id = $1 AND state = 'pending' ORDER BY id LIMIT 50`, int64(order))
	if err != nil {
		return nil, fmt.Errorf("payment: list refunds of order %d: %w", order, err)
	}
	return out, nil
}

// answerRefund stores the answer to a refund and counts it in the payment, and reports whether it was the first one. why is "" for a yes.
func answerRefund(ctx context.Context, tx *db.Tx, g giving, pulled money.Amount, why string, now time.Time) (bool, error) {
	state, back := "done", g.amount
	if why != "" {
		state, back, pulled = "failed", 0, 0
	}
	n, err := tx.Exec(ctx, `UPDATE payment_refund SET state = $1, pulled = $2, why = $3, updated_at = $4 WHERE id = $5 AND state = 'pending'`,
		state, pulled, why, now.UnixMicro(), int64(g.id))
	if err != nil || n == 0 {
		return false, wrapped(err, "store the answer to refund", g.id)
	}
	// A release that is refused waits for people; a part that is refused is as if it had not been asked for.
	_, err = tx.Exec(ctx, `UPDATE payment SET refunding = refunding - $1, refunded = refunded + $2, updated_at = $3, decline = CASE WHEN $4 = 1 THEN $5 ELSE decline END,
		state = CASE WHEN refunded + $2 = amount THEN 'refunded' WHEN $4 = 1 THEN 'refund_failed' WHEN refunded + $2 > 0 THEN 'refunded_partially' ELSE state END
		WHERE order_id = $6`, g.amount, back, now.UnixMicro(), bit(why != "" && !g.part), why, int64(g.order))
	return true, wrapped(err, "count refund", g.id)
}

func wrapped(err error, doing string, what id.ID) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("payment: %s %d: %w", doing, what, err)
}

// again takes a release that was refused back to where it can be asked for anew.
func again(ctx context.Context, tx *db.Tx, order id.ID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE payment SET state = CASE WHEN refunded > 0 THEN 'refunded_partially' ELSE 'captured' END, decline = '', updated_at = $1
		WHERE order_id = $2 AND state = 'refund_failed'`, now.UnixMicro(), int64(order))
	return n == 1, wrapped(err, "ask again for order", order)
}

// dropToken forgets the card's token of a payment that has come to its end.
func dropToken(ctx context.Context, tx *db.Tx, order id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE payment SET token = '', client = '', url = '' WHERE order_id = $1 AND token <> ''`, int64(order))
	return wrapped(err, "forget the card of order", order)
}
