package group

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Payments charge the cards of those who pay a share. delivery/payment does.
type Payments interface {
	Open(ctx context.Context, tx *db.Tx, c delivery.Charge) error
	Aim(ctx context.Context, tx *db.Tx, share id.ID, aim delivery.PaymentAim) error
	Of(ctx context.Context, tx *db.Tx, share id.ID) (delivery.Payment, error)
	Settle(ctx context.Context, share id.ID, done func(context.Context, *db.Tx, delivery.Payment) error) error
	// Shares returns what came in by card for each group order and has not gone back.
	Shares(ctx context.Context, tx *db.Tx) (map[id.ID]money.Amount, error)
}

// Books keep the pots. delivery/ledger does.
type Books interface {
	Post(ctx context.Context, tx *db.Tx, p delivery.Posting) error
}

// The states of a member's share while everybody pays their own.
const (
	ShareDue      = "due"
	ShareWaiting  = "waiting" // the bank has not answered yet, or asks its customer first
	SharePaid     = "paid"
	ShareDeclined = "declined" // to be tried again
	ShareReturned = "returned" // it went back, or is on its way
)

// CollectFor is how long shares wait in a pot for their order. They go back then.
const CollectFor = 3 * time.Hour

// chargeWithin is how long somebody waits for their bank; the payment goes on after that.
const chargeWithin = 20 * time.Second

// errShare is what who has no share is told.
var errShare = errs.New(errs.Forbidden, "There is no share for you here: take part with an account, and choose something, before the shares are collected.")

// Collect locks a group order of the actor's and works out what everybody else who has an account and has chosen something is to pay: their
// own dishes, and of extra (fee and tip, in minor units) the same part as all. What nobody pays is the host's. Errors: Forbidden; Conflict;
// Invalid where nobody else can pay.
func (s *Service) Collect(ctx context.Context, token string, extra money.Amount) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	if extra < 0 || extra > 100_000 {
		return errs.InvalidField("extra", "Give an amount such as 3.50, or nothing.")
	}
	g, err := s.Get(ctx, token, Who{Account: actor.ID})
	if err != nil {
		return err
	}
	food := make([]money.Amount, len(g.Members))
	for i, m := range g.Members {
		food[i] = m.Food
	}
	parts := money.Split(extra, ones(food))
	return s.asHost(ctx, token, func(tx *db.Tx, now *Group) error {
		if now.State != Open && now.State != Locked || now.Collecting {
			return errs.New(errs.Conflict, "The group order is not at that point.").WithCode("group_state")
		}
		have, err := lines(ctx, tx, now.ID)
		if err != nil {
			return err
		}
		priced := map[id.ID]bool{}
		for i, m := range g.Members {
			for _, l := range m.Lines {
				priced[l.ID] = true
			}
			if m.account == 0 || m.account == g.host || m.Food <= 0 {
				continue
			}
			if err := insertShare(ctx, tx, share{id: s.IDs.Next(), group: now.ID, member: m.ID, account: m.account, amount: food[i] + parts[i], currency: g.Currency}); err != nil {
				return err
			}
		}
		if len(have) != len(priced) || slices.ContainsFunc(have, func(l stored) bool { return !priced[l.id] }) {
			return errs.New(errs.Conflict, "Somebody has changed their dishes just now. Look again.").WithCode("changed_meanwhile")
		}
		if !slices.ContainsFunc(g.Members, func(m Member) bool { return m.account != 0 && m.account != g.host && m.Food > 0 }) {
			return errs.New(errs.Invalid, "Nobody else here can pay: the others have chosen nothing, or have no account. Pay for all, and tick off who has paid you back.").WithCode("nobody_pays")
		}
		if _, err := setState(ctx, tx, now.ID, now.State, Locked); err != nil {
			return err
		}
		return setCollecting(ctx, tx, now.ID, true, extra, s.Now())
	})
}

