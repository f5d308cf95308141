package oidc

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

var errNoIdentity = errs.New(errs.NotFound, "There is no such connection.")

const columns = `id, account, issuer, subject, email, name, created_at, used_at`

func scan(s db.Scanner) (Identity, error) {
	var i Identity
	var created, used int64
	err := s.Scan(&i.ID, &i.Account, &i.Issuer, &i.Subject, &i.Email, &i.Name, &created, &used)
	i.CreatedAt = time.UnixMicro(created).UTC()
	if used != 0 {
		i.UsedAt = time.UnixMicro(used).UTC()
	}
	return i, err
}

// find returns the identity of a subject, or a NotFound error.
func (store) find(ctx context.Context, tx *db.Tx, issuer, subject string) (Identity, error) {
	i, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM account_identity WHERE issuer = $1 AND subject = $2`, issuer, subject)
	if errors.Is(err, db.ErrNoRow) {
		return Identity{}, errNoIdentity
	}
	return i, err
}

// list returns the account's identities, oldest first.
func (store) list(ctx context.Context, tx *db.Tx, account id.ID) ([]Identity, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM account_identity WHERE account = $1 ORDER BY created_at, id`, account)
}

func (store) insert(ctx context.Context, tx *db.Tx, i Identity) error {
	_, err := tx.Exec(ctx, `INSERT INTO account_identity (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`,
		i.ID, i.Account, i.Issuer, i.Subject, i.Email, i.Name, i.CreatedAt.UnixMicro())
	return err
}

// used notes a sign-in, with the address and name that the provider tells now.
func (store) used(ctx context.Context, tx *db.Tx, identity id.ID, email, name string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE account_identity SET used_at = $1, email = $2, name = $3 WHERE id = $4`, now.UnixMicro(), email, name, identity)
	return err
}

// lock keeps other transactions from changing the account's ways in until this one ends.
func (store) lock(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE account SET changed_at = changed_at WHERE id = $1`, account)
	return err
}

// removeSince takes the connections away that were made after a time, and returns how many those were.
func (store) removeSince(ctx context.Context, tx *db.Tx, account id.ID, since time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM account_identity WHERE account = $1 AND created_at > $2`, account, since.UnixMicro())
}

// remove takes a connection away and returns its issuer, or a NotFound error.
func (store) remove(ctx context.Context, tx *db.Tx, account, identity id.ID) (string, error) {
	var issuer string
	err := tx.Row(ctx, `DELETE FROM account_identity WHERE account = $1 AND id = $2 RETURNING issuer`, account, identity).Scan(&issuer)
	if errors.Is(err, db.ErrNoRow) {
		return "", errNoIdentity
	}
	return issuer, err
}
