package signup

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// store is every SQL statement of the package. The tables stand in package account's schema, beside what they hang on.
type store struct{}

func digest(code string) []byte {
	d := sha256.Sum256([]byte(code))
	return d[:]
}

func (store) insertInvite(ctx context.Context, tx *db.Tx, code string, v Invite) error {
	_, err := tx.Exec(ctx, `INSERT INTO account_invite (id, code_sha256, mark, note, uses_left, made_by, made_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, v.ID, digest(code), v.Mark, v.Note, v.Uses, v.By, v.MadeAt.UnixMicro(), v.ExpiresAt.UnixMicro())
	return err
}

// inviteGood reports whether somebody can join with a code at now.
func (store) inviteGood(ctx context.Context, tx *db.Tx, code string, now time.Time) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM account_invite WHERE code_sha256 = $1 AND uses_left > 0 AND expires_at > $2`, digest(code), now.UnixMicro())
}

// useInvite takes one use of an invitation and reports whether there was one.
func (store) useInvite(ctx context.Context, tx *db.Tx, code string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE account_invite SET uses_left = uses_left - 1 WHERE code_sha256 = $1 AND uses_left > 0 AND expires_at > $2`,
		digest(code), now.UnixMicro())
	return n == 1, err
}

func (store) invites(ctx context.Context, tx *db.Tx, now time.Time, max int) ([]Invite, error) {
	return db.All(ctx, tx, func(s db.Scanner) (v Invite, err error) {
		var made, expires int64
		err = s.Scan(&v.ID, &v.Mark, &v.Note, &v.Uses, &v.By, &made, &expires)
		v.MadeAt, v.ExpiresAt = time.UnixMicro(made).UTC(), time.UnixMicro(expires).UTC()
		return v, err
	}, `SELECT id, mark, note, uses_left, made_by, made_at, expires_at FROM account_invite WHERE uses_left > 0 AND expires_at > $1
		ORDER BY made_at DESC, id DESC LIMIT $2`, now.UnixMicro(), max)
}

func (store) dropInvite(ctx context.Context, tx *db.Tx, invite id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_invite WHERE id = $1`, invite)
	return err
}

func (store) wait(ctx context.Context, tx *db.Tx, who id.ID, about string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO account_waiting (account, about, asked_at) VALUES ($1, $2, $3)`, who, about, now.UnixMicro())
	return err
}

func (store) unwait(ctx context.Context, tx *db.Tx, who id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM account_waiting WHERE account = $1`, who)
	return err
}

func (store) waiting(ctx context.Context, tx *db.Tx, max int) ([]Waiting, error) {
	return db.All(ctx, tx, func(s db.Scanner) (w Waiting, err error) {
		var asked int64
		a := &w.Account
		err = s.Scan(&a.ID, &a.Handle, &a.Name, &a.Email, &a.Lang, &w.About, &asked)
		w.AskedAt = time.UnixMicro(asked).UTC()
		a.CreatedAt = w.AskedAt
		return w, err
	}, `SELECT a.id, a.handle, a.name, a.email, a.lang, w.about, w.asked_at FROM account_waiting w JOIN account a ON a.id = w.account
		ORDER BY w.asked_at, w.account LIMIT $1`, max)
}

func (store) countWaiting(ctx context.Context, tx *db.Tx) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM account_waiting`).Scan(&n)
	return n, err
}
