package refund

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/idem"
)

// Schema holds the tables of refunds.
//
//go:embed schema/*.sql
var Schema embed.FS

// Orders is what refunds ask of orders. delivery/order answers.
type Orders interface {
	// Bought returns an order as it stands in tx, or a NotFound error.
	Bought(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Bought, error)
	// Thing returns what policies ask about the order with an id or public code, or a NotFound error.
	Thing(ctx context.Context, ref string) (access.Thing, error)
	// Remark writes something into an order's story, as done by somebody.
	Remark(ctx context.Context, tx *db.Tx, order, by id.ID, what, reason, note string) error
}

// Payments is what refunds ask of payments. delivery/payment answers.
type Payments interface {
	// Of returns an order's payment, or a NotFound error.
	Of(ctx context.Context, tx *db.Tx, order id.ID) (delivery.Payment, error)
	// Refund has a part of what a card was charged given back, or returns a Conflict error (code "too_much"). Answered hears what became of it.
	Refund(ctx context.Context, tx *db.Tx, order, refund id.ID, amount money.Amount) error
}

// Books hears of refunds in the transactions that store them. delivery/ledger keeps them.
type Books interface {
	Refund(ctx context.Context, tx *db.Tx, r delivery.Refund) error
	Unrefund(ctx context.Context, tx *db.Tx, order, refund id.ID, at time.Time) error
	Return(ctx context.Context, tx *db.Tx, m delivery.Returned) error
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB       *db.DB
	IDs      *id.Source
	Now      clock.Func
	Log      *events.Log
	Orders   Orders
	Payments Payments
	Books    Books
}

// Service grants refunds. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

const route = "orders.refund"

var errNotFound = errs.New(errs.NotFound, "There is no such order here.")

func thing(order id.ID, b *delivery.Bought) access.Thing {
	return access.Thing{Kind: "order", ID: order, Owner: b.Customer, Restaurant: b.Restaurant, Courier: b.Courier}
}

// Grant gives something of an order's price back, once for each key. It returns an Invalid error that says what is wrong with the wish, a
// Conflict error (code "too_much") where so much is not left, or (code "not_paid", "cancelled", "not_yet") where nothing can be given back or not that
// way, a Forbidden error for who may not say that somebody else bears it, and idem's errors about the key.
func (s *Service) Grant(ctx context.Context, order id.ID, key string, w Wish) (*Refund, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	w.Note = text.Clean(w.Note, 300)
	if err := check(&w); err != nil {
		return nil, err
	}
	req, err := idem.New(actor.ID, route, key, struct {
		Order id.ID
		Wish  Wish
	}{order, w})
	if err != nil {
		return nil, err
	}
	r := &Refund{}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if r, err = s.grant(ctx, tx, actor, order, w); err != nil {
			return err
		}
		body, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("refund: encode an answer: %w", err)
		}
		return req.Save(ctx, tx, body, s.Now())
	})
	if err == nil {
		return r, nil
	}
	body, found, replayErr := req.Replay(ctx, s.DB)
	if replayErr != nil && (found || errs.CodeOf(replayErr) == "idempotency_mismatch") {
		return nil, replayErr
	}
	if !found {
		return nil, err
	}
	old := &Refund{}
	if err := json.Unmarshal(body, old); err != nil {
		return nil, fmt.Errorf("refund: decode a stored answer: %w", err)
	}
	return old, nil
}

func check(w *Wish) error {
	if !slices.ContainsFunc(Reasons, func(r Reason) bool { return r.Code == w.Reason }) {
		codes := make([]string, len(Reasons))
		for i, r := range Reasons {
			codes[i] = r.Code
		}
		return errs.InvalidField("reason", "Give one of these reasons: %s.", strings.Join(codes, ", "))
	}
	switch delivery.Party(w.Liable) {
	case delivery.PartyRestaurant, delivery.PartyCourier, delivery.PartyPlatform:
	default:
		return errs.InvalidField("liable", "Say who bears it: restaurant, courier or platform.")
	}
	if len(w.Lines) > 0 && w.Amount != 0 {
		return errs.InvalidField("amount", "Give lines or an amount, and not both.")
	}
	if w.Amount < 0 {
		return errs.InvalidField("amount", "Give back more than nothing, in the order's currency.")
	}
	if w.To != "" && w.To != ToCard && w.To != ToCash && w.To != ToCredit {
		return errs.InvalidField("to", "Give it back to the card, in cash or as credit.")
	}
	return nil
}

