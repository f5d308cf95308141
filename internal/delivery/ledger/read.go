package ledger

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func keyOf(l delivery.BookLine) lineKey { return lineKey{l.At.UnixMicro(), l.Posting, l.Line} }

// thing is an account as policies see it: its owner is a person or a restaurant, whose ids never are the same.
func thing(owner id.ID) access.Thing {
	return access.Thing{Kind: "ledger", Owner: owner, Restaurant: owner}
}

// Accounts returns a page of the books' accounts, newest first: of a kind ("": all) and an owner (0: all, which only admins may ask for). It
// returns a NotFound error for an owner whose accounts are not the actor's to see.
func (s *Service) Accounts(ctx context.Context, kind delivery.BookKind, owner id.ID, cursor string, limit int) (out page.Page[delivery.BookAccount], err error) {
	if err := access.Can(access.From(ctx), "ledger.read", thing(owner)); err != nil {
		return out, err
	}
	if kind != "" && !kinds[kind] {
		return out, errs.InvalidField("query.kind", "There is no such kind of account.")
	}
	below, _, err := page.Decode[id.ID](cursor)
	if err != nil {
		return out, err
	}
	limit = page.Limit(limit)
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err := accounts(ctx, tx, kind, owner, below, limit+1)
		out = page.Cut(list, limit, func(a delivery.BookAccount) id.ID { return a.ID })
		return err
	})
	return out, err
}

// Statement is an account with a page of its entries, newest first.
type Statement struct {
	delivery.BookAccount
	Entries page.Page[delivery.BookLine] `json:"entries"`
}

// Account returns an account with a page of its entries between two times, newest first. It returns a NotFound error for one that is not the
// actor's to see.
func (s *Service) Account(ctx context.Context, key id.ID, from, to time.Time, cursor string, limit int) (*Statement, error) {
	before, _, err := page.Decode[lineKey](cursor)
	if err != nil {
		return nil, err
	}
	limit = page.Limit(limit)
	out := &Statement{}
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		if out.BookAccount, err = account(ctx, tx, key); err != nil {
			return err
		}
		if err := access.Can(access.From(ctx), "ledger.read", thing(out.Book.Owner)); err != nil {
			return err
		}
		list, err := lines(ctx, tx, key, from, to, before, limit+1)
		out.Entries = page.Cut(list, limit, keyOf)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Total is what stands on accounts of one kind and sub together.
type Total struct {
	Kind     delivery.BookKind
	Sub      string
	Town     bool // of the town itself, and not of an owner
	Currency string
	Balance  money.Amount
	Accounts int
}

// Totals returns what stands on all accounts together, for admins.
func (s *Service) Totals(ctx context.Context) (out []Total, err error) {
	if err := access.Can(access.From(ctx), "ledger.read", thing(0)); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = totals(ctx, tx)
		return err
	})
	return out, err
}
