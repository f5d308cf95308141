package order

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// move is one move of one order, to be made in a transaction.
type move struct {
	verb  Verb
	what  string // the event
	actor id.ID
	at    time.Time // when it truly happened; zero: now
	note  string
	who   func(*row) (Who, error)                                    // who moves it, or why they may not
	edit  func(old, next *row, who Who) error                        // what else changes; also where a reason is checked
	then  func(ctx context.Context, tx *db.Tx, old, next *row) error // what follows, in the same transaction
}

// do makes a move. A move that was made already is a success without an event. It returns the order as it stands and whether it moved.
func (s *Service) do(ctx context.Context, tx *db.Tx, order id.ID, m move) (row, bool, error) {
	for range 5 { // between reading and writing somebody else may change something that does not matter to this move
		old, err := load(ctx, tx, order)
		if err != nil {
			return row{}, false, err
		}
		who, err := m.who(&old)
		if err != nil {
			return row{}, false, err
		}
		if Applied(old.standing(), m.verb) {
			return old, false, nil
		}
		to, err := Move(old.standing(), m.verb, who)
		if err != nil {
			return row{}, false, err
		}
		next := old
		next.state, next.movedAt = to, s.when(m.at, &old)
		if to == delivery.Cancelled {
			next.before = old.state
		}
		if m.edit != nil {
			if err := m.edit(&old, &next, who); err != nil {
				return row{}, false, err
			}
		}
		ok, err := update(ctx, tx, &old, &next)
		if err != nil {
			return row{}, false, err
		}
		if !ok {
			continue
		}
		h := happening{what: m.what, from: old.state, at: next.movedAt, actor: m.actor, note: m.note}
		if to == delivery.Cancelled {
			h.reason = next.reason
		}
		if err := s.note(ctx, tx, &next, h); err != nil {
			return row{}, false, err
		}
		if m.then != nil {
			if err := m.then(ctx, tx, &old, &next); err != nil {
				return row{}, false, err
			}
		}
		return next, true, nil
	}
	return row{}, false, changedElse(nil)
}

// when returns the true time of something that is said to have happened at t: not before the order was placed, and not in the future.
func (s *Service) when(t time.Time, r *row) time.Time {
	now := stored(s.Now())
	if t.IsZero() || t.After(now) {
		return now
	}
	if t.Before(r.placedAt) {
		return r.placedAt
	}
	return stored(t)
}

// note writes something that happened into the order's story and the event log.
func (s *Service) note(ctx context.Context, tx *db.Tx, r *row, h happening) error {
	st := Step{At: h.at, What: h.what, State: r.state, Reason: h.reason, Note: h.note}
	if err := addStep(ctx, tx, s.IDs.Next(), r.id, h.actor, st); err != nil {
		return err
	}
	return s.append(ctx, tx, r, h)
}

// by makes a move for the actor, whom verb's policy must permit it, and returns the order as they see it then.
func (s *Service) by(ctx context.Context, order id.ID, policy string, m move) (*View, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	var v *View
	var courier id.ID
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		m := m
		m.actor = actor.ID
		var who Who
		m.who = func(r *row) (_ Who, err error) {
			who, err = permit(actor, r, policy)
			if err == nil && !r.announced && r.state == delivery.Created && m.verb != Cancel {
				err = errs.New(errs.Conflict, "That can't be done: the order waits for its payment.").WithCode("wrong_state")
			}
			return who, err
		}
		r, _, err := s.do(ctx, tx, order, m)
		if err != nil {
			return err
		}
		courier = r.courier
		v, err = s.whole(ctx, tx, &r, who)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.named(ctx, v, courier)
}

// maxAhead is how far a kitchen may move an order, in minutes.
const maxAhead = 240

// Confirm accepts an order. With minutes it will be ready in so many from now, and the promise moves along; nil leaves it as quoted.
func (s *Service) Confirm(ctx context.Context, order id.ID, minutes *int) (*View, error) {
	if minutes != nil && (*minutes < 0 || *minutes > maxAhead) {
		return nil, errs.InvalidField("minutes", "Say between 0 and %d minutes.", maxAhead)
	}
	return s.by(ctx, order, "order.confirm", move{
		verb: Confirm, what: delivery.OrderConfirmed,
		edit: func(_, next *row, _ Who) error {
			if minutes != nil {
				return shift(next, s.Now().Add(time.Duration(*minutes)*time.Minute))
			}
			return nil
		},
		then: s.confirmed,
	})
}

// confirmed is what follows a confirmation: the money is taken, where it is not when the food is delivered, and nobody needs to be reminded.
func (s *Service) confirmed(ctx context.Context, tx *db.Tx, _, next *row) error {
	if err := s.forget(ctx, tx, next.id); err != nil {
		return err
	}
	return s.aim(ctx, tx, next, s.aimAt(next.state))
}

