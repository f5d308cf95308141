package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// insertPosting stores the head of a posting and reports whether its ref was free.
func insertPosting(ctx context.Context, tx *db.Tx, key id.ID, p *delivery.Posting) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ledger_posting (id, ref, what, order_id, actor, at, note, lines) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (ref) DO NOTHING`, int64(key), p.Ref, p.What, int64(p.Order), int64(p.By), p.At.UnixMicro(), p.Note, len(p.Entries))
	if err != nil {
		return false, fmt.Errorf("ledger: store posting %s: %w", p.Ref, err)
	}
	return n == 1, nil
}

// lock has whoever else changes the claims of an order wait until tx has ended. On SQLite they wait anyway.
func lock(ctx context.Context, tx *db.Tx, order id.ID) error {
	if tx.Dialect() == db.SQLite {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(order)); err != nil {
		return fmt.Errorf("ledger: lock order %d: %w", order, err)
	}
	return nil
}

// perInsert is how many entries one statement stores.
const perInsert = 16

// insertTexts are the statements that store 1 to perInsert entries.
var insertTexts = func() (out [perInsert + 1]string) {
	for n := 1; n <= perInsert; n++ {
		var b strings.Builder
		b.WriteString(`INSERT INTO ledger_entry (posting, at, line, account, amount, what) VALUES `)
		for i := range n {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString("($1, $2")
			for c := range 4 {
				b.WriteString(", $" + strconv.Itoa(3+4*i+c))
			}
			b.WriteString(")")
		}
		out[n] = b.String()
	}
	return out
}()

// insertEntries stores the entries of a posting, of which accounts holds the accounts.
func insertEntries(ctx context.Context, tx *db.Tx, key id.ID, p *delivery.Posting, accounts []id.ID) error {
	for from := 0; from < len(p.Entries); from += perInsert {
		to := min(from+perInsert, len(p.Entries))
		args := make([]any, 0, 2+4*(to-from))
		args = append(args, int64(key), p.At.UnixMicro())
		for i := from; i < to; i++ {
			args = append(args, int64(i), int64(accounts[i]), p.Entries[i].Amount, p.Entries[i].What)
		}
		if _, err := tx.Exec(ctx, insertTexts[to-from], args...); err != nil {
			return fmt.Errorf("ledger: store the entries of %s: %w", p.Ref, err)
		}
	}
	return nil
}

// openAccount returns the id of an account, which is key where there was none.
func openAccount(ctx context.Context, tx *db.Tx, key id.ID, b delivery.Book) (id.ID, error) {
	find := func() (found int64, err error) {
		err = tx.Row(ctx, `SELECT id FROM ledger_account WHERE kind = $1 AND owner = $2 AND sub = $3 AND rate = $4 AND currency = $5`,
			string(b.Kind), int64(b.Owner), b.Sub, b.Rate, b.Currency).Scan(&found)
		return found, err
	}
	found, err := find()
	if errors.Is(err, db.ErrNoRow) {
		if _, err = tx.Exec(ctx, `INSERT INTO ledger_account (id, kind, owner, sub, rate, currency) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			int64(key), string(b.Kind), int64(b.Owner), b.Sub, b.Rate, b.Currency); err == nil {
			found, err = find() // somebody else may have opened it at the same time
		}
	}
	if err != nil {
		return 0, fmt.Errorf("ledger: open account %v: %w", b, err)
	}
	return id.ID(found), nil
}