// Pay is how somebody pays their share.
type Pay struct {
	Method delivery.Method `json:"method" enum:"card,credit"`
	Card   string          `json:"card,omitempty" maxLength:"64" doc:"The card's token, to pay by card, as in orders."`
	Save   bool            `json:"save_card,omitempty" doc:"Keep the card for next time."`
}

// PayShare pays the actor's share. To do it again while it is being paid, or is paid, changes nothing. Errors: Forbidden for who has none;
// Conflict where nothing is collected; Invalid (code "card_declined") for a declined card, which may be tried again, and for too little credit.
func (s *Service) PayShare(ctx context.Context, token string, in Pay) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	switch {
	case in.Method == delivery.PayByCredit:
	case in.Method != delivery.PayByCard:
		return errs.InvalidField("method", "Pay by card or with your credit.")
	case in.Card == "" || len(in.Card) > 64:
		return errs.InvalidField("card", "Give a card to pay with.")
	}
	var mine share
	err = s.change(ctx, token, func(tx *db.Tx, g *Group) error {
		if g.State != Locked || !g.Collecting {
			return errs.New(errs.Conflict, "Nothing is collected here now.").WithCode("group_state")
		}
		all, err := sharesOf(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(r share) bool { return r.account == actor.ID && !r.back })
		if i < 0 {
			return errShare
		}
		mine = all[i]
		state, _, err := s.shareState(ctx, tx, mine)
		if err != nil || state != ShareDue && state != ShareDeclined {
			return err
		}
		return s.open(ctx, tx, &mine, in)
	})
	if err != nil || mine.method != delivery.PayByCard {
		return err
	}
	err = s.settleShare(ctx, mine.id)
	if err == nil || errs.CodeOf(err) != "payment_unclear" {
		s.tell(token)
		return err
	}
	return nil // the page says that the bank is asked still
}

// open has a share be paid, under the id of a payment of its own: a card that was declined is not asked about again.
func (s *Service) open(ctx context.Context, tx *db.Tx, r *share, in Pay) error {
	from := r.id
	r.id, r.method = s.IDs.Next(), in.Method
	if err := setMethod(ctx, tx, from, r.id, r.method); err != nil {
		return err
	}
	if r.method == delivery.PayByCredit {
		err := s.Books.Post(ctx, tx, moves("share:"+r.id.String(), "share", s.Now(), wallet(r.account, r.currency), pot(r.group, r.currency), r.amount))
		if errs.CodeOf(err) == "changed" {
			return errs.InvalidField("method", "Your credit does not cover your share. Pay by card.").WithCode("too_little_credit")
		}
		return err
	}
	return s.Payments.Open(ctx, tx, delivery.Charge{
		Order: r.id, Group: r.group, Method: r.method, Amount: r.amount, Currency: r.currency, Token: in.Card, Customer: r.account, Save: in.Save,
	})
}

// settleShare asks the bank about a share, and says what a declined card means.
func (s *Service) settleShare(ctx context.Context, n id.ID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chargeWithin)
	defer cancel()
	if err := s.Payments.Settle(ctx, n, nil); err != nil {
		return err
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		p, err := s.Payments.Of(ctx, tx, n)
		if err == nil && p.State == delivery.PaymentFailed {
			err = errs.InvalidField("card", "Your card was declined. Try another card.").WithCode("card_declined")
		}
		return err
	})
}

// CheckShare asks the bank about the actor's share in a group order, now that they have been there.
func (s *Service) CheckShare(ctx context.Context, token string) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	var open id.ID
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		g, err := byToken(ctx, tx, token)
		if errors.Is(err, db.ErrNoRow) {
			return errMissing
		}
		if err != nil {
			return err
		}
		all, err := sharesOf(ctx, tx, g.ID)
		for _, r := range all {
			if r.account == actor.ID && r.method == delivery.PayByCard && !r.back {
				open = r.id
			}
		}
		return err
	})
	if err != nil || open == 0 {
		return err
	}
	if err = s.settleShare(ctx, open); errs.CodeOf(err) == "payment_unclear" {
		err = nil
	}
	s.tell(token)
	return err
}

