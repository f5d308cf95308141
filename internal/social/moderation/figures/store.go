package figures

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func cursor(ctx context.Context, tx *db.Tx) (seq int64, err error) {
	err = tx.Row(ctx, `SELECT seq FROM figures_cursor WHERE id = 1`).Scan(&seq)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return seq, err
}

// move takes the stretch of the log after from, and reports false where another node has done so.
func move(ctx context.Context, tx *db.Tx, from, to int64) (bool, error) {
	if _, err := tx.Exec(ctx, `INSERT INTO figures_cursor (id, seq) VALUES (1, 0) ON CONFLICT (id) DO NOTHING`); err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `UPDATE figures_cursor SET seq = $1 WHERE id = 1 AND seq = $2`, to, from)
	return n > 0, err
}

func addDay(ctx context.Context, tx *db.Tx, day int64, what string, n int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO figures_day (day, what, n) VALUES ($1, $2, $3) ON CONFLICT (day, what) DO UPDATE SET n = figures_day.n + excluded.n`, day, what, n)
	return err
}

func addActive(ctx context.Context, tx *db.Tx, day int64, account id.ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO figures_active (day, account, month) VALUES ($1, $2, $3) ON CONFLICT (day, account) DO NOTHING`, day, account, monthOf(day))
	return err
}

func addJoined(ctx context.Context, tx *db.Tx, day int64, account id.ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO figures_joined (account, day, month) VALUES ($1, $2, $3) ON CONFLICT (account) DO NOTHING`, account, day, monthOf(day))
	return err
}

func addTag(ctx context.Context, tx *db.Tx, u use, n int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO figures_tag (tag, day, account, lang, uses) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tag, day, account, lang) DO UPDATE SET uses = figures_tag.uses + excluded.uses`, u.tag, u.day, u.account, u.lang, n)
	return err
}

// series reads a figure of each day.
func series(ctx context.Context, tx *db.Tx, query string, args ...any) (map[int64]int64, error) {
	out := map[int64]int64{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var day, n int64
		err := s.Scan(&day, &n)
		out[day] = n
		return err
	}, query, args...)
	return out, err
}

func perDay(ctx context.Context, tx *db.Tx, what string, from, to int64) (map[int64]int64, error) {
	return series(ctx, tx, `SELECT day, n FROM figures_day WHERE what = $1 AND day >= $2 AND day <= $3`, what, from, to)
}

func activePerDay(ctx context.Context, tx *db.Tx, from, to int64) (map[int64]int64, error) {
	return series(ctx, tx, `SELECT day, COUNT(*) FROM figures_active WHERE day >= $1 AND day <= $2 GROUP BY day`, from, to)
}

func active(ctx context.Context, tx *db.Tx, from, to int64) (n int64, err error) {
	err = tx.Row(ctx, `SELECT COUNT(DISTINCT account) FROM figures_active WHERE day >= $1 AND day <= $2`, from, to).Scan(&n)
	return n, err
}

func tagPerDay(ctx context.Context, tx *db.Tx, people bool, tag string, from, to int64) (map[int64]int64, error) {
	what := `CAST(SUM(uses) AS BIGINT)`
	if people {
		what = `COUNT(DISTINCT account)`
	}
	return series(ctx, tx, `SELECT day, `+what+` FROM figures_tag WHERE tag = $1 AND day >= $2 AND day <= $3 GROUP BY day`, tag, from, to)
}

func tagPeople(ctx context.Context, tx *db.Tx, tag string, from, to int64) (n int64, err error) {
	err = tx.Row(ctx, `SELECT COUNT(DISTINCT account) FROM figures_tag WHERE tag = $1 AND day >= $2 AND day <= $3`, tag, from, to).Scan(&n)
	return n, err
}

// slice is a part of a whole.
type slice struct {
	key string
	n   int64
}

func scanSlice(s db.Scanner) (p slice, err error) {
	err = s.Scan(&p.key, &p.n)
	return p, err
}

func tagLanguages(ctx context.Context, tx *db.Tx, tag string, from, to int64, limit int) ([]slice, error) {
	return db.All(ctx, tx, scanSlice, `SELECT lang, CAST(SUM(uses) AS BIGINT) AS n FROM figures_tag WHERE tag = $1 AND day >= $2 AND day <= $3 GROUP BY lang ORDER BY n DESC, lang LIMIT $4`,
		tag, from, to, limit)
}

// languages returns which languages those people have chosen who were here. It reads the table of accounts.
func languages(ctx context.Context, tx *db.Tx, from, to int64, limit int) ([]slice, error) {
	return db.All(ctx, tx, scanSlice, `SELECT a.lang, COUNT(DISTINCT f.account) AS n FROM figures_active f JOIN account a ON a.id = f.account
		WHERE f.day >= $1 AND f.day <= $2 GROUP BY a.lang ORDER BY n DESC, a.lang LIMIT $3`, from, to, limit)
}

// cohort is how many of those who joined in a period were here in another.
type cohort struct{ joined, here, n int64 }

func cohorts(ctx context.Context, tx *db.Tx, months bool, from, to int64) (sizes map[int64]int64, out []cohort, err error) {
	unit := `day`
	if months {
		unit = `month`
	}
	sizes, err = series(ctx, tx, `SELECT `+unit+`, COUNT(*) FROM figures_joined WHERE day >= $1 AND day <= $2 GROUP BY `+unit, from, to)
	if err != nil {
		return nil, nil, err
	}
	out, err = db.All(ctx, tx, func(s db.Scanner) (c cohort, err error) {
		err = s.Scan(&c.joined, &c.here, &c.n)
		return c, err
	}, `SELECT j.`+unit+`, f.`+unit+`, COUNT(DISTINCT f.account) FROM figures_joined j JOIN figures_active f ON f.account = j.account
		WHERE j.day >= $1 AND j.day <= $2 AND f.day >= $1 AND f.day <= $2 GROUP BY j.`+unit+`, f.`+unit, from, to)
	return sizes, out, err
}

func version(ctx context.Context, tx *db.Tx) (v string, err error) {
	query := `SELECT sqlite_version()`
	if tx.Dialect() == db.Postgres { // each engine has its own word for it
		query = `SHOW server_version`
	}
	err = tx.Row(ctx, query).Scan(&v)
	return v, err
}

func sweep(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	day := before.Unix() / 86400
	a, err := tx.Exec(ctx, `DELETE FROM figures_tag WHERE day < $1 AND (tag, day) IN (SELECT tag, day FROM figures_tag WHERE day < $1 LIMIT $2)`, day, limit)
	if err != nil {
		return 0, err
	}
	b, err := tx.Exec(ctx, `DELETE FROM figures_active WHERE day < $1 AND (day, account) IN (SELECT day, account FROM figures_active WHERE day < $1 LIMIT $2)`, day, limit)
	return max(a, b), err
}
