package totp

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// store is every SQL statement of the slice.
type store struct{}

// row is an account's secret.
type row struct {
	sealed    []byte
	lastStep  int64
	createdAt time.Time
	confirmed bool
}

var errOff = errs.New(errs.NotFound, "Two-step sign-in is not set up.")

// get returns an account's secret, or a NotFound error.
func (store) get(ctx context.Context, tx *db.Tx, account id.ID) (row, error) {
	var r row
	var created, confirmed int64
	err := tx.Row(ctx, `SELECT sealed, last_step, created_at, confirmed_at FROM account_totp WHERE account = $1`, account).
		Scan(&r.sealed, &r.lastStep, &created, &confirmed)
	if errors.Is(err, db.ErrNoRow) {
		return row{}, errOff
	}
	r.createdAt, r.confirmed = time.UnixMicro(created).UTC(), confirmed != 0
	return r, err
}

// on reports whether an account has a secret that counts.
func (store) on(ctx context.Context, tx *db.Tx, account id.ID) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM account_totp WHERE account = $1 AND confirmed_at > 0`, account)
}

// start stores a secret that does not count yet, in place of another such one. It returns a Conflict error where one counts.
func (store) start(ctx context.Context, tx *db.Tx, account id.ID, sealed []byte, now time.Time) error {
	n, err := tx.Exec(ctx, `INSERT INTO account_totp (account, sealed, last_step, created_at, confirmed_at) VALUES ($1, $2, 0, $3, 0)
		ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, last_step = 0, created_at = excluded.created_at WHERE account_totp.confirmed_at = 0`,
		account, sealed, now.UnixMicro())
	if err == nil && n == 0 {
		return errs.New(errs.Conflict, "Two-step sign-in is on already.")
	}
	return err
}

// confirm makes a secret count, unless it is another one by now.
func (store) confirm(ctx context.Context, tx *db.Tx, account id.ID, r row, step int64, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE account_totp SET confirmed_at = $1, last_step = $2 WHERE account = $3 AND confirmed_at = 0 AND created_at = $4`,
		now.UnixMicro(), step, account, r.createdAt.UnixMicro())
	if err == nil && n == 0 {
		return errs.New(errs.Conflict, "This was set up anew elsewhere. Scan the code that is shown now.")
	}
	return err
}

// accept takes the code of a step and returns true, unless that one or a newer was taken before.
func (store) accept(ctx context.Context, tx *db.Tx, account id.ID, step int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE account_totp SET last_step = $1 WHERE account = $2 AND last_step < $1 AND confirmed_at > 0`, step, account)
	return n == 1, err
}

// remove takes the secret and the recovery codes away, or returns a NotFound error.
func (store) remove(ctx context.Context, tx *db.Tx, account id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM account_recovery WHERE account = $1`, account); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `DELETE FROM account_totp WHERE account = $1 AND confirmed_at > 0`, account)
	if err == nil && n == 0 {
		return errOff
	}
	return err
}

// recovery stores the digests of new recovery codes in place of all others.
func (store) recovery(ctx context.Context, tx *db.Tx, account id.ID, macs []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM account_recovery WHERE account = $1`, account); err != nil {
		return err
	}
	for i, mac := range macs {
		if _, err := tx.Exec(ctx, `INSERT INTO account_recovery (account, n, mac, used_at) VALUES ($1, $2, $3, 0)`, account, i, mac); err != nil {
			return err
		}
	}
	return nil
}

// unused returns the digests of the recovery codes that are good, by number.
func (store) unused(ctx context.Context, tx *db.Tx, account id.ID) (map[int]string, error) {
	out := map[int]string{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var n int
		var mac string
		err := s.Scan(&n, &mac)
		out[n] = mac
		return err
	}, `SELECT n, mac FROM account_recovery WHERE account = $1 AND used_at = 0`, account)
	return out, err
}

// use uses a recovery code up and returns true, unless it was before.
func (store) use(ctx context.Context, tx *db.Tx, account id.ID, n int, now time.Time) (bool, error) {
	changed, err := tx.Exec(ctx, `UPDATE account_recovery SET used_at = $1 WHERE account = $2 AND n = $3 AND used_at = 0`, now.UnixMicro(), account, n)
	return changed == 1, err
}

// left returns how many recovery codes are good.
func (store) left(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM account_recovery WHERE account = $1 AND used_at = 0`, account).Scan(&n)
	return n, err
}
