package filter

import (
	"context"
	"embed"
	"errors"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

func micro(t social.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicro(µs int64) social.Time {
	if µs == 0 {
		return social.Time{}
	}
	return social.Time{Time: time.UnixMicro(µs).UTC()}
}

// load returns the owner's filters, oldest first; with one that is not 0, that filter alone.
func load(ctx context.Context, tx *db.Tx, owner, one id.ID) ([]Filter, error) {
	at := map[id.ID]int{}
	list, err := db.All(ctx, tx, func(r db.Scanner) (Filter, error) {
		f := Filter{Keywords: []Keyword{}, Statuses: []Single{}}
		var contexts string
		var expires int64
		err := r.Scan(&f.ID, &f.Title, &contexts, &f.Action, &expires)
		f.Context, f.Expires = strings.Split(contexts, ","), fromMicro(expires)
		at[f.ID] = len(at)
		return f, err
	}, `SELECT id, title, contexts, action, expires_at FROM social_filter WHERE owner = $1 AND (CAST($2 AS BIGINT) = 0 OR id = $2) ORDER BY id`, owner, one)
	if err != nil || len(list) == 0 {
		return list, err
	}
	err = tx.Each(ctx, func(r db.Scanner) error {
		var k Keyword
		var filter id.ID
		err := r.Scan(&k.ID, &filter, &k.Word, &k.Whole)
		if i, ok := at[filter]; ok {
			list[i].Keywords = append(list[i].Keywords, k)
		}
		return err
	}, `SELECT k.id, k.filter, k.keyword, k.whole_word FROM social_filter f JOIN social_filter_keyword k ON k.filter = f.id
		WHERE f.owner = $1 AND (CAST($2 AS BIGINT) = 0 OR f.id = $2) ORDER BY k.id`, owner, one)
	if err != nil {
		return nil, err
	}
	return list, tx.Each(ctx, func(r db.Scanner) error {
		var s Single
		var filter id.ID
		err := r.Scan(&s.ID, &filter, &s.Status)
		if i, ok := at[filter]; ok {
			list[i].Statuses = append(list[i].Statuses, s)
		}
		return err
	}, `SELECT s.id, s.filter, s.status FROM social_filter f JOIN social_filter_status s ON s.filter = f.id
		WHERE f.owner = $1 AND (CAST($2 AS BIGINT) = 0 OR f.id = $2) ORDER BY s.id`, owner, one)
}

func get(ctx context.Context, tx *db.Tx, owner, filter id.ID) (*Filter, error) {
	if filter == 0 {
		return nil, errNone
	}
	list, err := load(ctx, tx, owner, filter)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errNone
	}
	return &list[0], nil
}

// ofKeyword returns the filter that a keyword of the owner's belongs to.
func ofKeyword(ctx context.Context, tx *db.Tx, owner, keyword id.ID) (filter id.ID, err error) {
	return parent(tx.Row(ctx, `SELECT f.id FROM social_filter_keyword k JOIN social_filter f ON f.id = k.filter WHERE k.id = $1 AND f.owner = $2`, keyword, owner))
}

// ofSingle does the same for a single status by its own id.
func ofSingle(ctx context.Context, tx *db.Tx, owner, single id.ID) (filter id.ID, err error) {
	return parent(tx.Row(ctx, `SELECT f.id FROM social_filter_status s JOIN social_filter f ON f.id = s.filter WHERE s.id = $1 AND f.owner = $2`, single, owner))
}

func parent(row *db.Row) (filter id.ID, err error) {
	if err = row.Scan(&filter); errors.Is(err, db.ErrNoRow) {
		err = errNone
	}
	return filter, err
}

func count(ctx context.Context, tx *db.Tx, owner id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM social_filter WHERE owner = $1`, owner).Scan(&n)
	return n, err
}

// put stores a filter's own row, new or changed.
func put(ctx context.Context, tx *db.Tx, owner id.ID, f *Filter) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_filter (id, owner, title, contexts, action, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, contexts = excluded.contexts, action = excluded.action, expires_at = excluded.expires_at`,
		f.ID, owner, f.Title, strings.Join(f.Context, ","), f.Action, micro(f.Expires))
	return err
}

func putKeyword(ctx context.Context, tx *db.Tx, filter id.ID, k Keyword) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_filter_keyword (id, filter, keyword, whole_word) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET keyword = excluded.keyword, whole_word = excluded.whole_word`, k.ID, filter, k.Word, k.Whole)
	return err
}

func putSingle(ctx context.Context, tx *db.Tx, filter id.ID, s Single) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_filter_status (id, filter, status) VALUES ($1, $2, $3) ON CONFLICT (filter, status) DO NOTHING`, s.ID, filter, s.Status)
	return err
}

func removeKeyword(ctx context.Context, tx *db.Tx, filter, keyword id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM social_filter_keyword WHERE id = $1 AND filter = $2`, keyword, filter)
	return err
}

func removeSingle(ctx context.Context, tx *db.Tx, filter, single id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM social_filter_status WHERE id = $1 AND filter = $2`, single, filter)
	return err
}

func remove(ctx context.Context, tx *db.Tx, filter id.ID) error {
	for _, q := range []string{
		`DELETE FROM social_filter_keyword WHERE filter = $1`, `DELETE FROM social_filter_status WHERE filter = $1`, `DELETE FROM social_filter WHERE id = $1`,
	} {
		if _, err := tx.Exec(ctx, q, filter); err != nil {
			return err
		}
	}
	return nil
}