// Due is a share that waits for its bank.
type Due struct {
	Share   id.ID
	Token   string // of its group order
	Payment delivery.Payment
}

// Due returns a share of the actor's by the id of its payment, or a NotFound error.
func (s *Service) Due(ctx context.Context, n id.ID) (out Due, err error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return out, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := shareByID(ctx, tx, n)
		if err != nil || r.account != actor.ID {
			return errors.Join(err, errMissing)
		}
		g, err := byID(ctx, tx, r.group)
		if err != nil {
			return err
		}
		out.Share, out.Token = n, g.Token
		out.Payment, err = s.Payments.Of(ctx, tx, n)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		err = errMissing
	}
	return out, err
}

// TokenOf returns the token of the group order that a share belongs to, or a NotFound error.
func (s *Service) TokenOf(ctx context.Context, n id.ID) (token string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := shareByID(ctx, tx, n)
		if err != nil {
			return err
		}
		g, err := byID(ctx, tx, r.group)
		token = g.Token
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		err = errMissing
	}
	return token, err
}

// shareState says where a share stands, and what its bank wants of who pays it.
func (s *Service) shareState(ctx context.Context, tx *db.Tx, r share) (string, *delivery.CardAction, error) {
	switch {
	case r.back:
		return ShareReturned, nil, nil
	case r.method == "":
		return ShareDue, nil, nil
	case r.method == delivery.PayByCredit:
		return SharePaid, nil, nil
	}
	p, err := s.Payments.Of(ctx, tx, r.id)
	if err != nil {
		return "", nil, err
	}
	switch p.State {
	case delivery.PaymentCaptured:
		return SharePaid, nil, nil
	case delivery.PaymentFailed, delivery.PaymentVoided, delivery.PaymentCaptureFailed:
		return ShareDeclined, nil, nil
	case delivery.PaymentAction:
		return ShareWaiting, &p.Action, nil
	}
	return ShareWaiting, nil, nil
}

// shareNow is a share as it stands.
type shareNow struct {
	share
	state  string
	action *delivery.CardAction
}

