package marker

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func list(ctx context.Context, tx *db.Tx, account id.ID) (map[string]Marker, error) {
	out := map[string]Marker{}
	err := tx.Each(ctx, func(r db.Scanner) error {
		var timeline string
		m, err := scan(r, &timeline)
		out[timeline] = m
		return err
	}, `SELECT timeline, last_read, version, updated_at FROM notification_marker WHERE account = $1`, account)
	return out, err
}

func scan(r db.Scanner, timeline *string) (m Marker, err error) {
	var at int64
	err = r.Scan(timeline, &m.LastRead, &m.Version, &at)
	m.UpdatedAt = social.Time{Time: time.UnixMicro(at).UTC()}
	return m, err
}

// move sets a marker on top of the version that is read here. It gives ErrNoRow, or a violation of the key, where another was quicker.
func move(ctx context.Context, tx *db.Tx, account id.ID, timeline string, to id.ID, now time.Time) (m Marker, err error) {
	all, err := list(ctx, tx, account)
	if err != nil {
		return m, err
	}
	old, known := all[timeline]
	var name string
	if known {
		return db.One(ctx, tx, func(r db.Scanner) (Marker, error) { return scan(r, &name) }, `UPDATE notification_marker SET last_read = $1, version = version + 1, updated_at = $2
			WHERE account = $3 AND timeline = $4 AND version = $5 RETURNING timeline, last_read, version, updated_at`, to, now.UnixMicro(), account, timeline, old.Version)
	}
	_, err = tx.Exec(ctx, `INSERT INTO notification_marker (account, timeline, last_read, version, updated_at) VALUES ($1, $2, $3, 1, $4)`, account, timeline, to, now.UnixMicro())
	return Marker{LastRead: to, Version: 1, UpdatedAt: social.Time{Time: now}}, err
}

func erase(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM notification_marker WHERE account = $1`, account)
	return err
}
