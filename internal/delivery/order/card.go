package order

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// chargeWithin is how long a customer waits for their bank, in real time; the job goes on after that.
const chargeWithin = 20 * time.Second

// resumeAfter is how old an order is whose request nobody works on any more, where no other node can be asked.
const resumeAfter = 2 * time.Second

// resume goes on with the card of an order whose first request nobody works on any more: a server died over it. It reports whether there is
// such an order. Should another node still be at it, both ask the same question of the provider, and the payment is made once.
func (s *Service) resume(ctx context.Context, account id.ID, req idem.Request) (*delivery.Placed, bool, error) {
	var r row
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = loadByKey(ctx, tx, account, req.Key)
		return err
	})
	if errs.Is(err, errs.NotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	here := s.charging[r.id]
	s.mu.Unlock()
	if here || r.announced || s.Now().Sub(r.placedAt) < resumeAfter {
		return nil, false, nil
	}
	b, err := r.bought()
	if err != nil {
		return nil, false, err
	}
	body, err := s.answer(ctx, &r, b, nil)
	if err != nil {
		return nil, false, err
	}
	placed, err := s.charge(ctx, req, &draft{row: r, bought: b, body: body})
	return placed, true, err
}

// charge has a stored order's card authorised and returns the answer to its customer.
func (s *Service) charge(ctx context.Context, req idem.Request, n *draft) (*delivery.Placed, error) {
	// A customer who goes away now has ordered all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chargeWithin)
	defer cancel()
	s.mu.Lock()
	s.charging[n.row.id] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.charging, n.row.id)
		s.mu.Unlock()
	}()
	err := s.Settle(ctx, n.row.id)
	if errs.CodeOf(err) == "payment_unclear" {
		err = s.DB.Write(ctx, func(tx *db.Tx) error {
			if err := s.settleSoon(ctx, tx, n.row.id); err != nil {
				return err
			}
			return req.Ref().Finish(ctx, tx, n.body)
		})
	}
	if err != nil {
		return nil, err
	}
	body, found, err := req.Replay(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("order: %d has no answer", n.row.id)
	}
	return placedFrom(body, false)
}

// Settle asks for the outcome of an order's payment and announces or cancels the order accordingly. It may be called at any time after the
// order was stored, any number of times.
func (s *Service) Settle(ctx context.Context, order id.ID) error {
	var r row
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = load(ctx, tx, order)
		return err
	})
	if err != nil {
		return err
	}
	shop, err := s.Shops.Shop(ctx, r.restaurant)
	if err != nil {
		return err
	}
	return s.Payments.Settle(ctx, order, func(ctx context.Context, tx *db.Tx, p delivery.Payment) error {
		return s.settled(ctx, tx, order, p, shop.AutoAccept)
	})
}

// settled makes of an order what the answer of its card says, in the transaction that stores that answer.
func (s *Service) settled(ctx context.Context, tx *db.Tx, order id.ID, p delivery.Payment, auto bool) error {
	r, err := load(ctx, tx, order)
	if err != nil {
		return err
	}
	waits := r.state == delivery.Created && !r.announced
	switch {
	case waits && p.State == delivery.PaymentAuthorised:
		return s.approve(ctx, tx, r, auto)
	case waits && p.State == delivery.PaymentFailed:
		return s.decline(ctx, tx, r, p.Decline)
	case waits && p.State == delivery.PaymentAction:
		return s.awaitBank(ctx, tx, r, p)
	case r.state == delivery.Cancelled && !Reasoned(r.reason).Keep && p.Aim != delivery.AimRelease:
		// A server died between taking up the payment of a cancelled order and restoring it.
		if err := s.Payments.Aim(ctx, tx, r.id, delivery.AimRelease); err != nil {
			return err
		}
	}
	return s.finish(ctx, tx, &r, nil)
}

// awaitBank lets a customer talk to their bank for a while; an order that has no answer then is cancelled and its money let go.
func (s *Service) awaitBank(ctx context.Context, tx *db.Tx, r row, p delivery.Payment) error {
	until := r.placedAt.Add(s.patience().PayWithin)
	if s.Now().Before(until) {
		if _, err := s.Jobs.Enqueue(ctx, tx, settleKind, orderArgs{r.id}, jobs.Opts{RunAt: until, Unique: settleKind + ":bank:" + r.id.String()}); err != nil {
			return err
		}
		return s.finish(ctx, tx, &r, &p.Action)
	}
	if err := s.Payments.Aim(ctx, tx, r.id, delivery.AimRelease); err != nil {
		return err
	}
	return s.decline(ctx, tx, r, "not_confirmed")
}

