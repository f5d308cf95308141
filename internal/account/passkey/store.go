package passkey

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

var errNoKey = errs.New(errs.NotFound, "There is no such passkey.")

const columns = `id, account, credential, public_key, aaguid, transports, signs, eligible, synced, name, created_at, used_at, cloned_at`

func scan(s db.Scanner) (Passkey, error) {
	var p Passkey
	var created, used, cloned, signs int64
	err := s.Scan(&p.ID, &p.Account, &p.credential, &p.public, &p.aaguid, &p.transports, &signs, &p.eligible, &p.Synced, &p.Name, &created, &used, &cloned)
	p.signs, p.CreatedAt, p.UsedAt, p.ClonedAt = uint32(signs), at(created), at(used), at(cloned)
	return p, err
}

func at(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// list returns the account's keys, oldest first.
func (store) list(ctx context.Context, tx *db.Tx, account id.ID) ([]Passkey, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM account_passkey WHERE account = $1 ORDER BY created_at, id`, account)
}

// byCredential returns the key with its own id, or a NotFound error.
func (store) byCredential(ctx context.Context, tx *db.Tx, credential []byte) (Passkey, error) {
	p, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM account_passkey WHERE credential = $1`, credential)
	if errors.Is(err, db.ErrNoRow) {
		return Passkey{}, errNoKey
	}
	return p, err
}

// lock keeps other transactions from adding and removing the account's keys until this one ends, and returns how many there are.
func (store) lock(ctx context.Context, tx *db.Tx, account id.ID) (int, error) {
	// The account's row, not the keys': there may be none yet. On SQLite a writer is alone anyway.
	if _, err := tx.Exec(ctx, `UPDATE account SET changed_at = changed_at WHERE id = $1`, account); err != nil {
		return 0, err
	}
	return store{}.count(ctx, tx, account)
}

func (store) count(ctx context.Context, tx *db.Tx, account id.ID) (int, error) {
	var n int
	err := tx.Row(ctx, `SELECT COUNT(*) FROM account_passkey WHERE account = $1 AND cloned_at = 0`, account).Scan(&n)
	return n, err
}

func (store) insert(ctx context.Context, tx *db.Tx, p Passkey) error {
	_, err := tx.Exec(ctx, `INSERT INTO account_passkey (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0)`,
		p.ID, p.Account, p.credential, p.public, p.aaguid, p.transports, int64(p.signs), p.eligible, p.Synced, p.Name, p.CreatedAt.UnixMicro())
	return err
}

// used notes a sign-in. It returns false where another one has moved the counter past signs meanwhile, or the key is gone.
func (store) used(ctx context.Context, tx *db.Tx, p Passkey, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE account_passkey SET signs = $1, synced = $2, used_at = $3 WHERE id = $4 AND (signs < $1 OR $1 = 0) AND cloned_at = 0`,
		int64(p.signs), p.Synced, now.UnixMicro(), p.ID)
	return n == 1, err
}

func (store) cloned(ctx context.Context, tx *db.Tx, key id.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE account_passkey SET cloned_at = $1 WHERE id = $2 AND cloned_at = 0`, now.UnixMicro(), key)
	return err
}

func (store) rename(ctx context.Context, tx *db.Tx, account, key id.ID, name string) error {
	n, err := tx.Exec(ctx, `UPDATE account_passkey SET name = $1 WHERE account = $2 AND id = $3`, name, account, key)
	if err == nil && n == 0 {
		return errNoKey
	}
	return err
}

// removeSince takes the keys away that were added after a time, and returns how many those were.
func (store) removeSince(ctx context.Context, tx *db.Tx, account id.ID, since time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM account_passkey WHERE account = $1 AND created_at > $2`, account, since.UnixMicro())
}

// remove takes a key away and returns its name, or a NotFound error.
func (store) remove(ctx context.Context, tx *db.Tx, account, key id.ID) (string, error) {
	var name string
	err := tx.Row(ctx, `DELETE FROM account_passkey WHERE account = $1 AND id = $2 RETURNING name`, account, key).Scan(&name)
	if errors.Is(err, db.ErrNoRow) {
		return "", errNoKey
	}
	return name, err
}
