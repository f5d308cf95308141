package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Sandbox is an acquirer without a bank: it keeps books of its own in the same database, and answers by the card's token.
//
//	tok_ok                   authorised
//	tok_declined             declined
//	tok_insufficient_funds   declined
//	tok_expired              declined
//	tok_timeout              authorised, but the first answer gets lost
//	tok_3ds                  authorised once the customer has said so on the page that stands for their bank
//	tok_3ds_fail             declined, whatever they say there
//	tok_capture_fail         authorised; to capture it is refused, as if the hold had expired
//
// Any other token is a card it does not know, and declined. It takes a fee as acquirers do.
type Sandbox struct {
	db   *db.DB
	back func(ctx context.Context, paid id.ID) string // of the page that stands for a bank
}

// SandboxName is what the sandbox is called in the books.
const SandboxName = "sandbox"

// NewSandbox returns a Sandbox whose books are in d.
func NewSandbox(d *db.DB) *Sandbox { return &Sandbox{db: d} }

// The states of a sandbox charge.
const (
	asks     = "asks" // its customer
	held     = "held"
	refused  = "refused"
	taken    = "taken"
	released = "released"
)

// declines says why a token is declined.
var declines = map[string]string{
	"tok_ok": "", "tok_timeout": "", "tok_3ds": "", "tok_3ds_fail": "", "tok_capture_fail": "",
	"tok_declined": "declined", "tok_insufficient_funds": "insufficient_funds", "tok_expired": "expired",
}

var errNoAnswer = errors.New("sandbox: no answer in time")

// sandboxFee is what the sandbox takes of an amount: 1.4 % and 25, never more than the amount.
func sandboxFee(amount money.Amount) money.Amount { return min(amount, (amount*14+500)/1000+25) }

// Authorise holds the amount, or tells why not. For tok_timeout the first call holds the amount and returns an error.
func (s *Sandbox) Authorise(ctx context.Context, key string, c Card) (Authorisation, error) {
	if c.Ref != "" {
		return s.stands(ctx, c.Ref)
	}
	var ch charge
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		decline, known := declines[c.Token]
		if !known {
			decline = "unknown_card"
		}
		ch = charge{key: key, ref: "ch_" + id.Code(16), order: c.Order, token: c.Token, amount: c.Amount, currency: c.Currency, state: held, decline: decline}
		switch {
		case decline != "":
			ch.state = refused
		case c.Token == "tok_3ds" || c.Token == "tok_3ds_fail":
			ch.state = asks
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
	return ch.answer(), nil
}

// answer is what the sandbox says of a charge.
func (c charge) answer() Authorisation {
	a := Authorisation{Ref: c.ref, Decline: c.decline}
	if c.state == asks {
		a.Action = &delivery.CardAction{URL: "/sandbox/3ds/" + c.ref}
	}
	return a
}

func (s *Sandbox) stands(ctx context.Context, ref string) (a Authorisation, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		c, err := findCharge(ctx, tx, ref)
		if err == nil && c.state == released {
			c.decline = "canceled"
		}
		a = c.answer()
		return err
	})
	return a, err
}

// Decide is what the customer says on the page that stands for their bank. To say it again changes nothing. It returns the charge's order, and
// db.ErrNoRow for a charge that is none.
func (s *Sandbox) Decide(ctx context.Context, ref string, confirm bool) (order id.ID, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		c, err := findCharge(ctx, tx, ref)
		order = c.order
		if err != nil || c.state != asks {
			return err
		}
		before := c
		c.state = held
		if !confirm || c.token == "tok_3ds_fail" {
			c.state, c.decline = refused, "authentication_failed"
		}
		return changeCharge(ctx, tx, before, c)
	})
	return order, err
}

// charge returns the charge with ref, for the page that stands for a bank.
func (s *Sandbox) charge(ctx context.Context, ref string) (c charge, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = findCharge(ctx, tx, ref)
		return err
	})
	return c, err
}