func (s *Service) sharesNow(ctx context.Context, tx *db.Tx, group id.ID) ([]shareNow, error) {
	all, err := sharesOf(ctx, tx, group)
	if err != nil {
		return nil, err
	}
	out := make([]shareNow, len(all))
	for i, r := range all {
		out[i].share = r
		if out[i].state, out[i].action, err = s.shareState(ctx, tx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// show puts the shares beside their members, the newest of each, and what their banks want of them for themselves alone.
func (g *Group) show(all []shareNow, who Who) {
	for _, r := range all {
		i := slices.IndexFunc(g.Members, func(m Member) bool { return m.ID == r.member })
		if i < 0 {
			continue
		}
		m := &g.Members[i]
		m.Share, m.State, m.Action, m.payment = r.amount, r.state, nil, r.id
		if who.Account != 0 && r.account == who.Account {
			m.Action = r.action
		}
		if r.state == SharePaid && r.order == 0 {
			g.Pot += r.amount
		}
	}
}

// asked returns the sum of the shares that are paid, or to be paid, before the order.
func (g *Group) asked() (sum money.Amount) {
	for _, m := range g.Members {
		if m.State != "" && m.State != ShareReturned {
			sum += m.Share
		}
	}
	return sum
}

// heardPayment tells those who look at a group order that a share was paid, or declined.
func (s *Service) heardPayment(ctx context.Context, tx *db.Tx, e events.Event) error {
	var p delivery.PaymentChanged
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return fmt.Errorf("group: decode %s: %w", e.Kind, err)
	}
	if p.Group == 0 {
		return nil
	}
	g, err := byID(ctx, tx, p.Group)
	if errors.Is(err, db.ErrNoRow) {
		return nil
	}
	tx.AfterCommit(func() { go s.tell(g.Token) }) // not in the writer: the bus may be slow
	return err
}

func pot(group id.ID, currency string) delivery.Book {
	return delivery.Book{Kind: delivery.BookPot, Owner: group, Currency: currency}
}

func wallet(account id.ID, currency string) delivery.Book {
	return delivery.Book{Kind: delivery.BookWallet, Owner: account, Currency: currency}
}

// moves returns the posting that moves an amount that the house owes from one account to another.
func moves(ref, what string, at time.Time, from, to delivery.Book, amount money.Amount) delivery.Posting {
	return delivery.Posting{Ref: ref, What: what, At: at, Entries: []delivery.Entry{{Book: from, Amount: amount, What: what}, {Book: to, Amount: -amount, What: what}}}
}

// inPot returns the shares of a group order that are paid and not spent, and their sum.
func (s *Service) inPot(ctx context.Context, tx *db.Tx, group id.ID) (in []share, sum money.Amount, err error) {
	all, err := sharesOf(ctx, tx, group)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range all {
		state, _, err := s.shareState(ctx, tx, r)
		if err != nil {
			return nil, 0, err
		}
		if state == SharePaid && r.order == 0 {
			in = append(in, r)
			sum += r.amount
		}
	}
	return in, sum, nil
}

// Pot returns what the others have paid into a group order of a customer's at a restaurant, for an order that it is about to become. It
// returns an Invalid error on field "group" where there is no such group order, or nothing is collected for it.
func (s *Service) Pot(ctx context.Context, token string, customer, restaurant id.ID) (sum money.Amount, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		g, err := byToken(ctx, tx, token)
		if errors.Is(err, db.ErrNoRow) || err == nil && (g.host != customer || g.Restaurant != restaurant || g.State != Locked || !g.Collecting) {
			return errs.InvalidField("group", "Nobody pays their own in this group order, or it is not yours, or of another restaurant.")
		}
		if err == nil {
			_, sum, err = s.inPot(ctx, tx, g.ID)
		}
		return err
	})
	return sum, err
}

// CollectingAt returns the token of the group order for which the actor collects shares at a restaurant, and what is in its pot; "" where there
// is none.
func (s *Service) CollectingAt(ctx context.Context, restaurant id.ID) (token string, sum money.Amount, err error) {
	actor := access.From(ctx)
	if !actor.SignedIn() {
		return "", 0, nil
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		g, err := collectingOf(ctx, tx, actor.ID, restaurant)
		if errors.Is(err, db.ErrNoRow) {
			return nil
		}
		if err == nil {
			token = g.Token
			_, sum, err = s.inPot(ctx, tx, g.ID)
		}
		return err
	})
	return token, sum, err
}

// Pour makes what is in a pot the credit of the order's customer, in the transaction that takes it from there. It returns a Conflict error
// where the pot does not hold p.Amount any more: with the code "changed" while shares come in, so that the order is made anew.
func (s *Service) Pour(ctx context.Context, tx *db.Tx, p delivery.Pot, at time.Time) error {
	g, err := lock(ctx, tx, p.Group)
	if err != nil {
		return err
	}
	if g.State != Locked || !g.Collecting || g.host != p.Customer {
		return errs.New(errs.Conflict, "What the others paid for this order has gone back to them.").WithCode("pot_gone")
	}
	in, sum, err := s.inPot(ctx, tx, g.ID)
	if err != nil {
		return err
	}
	if sum != p.Amount {
		return errs.New(errs.Conflict, "Somebody has paid their share just now.").WithCode("changed")
	}
	for _, r := range in {
		if err := setOrder(ctx, tx, r.id, p.Order); err != nil {
			return err
		}
	}
	return s.Books.Post(ctx, tx, moves(fmt.Sprintf("pot:%d:%d", p.Order, at.UnixMicro()), "pot", at, pot(g.ID, p.Currency), wallet(p.Customer, p.Currency), sum))
}

