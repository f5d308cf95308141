package settings

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// change is a row of the history.
type change struct {
	id          id.ID
	at          time.Time
	actor       id.ID
	handle      string
	key         string
	was, became *string
}

func values(ctx context.Context, tx *db.Tx) (map[string]string, error) {
	out := map[string]string{}
	err := tx.Each(ctx, func(r db.Scanner) error {
		var key, v string
		if err := r.Scan(&key, &v); err != nil {
			return err
		}
		out[key] = v
		return nil
	}, `SELECT key, value FROM setting`)
	return out, err
}

// write stores a change and what it made. Of two admins who change one setting at the same time the later one wins; both are in the history.
func write(ctx context.Context, tx *db.Tx, c change) (err error) {
	if c.became == nil {
		_, err = tx.Exec(ctx, `DELETE FROM setting WHERE key = $1`, c.key)
	} else {
		_, err = tx.Exec(ctx, `INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, c.key, *c.became)
	}
	if err != nil {
		return fmt.Errorf("settings: store %s: %w", c.key, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO setting_change (id, at, actor, actor_handle, key, was, became) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		int64(c.id), c.at.UnixMicro(), int64(c.actor), c.handle, c.key, c.was, c.became)
	if err != nil {
		return fmt.Errorf("settings: note the change of %s: %w", c.key, err)
	}
	return nil
}

func one(ctx context.Context, tx *db.Tx, i id.ID) (change, error) {
	return db.One(ctx, tx, scan, `SELECT id, at, actor, actor_handle, key, was, became FROM setting_change WHERE id = $1`, int64(i))
}

func history(ctx context.Context, tx *db.Tx, key string, before int64, limit int) ([]change, error) {
	return db.All(ctx, tx, scan, `SELECT id, at, actor, actor_handle, key, was, became FROM setting_change
		WHERE ($1 = '' OR key = $1) AND ($2 = 0 OR id < $2) ORDER BY id DESC LIMIT $3`, key, before, limit)
}

func scan(r db.Scanner) (c change, err error) {
	var row, at, actor int64
	err = r.Scan(&row, &at, &actor, &c.handle, &c.key, &c.was, &c.became)
	c.id, c.actor, c.at = id.ID(row), id.ID(actor), time.UnixMicro(at).UTC()
	return c, err
}
