package payment

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Schema holds the tables of payments and of the sandbox.
//
//go:embed schema/*.sql
var Schema embed.FS

// Books hears of money that came in and went back, in the transaction that stores it. delivery/ledger keeps them.
type Books interface {
	Take(ctx context.Context, tx *db.Tx, m delivery.Taken) error
	Return(ctx context.Context, tx *db.Tx, m delivery.Returned) error
}

// Named is a provider and what it is called in the books: "sandbox", "stripe".
type Named struct {
	Name string
	Provider
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB        *db.DB
	IDs       *id.Source
	Now       clock.Func
	Log       *events.Log
	Jobs      *jobs.Queue
	Books     Books
	Providers []Named // the first charges new cards; the others are asked about what they charged before
}

// Options tie payments to the rest of the house.
type Options struct {
	// Settle settles an order's payment and does with the order what follows from it; nil: the payment alone is settled.
	Settle func(ctx context.Context, order id.ID) error
	// Refunded, where not nil, hears in the transaction that stores it what became of a refund that Refund was asked for; why is "" where the
	// money went back.
	Refunded func(ctx context.Context, tx *db.Tx, refund id.ID, why string) error
	// Audit notes a deed in its transaction. Nil: deeds are not noted.
	Audit func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
}

// Service keeps the payments. Safe for concurrent use.
type Service struct {
	Deps
	opt Options
}

// New returns a Service.
func New(d Deps, o Options) *Service {
	s := &Service{Deps: d, opt: o}
	if s.opt.Settle == nil {
		s.opt.Settle = func(ctx context.Context, order id.ID) error { return s.Settle(ctx, order, nil) }
	}
	return s
}

// provider returns the provider with a name, or an error where the server knows it no more.
func (s *Service) provider(name string) (Provider, error) {
	for _, p := range s.Providers {
		if p.Name == name {
			return p.Provider, nil
		}
	}
	return nil, fmt.Errorf("payment: no provider %q is set up", name)
}

// Open writes down, in the order's transaction, that a card is to be charged; nothing is asked of the provider yet. The aim is to hold; a
// share in a group order is to be captured.
func (s *Service) Open(ctx context.Context, tx *db.Tx, c delivery.Charge) error {
	aim := delivery.AimHold
	if c.Group != 0 {
		aim = delivery.AimCapture
	}
	return insert(ctx, tx, row{Payment: delivery.Payment{
		Order: c.Order, Group: c.Group, Method: c.Method, State: delivery.PaymentNew, Aim: aim, Amount: c.Amount, Currency: c.Currency,
		Provider: s.Providers[0].Name,
	}, token: c.Token, customer: c.Customer, restaurant: c.Restaurant, save: c.Save}, s.Now())
}

// Collect records money that by took at the door or the counter. To record it twice changes nothing.
func (s *Service) Collect(ctx context.Context, tx *db.Tx, c delivery.Charge, by id.ID, at time.Time) error {
	n, err := collect(ctx, tx, row{Payment: delivery.Payment{
		Order: c.Order, Method: c.Method, State: delivery.PaymentCaptured, Aim: delivery.AimCapture, Amount: c.Amount, Currency: c.Currency,
	}, customer: c.Customer, restaurant: c.Restaurant}, by, at)
	if err != nil || n == 0 {
		return err
	}
	if err := s.Books.Take(ctx, tx, delivery.Taken{Order: c.Order, Method: c.Method, Amount: c.Amount, Currency: c.Currency, By: by, At: at}); err != nil {
		return err
	}
	return s.Log.Append(ctx, tx, s.Now(), by, delivery.PaymentChanged{
		Order: c.Order, Method: c.Method, From: delivery.PaymentNew, State: delivery.PaymentCaptured, Amount: c.Amount, Currency: c.Currency, By: by, At: at,
	})
}

// Aim says, in the order's transaction, where its payment is to end up; a job sees to it. An order without a payment (to be paid at the
// door) is left alone.
func (s *Service) Aim(ctx context.Context, tx *db.Tx, order id.ID, aim delivery.PaymentAim) error {
	n, err := setAim(ctx, tx, order, aim, s.Now())
	if err != nil || n == 0 {
		return err
	}
	return s.settleSoon(ctx, tx, order)
}

func (s *Service) settleSoon(ctx context.Context, tx *db.Tx, order id.ID) error {
	_, err := s.Jobs.Enqueue(ctx, tx, settleKind, settleArgs{order}, jobs.Opts{})
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

// ByRef returns the payment that a provider knows under ref, or a NotFound error.
func (s *Service) ByRef(ctx context.Context, provider, ref string) (p delivery.Payment, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := findByRef(ctx, tx, provider, ref)
		p = r.Payment
		return err
	})
	if errors.Is(err, db.ErrNoRow) || ref == "" {
		return delivery.Payment{}, errs.New(errs.NotFound, "There is no payment for this order.")
	}
	return p, err
}

// Refund has a part of what was captured from a card given back, in the caller's transaction; a job asks the provider. refund names it, and
// to name it twice is an error. It returns a Conflict error (code "too_much") where there is not so much left to give back, or the order's
// payment is not captured or is being released anyway.
func (s *Service) Refund(ctx context.Context, tx *db.Tx, order, refund id.ID, amount money.Amount) error {
	ok, err := reserve(ctx, tx, order, amount, delivery.AimCapture, s.Now())
	if err != nil {
		return err
	}
	if !ok {
		return errs.New(errs.Conflict, "There is not so much left to give back.").WithCode("too_much")
	}
	if err := addRefund(ctx, tx, giving{id: refund, order: order, part: true, amount: amount}, s.Now()); err != nil {
		return err
	}
	return s.settleSoon(ctx, tx, order)
}

// Again has a provider asked once more for a release that it refused, under a new key. It returns a Conflict error for any other payment.
func (s *Service) Again(ctx context.Context, order id.ID) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		ok, err := again(ctx, tx, order, s.Now())
		if err != nil {
			return err
		}
		if !ok {
			return errs.New(errs.Conflict, "Nothing was refused for this payment.").WithCode("wrong_state")
		}
		return s.settleSoon(ctx, tx, order)
	})
}
