package cash

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/idem"
)

// Schema holds the table of what was handed in.
//
//go:embed schema/*.sql
var Schema embed.FS

// Books knows who has cash. delivery/ledger answers.
type Books interface {
	// Balance returns the sum of an account's entries.
	Balance(ctx context.Context, tx *db.Tx, b delivery.Book) (money.Amount, error)
	// Cash returns the accounts of who else than a restaurant has cash in a currency, by owner above after, at most limit.
	Cash(ctx context.Context, tx *db.Tx, currency string, after id.ID, limit int) ([]delivery.BookAccount, error)
	// Post enters a movement of money, once for each ref.
	Post(ctx context.Context, tx *db.Tx, p delivery.Posting) error
}

// Deps is what a Service works with; all are needed.
type Deps struct {
	DB       *db.DB
	IDs      *id.Source
	Now      clock.Func
	Books    Books
	Currency string // of the town
	Zone     *time.Location
	// Name returns what an account is called, or a NotFound error: restaurants are no accounts.
	Name func(ctx context.Context, account id.ID) (string, error)
	// Limit returns from which amount on couriers are asked to hand their cash in, in minor units; 0: never.
	Limit func() money.Amount
}

// Service takes couriers' cash in. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

const route = "cash.handin"

var errNobody = errs.New(errs.NotFound, "There is no such courier here.")

func (s *Service) book(courier id.ID) delivery.Book {
	return delivery.Book{Kind: delivery.BookCash, Owner: courier, Currency: s.Currency}
}

func (s *Service) purse(courier id.ID, name string, amount money.Amount) Purse {
	limit := s.Limit()
	return Purse{Courier: courier, Name: name, Amount: amount, Currency: s.Currency, Over: limit > 0 && amount >= limit}
}

// name returns what a courier is called, "" where the account is gone.
func (s *Service) name(ctx context.Context, courier id.ID) (string, error) {
	name, err := s.Name(ctx, courier)
	if errs.Is(err, errs.NotFound) {
		return "", nil
	}
	return name, err
}

// TakeIn enters what a courier handed in, once for each key. It returns a NotFound error for no account, a Forbidden error to dispatchers who
// count their own cash, an Invalid error for what can't have been counted, a Conflict error (code "changed") where the courier has not what
// the wish expects or (code "nothing") has nothing, and idem's errors about the key.
func (s *Service) TakeIn(ctx context.Context, courier id.ID, key string, w Wish) (*HandIn, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := access.Can(actor, "cash.manage", access.Thing{Kind: "cash", Owner: courier}); err != nil {
		return nil, err
	}
	if actor.ID == courier && !actor.Has(access.RoleAdmin) {
		return nil, errs.New(errs.Forbidden, "Somebody else has to count your cash.")
	}
	if w.Choice == "" {
		w.Choice = Keep
	}
	if w.Choice != Keep && w.Choice != WriteOff {
		return nil, errs.InvalidField("choice", "Say keep or write_off.")
	}
	w.Note = text.Clean(w.Note, 300)
	req, err := idem.New(actor.ID, route, key, struct {
		Courier id.ID
		Wish    Wish
	}{courier, w})
	if err != nil {
		return nil, err
	}
	name, err := s.Name(ctx, courier)
	if errs.Is(err, errs.NotFound) {
		return nil, errNobody
	}
	if err != nil {
		return nil, err
	}
	h := &HandIn{Courier: courier, Name: name, Currency: s.Currency, Counted: w.Counted, Choice: w.Choice, By: actor.ID, Note: w.Note}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.takeIn(ctx, tx, h, &w); err != nil {
			return err
		}
		body, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("cash: encode an answer: %w", err)
		}
		return req.Save(ctx, tx, body, s.Now())
	})
	if err == nil {
		return h, nil
	}
	body, found, replayErr := req.Replay(ctx, s.DB)
	switch {
	case replayErr != nil:
		return nil, replayErr
	case !found:
		return nil, err
	}
	old := &HandIn{}
	if err := json.Unmarshal(body, old); err != nil {
		return nil, fmt.Errorf("cash: decode a stored answer: %w", err)
	}
	return old, nil
}

func (s *Service) takeIn(ctx context.Context, tx *db.Tx, h *HandIn, w *Wish) error {
	if err := lock(ctx, tx, h.Courier); err != nil {
		return err
	}
	has, err := s.Books.Balance(ctx, tx, s.book(h.Courier))
	if err != nil {
		return err
	}
	if err := check(w, has, s.Currency); err != nil {
		return err
	}
	h.ID, h.At, h.Expected, h.Difference = s.IDs.Next(), s.Now().Truncate(time.Microsecond).UTC(), has, h.Counted-has
	if err := insert(ctx, tx, h); err != nil {
		return err
	}
	return s.Books.Post(ctx, tx, posting(h))
}

// Purses returns a page of those who carry cash, for who may take it in.
func (s *Service) Purses(ctx context.Context, cursor string, limit int) (*Sheet, error) {
	if err := access.Can(access.From(ctx), "cash.manage", access.Thing{Kind: "cash"}); err != nil {
		return nil, err
	}
	after, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return nil, err
	}
	limit = page.Limit(limit)
	var accounts []delivery.BookAccount
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		accounts, err = s.Books.Cash(ctx, tx, s.Currency, after, limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	purses := make([]Purse, len(accounts))
	for i, a := range accounts {
		name, err := s.name(ctx, a.Book.Owner)
		if err != nil {
			return nil, err
		}
		purses[i] = s.purse(a.Book.Owner, name, a.Balance)
	}
	return &Sheet{Page: page.Cut(purses, limit, func(p Purse) id.ID { return p.Courier }), Limit: s.Limit()}, nil
}

// History returns a page of what all couriers handed in, newest first, for who may take it in.
func (s *Service) History(ctx context.Context, cursor string, limit int) (page.Page[HandIn], error) {
	if err := access.Can(access.From(ctx), "cash.manage", access.Thing{Kind: "cash"}); err != nil {
		return page.Page[HandIn]{}, err
	}
	return s.history(ctx, 0, cursor, limit)
}

func (s *Service) history(ctx context.Context, courier id.ID, cursor string, limit int) (out page.Page[HandIn], err error) {
	below, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := list(ctx, tx, courier, below, limit+1)
		out = page.Cut(rows, limit, func(h HandIn) id.ID { return h.ID })
		return err
	})
	if err != nil {
		return out, err
	}
	for i := range out.Items {
		if out.Items[i].Name, err = s.name(ctx, out.Items[i].Courier); err != nil {
			return out, err
		}
	}
	return out, nil
}

// Mine returns the cash of the acting courier and a page of what they handed in, newest first.
func (s *Service) Mine(ctx context.Context, cursor string, limit int) (*Mine, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := access.Can(actor, "courier.work", access.Thing{Kind: "cash", Owner: actor.ID}); err != nil {
		return nil, err
	}
	m := &Mine{Limit: s.Limit()}
	if m.History, err = s.history(ctx, actor.ID, cursor, limit); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		has, err := s.Books.Balance(ctx, tx, s.book(actor.ID))
		m.Purse = s.purse(actor.ID, actor.Name, has)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}
