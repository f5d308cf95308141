package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Walk calls fn for each entry on an owner's accounts (0: on all accounts) for a time from from on and before to, by posting and line. A zero
// time is no bound. fn must not use tx.
func (s *Service) Walk(ctx context.Context, tx *db.Tx, owner id.ID, from, to time.Time, fn func(delivery.BookLine) error) error {
	least, most := span(from, to)
	query := `SELECT p.id, e.line, p.ref, p.what, e.what, p.order_id, p.actor, e.at, p.note, e.amount, a.id, a.kind, a.owner, a.sub, a.rate, a.currency
		FROM ledger_entry e JOIN ledger_account a ON a.id = e.account JOIN ledger_posting p ON p.id = e.posting WHERE e.at >= $1 AND e.at < $2`
	args := []any{least, most}
	if owner != 0 {
		query += ` AND a.owner = $3`
		args = append(args, int64(owner))
	}
	err := tx.Each(ctx, func(r db.Scanner) error {
		var l delivery.BookLine
		var at int64
		var kind string
		if err := r.Scan(&l.Posting, &l.Line, &l.Ref, &l.Kind, &l.What, &l.Order, &l.By, &at, &l.Note, &l.Amount, &l.Account, &kind, &l.Book.Owner, &l.Book.Sub, &l.Book.Rate, &l.Book.Currency); err != nil {
			return err
		}
		l.At, l.Book.Kind = time.UnixMicro(at).UTC(), delivery.BookKind(kind)
		return fn(l)
	}, query+` ORDER BY p.id, e.line`, args...)
	if err != nil {
		return fmt.Errorf("ledger: walk: %w", err)
	}
	return nil
}

// Balances returns what restaurants and couriers are owed, their cash and their tax: the accounts of an owner (0: of all) on which something
// is, by owner, as of before a time; a zero time is now.
func (s *Service) Balances(ctx context.Context, tx *db.Tx, owner id.ID, before time.Time) ([]delivery.BookAccount, error) {
	_, most := span(time.Time{}, before)
	query := `SELECT a.id, a.kind, a.owner, a.sub, a.rate, a.currency, CAST(SUM(e.amount) AS BIGINT)
		FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
		WHERE e.at < $1 AND a.owner <> 0 AND a.kind IN ('restaurant', 'courier', 'cash', 'tax')`
	args := []any{most}
	if owner != 0 {
		query += ` AND a.owner = $2`
		args = append(args, int64(owner))
	}
	list, err := db.All(ctx, tx, func(r db.Scanner) (b delivery.BookAccount, err error) {
		var kind string
		err = r.Scan(&b.ID, &kind, &b.Book.Owner, &b.Book.Sub, &b.Book.Rate, &b.Book.Currency, &b.Balance)
		b.Book.Kind = delivery.BookKind(kind)
		return b, err
	}, query+` GROUP BY a.id, a.kind, a.owner, a.sub, a.rate, a.currency HAVING SUM(e.amount) <> 0 ORDER BY a.owner, a.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("ledger: list balances: %w", err)
	}
	return list, nil
}

// Sums returns what the entries of all accounts of an owner come to in a currency, by kind and word, of those entered for a time from from
// on and before to. A zero time is no bound: with two of them the sums are balances.
func (s *Service) Sums(ctx context.Context, tx *db.Tx, owner id.ID, currency string, from, to time.Time) ([]delivery.BookSum, error) {
	least, most := span(from, to)
	list, err := db.All(ctx, tx, func(r db.Scanner) (b delivery.BookSum, err error) {
		var kind string
		err = r.Scan(&kind, &b.Sub, &b.What, &b.Amount)
		b.Kind = delivery.BookKind(kind)
		return b, err
	}, `SELECT a.kind, a.sub, e.what, CAST(SUM(e.amount) AS BIGINT) FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
		WHERE a.owner = $1 AND a.currency = $2 AND e.at >= $3 AND e.at < $4 GROUP BY a.kind, a.sub, e.what`, int64(owner), currency, least, most)
	if err != nil {
		return nil, fmt.Errorf("ledger: sum up the accounts of %d: %w", owner, err)
	}
	return list, nil
}

// Cash returns the accounts of who else than a restaurant has cash in a currency, by owner above after, at most limit. Below zero they gave
// out their own.
func (s *Service) Cash(ctx context.Context, tx *db.Tx, currency string, after id.ID, limit int) ([]delivery.BookAccount, error) {
	list, err := db.All(ctx, tx, scanAccount, `SELECT `+accountColumns+`, CAST(SUM(e.amount) AS BIGINT) FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
		WHERE a.kind = 'cash' AND a.currency = $1 AND a.owner > $2 AND NOT EXISTS (SELECT 1 FROM ledger_account r WHERE r.owner = a.owner AND r.kind IN ('restaurant', 'tax'))
		GROUP BY `+accountColumns+` HAVING SUM(e.amount) <> 0 ORDER BY a.owner LIMIT $3`, currency, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("ledger: list who has cash: %w", err)
	}
	return list, nil
}
