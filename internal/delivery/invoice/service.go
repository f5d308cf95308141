package invoice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Orders tells what was bought.
type Orders interface {
	// Purchase returns an order, whoever asks, or a NotFound error.
	Purchase(ctx context.Context, order id.ID) (Purchase, error)
	// Refunds returns what was paid back of an order that stands, oldest first.
	Refunds(ctx context.Context, order id.ID) ([]delivery.Refund, error)
	// Seller returns a restaurant as documents name it now.
	Seller(ctx context.Context, restaurant id.ID) (Seller, error)
	// Thing returns an order, by id or public code, as policies see it, or a NotFound error.
	Thing(ctx context.Context, order string) (access.Thing, error)
}

// People knows who buys.
type People interface {
	Get(ctx context.Context, who id.ID) (account.Account, error)
}

// Post sends letters in the caller's transaction.
type Post interface {
	On() bool
	Send(ctx context.Context, tx *db.Tx, l mail.Letter) error
}

// Deps is what a Service works with.
type Deps struct {
	DB     *db.DB
	Log    *events.Log
	Jobs   *jobs.Queue
	IDs    *id.Source
	Now    clock.Func
	Orders Orders
	People People
	Post   Post
	Town   func() string // its name
	URL    func() string // the address that links begin with
}

// Service keeps the documents. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

var errNone = errs.New(errs.NotFound, "There is no receipt for this order yet. It is made once the order has arrived and is paid for.").WithCode("no_receipt")

// Settle issues the documents that an order lacks: a receipt once it is delivered and paid for, a credit note for each refund since, and
// one for the rest where the order came to nothing after all. Doing it again changes nothing.
func (s *Service) Settle(ctx context.Context, order id.ID) error {
	p, err := s.Orders.Purchase(ctx, order)
	if err != nil {
		return err
	}
	refunds, err := s.Orders.Refunds(ctx, order)
	if err != nil {
		return err
	}
	from, err := s.Orders.Seller(ctx, p.Restaurant)
	if err != nil {
		return err
	}
	loc, err := time.LoadLocation(from.Zone)
	if err != nil {
		loc = time.UTC
	}
	buyer, err := s.People.Get(ctx, p.Customer)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		done, err := ofOrder(ctx, tx, order)
		if err != nil {
			return err
		}
		now := s.Now().UTC().Truncate(time.Microsecond)
		last := ""
		if _, open := standing(done); open != nil {
			last = open.Number
		}
		for _, d := range plan(done, p, from, refunds) {
			d.ID, d.Issued, d.Lang, d.Town = s.IDs.Next(), now, buyer.Lang, s.Town()
			year := now.In(loc).Year()
			n, err := next(ctx, tx, p.Restaurant, d.Kind, year)
			if err != nil {
				return err
			}
			d.Number = number(from.Slug, d.Kind, year, n)
			if d.Kind == Receipt {
				last = d.Number
			} else {
				d.Of = last
			}
			if err := insert(ctx, tx, d, p.Customer); err != nil {
				return err
			}
			if strings.HasPrefix(d.ref, "refund:") {
				continue // who granted it writes why, and where the money goes
			}
			if err := s.write(ctx, tx, buyer, d.Document); err != nil {
				return err
			}
		}
		return nil
	})
}

// write sends the buyer a letter about a document, where they want one.
func (s *Service) write(ctx context.Context, tx *db.Tx, to account.Account, d Document) error {
	if to.Email == "" || to.State != account.Active || !s.Post.On() {
		return nil
	}
	if yes, err := lettered(ctx, tx, to.ID); err != nil || !yes {
		return err
	}
	return s.Post.Send(ctx, tx, s.letter(i18n.With(ctx, to.Lang), to, d))
}

func (s *Service) letter(ctx context.Context, to account.Account, d Document) mail.Letter {
	l := mail.Letter{
		Kind: "invoice." + d.Kind, To: to.Email, Name: to.Name, Lang: i18n.Lang(ctx),
		Subject: i18n.T(ctx, "Your receipt from %s", d.Seller.Name),
		Lines:   []string{i18n.T(ctx, "Here is the receipt %s for your order %s: %s.", d.Number, d.Code, ui.Money(ctx, d.Total, d.Currency))},
		Action:  &mail.Action{Label: i18n.T(ctx, "Open the receipt"), URL: s.URL() + "/orders/" + d.Code + "/receipt"},
		After:   []string{i18n.T(ctx, "On the same page you can turn these letters off.")},
	}
	if d.Kind == CreditNote {
		l.Subject = i18n.T(ctx, "Your credit note from %s", d.Seller.Name)
		l.Lines = []string{i18n.T(ctx, "You get %s back for your order %s. Here is the credit note %s.", ui.Money(ctx, -d.Total, d.Currency), d.Code, d.Number)}
		l.Action.Label = i18n.T(ctx, "Open the credit note")
	}
	return l
}

// Of returns the documents of an order that the actor may see, oldest first. It returns a NotFound error where there are none (yet; code
// "no_receipt"), and for another's order.
func (s *Service) Of(ctx context.Context, order string) ([]Document, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	thing, err := s.Orders.Thing(ctx, order)
	if err != nil {
		return nil, err
	}
	if err := access.Can(actor, "receipt.read", thing); err != nil {
		return nil, err
	}
	var list []issued
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err = ofOrder(ctx, tx, thing.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errNone
	}
	out := make([]Document, len(list))
	for i := range list {
		out[i] = list[i].Document
	}
	return out, nil
}

// pick returns the document with a number, or the newest receipt where that is empty.
func pick(list []Document, number string) (Document, error) {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Number == number || number == "" && list[i].Kind == Receipt {
			return list[i], nil
		}
	}
	return Document{}, errs.New(errs.NotFound, "This order has no document with that number.")
}

// Number returns the number of an order's newest receipt, "" where it has none.
func (s *Service) Number(ctx context.Context, tx *db.Tx, order id.ID) (string, error) {
	n, err := numberOf(ctx, tx, order)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("invoice: number of order %d: %w", order, err)
	}
	return n, nil
}

// Letters reports whether an account gets a letter with each receipt and refund.
func (s *Service) Letters(ctx context.Context, who id.ID) (yes bool, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		yes, err = lettered(ctx, tx, who)
		return err
	})
	return yes, err
}

// SetLetters says whether the actor wants a letter with each receipt and refund.
func (s *Service) SetLetters(ctx context.Context, yes bool) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error { return wantLetters(ctx, tx, actor.ID, yes) })
}
