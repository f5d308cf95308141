package emoji

import (
	"context"
	"embed"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's table.
//
//go:embed schema/*.sql
var Schema embed.FS

const columns = `shortcode, path, category, hidden`

func scan(s db.Scanner) (r row, err error) {
	var hidden int64
	err = s.Scan(&r.shortcode, &r.path, &r.category, &hidden)
	r.hidden = hidden != 0
	return r, err
}

func isNoRow(err error) bool { return errors.Is(err, db.ErrNoRow) }

func load(ctx context.Context, tx *db.Tx) ([]row, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM custom_emoji ORDER BY category, shortcode`)
}

func find(ctx context.Context, tx *db.Tx, shortcode string) (row, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM custom_emoji WHERE shortcode = $1`, shortcode)
}

func count(ctx context.Context, tx *db.Tx) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM custom_emoji`).Scan(&n)
	return n, err
}

func insert(ctx context.Context, tx *db.Tx, r row, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO custom_emoji (shortcode, path, category, hidden, created_at) VALUES ($1, $2, $3, $4, $5)`,
		r.shortcode, r.path, r.category, bit(r.hidden), now.UnixMicro())
	return err
}

func update(ctx context.Context, tx *db.Tx, shortcode string, in Input) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE custom_emoji SET category = $1, hidden = $2 WHERE shortcode = $3`, in.Category, bit(in.Hidden), shortcode)
	return n > 0, err
}

func remove(ctx context.Context, tx *db.Tx, shortcode string) (path string, err error) {
	err = tx.Row(ctx, `DELETE FROM custom_emoji WHERE shortcode = $1 RETURNING path`, shortcode).Scan(&path)
	return path, err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