func (s *Service) grant(ctx context.Context, tx *db.Tx, actor access.Actor, order id.ID, w Wish) (*Refund, error) {
	b, err := s.Orders.Bought(ctx, tx, order)
	if err != nil {
		return nil, err
	}
	if err := access.Can(actor, "order.refund", thing(order, &b)); err != nil {
		return nil, err
	}
	if w.Liable != string(delivery.PartyRestaurant) && !ofTown(actor) {
		return nil, errs.New(errs.Forbidden, "A restaurant gives back what it bears itself. Ask a dispatcher for anything else.")
	}
	if w.Liable == string(delivery.PartyCourier) && b.Courier == 0 {
		return nil, errs.InvalidField("liable", "No courier has carried this order.")
	}
	paid, way, err := s.paid(ctx, tx, order, &b, w.To)
	if err != nil {
		return nil, err
	}
	// The row is taken first: whoever else refunds something of this order waits here, and sees this refund then.
	left, err := lock(ctx, tx, order, paid)
	if err != nil {
		return nil, err
	}
	all, err := list(ctx, tx, order)
	if err != nil {
		return nil, err
	}
	stand := slices.DeleteFunc(slices.Clone(all), func(r Refund) bool { return r.State == Failed })
	r := &Refund{
		ID: s.IDs.Next(), Order: order, Currency: b.Currency, To: way, State: Done, Reason: w.Reason, ReasonText: i18n.T(ctx, reasonText(w.Reason)),
		Liable: delivery.Party(w.Liable), Note: w.Note, By: actor.ID, At: s.Now().Truncate(time.Microsecond).UTC(), restaurant: b.Restaurant,
	}
	if r.Amount, r.Lines, r.Taxes, err = compute(&b.Sale, &w, stand, left); err != nil {
		return nil, err
	}
	ok, err := take(ctx, tx, order, r.Amount)
	if err == nil && !ok {
		err = errs.New(errs.Conflict, "There is not so much left to give back.").WithCode("too_much")
	}
	if err != nil {
		return nil, err
	}
	if way == ToCard {
		r.State = Pending
		if err := s.Payments.Refund(ctx, tx, order, r.ID, r.Amount); err != nil {
			return nil, err
		}
	}
	if err := insert(ctx, tx, r); err != nil {
		return nil, err
	}
	err = s.Books.Refund(ctx, tx, delivery.Refund{
		ID: r.ID, Order: order, Amount: r.Amount, Currency: r.Currency, Lines: r.Lines, Taxes: r.Taxes, Liable: r.Liable, Reason: r.Reason, By: actor.ID, At: r.At,
	})
	if err != nil {
		return nil, err
	}
	if way != ToCard {
		m := delivery.Returned{Order: order, Refund: r.ID, Method: delivery.PayOnDelivery, Amount: r.Amount, Currency: r.Currency, By: actor.ID, At: r.At}
		if way == ToCredit {
			m.Method = delivery.PayByCredit
		}
		if err := s.Books.Return(ctx, tx, m); err != nil {
			return nil, err
		}
	}
	if err := s.Orders.Remark(ctx, tx, order, actor.ID, "refunded", r.Reason, r.Note); err != nil {
		return nil, err
	}
	return r, s.tell(ctx, tx, r, &b)
}

func ofTown(a access.Actor) bool { return a.Has(access.RoleAdmin) || a.Has(access.RoleDispatcher) }

// paid returns what came in for an order and which way something of it goes back.
func (s *Service) paid(ctx context.Context, tx *db.Tx, order id.ID, b *delivery.Bought, way string) (money.Amount, string, error) {
	if b.Ended {
		return 0, "", errs.New(errs.Conflict, "This order was cancelled: what was paid goes back by itself.").WithCode("cancelled")
	}
	p, err := s.Payments.Of(ctx, tx, order)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return 0, "", err
	}
	sum, card := b.Credit, p.Method == delivery.PayByCard
	switch p.State {
	case delivery.PaymentCaptured, delivery.PaymentPartiallyRefunded, delivery.PaymentRefunded:
		sum += p.Amount
	}
	if sum <= 0 || !b.Sold {
		return 0, "", errs.New(errs.Conflict, "Nothing has been paid for this order yet.").WithCode("not_paid")
	}
	if way == "" {
		switch {
		case card && p.Left() > 0:
			way = ToCard
		case p.Method == delivery.PayOnDelivery:
			way = ToCash
		default:
			way = ToCredit
		}
	}
	switch {
	case way == ToCard && !card:
		return 0, "", errs.InvalidField("to", "This order was not paid by card.")
	case way != ToCard && !b.Earned:
		return 0, "", errs.New(errs.Conflict, "Until the order is delivered, something of it can only go back to the card.").WithCode("not_yet")
	}
	return sum, way, nil
}