// Capture takes what is held.
func (s *Sandbox) Capture(ctx context.Context, key, ref string, amount money.Amount) (Captured, error) {
	err := s.once(ctx, key, ref, "capture", amount, func(c *charge) error {
		if c.state != held || amount != c.amount {
			return errNotAllowed
		}
		if c.token == "tok_capture_fail" {
			return &Refusal{Code: "hold_expired", Detail: "This test card lets nothing be taken."}
		}
		c.state, c.captured = taken, amount
		return nil
	})
	return Captured{Fee: sandboxFee(amount)}, err
}

// Void lets go of what is held.
func (s *Sandbox) Void(ctx context.Context, key, ref string) error {
	return s.once(ctx, key, ref, "void", 0, func(c *charge) error {
		switch c.state {
		case held, asks, refused:
			c.state = released
			return nil
		}
		return errNotAllowed
	})
}

// Refund gives back what was captured, in parts if need be and never more than that.
func (s *Sandbox) Refund(ctx context.Context, key, ref string, amount money.Amount) (Refunded, error) {
	return Refunded{}, s.once(ctx, key, ref, "refund", amount, func(c *charge) error {
		if c.refunded += amount; c.state != taken || amount <= 0 || c.refunded > c.captured {
			return errNotAllowed
		}
		return nil
	})
}

var errNotAllowed = errors.New("that is not possible for this charge")

// once changes a charge unless that was done under the same key before. change returns why the charge does not allow it.
func (s *Sandbox) once(ctx context.Context, key, ref, verb string, amount money.Amount, change func(*charge) error) error {
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
		if err := change(&c); err != nil {
			return fmt.Errorf("sandbox: %s of %d for charge %s, which is %s: %w", verb, amount, ref, before.state, err)
		}
		return changeCharge(ctx, tx, before, c)
	})
}

// charge is a row of the sandbox's books.
type charge struct {
	key, ref, currency, state, decline, token string
	order                                     id.ID
	amount, asked, captured, refunded         int64
}

const chargeColumns = `auth_key, ref, order_id, token, amount, currency, state, decline, asked, captured, refunded`

// askCharge stores a charge, or counts one more question about it, and returns it as it stands.
func askCharge(ctx context.Context, tx *db.Tx, c charge) (charge, error) {
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_charge (auth_key, ref, order_id, token, amount, currency, state, decline, asked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
		ON CONFLICT (auth_key) DO UPDATE SET asked = sandbox_charge.asked + 1`, c.key, c.ref, int64(c.order), c.token, c.amount, c.currency, c.state, c.decline)
	if err != nil {
		return charge{}, fmt.Errorf("sandbox: store a charge: %w", err)
	}
	return scanCharge(tx.Row(ctx, `SELECT `+chargeColumns+` FROM sandbox_charge WHERE auth_key = $1`, c.key))
}

func findCharge(ctx context.Context, tx *db.Tx, ref string) (charge, error) {
	return scanCharge(tx.Row(ctx, `SELECT `+chargeColumns+` FROM sandbox_charge WHERE ref = $1`, ref))
}

func scanCharge(r *db.Row) (c charge, err error) {
	var order int64
	err = r.Scan(&c.key, &c.ref, &order, &c.token, &c.amount, &c.currency, &c.state, &c.decline, &c.asked, &c.captured, &c.refunded)
	c.order = id.ID(order)
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
	n, err := tx.Exec(ctx, `UPDATE sandbox_charge SET state = $1, captured = $2, refunded = $3, decline = $4 WHERE ref = $5 AND state = $6 AND refunded = $7`,
		c.state, c.captured, c.refunded, c.decline, c.ref, before.state, before.refunded)
	if err == nil && n == 0 {
		err = errors.New("it was changed at the same time")
	}
	if err != nil {
		return fmt.Errorf("sandbox: change charge %s: %w", c.ref, err)
	}
	return nil
}