// aim tells where the payment of an order by card is to end up.
func (s *Service) aim(ctx context.Context, tx *db.Tx, r *row, aim delivery.PaymentAim) error {
	if r.method != delivery.PayByCard {
		return nil
	}
	return s.Payments.Aim(ctx, tx, r.id, aim)
}

// forget takes back remind.
func (s *Service) forget(ctx context.Context, tx *db.Tx, order id.ID) error {
	for _, kind := range []string{dueKind, refuseKind} {
		if err := s.Jobs.CancelUnique(ctx, tx, kind+":"+order.String()); err != nil {
			return err
		}
	}
	return nil
}

// shift has an order ready at another time, and its promise moves by as much. A promised slot is never moved to an earlier time.
func shift(next *row, ready time.Time) error {
	by := stored(ready).Sub(next.readyAt)
	b, err := next.bought()
	if err != nil {
		return err
	}
	next.readyAt = next.readyAt.Add(by)
	if by > 0 || b.ASAP {
		next.promiseFrom, next.promiseTo = next.promiseFrom.Add(by), next.promiseTo.Add(by)
	}
	return nil
}

// Why is why an order is refused or cancelled.
type Why struct {
	Reason string
	Note   string
	Items  []id.ID // with SOLD_OUT: what is; it is sold out for others, too
}

// Refuse turns down an order that was not confirmed. It returns an Invalid error for a reason that is none for that.
func (s *Service) Refuse(ctx context.Context, order id.ID, why Why) (*View, error) {
	why.Note = text.Clean(why.Note, 300)
	return s.by(ctx, order, "order.refuse", move{
		verb: Refuse, what: delivery.OrderCancelled, note: why.Note, edit: because(Refuse, why),
		then: func(ctx context.Context, tx *db.Tx, old, next *row) error {
			if err := s.forget(ctx, tx, next.id); err != nil {
				return err
			}
			if err := s.cancelled(ctx, tx, old, next); err != nil {
				return err
			}
			if len(why.Items) == 0 || s.opt.SellOut == nil {
				return nil
			}
			return s.opt.SellOut(ctx, tx, next.restaurant, why.Items)
		},
	})
}

// Cancel ends an order that was not delivered. The restaurant and the town give a reason; a customer need not.
func (s *Service) Cancel(ctx context.Context, order id.ID, why Why) (*View, error) {
	why.Note = text.Clean(why.Note, 300)
	return s.by(ctx, order, "order.cancel", move{
		verb: Cancel, what: delivery.OrderCancelled, note: why.Note, edit: because(Cancel, why),
		then: func(ctx context.Context, tx *db.Tx, old, next *row) error {
			if err := s.forget(ctx, tx, next.id); err != nil {
				return err
			}
			return s.cancelled(ctx, tx, old, next)
		},
	})
}

// because checks a reason and writes it down with who is liable.
func because(verb Verb, why Why) func(_, _ *row, _ Who) error {
	return func(old, next *row, who Who) error {
		code := why.Reason
		if code == "" && verb == Cancel && who == Customer {
			code = "CUSTOMER"
		}
		reason, err := FindReason(code, old.standing(), verb, who)
		if err != nil {
			return err
		}
		if err := checkItems(next, reason, why.Items); err != nil {
			return err
		}
		next.reason, next.liable, next.note = reason.Code, string(reason.Liable), why.Note
		return nil
	}
}

// checkItems refuses items that are not of the order, so that nobody sells out another's dish.
func checkItems(r *row, reason Reason, items []id.ID) error {
	if len(items) == 0 {
		return nil
	}
	if reason.Code != "SOLD_OUT" {
		return errs.InvalidField("items", "Only with the reason SOLD_OUT.")
	}
	b, err := r.bought()
	if err != nil {
		return err
	}
	for i, it := range items {
		if !slices.ContainsFunc(b.Lines, func(l delivery.QuoteLine) bool { return l.Item == it }) {
			return errs.InvalidField("items["+strconv.Itoa(i)+"]", "That is not part of this order.")
		}
	}
	return nil
}

// cancelled is what follows a cancelled order: food that was not cooked goes back to stock, money that is not kept to its owner.
func (s *Service) cancelled(ctx context.Context, tx *db.Tx, old, next *row) error {
	if !cooked(old.state) {
		if err := s.give(ctx, tx, old); err != nil {
			return err
		}
	}
	if Reasoned(next.reason).Keep {
		if err := s.Books.Earn(ctx, tx, next.id, next.courier, next.movedAt); err != nil {
			return err
		}
		return s.aim(ctx, tx, next, delivery.AimCapture)
	}
	if err := s.unclaim(ctx, tx, old, next); err != nil {
		return err
	}
	return s.aim(ctx, tx, next, delivery.AimRelease)
}

