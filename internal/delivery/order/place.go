package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// placeRoute is under which name placed orders keep their idempotency keys.
const placeRoute = "orders.place"

// Place places an order for the actor. It is done once for each key of theirs: the same request gives the same answer again.
//
// What is wanted is quoted anew. It returns an Invalid error that names what is wrong with it (the code is that of the first problem), a
// Conflict error "quote_changed" with the new quote attached (see httpx.Attach) where that is not what fingerprint stands for, a Conflict
// error "sold_out" or "slot_full" where somebody else was faster, an Invalid error "card_declined", and idem's errors about the key. An
// order whose card has not answered is Pending; it is announced to the restaurant, or cancelled, when the answer is known.
func (s *Service) Place(ctx context.Context, key string, in delivery.PlaceRequest) (*delivery.Placed, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := access.Can(actor, "order.place", access.Thing{Kind: "order"}); err != nil {
		return nil, err
	}
	req, err := idem.New(actor.ID, placeRoute, key, in)
	if err != nil {
		return nil, err
	}
	placed, err := s.place(ctx, actor, req, in)
	if err == nil {
		return placed, nil
	}
	// Whatever stands in the way by now, one who was answered already gets that answer. Only those who fail pay for looking.
	body, found, replayErr := req.Replay(ctx, s.DB)
	if errs.CodeOf(replayErr) == "idempotency_running" {
		if placed, ok, err := s.resume(ctx, actor.ID, req); ok || err != nil {
			return placed, err
		}
	}
	switch {
	case replayErr != nil:
		return nil, replayErr
	case found:
		return placedFrom(body, true)
	}
	return nil, err
}

// maxTries bounds how often an order is written: a quote that became old in the moment, or a code that is taken.
const maxTries = 6

func (s *Service) place(ctx context.Context, actor access.Actor, req idem.Request, in delivery.PlaceRequest) (*delivery.Placed, error) {
	if err := tidy(&in, actor); err != nil {
		return nil, err
	}
	var again error
	for range maxTries {
		q, err := s.quote(ctx, &in)
		if err != nil {
			return nil, err
		}
		credit, pot, err := s.credit(ctx, actor.ID, &in, q)
		if err != nil {
			return nil, err
		}
		n, err := s.draft(ctx, actor, req, &in, q, credit, pot)
		if err != nil {
			return nil, err
		}
		err = s.DB.Write(ctx, func(tx *db.Tx) error { return s.store(ctx, tx, req, n, q) })
		switch {
		case err == nil && n.row.method == delivery.PayByCard:
			return s.charge(ctx, req, n)
		case err == nil:
			return &delivery.Placed{Order: n.row.id, Code: ShowCode(n.row.code), Token: n.row.code + n.row.secret, Body: n.body}, nil
		case errs.CodeOf(err) == "changed", db.IsUnique(err):
			again = err
			continue
		}
		return nil, err
	}
	return nil, fmt.Errorf("order: not placed after %d tries: %w", maxTries, again)
}

// tidy cleans what people typed and checks what the quote does not.
func tidy(in *delivery.PlaceRequest, actor access.Actor) error {
	in.Note = text.Clean(in.Note, 300)
	in.Lines = slices.Clone(in.Lines) // the caller's stay as they are: a request sent again must be the same
	for i := range in.Lines {
		in.Lines[i].Note = text.Clean(in.Lines[i].Note, 200)
	}
	in.Name, in.Phone = text.Clean(in.Name, 80), text.Clean(in.Phone, 40)
	if in.Mode == delivery.Pickup {
		in.To = nil
	}
	if in.To != nil {
		to := *in.To
		to.Street, to.City, to.Detail = text.Clean(to.Street, 120), text.Clean(to.City, 80), text.Clean(to.Detail, 120)
		to.Notes, to.Name, to.Phone = text.Clean(to.Notes, 300), text.Clean(to.Name, 80), text.Clean(to.Phone, 40)
		in.To = &to
		if in.Name == "" {
			in.Name = to.Name
		}
		if in.Phone == "" {
			in.Phone = to.Phone
		}
	}
	if in.Name == "" {
		in.Name = actor.Name
	}
	switch in.Method {
	case delivery.PayOnDelivery:
		in.Card = ""
	case delivery.PayByCard:
		if in.Card == "" || len(in.Card) > 64 || text.Clean(in.Card, 64) != in.Card {
			return errs.InvalidField("card", "Give a card to pay with.")
		}
	default:
		return errs.InvalidField("method", "Pay on_delivery or by card.")
	}
	if in.Fingerprint == "" {
		return errs.InvalidField("fingerprint", "Ask for a quote first and send its fingerprint.")
	}
	return nil
}