// Unpour puts back what Pour took for an order that was cancelled. Where its restaurant had seen the order, each share goes back to who paid
// it; else (the host's own card was declined) it stays in the pot for another try. To do it again changes nothing.
func (s *Service) Unpour(ctx context.Context, tx *db.Tx, order, customer id.ID, at time.Time) error {
	in, err := sharesFor(ctx, tx, order)
	if err != nil || len(in) == 0 {
		return err
	}
	var sum money.Amount
	for _, r := range in {
		if err := setOrder(ctx, tx, r.id, 0); err != nil {
			return err
		}
		sum += r.amount
	}
	c := in[0].currency
	if err := s.Books.Post(ctx, tx, moves(fmt.Sprintf("unpot:%d:%d", order, at.UnixMicro()), "pot", at, wallet(customer, c), pot(in[0].group, c), sum)); err != nil {
		return err
	}
	g, err := byID(ctx, tx, in[0].group)
	if err != nil {
		return err
	}
	tx.AfterCommit(func() { go s.tell(g.Token) }) // not in the writer: the bus may be slow
	if g.State == Locked && g.Collecting {
		return nil
	}
	return s.giveBack(ctx, tx, &g)
}

// giveBack has all shares go back that are not spent.
func (s *Service) giveBack(ctx context.Context, tx *db.Tx, g *Group) error {
	all, err := sharesOf(ctx, tx, g.ID)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.back || r.order != 0 {
			continue
		}
		switch r.method {
		case delivery.PayByCredit:
			err = s.Books.Post(ctx, tx, moves("share_back:"+r.id.String(), "share_back", s.Now(), pot(r.group, r.currency), wallet(r.account, r.currency), r.amount))
		case delivery.PayByCard:
			err = s.Payments.Aim(ctx, tx, r.id, delivery.AimRelease)
		}
		if err != nil {
			return err
		}
		if err := setBack(ctx, tx, r.id); err != nil {
			return err
		}
		if r.method != "" {
			if _, err := setPaid(ctx, tx, g.ID, r.member, false); err != nil {
				return err
			}
		}
	}
	return setCollecting(ctx, tx, g.ID, false, 0, time.UnixMicro(0))
}

// Pots returns what ought to be in each pot, as those know who moved it.
func (s *Service) Pots(ctx context.Context, tx *db.Tx) (map[id.ID]money.Amount, error) {
	out, err := s.Payments.Shares(ctx, tx)
	if err != nil {
		return nil, err
	}
	rest, err := potSums(ctx, tx)
	for group, sum := range rest {
		out[group] += sum
	}
	return out, err
}

const staleKind = "group.pots"

// work has the shares go back that wait for too long for their order.
func (s *Service) work(q *jobs.Queue) {
	q.Handle(staleKind, func(ctx context.Context, _ jobs.Job) error {
		var old []Group
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			old, err = stale(ctx, tx, s.Now().Add(-CollectFor), 100)
			return err
		})
		for _, g := range old {
			err = errors.Join(err, s.change(ctx, g.Token, func(tx *db.Tx, g *Group) error { return s.reopen(ctx, tx, g, Open) }))
		}
		return err
	})
	q.Schedule(staleKind, "@every 5m", "UTC", staleKind, nil)
}

// reopen moves a locked group order on and has its shares go back, unless an order is being paid with them just now.
func (s *Service) reopen(ctx context.Context, tx *db.Tx, g *Group, to string) error {
	if g.Collecting {
		all, err := sharesOf(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(r share) bool { return r.order != 0 }) {
			return errs.New(errs.Conflict, "An order is being paid with these shares just now. Wait for its card, or cancel it.").WithCode("pot_spent")
		}
		if err := s.giveBack(ctx, tx, g); err != nil {
			return err
		}
	}
	_, err := setState(ctx, tx, g.ID, g.State, to)
	return err
}
