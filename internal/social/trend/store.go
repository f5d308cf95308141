package trend

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func addUse(ctx context.Context, tx *db.Tx, kind Kind, name string, account id.ID, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO trend_use (kind, name, day, account, uses, last_at) VALUES ($1, $2, $3, $4, 1, $5)
		ON CONFLICT (kind, name, day, account) DO UPDATE SET uses = trend_use.uses + 1, last_at = excluded.last_at`, string(kind), name, dayOf(at), int64(account), at.UnixMicro())
	if err != nil {
		return fmt.Errorf("trend: count a use: %w", err)
	}
	return nil
}

func addStatus(ctx context.Context, tx *db.Tx, status, account id.ID, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO trend_status (status, account, at, favourites, boosts, replies) VALUES ($1, $2, $3, 0, 0, 0) ON CONFLICT DO NOTHING`,
		int64(status), int64(account), at.UnixMicro())
	if err != nil {
		return fmt.Errorf("trend: note a status: %w", err)
	}
	return nil
}

// addPoints counts what others do with a status; the author's own deeds don't count.
func addPoints(ctx context.Context, tx *db.Tx, status, by id.ID, favourites, boosts, replies int) error {
	_, err := tx.Exec(ctx, `UPDATE trend_status SET favourites = favourites + $1, boosts = boosts + $2, replies = replies + $3 WHERE status = $4 AND account <> $5`,
		favourites, boosts, replies, int64(status), int64(by))
	if err != nil {
		return fmt.Errorf("trend: count a deed: %w", err)
	}
	return nil
}

func removeStatus(ctx context.Context, tx *db.Tx, status id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM trend_status WHERE status = $1`, int64(status)); err != nil {
		return fmt.Errorf("trend: forget a status: %w", err)
	}
	return nil
}

// usesOf returns the days of tags or links since a day: of those named, or, where none is, of all that were used on the two last days.
func usesOf(ctx context.Context, tx *db.Tx, kind Kind, name string, today int64) ([]*use, error) {
	byName, out := map[string]*use{}, []*use(nil)
	err := tx.Each(ctx, func(r db.Scanner) error {
		var n string
		var day, people, uses, last int64
		if err := r.Scan(&n, &day, &people, &uses, &last); err != nil {
			return err
		}
		u := byName[n]
		if u == nil {
			u = &use{name: n}
			byName[n], out = u, append(out, u)
		}
		if ago := today - day; ago >= 0 && ago < keepDays {
			u.people[ago], u.uses[ago] = people, uses
		}
		if at := time.UnixMicro(last).UTC(); at.After(u.last) {
			u.last = at
		}
		return nil
	}, `SELECT name, day, COUNT(*), CAST(SUM(uses) AS BIGINT), MAX(last_at) FROM trend_use WHERE kind = $1 AND day > $2
		AND ($3 = name OR $3 = '' AND name IN (SELECT name FROM trend_use WHERE kind = $1 AND day >= $4)) GROUP BY name, day`,
		string(kind), today-keepDays, name, today-1)
	if err != nil {
		return nil, fmt.Errorf("trend: read uses: %w", err)
	}
	return out, nil
}

func posts(ctx context.Context, tx *db.Tx, since time.Time) ([]*post, error) {
	out, err := db.All(ctx, tx, func(r db.Scanner) (*post, error) {
		var status, account, at int64
		p := &post{}
		err := r.Scan(&status, &account, &at, &p.favourites, &p.boosts, &p.reply)
		p.status, p.account, p.at = id.ID(status), id.ID(account), time.UnixMicro(at).UTC()
		return p, err
	}, `SELECT status, account, at, favourites, boosts, replies FROM trend_status WHERE at > $1 AND favourites + 2 * boosts + replies >= $2
		ORDER BY favourites + 2 * boosts + replies DESC, status DESC LIMIT $3`, since.UnixMicro(), minPoints, candidates)
	if err != nil {
		return nil, fmt.Errorf("trend: read statuses: %w", err)
	}
	return out, nil
}

// reviews returns what moderators have said of a kind, by name.
func reviews(ctx context.Context, tx *db.Tx, kind Kind) (map[string]bool, error) {
	out := map[string]bool{}
	err := tx.Each(ctx, func(r db.Scanner) error {
		var name string
		var allowed int64
		err := r.Scan(&name, &allowed)
		out[name] = allowed != 0
		return err
	}, `SELECT name, allowed FROM trend_review WHERE kind = $1`, string(kind))
	if err != nil {
		return nil, fmt.Errorf("trend: read reviews: %w", err)
	}
	return out, nil
}

func review(ctx context.Context, tx *db.Tx, kind Kind, name string, allowed bool, by id.ID, at time.Time) error {
	n := 0
	if allowed {
		n = 1
	}
	_, err := tx.Exec(ctx, `INSERT INTO trend_review (kind, name, allowed, by_account, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (kind, name) DO UPDATE SET allowed = excluded.allowed, by_account = excluded.by_account, at = excluded.at`, string(kind), name, n, int64(by), at.UnixMicro())
	if err != nil {
		return fmt.Errorf("trend: store a review: %w", err)
	}
	return nil
}

func sweep(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM trend_use WHERE (kind, name, day, account) IN (SELECT kind, name, day, account FROM trend_use WHERE day < $1 LIMIT $2)`, dayOf(before), limit)
	if err != nil {
		return 0, fmt.Errorf("trend: forget old uses: %w", err)
	}
	m, err := tx.Exec(ctx, `DELETE FROM trend_status WHERE status IN (SELECT status FROM trend_status WHERE at < $1 LIMIT $2)`, before.UnixMicro(), limit)
	if err != nil {
		return 0, fmt.Errorf("trend: forget old statuses: %w", err)
	}
	return max(n, m), nil
}

func erase(ctx context.Context, tx *db.Tx, account id.ID) error {
	for _, q := range []string{`DELETE FROM trend_use WHERE account = $1`, `DELETE FROM trend_status WHERE account = $1`} {
		if _, err := tx.Exec(ctx, q, int64(account)); err != nil {
			return fmt.Errorf("trend: forget an account: %w", err)
		}
	}
	return nil
}
