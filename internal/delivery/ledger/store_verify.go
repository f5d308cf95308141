package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// allAccounts returns every account with what it is kept to hold.
func allAccounts(ctx context.Context, tx *db.Tx) (map[id.ID]*total, error) {
	out := map[id.ID]*total{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var key, owner int64
		var kind string
		t := &total{}
		err := s.Scan(&key, &kind, &owner, &t.book.Sub, &t.book.Rate, &t.book.Currency, &t.kept)
		t.book.Kind, t.book.Owner = delivery.BookKind(kind), id.ID(owner)
		out[id.ID(key)] = t
		return err
	}, `SELECT id, kind, owner, sub, rate, currency, balance FROM ledger_account`)
	if err != nil {
		return nil, fmt.Errorf("ledger: read the accounts: %w", err)
	}
	return out, nil
}

// head is a posting without its entries.
type head struct {
	id    id.ID
	ref   string
	lines int
	at    int64
}

// rawEntry is an entry as stored.
type rawEntry struct {
	account id.ID
	amount  money.Amount
	at      int64
}

// eachEntry calls fn for every entry, posting by posting, and once with nil for a posting that has none. Both tables are read in the order
// of their keys, so nothing is sorted or held.
func eachEntry(ctx context.Context, tx *db.Tx, fn func(head, *rawEntry)) error {
	var h head
	err := tx.Each(ctx, func(s db.Scanner) error {
		var key int64
		var account, amount, at sql.NullInt64
		if err := s.Scan(&key, &h.ref, &h.lines, &h.at, &account, &amount, &at); err != nil {
			return err
		}
		h.id = id.ID(key)
		if !account.Valid {
			fn(h, nil)
			return nil
		}
		fn(h, &rawEntry{id.ID(account.Int64), amount.Int64, at.Int64})
		return nil
	}, `SELECT p.id, p.ref, p.lines, p.at, e.account, e.amount, e.at FROM ledger_posting p LEFT JOIN ledger_entry e ON e.posting = p.id ORDER BY p.id, e.line`)
	if err != nil {
		return fmt.Errorf("ledger: read the entries: %w", err)
	}
	return nil
}

// lostEntries returns postings that there are not and that have entries all the same.
func lostEntries(ctx context.Context, tx *db.Tx, limit int) ([]int64, error) {
	out, err := db.All(ctx, tx, func(s db.Scanner) (key int64, err error) {
		err = s.Scan(&key)
		return key, err
	}, `SELECT DISTINCT e.posting FROM ledger_entry e WHERE NOT EXISTS (SELECT 1 FROM ledger_posting p WHERE p.id = e.posting) LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("ledger: look for lost entries: %w", err)
	}
	return out, nil
}

// firstAt returns when the books began; where they are empty, a time after everything.
func firstAt(ctx context.Context, tx *db.Tx) (time.Time, error) {
	var us int64
	err := tx.Row(ctx, `SELECT at FROM ledger_posting ORDER BY id LIMIT 1`).Scan(&us)
	if errors.Is(err, db.ErrNoRow) {
		return forever, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("ledger: read when the books began: %w", err)
	}
	return time.UnixMicro(us), nil
}

// storiesOf returns what the books hold of orders above after, up to last (0: all).
func storiesOf(ctx context.Context, tx *db.Tx, after, last id.ID) (map[id.ID]*story, error) {
	if last == 0 {
		last = math.MaxInt64
	}
	out := map[id.ID]*story{}
	posting := int64(0)
	err := tx.Each(ctx, func(s db.Scanner) error {
		var order, key, owner int64
		var what, kind string
		var e delivery.Entry
		if err := s.Scan(&order, &key, &what, &kind, &owner, &e.Book.Sub, &e.Book.Rate, &e.Book.Currency, &e.Amount, &e.What); err != nil {
			return err
		}
		e.Book.Kind, e.Book.Owner = delivery.BookKind(kind), id.ID(owner)
		st := out[id.ID(order)]
		if st == nil {
			st = &story{}
			out[id.ID(order)] = st
		}
		st.add(what, key != posting, e)
		posting = key
		return nil
	}, `SELECT p.order_id, p.id, p.what, `+entryColumns+` FROM ledger_posting p JOIN ledger_entry e ON e.posting = p.id JOIN ledger_account a ON a.id = e.account
		WHERE p.order_id > $1 AND p.order_id <= $2 AND p.order_id <> 0 ORDER BY p.order_id, p.id, e.line`, int64(after), int64(last))
	if err != nil {
		return nil, fmt.Errorf("ledger: read the stories of orders: %w", err)
	}
	return out, nil
}
