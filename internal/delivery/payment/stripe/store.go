package stripe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func isMissing(err error) bool { return errors.Is(err, db.ErrNoRow) }

func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

const chargeColumns = `auth_key, order_id, customer, destination, fee, amount, currency, live, page, ref`

func scanCharge(r db.Scanner) (c charge, err error) {
	var live int64
	err = r.Scan(&c.key, (*int64)(&c.order), &c.customer, &c.destination, &c.fee, &c.amount, &c.currency, &live, &c.page, &c.ref)
	c.live = live == 1
	return c, err
}

func addCharge(ctx context.Context, tx *db.Tx, c charge, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO stripe_charge (auth_key, order_id, customer, destination, fee, amount, currency, live, page, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		c.key, int64(c.order), c.customer, c.destination, c.fee, c.amount, c.currency, number(c.live), c.page, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("stripe: store what is asked for order %d: %w", c.order, err)
	}
	return nil
}

func chargeByKey(ctx context.Context, tx *db.Tx, key string) (charge, error) {
	return scanCharge(tx.Row(ctx, `SELECT `+chargeColumns+` FROM stripe_charge WHERE auth_key = $1`, key))
}

func chargeByRef(ctx context.Context, tx *db.Tx, ref string) (charge, error) {
	return scanCharge(tx.Row(ctx, `SELECT `+chargeColumns+` FROM stripe_charge WHERE ref = $1 AND ref <> ''`, ref))
}

func setRef(ctx context.Context, tx *db.Tx, key, ref string) error {
	if _, err := tx.Exec(ctx, `UPDATE stripe_charge SET ref = $1 WHERE auth_key = $2 AND ref = ''`, ref, key); err != nil {
		return fmt.Errorf("stripe: store the intent of %s: %w", key, err)
	}
	return nil
}

func customerOf(ctx context.Context, tx *db.Tx, account id.ID, live bool) (customer string, err error) {
	err = tx.Row(ctx, `SELECT customer FROM stripe_customer WHERE account = $1 AND live = $2`, int64(account), number(live)).Scan(&customer)
	return customer, err
}

func addCustomer(ctx context.Context, tx *db.Tx, account id.ID, live bool, customer string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO stripe_customer (account, live, customer, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		int64(account), number(live), customer, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("stripe: store the customer of account %d: %w", account, err)
	}
	return nil
}

func dropCustomer(ctx context.Context, tx *db.Tx, customer string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM stripe_customer WHERE customer = $1`, customer); err != nil {
		return fmt.Errorf("stripe: forget customer %s: %w", customer, err)
	}
	return nil
}

func customersOf(ctx context.Context, tx *db.Tx, account id.ID) ([]string, error) {
	out, err := db.All(ctx, tx, func(r db.Scanner) (c string, err error) {
		err = r.Scan(&c)
		return c, err
	}, `SELECT customer FROM stripe_customer WHERE account = $1`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("stripe: read the customers of account %d: %w", account, err)
	}
	return out, nil
}

// takeCustomers deletes what Stripe calls an account and returns it.
func takeCustomers(ctx context.Context, tx *db.Tx, account id.ID) ([]string, error) {
	out, err := customersOf(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	for _, c := range out {
		if _, err := tx.Exec(ctx, `UPDATE stripe_charge SET customer = '' WHERE customer = $1`, c); err != nil {
			return nil, fmt.Errorf("stripe: take customer %s out of charges: %w", c, err)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM stripe_customer WHERE account = $1`, int64(account)); err != nil {
		return nil, fmt.Errorf("stripe: forget the customers of account %d: %w", account, err)
	}
	return out, nil
}

func accountOf(ctx context.Context, tx *db.Tx, restaurant id.ID, live bool) (a Account, err error) {
	return scanAccount(tx.Row(ctx, `SELECT restaurant, account, ready, due FROM stripe_account WHERE restaurant = $1 AND live = $2`, int64(restaurant), number(live)))
}

func accountByID(ctx context.Context, tx *db.Tx, account string) (Account, error) {
	return scanAccount(tx.Row(ctx, `SELECT restaurant, account, ready, due FROM stripe_account WHERE account = $1`, account))
}

func scanAccount(r db.Scanner) (a Account, err error) {
	var ready int64
	err = r.Scan((*int64)(&a.Restaurant), &a.ID, &ready, &a.due)
	a.Ready = ready == 1
	return a, err
}

func addAccount(ctx context.Context, tx *db.Tx, restaurant id.ID, live bool, account string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO stripe_account (restaurant, live, account, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING`,
		int64(restaurant), number(live), account, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("stripe: store the account of restaurant %d: %w", restaurant, err)
	}
	return nil
}

func setAccount(ctx context.Context, tx *db.Tx, a Account, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE stripe_account SET ready = $1, due = $2, updated_at = $3 WHERE account = $4`, number(a.Ready), a.due, now.UnixMicro(), a.ID)
	if err != nil {
		return fmt.Errorf("stripe: store how account %s stands: %w", a.ID, err)
	}
	return nil
}

// addEvent reports whether an event is new.
func addEvent(ctx context.Context, tx *db.Tx, event, kind string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO stripe_event (id, kind, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, event, kind, now.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("stripe: store event %s: %w", event, err)
	}
	return n == 1, nil
}

func forgetEvents(ctx context.Context, tx *db.Tx, before time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM stripe_event WHERE at < $1`, before.UnixMicro()); err != nil {
		return fmt.Errorf("stripe: forget old events: %w", err)
	}
	return nil
}

const disputeColumns = `id, order_id, ref, amount, currency, reason, status, booked, created_at, due_at`

func scanDispute(r db.Scanner) (d Dispute, err error) {
	var created, due int64
	err = r.Scan(&d.ID, (*int64)(&d.Order), &d.Ref, &d.Amount, &d.Currency, &d.Reason, &d.Status, &d.booked, &created, &due)
	if d.At = time.UnixMicro(created).UTC(); due > 0 {
		d.Due = time.UnixMicro(due).UTC()
	}
	return d, err
}

func disputeByID(ctx context.Context, tx *db.Tx, ref string) (Dispute, error) {
	return scanDispute(tx.Row(ctx, `SELECT `+disputeColumns+` FROM stripe_dispute WHERE id = $1`, ref))
}

func putDispute(ctx context.Context, tx *db.Tx, d Dispute, now time.Time) error {
	var due int64
	if !d.Due.IsZero() {
		due = d.Due.UnixMicro()
	}
	_, err := tx.Exec(ctx, `INSERT INTO stripe_dispute (id, order_id, ref, amount, currency, reason, status, booked, created_at, updated_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)
		ON CONFLICT (id) DO UPDATE SET status = $7, booked = $8, updated_at = $9, due_at = $10`,
		d.ID, int64(d.Order), d.Ref, d.Amount, d.Currency, d.Reason, d.Status, d.booked, now.UnixMicro(), due)
	if err != nil {
		return fmt.Errorf("stripe: store dispute %s: %w", d.ID, err)
	}
	return nil
}

func listDisputes(ctx context.Context, tx *db.Tx, most int) ([]Dispute, error) {
	out, err := db.All(ctx, tx, scanDispute, `SELECT `+disputeColumns+` FROM stripe_dispute ORDER BY created_at DESC, id LIMIT $1`, most)
	if err != nil {
		return nil, fmt.Errorf("stripe: list disputes: %w", err)
	}
	return out, nil
}
