package list

import (
	"context"
	"embed"
	"errors"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

const columns = `id, owner, title, replies, exclusive`

func scan(r db.Scanner) (*social.List, error) {
	l := &social.List{}
	return l, r.Scan(&l.ID, &l.Owner, &l.Title, &l.Replies, &l.Exclusive)
}

func scanID(r db.Scanner) (n id.ID, err error) { return n, r.Scan(&n) }

// of returns the owner's lists without their members, oldest first.
func of(ctx context.Context, tx *db.Tx, owner id.ID) ([]*social.List, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM social_list WHERE owner = $1 ORDER BY id`, owner)
}

// fill reads the members of the owner's lists.
func fill(ctx context.Context, tx *db.Tx, owner id.ID, lists []*social.List) error {
	by := map[id.ID]*social.List{}
	for _, l := range lists {
		l.Members = map[id.ID]bool{}
		by[l.ID] = l
	}
	return tx.Each(ctx, func(r db.Scanner) error {
		var list, account id.ID
		err := r.Scan(&list, &account)
		if l := by[list]; l != nil {
			l.Members[account] = true
		}
		return err
	}, `SELECT m.list, m.account FROM social_list l JOIN social_list_member m ON m.list = l.id WHERE l.owner = $1`, owner)
}

// with returns those of the owner's lists that an account is a member of.
func with(ctx context.Context, tx *db.Tx, owner, account id.ID) ([]*social.List, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM social_list l WHERE owner = $1
		AND EXISTS (SELECT 1 FROM social_list_member m WHERE m.list = l.id AND m.account = $2) ORDER BY id`, owner, account)
}

// get returns a list without its members.
func get(ctx context.Context, tx *db.Tx, owner, list id.ID) (*social.List, error) {
	l, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM social_list WHERE id = $1 AND owner = $2`, list, owner)
	if errors.Is(err, db.ErrNoRow) {
		return nil, errNone
	}
	return l, err
}

func members(ctx context.Context, tx *db.Tx, list id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	return out, tx.Each(ctx, func(r db.Scanner) error {
		n, err := scanID(r)
		out[n] = true
		return err
	}, `SELECT account FROM social_list_member WHERE list = $1`, list)
}

// member is an account in a list; pages go by its place.
type member struct{ place, account id.ID }

// page returns members, those added last first: with a place below max (0: any) and above min.
func page(ctx context.Context, tx *db.Tx, list, maxPlace, minPlace id.ID, limit int) ([]member, error) {
	return db.All(ctx, tx, func(r db.Scanner) (m member, err error) { return m, r.Scan(&m.place, &m.account) },
		`SELECT id, account FROM social_list_member WHERE list = $1 AND (CAST($2 AS BIGINT) = 0 OR id < $2) AND id > $3 ORDER BY id DESC LIMIT $4`, list, maxPlace, minPlace, limit)
}

// above returns the members directly above a place, those added last first.
func above(ctx context.Context, tx *db.Tx, list, place id.ID, limit int) ([]member, error) {
	return db.All(ctx, tx, func(r db.Scanner) (m member, err error) { return m, r.Scan(&m.place, &m.account) },
		`SELECT id, account FROM (SELECT id, account FROM social_list_member WHERE list = $1 AND id > $2 ORDER BY id LIMIT $3) m ORDER BY id DESC`, list, place, limit)
}

// Exclusive returns the accounts that the owner's exclusive lists keep out of their home timeline. The graph's snapshots hold them.
func Exclusive(ctx context.Context, tx *db.Tx, owner id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, scanID, `SELECT DISTINCT m.account FROM social_list l JOIN social_list_member m ON m.list = l.id
		WHERE l.owner = $1 AND l.exclusive`, owner)
}

func put(ctx context.Context, tx *db.Tx, l *social.List) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_list (id, owner, title, replies, exclusive) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, replies = excluded.replies, exclusive = excluded.exclusive`,
		l.ID, l.Owner, l.Title, l.Replies, l.Exclusive)
	return err
}

func remove(ctx context.Context, tx *db.Tx, list id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM social_list_member WHERE list = $1`, list); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM social_list WHERE id = $1`, list)
	return err
}

// addMember returns false where the account is a member already.
func addMember(ctx context.Context, tx *db.Tx, list, account, place id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO social_list_member (list, account, id) VALUES ($1, $2, $3) ON CONFLICT (list, account) DO NOTHING`, list, account, place)
	return n == 1, err
}

func removeMember(ctx context.Context, tx *db.Tx, list, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM social_list_member WHERE list = $1 AND account = $2`, list, account)
	return err
}

// leaveAll takes an account out of all lists, or out of the owner's where owner is not 0.
func leaveAll(ctx context.Context, tx *db.Tx, owner, account id.ID) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM social_list_member WHERE account = $1 AND (CAST($2 AS BIGINT) = 0 OR list IN (SELECT id FROM social_list WHERE owner = $2))`, account, owner)
}