// Prepare says that the kitchen cooks.
func (s *Service) Prepare(ctx context.Context, order id.ID) (*View, error) {
	return s.by(ctx, order, "order.prepare", move{verb: Prepare, what: delivery.OrderPreparing})
}

// MarkReady says that the food stands on the counter.
func (s *Service) MarkReady(ctx context.Context, order id.ID) (*View, error) {
	return s.by(ctx, order, "order.ready", move{verb: Finish, what: delivery.OrderReady, edit: func(_, next *row, _ Who) error {
		next.readyAt = next.movedAt
		return nil
	}})
}

// Collect says that the customer has collected the order at the counter, shown by the four digits that they know. It returns an Invalid
// error "wrong_code" for others, and a TooMany error after ten of those.
func (s *Service) Collect(ctx context.Context, order id.ID, code string) (*View, error) {
	var r row
	v, err := s.by(ctx, order, "order.deliver", move{
		verb: Collect, what: delivery.OrderDelivered,
		edit: func(_, next *row, _ Who) error { return s.checkCode(next.id, code, next.pickupCode) },
		then: func(ctx context.Context, tx *db.Tx, _, next *row) error {
			r = *next
			return s.delivered(ctx, tx, next, access.From(ctx).ID)
		},
	})
	if err == nil && r.id != 0 {
		s.forgetTries(r.id)
	}
	return v, err
}

// delivered is what follows when the customer has the food: what was due is paid, and after a while the order is concluded.
func (s *Service) delivered(ctx context.Context, tx *db.Tx, r *row, by id.ID) error {
	if r.due() > 0 {
		c := delivery.Charge{Order: r.id, Method: r.method, Amount: r.due(), Currency: r.currency, Customer: r.account, Restaurant: r.restaurant}
		if err := s.Payments.Collect(ctx, tx, c, by, r.movedAt); err != nil {
			return err
		}
	}
	if err := s.aim(ctx, tx, r, delivery.AimCapture); err != nil {
		return err
	}
	if err := s.Books.Earn(ctx, tx, r.id, r.courier, r.movedAt); err != nil {
		return err
	}
	return s.concludeLater(ctx, tx, r.id)
}

// Later is how far an order is moved: to be ready at a time, or so many minutes later than it was to be.
type Later struct {
	ReadyAt time.Time
	Minutes int
	Note    string
}

// Delay moves the time at which an order will be ready, and its promise with it; its state stays. To set the time that it has already is
// no event. It returns a Conflict error once the order has left the kitchen.
func (s *Service) Delay(ctx context.Context, order id.ID, later Later) (*View, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if later.ReadyAt.IsZero() == (later.Minutes == 0) {
		return nil, errs.InvalidFields([]errs.Field{{Path: "minutes", Message: "Say by how many minutes, or ready_at, and not both."}})
	}
	later.Note = text.Clean(later.Note, 300)
	var v *View
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		old, err := load(ctx, tx, order)
		if err != nil {
			return err
		}
		who, err := permit(actor, &old, "order.delay")
		if err != nil {
			return err
		}
		if !CanDelay(old.state, who) || !old.announced {
			return errs.New(errs.Conflict, "Its time can't be moved: the order is %s.", Phrase(old.state)).WithCode("wrong_state")
		}
		ready, field := stored(later.ReadyAt), "ready_at"
		if later.Minutes != 0 {
			ready, field = old.readyAt.Add(time.Duration(later.Minutes)*time.Minute), "minutes"
		}
		if ready.Before(s.Now()) || ready.Sub(old.readyAt) > maxAhead*time.Minute || ready.Sub(old.readyAt) < -maxAhead*time.Minute {
			return errs.InvalidField(field, "It must be ready in the future, and at most %d minutes later than it was to be.", maxAhead)
		}
		next := old
		if !ready.Equal(old.readyAt) {
			if err := shift(&next, ready); err != nil {
				return err
			}
			if ok, err := update(ctx, tx, &old, &next); err != nil || !ok {
				return changedElse(err)
			}
			if err := s.note(ctx, tx, &next, happening{what: delivery.OrderDelayed, at: stored(s.Now()), actor: actor.ID, note: later.Note}); err != nil {
				return err
			}
		}
		v, err = s.whole(ctx, tx, &next, who)
		return err
	})
	return v, err
}