// quote returns what the order costs now, or why it can't be placed.
func (s *Service) quote(ctx context.Context, in *delivery.PlaceRequest) (*delivery.Quote, error) {
	q, err := s.Quoter.Quote(ctx, in.QuoteRequest)
	if err != nil {
		return nil, err
	}
	if len(q.Problems) > 0 {
		first := q.Problems[0]
		e := &errs.Error{Kind: errs.Invalid, Code: first.Code, Message: first.Message, Format: first.Format, Args: first.Args}
		for _, p := range q.Problems {
			path := p.Path
			if path == "" {
				path = "body"
			}
			e.Fields = append(e.Fields, errs.Field{Path: path, Message: p.Message, Format: p.Format, Args: p.Args})
		}
		return nil, e
	}
	if !s.Quoter.Unchanged(in.Fingerprint, q) {
		e := errs.New(errs.Conflict, "Something has changed since you looked. Look again, and order if you still like it.").WithCode("quote_changed")
		return nil, httpx.Attach(e, q)
	}
	if q.Total < 0 {
		return nil, fmt.Errorf("order: a quote of restaurant %d has a negative total", in.Restaurant)
	}
	return q, nil
}

// draft is an order that is not stored yet.
type draft struct {
	row      row
	bought   *Snapshot
	body     []byte // the answer to its customer
	auto     bool   // confirmed as it is placed
	card     string
	save     bool // keep the card for next time
	portions []delivery.Portion
}

// draft makes the order: everything that needs no transaction, so that the one writer of SQLite is held for the statements alone.
func (s *Service) draft(ctx context.Context, actor access.Actor, req idem.Request, in *delivery.PlaceRequest, q *delivery.Quote, credit, pot money.Amount) (*draft, error) {
	shop, err := s.Shops.Shop(ctx, in.Restaurant)
	if err != nil {
		return nil, err
	}
	now, method := s.Now(), in.Method
	if credit == q.Total && credit > 0 {
		method = delivery.PayByCredit
	}
	b := &Snapshot{
		Seller: Seller{ID: shop.ID, Slug: shop.Slug, Name: shop.Name, Phone: shop.Phone, Street: shop.Street, City: shop.City, Point: shop.Point, Zone: shop.Loc.String()},
		Lines:  q.Lines, Taxes: q.Taxes, Subtotal: q.Subtotal, Fee: q.Fee, FeeRate: q.FeeRate, Tip: q.Tip, Total: q.Total, Currency: q.Currency,
		Discounts: q.Discounts, Credit: credit, Pot: pot, Deal: shop.Deals[in.Mode],
		To: in.To, Name: in.Name, Phone: in.Phone, Note: in.Note, ASAP: q.ASAP, DistM: q.DistM,
	}
	if pot > 0 {
		b.Group = in.Group
	}
	js, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("order: encode a snapshot: %w", err)
	}
	digits := id.Digits(8)
	n := &draft{bought: b, auto: shop.AutoAccept, card: in.Card, save: in.SaveCard, portions: b.portions()}
	n.row = row{
		id: s.IDs.Next(), rev: 1, code: id.Code(codeLength), secret: id.Secret()[:secretLength], account: actor.ID, restaurant: in.Restaurant,
		mode: in.Mode, state: delivery.Created, announced: method != delivery.PayByCard, method: method, total: q.Total, credit: credit, currency: q.Currency,
		pickupCode: digits[:4], handoverCode: digits[4:], capacity: q.Cap, placedAt: stored(now), readyAt: stored(q.ReadyAt),
		promiseFrom: stored(q.From), promiseTo: stored(q.To), movedAt: stored(now), snapshot: string(js),
	}
	n.row.confirmBy = stored(confirmBy(now, q.ReadyAt, q.ASAP, s.patience().RefuseAfter))
	if method == delivery.PayByCard {
		n.row.idemKey = req.Key
	} else if n.auto {
		n.row.state = delivery.Confirmed
	}
	n.body, err = s.answer(ctx, &n.row, b, nil)
	return n, err
}

// stored returns a time as it comes back from the database.
func stored(t time.Time) time.Time { return at(micro(t)) }

// answer returns what the customer is told of an order, as JSON, with what their bank wants of them.
func (s *Service) answer(ctx context.Context, r *row, b *Snapshot, action *delivery.CardAction) ([]byte, error) {
	v := s.view(ctx, r, b, Customer)
	v.Action = action
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("order: encode an answer: %w", err)
	}
	return body, nil
}

