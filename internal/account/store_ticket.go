package account

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

const ticketColumns = `kind, account, email, data, browser_sha256`

func scanTicket(s db.Scanner) (Ticket, error) {
	var t Ticket
	var browser []byte
	err := s.Scan(&t.Kind, &t.Account, &t.Email, &t.Data, &browser)
	t.bound = copy(t.browser[:], browser) == len(t.browser)
	return t, err
}

func (store) insertTicket(ctx context.Context, tx *db.Tx, d digest, t Ticket, now, expires time.Time) error {
	browser := []byte{}
	if t.Browser != "" {
		b := digestOf(t.Browser)
		browser = b[:]
	}
	_, err := tx.Exec(ctx, `INSERT INTO account_ticket (token_sha256, kind, account, email, data, browser_sha256, tries, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)`, d[:], t.Kind, t.Account, t.Email, t.Data, browser, now.UnixMicro(), expires.UnixMicro())
	return err
}

// ticket returns a ticket that can be used at now, or db.ErrNoRow.
func (store) ticket(ctx context.Context, tx *db.Tx, d digest, kind string, now time.Time) (Ticket, error) {
	return db.One(ctx, tx, scanTicket, `SELECT `+ticketColumns+` FROM account_ticket WHERE token_sha256 = $1 AND kind = $2 AND expires_at > $3`,
		d[:], kind, now.UnixMicro())
}

// takeTicket removes a ticket that can be used at now and returns it, or db.ErrNoRow.
func (store) takeTicket(ctx context.Context, tx *db.Tx, d digest, kind string, now time.Time) (Ticket, error) {
	return db.One(ctx, tx, scanTicket, `DELETE FROM account_ticket WHERE token_sha256 = $1 AND kind = $2 AND expires_at > $3 RETURNING `+ticketColumns,
		d[:], kind, now.UnixMicro())
}

// tryTicket counts a try, or returns a NotFound error after max.
func (store) tryTicket(ctx context.Context, tx *db.Tx, d digest, max int) error {
	n, err := tx.Exec(ctx, `UPDATE account_ticket SET tries = tries + 1 WHERE token_sha256 = $1 AND tries < $2`, d[:], max)
	if err == nil && n == 0 {
		return errTicket
	}
	return err
}

func (store) dropTickets(ctx context.Context, tx *db.Tx, account id.ID, kind string) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_ticket WHERE account = $1 AND ($2 = '' OR kind = $2)`, account, kind)
	return err
}

// try counts a try of key in its window and reports true, unless there were max already: then it returns how long the window lasts.
func (store) try(ctx context.Context, tx *db.Tx, key string, max int, window time.Duration, now time.Time) (ok bool, left time.Duration, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO account_try (key, began_at, wrong) VALUES ($1, $2, 1)
		ON CONFLICT (key) DO UPDATE SET
			wrong = CASE WHEN account_try.began_at <= $3 THEN 1 ELSE account_try.wrong + 1 END,
			began_at = CASE WHEN account_try.began_at <= $3 THEN excluded.began_at ELSE account_try.began_at END
		WHERE account_try.wrong < $4 OR account_try.began_at <= $3`, key, now.UnixMicro(), now.Add(-window).UnixMicro(), max)
	if err != nil || n == 1 {
		return err == nil, 0, err
	}
	var began int64
	if err := tx.Row(ctx, `SELECT began_at FROM account_try WHERE key = $1`, key).Scan(&began); err != nil {
		return false, 0, err
	}
	return false, time.UnixMicro(began).Add(window).Sub(now), nil
}

// tried returns how many tries of key there were in its window, and how long that lasts.
func (store) tried(ctx context.Context, tx *db.Tx, key string, window time.Duration, now time.Time) (wrong int, left time.Duration, err error) {
	var began int64
	err = tx.Row(ctx, `SELECT wrong, began_at FROM account_try WHERE key = $1 AND began_at > $2`, key, now.Add(-window).UnixMicro()).Scan(&wrong, &began)
	if errors.Is(err, db.ErrNoRow) {
		return 0, 0, nil
	}
	return wrong, time.UnixMicro(began).Add(window).Sub(now), err
}

// undoTry takes back one try of key that was none after all.
func (store) undoTry(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Exec(ctx, `UPDATE account_try SET wrong = wrong - 1 WHERE key = $1 AND wrong > 0`, key)
	return err
}

// right forgets the tries of key.
func (store) right(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_try WHERE key = $1`, key)
	return err
}

// sweepTickets removes what is too old to be asked for.
func (store) sweepTickets(ctx context.Context, tx *db.Tx, window time.Duration, now time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM account_ticket WHERE expires_at <= $1`, now.UnixMicro()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM account_try WHERE began_at <= $1`, now.Add(-window).UnixMicro())
	return err
}

// knows reports whether the account has signed in with a browser.
func (store) knows(ctx context.Context, tx *db.Tx, account id.ID, browser string) (bool, error) {
	d := digestOf(browser)
	return tx.Exists(ctx, `SELECT 1 FROM account_device WHERE account = $1 AND browser_sha256 = $2`, account, d[:])
}

// meet notes that the account signs in with a browser.
func (store) meet(ctx context.Context, tx *db.Tx, account id.ID, browser string, now time.Time) error {
	d := digestOf(browser)
	_, err := tx.Exec(ctx, `INSERT INTO account_device (account, browser_sha256, first_at, last_at) VALUES ($1, $2, $3, $3)
		ON CONFLICT (account, browser_sha256) DO UPDATE SET last_at = excluded.last_at`, account, d[:], now.UnixMicro())
	return err
}

// forgetDevices makes every browser a stranger to the account.
func (store) forgetDevices(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_device WHERE account = $1`, account)
	return err
}
