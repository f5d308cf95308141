package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// maxSteps bounds the turns of one Settle: the longest way, from a hold that is let go to one that is captured, has four, and others may
// be first in some of them.
const maxSteps = 20

// Settle asks the provider until the payment is at its aim or can't get there (declined, refunded, refused, or its customer has to act), and
// calls done, where not nil, in the transaction that stores the last result. done's error rolls that result back; the provider is then asked
// for it again later, with the same key. Settle must not be called inside a transaction. It returns an Unavailable error (code
// "payment_unclear") where the provider's answer is not known, and a NotFound error for an order without a payment.
func (s *Service) Settle(ctx context.Context, order id.ID, done func(context.Context, *db.Tx, delivery.Payment) error) error {
	looked := false
	for range maxSteps {
		var r row
		var back []giving
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if r, err = find(ctx, tx, order); err != nil || r.Refunding == 0 {
				return err
			}
			back, err = pending(ctx, tx, order)
			return err
		})
		if errors.Is(err, db.ErrNoRow) {
			return errs.New(errs.NotFound, "There is no payment for this order.")
		}
		if err != nil {
			return fmt.Errorf("payment: read that of order %d: %w", order, err)
		}
		todo := r.next()
		if todo == look {
			if looked {
				todo = nothing
			}
			looked = true
		}
		var settled bool
		switch {
		case todo == nothing && len(back) > 0:
			settled, err = s.giveBack(ctx, r, back[0], done)
		case todo == nothing && done == nil:
			return nil
		default:
			settled, err = s.step(ctx, r, todo, done)
		}
		if err != nil || settled {
			return err
		}
	}
	return fmt.Errorf("payment: order %d is not settled after %d steps", order, maxSteps)
}

// step takes a payment one step on and reports whether it is settled then.
func (s *Service) step(ctx context.Context, r row, todo step, done func(context.Context, *db.Tx, delivery.Payment) error) (settled bool, err error) {
	if (todo == capture || todo == void) && r.asking == nothing {
		// Before a question leaves the house it is written down: should its answer get lost, nothing else is asked before it is known.
		var ok bool
		err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
			ok, err = ask(ctx, tx, r, todo, s.Now())
			return err
		})
		if err != nil || !ok {
			return false, err
		}
	}
	to, no, err := s.carryOut(ctx, r, todo)
	if err != nil {
		return false, unclear(fmt.Errorf("payment: %s for order %d: %w", todo, r.Order, err))
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		now, err := s.store(ctx, tx, r, to, todo, no)
		if err != nil {
			return err
		}
		settled = now.settled()
		if !settled || done == nil {
			return nil
		}
		return done(ctx, tx, now.Payment)
	})
	return settled, err
}

// settled reports whether nothing is to be done about a payment, for now.
func (r row) settled() bool { return (r.next() == nothing || r.waits()) && r.Refunding == 0 }

func unclear(cause error) error {
	return errs.New(errs.Unavailable, "The bank has not answered yet. We keep asking.").WithCode("payment_unclear").WithCause(cause)
}

// carryOut does one step outside any transaction and returns the payment as the answer leaves it, with what the provider refused.
func (s *Service) carryOut(ctx context.Context, r row, todo step) (row, *Refusal, error) {
	if todo == nothing || todo == release {
		return r, nil, nil
	}
	if todo == renew {
		r.State, r.Ref, r.attempt, r.Decline = delivery.PaymentNew, "", r.attempt+1, ""
		return r, nil, nil
	}
	p, err := s.provider(r.Provider)
	if err != nil {
		return r, nil, err
	}
	// Made of nothing but what is stored: whoever asks again asks with the same key.
	key := fmt.Sprintf("stoa:%d:%d:%s", r.Order, r.attempt, todo)
	switch todo {
	case authorise, look:
		c := Card{Order: r.Order, Customer: r.customer, Restaurant: r.restaurant, Token: r.token, Amount: r.Amount, Currency: r.Currency, Save: r.save}
		if todo == look {
			c.Ref = r.Ref
		}
		var a Authorisation
		a, err = p.Authorise(ctx, key, c)
		r.State, r.Decline, r.Action = delivery.PaymentAuthorised, a.Decline, delivery.CardAction{}
		if a.Ref != "" {
			r.Ref = a.Ref
		}
		switch {
		case a.Decline != "":
			r.State = delivery.PaymentFailed
		case a.Action != nil:
			r.State, r.Action = delivery.PaymentAction, *a.Action
		}
		if no, ok := errors.AsType[*Refusal](err); ok {
			r.State, r.Decline = delivery.PaymentFailed, no.Code
			return r, no, nil
		}
	case capture:
		var c Captured
		c, err = p.Capture(ctx, key, r.Ref, r.Amount)
		r.State, r.fee, r.sent = delivery.PaymentCaptured, c.Fee, c.Sent
		if no, ok := errors.AsType[*Refusal](err); ok {
			r.State, r.Decline, r.fee, r.sent = delivery.PaymentCaptureFailed, no.Code, 0, 0
			return r, no, nil
		}
	case void:
		err = p.Void(ctx, key, r.Ref)
		r.State, r.Action = delivery.PaymentVoided, delivery.CardAction{}
		if no, ok := errors.AsType[*Refusal](err); ok { // nothing is held; why not, somebody should look
			if r.State = delivery.PaymentVoided; no.Code == "" {
				no.Code = "void_refused"
			}
			return r, no, nil
		}
	}
	return r, nil, err
}