// Answered hears from payments what became of a refund to a card; why is "" where the money went back.
func (s *Service) Answered(ctx context.Context, tx *db.Tx, refund id.ID, why string) error {
	r, err := find(ctx, tx, refund)
	if err != nil {
		return err
	}
	state := Done
	if why != "" {
		state = Failed
	}
	first, err := answer(ctx, tx, refund, state, why, s.Now())
	if err != nil || !first {
		return err
	}
	r.State, r.Why = state, why
	b, err := s.Orders.Bought(ctx, tx, r.Order)
	if err != nil {
		return err
	}
	if state == Failed {
		if err := giveUp(ctx, tx, r.Order, r.Amount); err != nil {
			return err
		}
		if !b.Ended { // else the books have taken it back together with the sale
			if err := s.Books.Unrefund(ctx, tx, r.Order, r.ID, s.Now()); err != nil {
				return err
			}
		}
		if err := s.Orders.Remark(ctx, tx, r.Order, 0, "refund_failed", why, ""); err != nil {
			return err
		}
	}
	return s.tell(ctx, tx, &r, &b)
}

func (s *Service) tell(ctx context.Context, tx *db.Tx, r *Refund, b *delivery.Bought) error {
	return s.Log.Append(ctx, tx, s.Now(), r.By, delivery.RefundChanged{
		Refund: r.ID, Order: r.Order, Code: b.Code, Restaurant: r.restaurant, Customer: b.Customer, Amount: r.Amount, Currency: r.Currency, To: r.To, State: r.State,
		Reason: r.Reason, Liable: r.Liable, At: r.At,
	})
}

// Given reports whether something of an order's price was given back, or is about to be.
func (s *Service) Given(ctx context.Context, tx *db.Tx, order id.ID) (bool, error) {
	_, given, err := total(ctx, tx, order)
	return given > 0, err
}

// Sheet is what was given back of an order and what could be.
type Sheet struct {
	Refunds  []Refund     `json:"refunds"`
	Paid     money.Amount `json:"paid" doc:"What came in for the order, credit included."`
	Left     money.Amount `json:"left" doc:"What could still be given back."`
	Currency string       `json:"currency"`
	MayGrant bool         `json:"may_grant" doc:"Whether the reader may give something back."`

	bought delivery.Bought
	given  map[int]int
	town   bool
}

// List returns an order's refunds, oldest first, for who may read the order. Who bears them is for those who work on it.
func (s *Service) List(ctx context.Context, order id.ID) (*Sheet, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	sheet := &Sheet{given: map[int]int{}, town: ofTown(actor)}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		b, err := s.Orders.Bought(ctx, tx, order)
		if err != nil {
			return err
		}
		if err := access.Can(actor, "order.read", thing(order, &b)); err != nil {
			return err
		}
		works := sheet.town || actor.WorksAt(b.Restaurant)
		if !b.Sold && actor.ID != b.Customer && !sheet.town {
			return errNotFound
		}
		sheet.bought, sheet.Currency = b, b.Currency
		if sheet.Refunds, err = list(ctx, tx, order); err != nil {
			return err
		}
		if sheet.Paid, _, err = s.paid(ctx, tx, order, &b, ""); err != nil && !errs.Is(err, errs.Conflict) {
			return err
		}
		sheet.Left = sheet.Paid
		for i := range sheet.Refunds {
			r := &sheet.Refunds[i]
			r.ReasonText = i18n.T(ctx, reasonText(r.Reason))
			if r.State != Failed {
				sheet.Left -= r.Amount
				for _, l := range r.Lines {
					sheet.given[l.Line] += l.Qty
				}
			}
			if !works {
				r.Liable, r.By, r.Why = "", 0, ""
			}
		}
		sheet.Left = max(0, sheet.Left)
		sheet.MayGrant = access.Can(actor, "order.refund", thing(order, &b)) == nil && sheet.Paid > 0
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sheet, nil
}