// Restore takes up an order that was cancelled by mistake, where it stood, within Options.RestoreWithin. Food and place in the kitchen are
// taken again (Conflict error "sold_out" or "slot_full"), a card that was let go is authorised again first (Invalid error
// "card_declined"); what was refunded stays so (Conflict error "refunded").
func (s *Service) Restore(ctx context.Context, order id.ID) (*View, error) {
	byCard, err := s.mayRestore(ctx, order)
	if err != nil {
		return nil, err
	}
	if !byCard {
		return s.restore(ctx, order)
	}
	v, err := s.restorePaid(ctx, order)
	if err != nil {
		// Whatever was held for it is let go, unless the order came back after all.
		undo := s.DB.Write(ctx, func(tx *db.Tx) error {
			r, err := load(ctx, tx, order)
			if err != nil || r.state != delivery.Cancelled || Reasoned(r.reason).Keep {
				return err
			}
			return s.Payments.Aim(ctx, tx, order, delivery.AimRelease)
		})
		if undo != nil {
			return nil, undo
		}
	}
	return v, err
}

// mayRestore checks what can be checked before money moves, and reports whether a card is to be authorised first.
func (s *Service) mayRestore(ctx context.Context, order id.ID) (byCard bool, err error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return false, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := load(ctx, tx, order)
		if err != nil {
			return err
		}
		who, err := permit(actor, &r, "order.restore")
		if err != nil || Applied(r.standing(), Restore) {
			return err
		}
		if _, err := Move(r.standing(), Restore, who); err != nil {
			return err
		}
		byCard = r.method == delivery.PayByCard
		return s.inTime(&r)
	})
	return byCard, err
}

// inTime returns a Conflict error for a cancelled order that can't be restored any more.
func (s *Service) inTime(r *row) error {
	if until := s.restoreUntil(r); s.Now().After(until) {
		return errs.New(errs.Conflict, "It is too late to take up this order again.").WithCode("too_late")
	}
	return nil
}

// restorePaid brings the payment of a cancelled order back to where it was, and then the order.
func (s *Service) restorePaid(ctx context.Context, order id.ID) (*View, error) {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		r, err := load(ctx, tx, order)
		if err != nil {
			return err
		}
		if err := s.Payments.Aim(ctx, tx, order, s.aimAt(r.before)); err != nil {
			return err
		}
		return s.settleLater(ctx, tx, order)
	})
	if err != nil {
		return nil, err
	}
	var paid delivery.Payment
	err = s.Payments.Settle(ctx, order, func(_ context.Context, _ *db.Tx, p delivery.Payment) error {
		paid = p
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch paid.State {
	case delivery.PaymentFailed:
		return nil, declined(paid.Decline)
	case delivery.PaymentAction: // nobody is at their bank: the customer orders anew
		return nil, declined("not_confirmed")
	case delivery.PaymentAuthorised, delivery.PaymentCaptured:
		return s.restore(ctx, order)
	}
	return nil, errRefunded
}

// restore makes the move of Restore.
func (s *Service) restore(ctx context.Context, order id.ID) (*View, error) {
	return s.by(ctx, order, "order.restore", move{
		verb: Restore, what: delivery.OrderRestored,
		edit: func(old, next *row, _ Who) error {
			if err := s.inTime(old); err != nil {
				return err
			}
			next.reason, next.liable, next.note, next.warned = "", "", "", false
			if next.state == delivery.Created {
				next.confirmBy = stored(s.Now().Add(s.patience().RefuseAfter))
			}
			return nil
		},
		then: func(ctx context.Context, tx *db.Tx, old, next *row) error {
			if err := s.retake(ctx, tx, next); err != nil {
				return err
			}
			if err := s.resell(ctx, tx, old, next); err != nil {
				return err
			}
			if !cooked(next.state) {
				b, err := next.bought()
				if err != nil {
					return err
				}
				if err := s.take(ctx, tx, next, b.portions()); err != nil {
					return err
				}
			}
			if next.state == delivery.Created {
				return s.remind(ctx, tx, next)
			}
			return nil
		},
	})
}

// aimAt returns where the payment of an order in a state is to end up.
func (s *Service) aimAt(state delivery.State) delivery.PaymentAim {
	late := s.opt.CaptureLate != nil && s.opt.CaptureLate() && state != delivery.Delivered
	if state == delivery.Created || late {
		return delivery.AimHold
	}
	return delivery.AimCapture
}

// retake makes sure, as an order is restored, that its card's money is there and stays, and that nothing of its price was given back.
func (s *Service) retake(ctx context.Context, tx *db.Tx, r *row) error {
	if s.opt.Refunded != nil {
		back, err := s.opt.Refunded(ctx, tx, r.id)
		if err == nil && back {
			err = errRefunded
		}
		if err != nil {
			return err
		}
	}
	if r.method != delivery.PayByCard {
		return nil
	}
	if err := s.Payments.Aim(ctx, tx, r.id, s.aimAt(r.state)); err != nil {
		return err
	}
	p, err := s.Payments.Of(ctx, tx, r.id)
	if err == nil && p.State != delivery.PaymentAuthorised && p.State != delivery.PaymentCaptured {
		err = errRefunded
	}
	return err
}

var errRefunded = errs.New(errs.Conflict, "The money for this order has been given back already.").WithCode("refunded")