// moveBalance adds an amount to what a wallet is kept to hold, unless that made it a debit: nobody spends what they don't have.
func moveBalance(ctx context.Context, tx *db.Tx, account id.ID, amount money.Amount) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE ledger_account SET balance = balance + $1 WHERE id = $2 AND balance + $1 <= 0`, amount, int64(account))
	if err != nil {
		return false, fmt.Errorf("ledger: move a wallet's balance: %w", err)
	}
	return n == 1, nil
}

// kept returns the kept balance of a wallet.
func kept(ctx context.Context, tx *db.Tx, b delivery.Book) (sum money.Amount, err error) {
	err = tx.Row(ctx, `SELECT balance FROM ledger_account WHERE kind = $1 AND owner = $2 AND sub = $3 AND rate = $4 AND currency = $5`,
		string(b.Kind), int64(b.Owner), b.Sub, b.Rate, b.Currency).Scan(&sum)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return 0, fmt.Errorf("ledger: read the balance of %v: %w", b, err)
	}
	return sum, nil
}

// balance returns the sum of an account's entries.
func balance(ctx context.Context, tx *db.Tx, b delivery.Book) (sum money.Amount, err error) {
	err = tx.Row(ctx, `SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
		WHERE a.kind = $1 AND a.owner = $2 AND a.sub = $3 AND a.rate = $4 AND a.currency = $5`,
		string(b.Kind), int64(b.Owner), b.Sub, b.Rate, b.Currency).Scan(&sum)
	if err != nil {
		return 0, fmt.Errorf("ledger: sum up %v: %w", b, err)
	}
	return sum, nil
}

// postingByRef returns a posting's kind, order and entries in their order.
func postingByRef(ctx context.Context, tx *db.Tx, ref string) (what string, order id.ID, list []delivery.Entry, err error) {
	var key, of int64
	if err = tx.Row(ctx, `SELECT id, what, order_id FROM ledger_posting WHERE ref = $1`, ref).Scan(&key, &what, &of); err == nil {
		list, err = db.All(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM ledger_entry e JOIN ledger_account a ON a.id = e.account WHERE e.posting = $1 ORDER BY e.line`, key)
	}
	if err != nil {
		return "", 0, nil, fmt.Errorf("ledger: read posting %s: %w", ref, err)
	}
	return what, id.ID(of), list, nil
}

const entryColumns = `a.kind, a.owner, a.sub, a.rate, a.currency, e.amount, e.what`

func scanEntry(s db.Scanner) (e delivery.Entry, err error) {
	var kind string
	var owner int64
	err = s.Scan(&kind, &owner, &e.Book.Sub, &e.Book.Rate, &e.Book.Currency, &e.Amount, &e.What)
	e.Book.Kind, e.Book.Owner = delivery.BookKind(kind), id.ID(owner)
	return e, err
}

// hasRef reports whether a posting has a ref.
func hasRef(ctx context.Context, tx *db.Tx, ref string) (bool, error) {
	found, err := tx.Exists(ctx, `SELECT 1 FROM ledger_posting WHERE ref = $1`, ref)
	if err != nil {
		return false, fmt.Errorf("ledger: look for posting %s: %w", ref, err)
	}
	return found, nil
}

// unsales returns how often an order was taken back.
func unsales(ctx context.Context, tx *db.Tx, order id.ID) (n int, err error) {
	if err = tx.Row(ctx, `SELECT COUNT(*) FROM ledger_posting WHERE order_id = $1 AND what = '`+unsold+`'`, int64(order)).Scan(&n); err != nil {
		return 0, fmt.Errorf("ledger: count what was taken back of order %d: %w", order, err)
	}
	return n, nil
}

// claimed returns the entries of an order's claims, and how often they were taken back.
func claimed(ctx context.Context, tx *db.Tx, order id.ID) (list []delivery.Entry, n int, err error) {
	last := id.ID(0)
	err = tx.Each(ctx, func(s db.Scanner) error {
		var key, owner int64
		var what, kind string
		var e delivery.Entry
		if err := s.Scan(&key, &what, &kind, &owner, &e.Book.Sub, &e.Book.Rate, &e.Book.Currency, &e.Amount, &e.What); err != nil {
			return err
		}
		if !claims(what) {
			return nil
		}
		if what == unsold && id.ID(key) != last {
			n++
		}
		last = id.ID(key)
		e.Book.Kind, e.Book.Owner = delivery.BookKind(kind), id.ID(owner)
		list = append(list, e)
		return nil
	}, `SELECT p.id, p.what, `+entryColumns+` FROM ledger_posting p JOIN ledger_entry e ON e.posting = p.id JOIN ledger_account a ON a.id = e.account
		WHERE p.order_id = $1 ORDER BY p.id, e.line`, int64(order))
	if err != nil {
		return nil, 0, fmt.Errorf("ledger: read the entries of order %d: %w", order, err)
	}
	return list, n, nil
}
