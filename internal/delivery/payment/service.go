package payment

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Schema holds the tables of payments and of the sandbox.
//
//go:embed schema/*.sql
var Schema embed.FS

// Service keeps the payments. Safe for concurrent use.
type Service struct {
	db       *db.DB
	log      *events.Log
	jobs     *jobs.Queue
	now      clock.Func
	provider Provider
}

// New returns a Service that charges cards through provider.
func New(d *db.DB, log *events.Log, q *jobs.Queue, now clock.Func, provider Provider) *Service {
	return &Service{db: d, log: log, jobs: q, now: now, provider: provider}
}

// settleKind is the kind of the job that brings a payment to its aim.
const settleKind = "payment.settle"

type settleArgs struct {
	Order id.ID `json:"order"`
}

// React registers the job that settles payments whose aim has changed.
func (s *Service) React(q *jobs.Queue) {
	q.Handle(settleKind, func(ctx context.Context, j jobs.Job) error {
		var a settleArgs
		if err := json.Unmarshal(j.Args, &a); err != nil {
			return jobs.Discard(err)
		}
		return s.Settle(ctx, a.Order, nil)
	})
}

// Open writes down, in the order's transaction, that a card is to be charged; nothing is asked of the provider yet. The aim is to hold.
func (s *Service) Open(ctx context.Context, tx *db.Tx, c delivery.Charge) error {
	return insert(ctx, tx, row{Payment: delivery.Payment{
		Order: c.Order, Method: c.Method, State: delivery.PaymentNew, Aim: delivery.AimHold, Amount: c.Amount, Currency: c.Currency,
	}, token: c.Token}, s.now())
}

// Collect records money that by took at the door or the counter. To record it twice changes nothing.
func (s *Service) Collect(ctx context.Context, tx *db.Tx, c delivery.Charge, by id.ID, at time.Time) error {
	n, err := collect(ctx, tx, row{Payment: delivery.Payment{
		Order: c.Order, Method: c.Method, State: delivery.PaymentCaptured, Aim: delivery.AimCapture, Amount: c.Amount, Currency: c.Currency,
	}}, by, at)
	if err != nil || n == 0 {
		return err
	}
	return s.log.Append(ctx, tx, s.now(), by, delivery.PaymentChanged{
		Order: c.Order, Method: c.Method, From: delivery.PaymentNew, State: delivery.PaymentCaptured, Amount: c.Amount, Currency: c.Currency, By: by, At: at,
	})
}

// Aim says, in the order's transaction, where its payment is to end up; a job sees to it. An order without a payment (to be paid at the
// door) is left alone.
func (s *Service) Aim(ctx context.Context, tx *db.Tx, order id.ID, aim delivery.PaymentAim) error {
	n, err := setAim(ctx, tx, order, aim, s.now())
	if err != nil || n == 0 {
		return err
	}
	_, err = s.jobs.Enqueue(ctx, tx, settleKind, settleArgs{order}, jobs.Opts{})
	return err
}

// Of returns an order's payment, or a NotFound error where there is none (yet).
func (s *Service) Of(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Payment, error) {
	r, err := find(ctx, tx, order)
	if errors.Is(err, db.ErrNoRow) {
		return delivery.Payment{}, errs.New(errs.NotFound, "Nothing has been paid for this order.")
	}
	return r.Payment, err
}

// maxSteps bounds the turns of one Settle: the longest way, from a hold that is let go to one that is captured, has four, and others may
// be first in some of them.
const maxSteps = 20

// Settle asks the provider until the payment is at its aim or can't get there (declined, refunded), and calls done, where not nil, in the
// transaction that stores the last result. done's error rolls that result back; the provider is then asked for it again later, with the
// same key. Settle must not be called inside a transaction. It returns an Unavailable error (code "payment_unclear") where the provider's
// answer is not known, and a NotFound error for an order without a payment.
func (s *Service) Settle(ctx context.Context, order id.ID, done func(context.Context, *db.Tx, delivery.Payment) error) error {
	for range maxSteps {
		var r row
		err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
			r, err = find(ctx, tx, order)
			return err
		})
		if errors.Is(err, db.ErrNoRow) {
			return errs.New(errs.NotFound, "There is no payment for this order.")
		}
		if err != nil {
			return fmt.Errorf("payment: read that of order %d: %w", order, err)
		}
		todo := r.next()
		if todo == nothing && done == nil {
			return nil
		}
		if (todo == capture || todo == void || todo == refund) && r.asking == nothing {
			// Before a question leaves the house it is written down: should its answer get lost, nothing else is asked before it is known.
			var ok bool
			err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
				ok, err = ask(ctx, tx, r, todo, s.now())
				return err
			})
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
		}
		to, err := s.carryOut(ctx, r, todo)
		if err != nil {
			return errs.New(errs.Unavailable, "The bank has not answered yet. We keep asking.").WithCode("payment_unclear").WithCause(fmt.Errorf("payment: %s for order %d: %w", todo, order, err))
		}
		settled := false
		err = s.db.Write(ctx, func(tx *db.Tx) error {
			settled = false
			now, err := s.store(ctx, tx, r, to, todo)
			if err != nil || now.next() != nothing {
				return err
			}
			settled = true
			if done == nil {
				return nil
			}
			return done(ctx, tx, now.Payment)
		})
		if err != nil || settled {
			return err
		}
	}
	return fmt.Errorf("payment: order %d is not settled after %d steps", order, maxSteps)
}

// carryOut does one step outside any transaction and returns the payment as the answer leaves it.
func (s *Service) carryOut(ctx context.Context, r row, todo step) (row, error) {
	// Made of nothing but what is stored: whoever asks again asks with the same key.
	key := fmt.Sprintf("stoa:%d:%d:%s", r.Order, r.attempt, todo)
	var err error
	switch todo {
	case authorise:
		var a Authorisation
		a, err = s.provider.Authorise(ctx, key, Card{Order: r.Order, Token: r.token, Amount: r.Amount, Currency: r.Currency})
		r.State, r.ref, r.Decline = delivery.PaymentAuthorised, a.Ref, a.Decline
		if a.Decline != "" {
			r.State = delivery.PaymentFailed
		}
	case capture:
		r.State, err = delivery.PaymentCaptured, s.provider.Capture(ctx, key, r.ref, r.Amount)
	case void:
		r.State, err = delivery.PaymentVoided, s.provider.Void(ctx, key, r.ref)
	case refund:
		r.State, err = delivery.PaymentRefunded, s.provider.Refund(ctx, key, r.ref, r.Amount-r.Refunded)
		r.Refunded = r.Amount
	case renew:
		r.State, r.ref, r.attempt = delivery.PaymentNew, "", r.attempt+1
	}
	return r, err
}

// store writes a step's result and returns the payment as it stands: as written, or as another who was first has left it.
func (s *Service) store(ctx context.Context, tx *db.Tx, from, to row, todo step) (row, error) {
	if todo != nothing {
		if !CanFollow(from.State, to.State) {
			return row{}, fmt.Errorf("payment: %s can't become %s", from.State, to.State)
		}
		n, err := update(ctx, tx, from, to, s.now())
		if err != nil {
			return row{}, err
		}
		if n == 1 {
			err := s.log.Append(ctx, tx, s.now(), 0, delivery.PaymentChanged{
				Order: to.Order, Method: to.Method, From: from.State, State: to.State, Amount: to.Amount, Currency: to.Currency, At: s.now(),
			})
			if err != nil {
				return row{}, err
			}
		}
	}
	// The aim may have changed while the provider was asked.
	return find(ctx, tx, from.Order)
}
