package order

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// What a courier does happens in dispatch's transaction, together with the task that it is about. Dispatch has checked who acts; here the
// order's courier must be the one named. The time is when it truly happened: a courier may have been without a net.

// Brief returns an order as those need it who carry it, or a NotFound error.
func (s *Service) Brief(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Brief, error) {
	r, err := load(ctx, tx, order)
	if err != nil {
		return delivery.Brief{}, err
	}
	return brief(&r)
}

// OpenBriefs returns every announced order that is not finished, oldest first.
func (s *Service) OpenBriefs(ctx context.Context) ([]delivery.Brief, error) {
	var rows []row
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = openRows(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]delivery.Brief, len(rows))
	for i := range rows {
		if out[i], err = brief(&rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// SetCourier says who carries an order; 0: nobody any more. To say it twice is no event, and to take the courier off an order that has
// ended changes nothing. It returns a Conflict error for an order that no courier can carry.
func (s *Service) SetCourier(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error {
	return s.amend(ctx, tx, order, delivery.OrderAssigned, at, func(r *row, _ time.Time) (bool, error) {
		if r.courier == courier || courier == 0 && !Open(r.state) {
			return false, nil
		}
		if !Open(r.state) || r.mode != delivery.ByCourier || !r.announced {
			return false, errs.New(errs.Conflict, "No courier can carry this order: it is %s.", Phrase(r.state)).WithCode("wrong_state")
		}
		if was := r.courier; was != 0 { // whose streams were let in as the order's courier
			tx.AfterCommit(func() { s.Hub.Drop(was) })
		}
		r.courier, r.headingAt, r.arrivedAt, r.eta = courier, time.Time{}, time.Time{}, time.Time{}
		return true, nil
	})
}

// Heading says that the courier heads to this customer and expects to be there at eta.
func (s *Service) Heading(ctx context.Context, tx *db.Tx, order, courier id.ID, eta, at time.Time) error {
	return s.amend(ctx, tx, order, delivery.OrderHeading, at, func(r *row, at time.Time) (bool, error) {
		if err := carries(r, courier); err != nil {
			return false, err
		}
		if !r.headingAt.IsZero() && r.eta.Equal(stored(eta)) || r.state == delivery.Delivered || r.state == delivery.Concluded {
			return false, nil
		}
		if r.headingAt.IsZero() {
			r.headingAt = at
		}
		r.eta = stored(eta)
		return true, onTheWay(r)
	})
}

// Arrived says that the courier stands at the door.
func (s *Service) Arrived(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error {
	return s.amend(ctx, tx, order, delivery.OrderArrived, at, func(r *row, at time.Time) (bool, error) {
		if err := carries(r, courier); err != nil {
			return false, err
		}
		if !r.arrivedAt.IsZero() || r.state == delivery.Delivered || r.state == delivery.Concluded {
			return false, nil
		}
		r.arrivedAt = at
		return true, onTheWay(r)
	})
}

// amend changes an order without moving it. change returns whether it did.
func (s *Service) amend(ctx context.Context, tx *db.Tx, order id.ID, what string, at time.Time, change func(*row, time.Time) (bool, error)) error {
	for range 5 {
		old, err := load(ctx, tx, order)
		if err != nil {
			return err
		}
		next, when := old, s.when(at, &old)
		if changed, err := change(&next, when); err != nil || !changed {
			return err
		}
		ok, err := update(ctx, tx, &old, &next)
		if err != nil {
			return err
		}
		if ok {
			return s.note(ctx, tx, &next, happening{what: what, at: when, actor: actorOr(ctx, next.courier)})
		}
	}
	return changedElse(nil)
}

// PickUp says that the courier has taken the order from the counter. To say it twice is no event. It returns a Conflict error where it is
// not ready ("wrong_state") or another's ("not_yours").
func (s *Service) PickUp(ctx context.Context, tx *db.Tx, order, courier id.ID, at time.Time) error {
	_, _, err := s.do(ctx, tx, order, s.carried(ctx, courier, at, move{verb: PickUp, what: delivery.OrderPickedUp}))
	return err
}

// HandOver says that the customer has the order, shown by their four digits or, failing that, by a photo, which flags the order. It
// returns an Invalid error where there is neither (field "code"), or the digits are wrong (code "wrong_code"), a TooMany error after ten
// wrong ones, and a Conflict error where the order is not on its way.
func (s *Service) HandOver(ctx context.Context, tx *db.Tx, order, courier id.ID, proof delivery.Proof, at time.Time) error {
	m := s.carried(ctx, courier, at, move{verb: HandOver, what: delivery.OrderDelivered, note: text.Clean(proof.Note, 300)})
	m.edit = func(_, next *row, _ Who) error {
		switch {
		case strings.TrimSpace(proof.Code) != "":
			return s.checkCode(next.id, proof.Code, next.handoverCode)
		case proof.Photo != "":
			next.flagged, next.proof = true, proof.Photo
			return nil
		}
		return errs.InvalidField("code", "Ask the customer for their four digits, or take a photo.")
	}
	m.then = func(ctx context.Context, tx *db.Tx, _, next *row) error {
		tx.AfterCommit(func() { s.forgetTries(next.id) })
		return s.delivered(ctx, tx, next, courier)
	}
	_, _, err := s.do(ctx, tx, order, m)
	return err
}

// FailHandOver says that the courier could not hand the order over: it is cancelled (events order.failed and order.cancelled) with who is
// liable by the reason, and can be restored like any other. It returns an Invalid error for a reason that is none for that.
func (s *Service) FailHandOver(ctx context.Context, tx *db.Tx, order, courier id.ID, reason, note string, at time.Time) error {
	note = text.Clean(note, 300)
	m := s.carried(ctx, courier, at, move{verb: Fail, what: delivery.OrderFailed, note: note})
	m.edit = because(Fail, Why{Reason: reason, Note: note})
	m.then = func(ctx context.Context, tx *db.Tx, old, next *row) error {
		h := happening{what: delivery.OrderCancelled, from: old.state, at: next.movedAt, actor: m.actor, reason: next.reason, note: note}
		if err := s.append(ctx, tx, next, h); err != nil {
			return err
		}
		return s.cancelled(ctx, tx, old, next)
	}
	_, _, err := s.do(ctx, tx, order, m)
	return err
}

// carried completes a move that an order's courier makes.
func (s *Service) carried(ctx context.Context, courier id.ID, at time.Time, m move) move {
	m.actor, m.at = actorOr(ctx, courier), at
	m.who = func(r *row) (Who, error) { return Courier, carries(r, courier) }
	return m
}

// actorOr returns who acts: the person of the request, or the courier where there is none.
func actorOr(ctx context.Context, courier id.ID) id.ID {
	if a := access.From(ctx); a.SignedIn() {
		return a.ID
	}
	return courier
}

// carries returns a Conflict error where the order is not this courier's.
func carries(r *row, courier id.ID) error {
	if courier == 0 || r.courier != courier {
		return errs.New(errs.Conflict, "Another courier has this order now.").WithCode("not_yours")
	}
	return nil
}

// onTheWay returns a Conflict error for an order that is not.
func onTheWay(r *row) error {
	if r.state != delivery.InDelivery {
		return errs.New(errs.Conflict, "That can't be done: the order is %s.", Phrase(r.state)).WithCode("wrong_state")
	}
	return nil
}

// maxCodes is how often a wrong code may be given for one order. They are counted in memory, on each node: a failed attempt leaves nothing
// in the database, and ten in ten thousand are few enough on several nodes, too.
const maxCodes = 10

// maxCounted bounds the memory of that; when it is full it begins anew.
const maxCounted = 10_000

// checkCode returns an Invalid error for a wrong code, and a TooMany error after ten of them.
func (s *Service) checkCode(order id.ID, given, want string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries[order] >= maxCodes {
		return errs.New(errs.TooMany, "That were too many wrong codes for this order. Ask the dispatcher.").WithCode("too_many_codes")
	}
	given = strings.ReplaceAll(strings.TrimSpace(given), " ", "")
	if subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1 {
		return nil
	}
	if len(s.tries) >= maxCounted {
		clear(s.tries)
	}
	s.tries[order]++
	return errs.InvalidField("code", "That is not this order's code.").WithCode("wrong_code")
}

func (s *Service) forgetTries(order id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tries, order)
}
