package restaurant

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// row is a restaurant as stored.
type row struct {
	id       id.ID
	slug     string
	version  int64
	since    time.Time
	settings Settings
}

func scanRow(s db.Scanner) (row, error) {
	var r row
	var created int64
	var doc string
	if err := s.Scan(&r.id, &r.slug, &r.version, &created, &doc); err != nil {
		return r, err
	}
	r.since = time.UnixMicro(created).UTC()
	if err := json.Unmarshal([]byte(doc), &r.settings); err != nil {
		return r, fmt.Errorf("restaurant: settings of %s: %w", r.slug, err)
	}
	return r, nil
}

func insert(ctx context.Context, tx *db.Tx, r row) error {
	doc, err := json.Marshal(r.settings)
	if err != nil {
		return fmt.Errorf("restaurant: encode settings: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO restaurant (id, slug, version, created_at, changed_at, settings) VALUES ($1, $2, $3, $4, $4, $5)`,
		r.id, r.slug, r.version, r.since.UnixMicro(), string(doc))
	return err
}

// update stores the next version of settings; false where the stored version is not r's any more.
func update(ctx context.Context, tx *db.Tx, r row, now time.Time) (bool, error) {
	doc, err := json.Marshal(r.settings)
	if err != nil {
		return false, fmt.Errorf("restaurant: encode settings: %w", err)
	}
	n, err := tx.Exec(ctx, `UPDATE restaurant SET version = version + 1, changed_at = $1, settings = $2 WHERE id = $3 AND version = $4`,
		now.UnixMicro(), string(doc), r.id, r.version)
	return n == 1, err
}

func byID(ctx context.Context, tx *db.Tx, rid id.ID) (row, error) {
	return db.One(ctx, tx, scanRow, `SELECT id, slug, version, created_at, settings FROM restaurant WHERE id = $1`, rid)
}

func all(ctx context.Context, tx *db.Tx) ([]row, error) {
	return db.All(ctx, tx, scanRow, `SELECT id, slug, version, created_at, settings FROM restaurant ORDER BY id`)
}

// holdVersion returns a restaurant's version, which stays as it is until tx ends. PostgreSQL's writers run side by side: there it takes a
// lock that orders share and changes wait for. SQLite's run one after another.
func holdVersion(ctx context.Context, tx *db.Tx, rid id.ID) (v int64, err error) {
	query := `SELECT version FROM restaurant WHERE id = $1`
	if tx.Dialect() == db.Postgres {
		query += ` FOR SHARE`
	}
	err = tx.Row(ctx, query, rid).Scan(&v)
	return v, err
}

// take counts one more order in a window, unless it has limit already; then it returns false.
func take(ctx context.Context, tx *db.Tx, rid id.ID, window int64, limit int) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO restaurant_capacity (restaurant, window_start, taken) VALUES ($1, $2, 1)
		ON CONFLICT (restaurant, window_start) DO UPDATE SET taken = restaurant_capacity.taken + 1 WHERE restaurant_capacity.taken < $3`, rid, window, limit)
	return n == 1, err
}

func give(ctx context.Context, tx *db.Tx, rid id.ID, window int64) error {
	_, err := tx.Exec(ctx, `UPDATE restaurant_capacity SET taken = taken - 1 WHERE restaurant = $1 AND window_start = $2 AND taken > 0`, rid, window)
	return err
}

// counts returns how many orders the windows from since on have, by their start in seconds since 1970.
func counts(ctx context.Context, tx *db.Tx, rid id.ID, since time.Time) (map[int64]int, error) {
	out := map[int64]int{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var w int64
		var n int
		err := s.Scan(&w, &n)
		out[w] = n
		return err
	}, `SELECT window_start, taken FROM restaurant_capacity WHERE restaurant = $1 AND window_start >= $2`, rid, since.Unix())
	return out, err
}

func sweep(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM restaurant_capacity WHERE window_start < $1`, before.Unix())
}

// shows reports whether the picture at a URL path is shown to everybody.
func shows(ctx context.Context, tx *db.Tx, path string) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM restaurant WHERE REPLACE(settings, $1, '') <> settings`, path)
}
