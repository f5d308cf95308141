package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Sandbox is an acquirer without a bank: it keeps books of its own in the same database, and answers by the card's token.
//
//	tok_ok                   authorised
//	tok_declined             declined
//	tok_insufficient_funds   declined
//	tok_expired              declined
//	tok_timeout              authorised, but the first answer gets lost
//
// Any other token is a card it does not know, and declined.
type Sandbox struct {
	db *db.DB
}

// NewSandbox returns a Sandbox whose books are in d.
func NewSandbox(d *db.DB) *Sandbox { return &Sandbox{db: d} }

// The states of a sandbox charge.
const (
	held     = "held"
	refused  = "refused"
	taken    = "taken"
	released = "released"
)

// declines says why a token is declined.
var declines = map[string]string{"tok_ok": "", "tok_timeout": "", "tok_declined": "declined", "tok_insufficient_funds": "insufficient_funds", "tok_expired": "expired"}

var errNoAnswer = errors.New("sandbox: no answer in time")

// Authorise holds the amount, or tells why not. For tok_timeout the first call holds the amount and returns an error.
func (s *Sandbox) Authorise(ctx context.Context, key string, c Card) (Authorisation, error) {
	var ch charge
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		decline, known := declines[c.Token]
		if !known {
			decline = "unknown_card"
		}
		ch = charge{key: key, ref: "ch_" + id.Code(16), amount: c.Amount, currency: c.Currency, state: held, decline: decline}
		if decline != "" {
			ch.state = refused
		}
		ch, err = askCharge(ctx, tx, ch)
		return err
	})
	switch {
	case err != nil:
		return Authorisation{}, err
	case ch.amount != c.Amount || ch.currency != c.Currency:
		return Authorisation{}, fmt.Errorf("sandbox: key %s was used for another amount", key)
	case c.Token == "tok_timeout" && ch.asked == 1:
		return Authorisation{}, errNoAnswer
	}
	return Authorisation{Ref: ch.ref, Decline: ch.decline}, nil
}

// Capture takes what is held.
func (s *Sandbox) Capture(ctx context.Context, key, ref string, amount money.Amount) error {
	return s.once(ctx, key, ref, "capture", amount, func(c *charge) bool {
		ok := c.state == held && amount == c.amount
		c.state, c.captured = taken, amount
		return ok
	})
}

// Void lets go of what is held.
func (s *Sandbox) Void(ctx context.Context, key, ref string) error {
	return s.once(ctx, key, ref, "void", 0, func(c *charge) bool {
		ok := c.state == held
		c.state = released
		return ok
	})
}

// Refund gives back what was captured, in parts if need be and never more than that.
func (s *Sandbox) Refund(ctx context.Context, key, ref string, amount money.Amount) error {
	return s.once(ctx, key, ref, "refund", amount, func(c *charge) bool {
		c.refunded += amount
		return c.state == taken && amount > 0 && c.refunded <= c.captured
	})
}

// once changes a charge unless that was done under the same key before. change returns false where the charge does not allow it.
func (s *Sandbox) once(ctx context.Context, key, ref, verb string, amount money.Amount, change func(*charge) bool) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		fresh, err := noteCall(ctx, tx, key, ref, verb, amount)
		if err != nil || !fresh {
			return err
		}
		c, err := findCharge(ctx, tx, ref)
		if err != nil {
			return fmt.Errorf("sandbox: find charge %s: %w", ref, err)
		}
		before := c
		if !change(&c) {
			return fmt.Errorf("sandbox: charge %s is %s: no %s of %d", ref, before.state, verb, amount)
		}
		return changeCharge(ctx, tx, before, c)
	})
}

// charge is a row of the sandbox's books.
type charge struct {
	key, ref, currency, state, decline string
	amount, asked, captured, refunded  int64
}

// askCharge stores a charge, or counts one more question about it, and returns it as it stands.
func askCharge(ctx context.Context, tx *db.Tx, c charge) (charge, error) {
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_charge (auth_key, ref, amount, currency, state, decline, asked) VALUES ($1, $2, $3, $4, $5, $6, 1)
		ON CONFLICT (auth_key) DO UPDATE SET asked = sandbox_charge.asked + 1`, c.key, c.ref, c.amount, c.currency, c.state, c.decline)
	if err != nil {
		return charge{}, fmt.Errorf("sandbox: store a charge: %w", err)
	}
	return scanCharge(tx.Row(ctx, `SELECT auth_key, ref, amount, currency, state, decline, asked, captured, refunded FROM sandbox_charge WHERE auth_key = $1`, c.key))
}

func findCharge(ctx context.Context, tx *db.Tx, ref string) (charge, error) {
	return scanCharge(tx.Row(ctx, `SELECT auth_key, ref, amount, currency, state, decline, asked, captured, refunded FROM sandbox_charge WHERE ref = $1`, ref))
}

func scanCharge(r *db.Row) (c charge, err error) {
	err = r.Scan(&c.key, &c.ref, &c.amount, &c.currency, &c.state, &c.decline, &c.asked, &c.captured, &c.refunded)
	return c, err
}

// noteCall stores that a key was used and reports whether it was not before.
func noteCall(ctx context.Context, tx *db.Tx, key, ref, verb string, amount int64) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO sandbox_call (key, ref, verb, amount) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, key, ref, verb, amount)
	if err != nil {
		return false, fmt.Errorf("sandbox: store a call: %w", err)
	}
	return n == 1, nil
}

func changeCharge(ctx context.Context, tx *db.Tx, before, c charge) error {
	n, err := tx.Exec(ctx, `UPDATE sandbox_charge SET state = $1, captured = $2, refunded = $3 WHERE ref = $4 AND state = $5 AND refunded = $6`,
		c.state, c.captured, c.refunded, c.ref, before.state, before.refunded)
	if err == nil && n == 0 {
		err = errors.New("it was changed at the same time")
	}
	if err != nil {
		return fmt.Errorf("sandbox: change charge %s: %w", c.ref, err)
	}
	return nil
}