// store writes a step's result and returns the payment as it stands: as written, or as another who was first has left it.
func (s *Service) store(ctx context.Context, tx *db.Tx, from, to row, todo step, no *Refusal) (row, error) {
	switch todo {
	case nothing:
	case release:
		if err := s.releaseRest(ctx, tx, from); err != nil {
			return row{}, err
		}
	default:
		if !CanFollow(from.State, to.State) {
			return row{}, fmt.Errorf("payment: %s can't become %s", from.State, to.State)
		}
		n, err := update(ctx, tx, from, to, s.Now())
		if err != nil {
			return row{}, err
		}
		if n == 1 {
			if err := s.stored(ctx, tx, from, to, todo, no); err != nil {
				return row{}, err
			}
		}
	}
	// The aim may have changed while the provider was asked.
	return find(ctx, tx, from.Order)
}

// stored tells books, people and everybody else of a step's result.
func (s *Service) stored(ctx context.Context, tx *db.Tx, from, to row, todo step, no *Refusal) error {
	if no != nil {
		if err := s.Report(ctx, tx, Incident{Order: to.Order, Provider: to.Provider, Ref: to.Ref, Kind: string(todo) + "_refused", Detail: no.Code + ": " + no.Detail}); err != nil {
			return err
		}
	}
	if to.State == delivery.PaymentCaptured {
		err := s.Books.Take(ctx, tx, delivery.Taken{
			Order: to.Order, Group: to.Group, Method: to.Method, Provider: to.Provider, Amount: to.Amount, Currency: to.Currency, Fee: to.fee, Sent: to.sent, At: s.Now(),
		})
		if err != nil {
			return err
		}
	}
	if from.State == to.State {
		return nil
	}
	return s.tell(ctx, tx, to, from.State, to.State)
}

func (s *Service) tell(ctx context.Context, tx *db.Tx, r row, from, to delivery.PaymentState) error {
	return s.Log.Append(ctx, tx, s.Now(), 0, delivery.PaymentChanged{
		Order: r.Order, Group: r.Group, Method: r.Method, From: from, State: to, Amount: r.Amount, Currency: r.Currency, At: s.Now(),
	})
}

// releaseRest writes down that all that is left is to be given back.
func (s *Service) releaseRest(ctx context.Context, tx *db.Tx, r row) error {
	left := r.Left()
	ok, err := reserve(ctx, tx, r.Order, left, delivery.AimRelease, s.Now())
	if err != nil || !ok {
		return err // another was first
	}
	return addRefund(ctx, tx, giving{id: s.IDs.Next(), order: r.Order, amount: left}, s.Now())
}

// giveBack asks the provider to give something back, and stores its answer.
func (s *Service) giveBack(ctx context.Context, r row, g giving, done func(context.Context, *db.Tx, delivery.Payment) error) (settled bool, err error) {
	p, err := s.provider(r.Provider)
	if err != nil {
		return false, unclear(err)
	}
	got, err := p.Refund(ctx, fmt.Sprintf("stoa:%d:refund:%d", r.Order, g.id), r.Ref, g.amount)
	no, refused := errors.AsType[*Refusal](err)
	if err != nil && !refused {
		return false, unclear(fmt.Errorf("payment: refund %d of order %d: %w", g.id, r.Order, err))
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		why := ""
		if refused {
			if why = no.Code; why == "" {
				why = "refused"
			}
		}
		first, err := answerRefund(ctx, tx, g, got.Pulled, why, s.Now())
		if err != nil {
			return err
		}
		if first {
			if err := s.gaveBack(ctx, tx, r, g, got, no, why); err != nil {
				return err
			}
		}
		now, err := find(ctx, tx, r.Order)
		if err != nil {
			return err
		}
		settled = now.settled()
		if !settled || done == nil {
			return nil
		}
		return done(ctx, tx, now.Payment)
	})
	return settled, err
}

// gaveBack tells everybody what became of a refund.
func (s *Service) gaveBack(ctx context.Context, tx *db.Tx, r row, g giving, got Refunded, no *Refusal, why string) error {
	from := r.State
	now, err := find(ctx, tx, r.Order)
	if err != nil {
		return err
	}
	if why != "" {
		if err := s.Report(ctx, tx, Incident{Order: r.Order, Provider: r.Provider, Ref: r.Ref, Kind: "refund_refused", Detail: why + ": " + no.Detail}); err != nil {
			return err
		}
	} else {
		err := s.Books.Return(ctx, tx, delivery.Returned{
			Order: r.Order, Group: r.Group, Refund: g.id, Method: r.Method, Provider: r.Provider, Amount: g.amount, Currency: r.Currency, Pulled: got.Pulled, At: s.Now(),
		})
		if err != nil {
			return err
		}
	}
	if g.part && s.opt.Refunded != nil {
		if err := s.opt.Refunded(ctx, tx, g.id, why); err != nil {
			return err
		}
	}
	return s.tell(ctx, tx, now, from, now.State)
}
