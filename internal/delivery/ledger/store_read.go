package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// span returns times as bounds: from is in it and to is not; a zero time is no bound.
func span(from, to time.Time) (lo, hi int64) {
	lo, hi = math.MinInt64, math.MaxInt64
	if !from.IsZero() {
		lo = from.UnixMicro()
	}
	if !to.IsZero() {
		hi = to.UnixMicro()
	}
	return lo, hi
}

const accountColumns = `a.id, a.kind, a.owner, a.sub, a.rate, a.currency`

func scanAccount(s db.Scanner) (b delivery.BookAccount, err error) {
	var key, owner int64
	var kind string
	err = s.Scan(&key, &kind, &owner, &b.Book.Sub, &b.Book.Rate, &b.Book.Currency, &b.Balance)
	b.ID, b.Book.Kind, b.Book.Owner = id.ID(key), delivery.BookKind(kind), id.ID(owner)
	return b, err
}

// withSum is an account with what stands on it.
const withSum = `SELECT ` + accountColumns + `, CAST(COALESCE((SELECT SUM(e.amount) FROM ledger_entry e WHERE e.account = a.id), 0) AS BIGINT) FROM ledger_account a `

// accounts returns accounts with ids below below, newest first: of a kind ("": all) and an owner (0: all).
func accounts(ctx context.Context, tx *db.Tx, kind delivery.BookKind, owner, below id.ID, limit int) ([]delivery.BookAccount, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	var out []delivery.BookAccount
	var err error
	switch { // one text for each, so that each has its index
	case owner != 0:
		out, err = db.All(ctx, tx, scanAccount, withSum+`WHERE a.owner = $1 AND ($2 = '' OR a.kind = $2) AND a.id < $3 ORDER BY a.id DESC LIMIT $4`, int64(owner), string(kind), int64(below), limit)
	case kind != "":
		out, err = db.All(ctx, tx, scanAccount, withSum+`WHERE a.kind = $1 AND a.id < $2 ORDER BY a.id DESC LIMIT $3`, string(kind), int64(below), limit)
	default:
		out, err = db.All(ctx, tx, scanAccount, withSum+`WHERE a.id < $1 ORDER BY a.id DESC LIMIT $2`, int64(below), limit)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: list accounts: %w", err)
	}
	return out, nil
}

// account returns an account with what stands on it, or a NotFound error.
func account(ctx context.Context, tx *db.Tx, key id.ID) (delivery.BookAccount, error) {
	a, err := db.One(ctx, tx, scanAccount, withSum+`WHERE a.id = $1`, int64(key))
	if errors.Is(err, db.ErrNoRow) {
		return a, errs.New(errs.NotFound, "There is no such account in the books.")
	}
	if err != nil {
		return a, fmt.Errorf("ledger: read account %d: %w", key, err)
	}
	return a, nil
}

// lineKey is where a page of entries ends.
type lineKey struct {
	At      int64 `json:"a"`
	Posting id.ID `json:"p"`
	Line    int   `json:"l"`
}

const lineColumns = `e.posting, e.line, p.ref, p.what, p.order_id, p.actor, e.at, p.note, a.id, ` + entryColumns

func scanLine(s db.Scanner) (l delivery.BookLine, err error) {
	var posting, order, actor, at, account, owner int64
	var kind string
	err = s.Scan(&posting, &l.Line, &l.Ref, &l.Kind, &order, &actor, &at, &l.Note, &account, &kind, &owner, &l.Book.Sub, &l.Book.Rate, &l.Book.Currency, &l.Amount, &l.What)
	l.Posting, l.Order, l.By, l.Account, l.At = id.ID(posting), id.ID(order), id.ID(actor), id.ID(account), time.UnixMicro(at).UTC()
	l.Book.Kind, l.Book.Owner = delivery.BookKind(kind), id.ID(owner)
	return l, err
}

// lines returns entries of an account between two times and before a key, newest first.
func lines(ctx context.Context, tx *db.Tx, key id.ID, from, to time.Time, before lineKey, limit int) ([]delivery.BookLine, error) {
	lo, hi := span(from, to)
	if before == (lineKey{}) {
		before = lineKey{At: math.MaxInt64}
	}
	out, err := db.All(ctx, tx, scanLine, `SELECT `+lineColumns+` FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting JOIN ledger_account a ON a.id = e.account
		WHERE e.account = $1 AND e.at >= $2 AND e.at < $3 AND (e.at, e.posting, e.line) < ($4, $5, $6) ORDER BY e.at DESC, e.posting DESC, e.line DESC LIMIT $7`,
		int64(key), lo, hi, before.At, int64(before.Posting), before.Line, limit)
	if err != nil {
		return nil, fmt.Errorf("ledger: list the entries of account %d: %w", key, err)
	}
	return out, nil
}

// totals returns what stands on all accounts together, by kind, sub and currency; tax of restaurants apart from the town's.
func totals(ctx context.Context, tx *db.Tx) ([]Total, error) {
	out, err := db.All(ctx, tx, func(s db.Scanner) (t Total, err error) {
		var kind string
		err = s.Scan(&kind, &t.Sub, &t.Town, &t.Currency, &t.Balance, &t.Accounts)
		t.Kind = delivery.BookKind(kind)
		return t, err
	}, `SELECT kind, sub, CASE WHEN owner = 0 THEN TRUE ELSE FALSE END, currency, CAST(SUM(s) AS BIGINT), COUNT(*) FROM
		(SELECT a.kind, a.sub, a.owner, a.currency, COALESCE((SELECT SUM(e.amount) FROM ledger_entry e WHERE e.account = a.id), 0) AS s FROM ledger_account a) AS x
		GROUP BY kind, sub, CASE WHEN owner = 0 THEN TRUE ELSE FALSE END, currency ORDER BY currency, kind, sub`)
	if err != nil {
		return nil, fmt.Errorf("ledger: sum up everything: %w", err)
	}
	return out, nil
}

// countOf returns how many entries stand on the accounts of an owner.
func countOf(ctx context.Context, tx *db.Tx, owner id.ID) (n int, err error) {
	if err = tx.Row(ctx, `SELECT COUNT(*) FROM ledger_account a JOIN ledger_entry e ON e.account = a.id WHERE a.owner = $1`, int64(owner)).Scan(&n); err != nil {
		return 0, fmt.Errorf("ledger: count the entries of %d: %w", owner, err)
	}
	return n, nil
}

// dropNotes takes what was noted beside movements of a person's money, or by them, out of the books. It is the only thing that ever changes in
// a posting.
func dropNotes(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE ledger_posting SET note = '' WHERE note <> '' AND (actor = $1 OR id IN
		(SELECT e.posting FROM ledger_entry e JOIN ledger_account a ON a.id = e.account WHERE a.owner = $1))`, int64(account))
	if err != nil {
		return fmt.Errorf("ledger: drop notes about %d: %w", account, err)
	}
	return nil
}