// placedFrom returns the answer in a stored body.
func placedFrom(body []byte, replay bool) (*delivery.Placed, error) {
	var v struct {
		ID       id.ID  `json:"id"`
		Code     string `json:"code"`
		Token    string `json:"token"`
		Awaiting bool   `json:"awaiting_payment"`

		Action *delivery.CardAction `json:"action"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, fmt.Errorf("order: decode a stored answer: %w", err)
	}
	return &delivery.Placed{Order: v.ID, Code: v.Code, Token: v.Token, Pending: v.Awaiting, Action: v.Action, Replay: replay, Body: body}, nil
}

// store writes the order. The key comes first: of two senders of one request the second waits there, and takes nothing.
func (s *Service) store(ctx context.Context, tx *db.Tx, req idem.Request, n *draft, q *delivery.Quote) error {
	r := &n.row
	byCard := r.method == delivery.PayByCard
	key := func() error { return req.Save(ctx, tx, n.body, r.placedAt) }
	if byCard {
		key = func() error { return req.Start(ctx, tx, r.placedAt) }
	}
	if err := key(); err != nil {
		return err
	}
	if err := s.Shops.CheckShop(ctx, tx, r.restaurant, q.ShopVersion); err != nil {
		return err
	}
	if err := s.Stock.CheckMenu(ctx, tx, r.restaurant, q.MenuVersion); err != nil {
		return err
	}
	if err := s.take(ctx, tx, r, n.portions); err != nil {
		return err
	}
	if err := insert(ctx, tx, r); err != nil {
		return err
	}
	if err := s.claim(ctx, tx, r, n.bought, r.placedAt); err != nil {
		return err
	}
	if !byCard {
		return s.announce(ctx, tx, r, n.bought, n.auto)
	}
	c := delivery.Charge{
		Order: r.id, Method: r.method, Amount: r.total - r.credit, Currency: r.currency, Token: n.card, Customer: r.account, Restaurant: r.restaurant, Save: n.save,
	}
	if err := s.Payments.Open(ctx, tx, c); err != nil {
		return err
	}
	return s.settleLater(ctx, tx, r.id)
}

// take takes an order's food from stock and its place in the kitchen's time.
func (s *Service) take(ctx context.Context, tx *db.Tx, r *row, portions []delivery.Portion) error {
	if r.capacity != "" {
		if err := s.Shops.TakeSlot(ctx, tx, r.restaurant, r.capacity); err != nil {
			return err
		}
	}
	return s.Stock.Take(ctx, tx, r.restaurant, portions)
}

// give gives back what take took.
func (s *Service) give(ctx context.Context, tx *db.Tx, r *row) error {
	if r.capacity != "" {
		if err := s.Shops.GiveSlot(ctx, tx, r.restaurant, r.capacity); err != nil {
			return err
		}
	}
	b, err := r.bought()
	if err != nil {
		return err
	}
	return s.Stock.Give(ctx, tx, r.restaurant, b.portions())
}

// announce tells everybody of an order that is stored, paid or payable, and has its restaurant answer in time.
func (s *Service) announce(ctx context.Context, tx *db.Tx, r *row, b *Snapshot, auto bool) error {
	if err := s.sell(ctx, tx, r, b, r.movedAt); err != nil {
		return err
	}
	placed := *r
	placed.state = delivery.Created
	if err := s.append(ctx, tx, &placed, happening{what: delivery.OrderPlaced, at: r.placedAt, actor: r.account}); err != nil {
		return err
	}
	if auto {
		return s.append(ctx, tx, r, happening{what: delivery.OrderConfirmed, from: delivery.Created, at: r.placedAt})
	}
	return s.remind(ctx, tx, r)
}

// remind has an unanswered order called to mind, and refused after that.
func (s *Service) remind(ctx context.Context, tx *db.Tx, r *row) error {
	p := s.patience()
	warn := r.confirmBy.Add(p.WarnAfter - p.RefuseAfter)
	_, err := s.Jobs.Enqueue(ctx, tx, dueKind, orderArgs{r.id}, jobs.Opts{RunAt: warn, Unique: dueKind + ":" + r.id.String()})
	return err
}

// happening is something that happens to an order.
type happening struct {
	what         string
	from         delivery.State
	at           time.Time
	actor        id.ID
	reason, note string
}

// append appends the event of something that happened to an order, as it stands after it.
func (s *Service) append(ctx context.Context, tx *db.Tx, r *row, h happening) error {
	return s.Log.Append(ctx, tx, s.Now(), h.actor, delivery.Order{
		What: h.what, Order: r.id, Code: ShowCode(r.code), Restaurant: r.restaurant, Customer: r.account, Courier: r.courier, Mode: r.mode,
		State: r.state, From: h.from, ReadyAt: r.readyAt, PromiseFrom: r.promiseFrom, PromiseTo: r.promiseTo, Reason: h.reason, Note: h.note, At: h.at,
	})
}