// CheckPayment asks how an order's card payment stands, now that its customer has been at their bank, and returns the order. It returns an
// Unavailable error (code "payment_unclear") where the bank does not answer.
func (s *Service) CheckPayment(ctx context.Context, order id.ID) (*View, error) {
	v, err := s.Get(ctx, order)
	if err != nil || !v.Awaiting {
		return v, err
	}
	if err := s.Settle(ctx, order); err != nil {
		return nil, err
	}
	return s.Get(ctx, order)
}

// approve announces an order whose card is authorised. Its restaurant has its full time to answer from now.
func (s *Service) approve(ctx context.Context, tx *db.Tx, r row, auto bool) error {
	next := r
	now := stored(s.Now())
	next.announced, next.movedAt = true, now
	next.confirmBy = r.confirmBy.Add(now.Sub(r.placedAt))
	if auto {
		next.state = delivery.Confirmed
	}
	if ok, err := update(ctx, tx, &r, &next); err != nil || !ok {
		return changedElse(err)
	}
	b, err := next.bought()
	if err != nil {
		return err
	}
	if err := s.announce(ctx, tx, &next, b, auto); err != nil {
		return err
	}
	if auto {
		if err := s.aim(ctx, tx, &next, s.aimAt(next.state)); err != nil {
			return err
		}
	}
	return s.finish(ctx, tx, &next, nil)
}

// decline cancels an order whose card was declined. Its restaurant has never seen it.
func (s *Service) decline(ctx context.Context, tx *db.Tx, r row, why string) error {
	next := r
	next.state, next.before, next.movedAt = delivery.Cancelled, r.state, stored(s.Now())
	next.reason, next.liable = PaymentDeclined, string(LiableCustomer)
	if ok, err := update(ctx, tx, &r, &next); err != nil || !ok {
		return changedElse(err)
	}
	if err := s.give(ctx, tx, &r); err != nil {
		return err
	}
	if err := s.unclaim(ctx, tx, &r, &next); err != nil {
		return err
	}
	if err := s.note(ctx, tx, &next, happening{what: delivery.OrderCancelled, from: r.state, at: next.movedAt, reason: PaymentDeclined}); err != nil {
		return err
	}
	return s.ref(&r).Fail(ctx, tx, declined(why))
}

// declined returns what the customer of a declined card is told: a whole sentence, since the answer is stored without its values.
func declined(why string) *errs.Error {
	sentence := i18n.Key("Your card was declined. Try another card, or pay at the door.")
	switch why {
	case "insufficient_funds":
		sentence = i18n.Key("Your card has not enough money for this order. Try another card, or pay at the door.")
	case "not_confirmed", "authentication_failed":
		sentence = i18n.Key("Your bank has not confirmed the payment. Try again, take another card, or pay at the door.")
	case "expired":
		sentence = i18n.Key("Your card has expired. Try another card, or pay at the door.")
	}
	return errs.InvalidField("card", "%s", sentence).WithCode("card_declined")
}

// ref returns the reference of the request that placed an order.
func (s *Service) ref(r *row) idem.Ref {
	return idem.Ref{Account: r.account, Route: placeRoute, Key: r.idemKey}
}

// finish stores the answer to the request that placed an order, where it has none yet.
func (s *Service) finish(ctx context.Context, tx *db.Tx, r *row, action *delivery.CardAction) error {
	b, err := r.bought()
	if err != nil {
		return err
	}
	body, err := s.answer(ctx, r, b, action)
	if err != nil {
		return err
	}
	return s.ref(r).Finish(ctx, tx, body)
}

// settleLater has an order looked at whose payment may have got stuck.
func (s *Service) settleLater(ctx context.Context, tx *db.Tx, order id.ID) error {
	_, err := s.Jobs.Enqueue(ctx, tx, settleKind, orderArgs{order}, jobs.Opts{RunAt: s.Now().Add(s.opt.SettleAfter), Unique: settleKind + ":" + order.String()})
	return err
}

// settleSoon has an order looked at whose customer waits for an answer that got lost.
func (s *Service) settleSoon(ctx context.Context, tx *db.Tx, order id.ID) error {
	unique := settleKind + ":" + order.String()
	if err := s.Jobs.CancelUnique(ctx, tx, unique); err != nil {
		return err
	}
	_, err := s.Jobs.Enqueue(ctx, tx, settleKind, orderArgs{order}, jobs.Opts{RunAt: s.Now().Add(askAgain), Unique: unique})
	return err
}

// askAgain is how soon a provider whose answer got lost is asked again.
const askAgain = 3 * time.Second

// changedElse is what a conditional update that changed nothing means where there is nobody to tell: the transaction is tried again.
func changedElse(err error) error {
	if err != nil {
		return err
	}
	return errs.New(errs.Conflict, "Somebody else changed this order at the same time. Try again.").WithCode("changed_meanwhile")
}
