package refund

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// lock stores what was paid for an order, has others who refund something of it wait until tx has ended, and returns what is left of it.
func lock(ctx context.Context, tx *db.Tx, order id.ID, paid money.Amount) (money.Amount, error) {
	_, err := tx.Exec(ctx, `INSERT INTO refund_total (order_id, paid, given) VALUES ($1, $2, 0) ON CONFLICT (order_id) DO UPDATE SET paid = excluded.paid`, int64(order), paid)
	if err != nil {
		return 0, fmt.Errorf("refund: count what was paid for order %d: %w", order, err)
	}
	paid, given, err := total(ctx, tx, order)
	return paid - given, err
}

// take takes an amount from what is left of an order, and reports whether so much was.
func take(ctx context.Context, tx *db.Tx, order id.ID, amount money.Amount) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE refund_total SET given = given + $1 WHERE order_id = $2 AND $1 > 0 AND given + $1 <= paid`, amount, int64(order))
	if err != nil {
		return false, fmt.Errorf("refund: take from order %d: %w", order, err)
	}
	return n == 1, nil
}

// giveUp takes back what take took.
func giveUp(ctx context.Context, tx *db.Tx, order id.ID, amount money.Amount) error {
	if _, err := tx.Exec(ctx, `UPDATE refund_total SET given = given - $1 WHERE order_id = $2`, amount, int64(order)); err != nil {
		return fmt.Errorf("refund: give up a refund of order %d: %w", order, err)
	}
	return nil
}

// total returns what was paid for an order and what of it was given back, as far as refunds know.
func total(ctx context.Context, tx *db.Tx, order id.ID) (paid, given money.Amount, err error) {
	err = tx.Row(ctx, `SELECT paid, given FROM refund_total WHERE order_id = $1`, int64(order)).Scan(&paid, &given)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return 0, 0, fmt.Errorf("refund: sum up order %d: %w", order, err)
	}
	return paid, given, nil
}

func insert(ctx context.Context, tx *db.Tx, r *Refund) error {
	lines, err := json.Marshal(r.Lines)
	if err != nil {
		return fmt.Errorf("refund: encode lines: %w", err)
	}
	taxes, err := json.Marshal(r.Taxes)
	if err != nil {
		return fmt.Errorf("refund: encode taxes: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO refund (id, order_id, restaurant, amount, currency, way, state, reason, liable, note, lines, taxes, granted_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)`,
		int64(r.ID), int64(r.Order), int64(r.restaurant), r.Amount, r.Currency, r.To, r.State, r.Reason, string(r.Liable), r.Note, string(lines), string(taxes), int64(r.By), r.At.UnixMicro())
	if err != nil {
		return fmt.Errorf("refund: store one of order %d: %w", r.Order, err)
	}
	return nil
}

const columns = `id, order_id, restaurant, amount, currency, way, state, reason, liable, note, why, lines, taxes, granted_by, created_at`

func scan(s db.Scanner) (r Refund, err error) {
	var key, order, restaurant, by, at int64
	var liable, lines, taxes string
	err = s.Scan(&key, &order, &restaurant, &r.Amount, &r.Currency, &r.To, &r.State, &r.Reason, &liable, &r.Note, &r.Why, &lines, &taxes, &by, &at)
	if err != nil {
		return r, err
	}
	r.ID, r.Order, r.restaurant, r.By, r.At, r.Liable = id.ID(key), id.ID(order), id.ID(restaurant), id.ID(by), time.UnixMicro(at).UTC(), delivery.Party(liable)
	return r, errors.Join(json.Unmarshal([]byte(lines), &r.Lines), json.Unmarshal([]byte(taxes), &r.Taxes))
}

func find(ctx context.Context, tx *db.Tx, refund id.ID) (Refund, error) {
	r, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM refund WHERE id = $1`, int64(refund))
	if err != nil {
		return r, fmt.Errorf("refund: read %d: %w", refund, err)
	}
	return r, nil
}

// list returns an order's refunds, oldest first.
func list(ctx context.Context, tx *db.Tx, order id.ID) ([]Refund, error) {
	out, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM refund WHERE order_id = $1 ORDER BY id LIMIT 500`, int64(order))
	if err != nil {
		return nil, fmt.Errorf("refund: list those of order %d: %w", order, err)
	}
	return out, nil
}

// answer stores what became of a refund and reports whether that was not known before.
func answer(ctx context.Context, tx *db.Tx, refund id.ID, state, why string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE refund SET state = $1, why = $2, updated_at = $3 WHERE id = $4 AND state = 'pending'`, state, why, now.UnixMicro(), int64(refund))
	if err != nil {
		return false, fmt.Errorf("refund: store the answer to %d: %w", refund, err)
	}
	return n == 1, nil
}

// dropNotes takes somebody's notes out of refunds.
func dropNotes(ctx context.Context, tx *db.Tx, account id.ID) error {
	if _, err := tx.Exec(ctx, `UPDATE refund SET note = '' WHERE granted_by = $1 AND note <> ''`, int64(account)); err != nil {
		return fmt.Errorf("refund: drop the notes of %d: %w", account, err)
	}
	return nil
}

// grantedBy returns the refunds with a note that somebody granted.
func grantedBy(ctx context.Context, tx *db.Tx, account id.ID) ([]Refund, error) {
	out, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM refund WHERE granted_by = $1 AND note <> '' ORDER BY id LIMIT 5000`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("refund: list those of %d: %w", account, err)
	}
	return out, nil
}
