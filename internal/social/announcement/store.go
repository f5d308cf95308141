package announcement

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

const columns = `id, text, starts_at, ends_at, all_day, publish_at, updated_at, told`

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func scan(s db.Scanner) (a Announcement, err error) {
	var starts, ends, day, publish, updated, told int64
	err = s.Scan(&a.ID, &a.Text, &starts, &ends, &day, &publish, &updated, &told)
	a.StartsAt, a.EndsAt, a.AllDay, a.PublishAt, a.UpdatedAt, a.told = timeOf(starts), timeOf(ends), day != 0, timeOf(publish), timeOf(updated), told != 0
	return a, err
}

func insert(ctx context.Context, tx *db.Tx, a *Announcement) error {
	_, err := tx.Exec(ctx, `INSERT INTO announcement (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, a.Text, micros(a.StartsAt), micros(a.EndsAt), bit(a.AllDay), micros(a.PublishAt), micros(a.UpdatedAt), bit(a.told))
	return err
}

func update(ctx context.Context, tx *db.Tx, a *Announcement) error {
	_, err := tx.Exec(ctx, `UPDATE announcement SET text = $2, starts_at = $3, ends_at = $4, all_day = $5, publish_at = $6, updated_at = $7, told = $8 WHERE id = $1`,
		a.ID, a.Text, micros(a.StartsAt), micros(a.EndsAt), bit(a.AllDay), micros(a.PublishAt), micros(a.UpdatedAt), bit(a.told))
	return err
}

func get(ctx context.Context, tx *db.Tx, announcement id.ID) (Announcement, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM announcement WHERE id = $1`, announcement)
}

// tellNow notes that open pages hear of an announcement, and reports whether they had not.
func tellNow(ctx context.Context, tx *db.Tx, announcement id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE announcement SET told = 1 WHERE id = $1 AND told = 0`, announcement)
	return n > 0, err
}

func remove(ctx context.Context, tx *db.Tx, announcement id.ID) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM announcement WHERE id = $1`, announcement)
	if err != nil || n == 0 {
		return n, err
	}
	for _, query := range []string{`DELETE FROM announcement_dismissal WHERE announcement = $1`, `DELETE FROM announcement_reaction WHERE announcement = $1`} {
		if _, err := tx.Exec(ctx, query, announcement); err != nil {
			return n, err
		}
	}
	return n, nil
}

// shown returns what everybody sees at now, the oldest first.
func shown(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]Announcement, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM (SELECT `+columns+` FROM announcement WHERE publish_at <= $1 AND (ends_at = 0 OR ends_at > $1)
		ORDER BY publish_at DESC LIMIT $2) AS newest ORDER BY publish_at, id`, now.UnixMicro(), limit)
}

// list returns all announcements, the newest first.
func list(ctx context.Context, tx *db.Tx, limit int) ([]Announcement, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM announcement ORDER BY publish_at DESC, id DESC LIMIT $1`, limit)
}

func scanID(s db.Scanner) (i id.ID, err error) {
	err = s.Scan(&i)
	return i, err
}

func dismissed(ctx context.Context, tx *db.Tx, account id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, scanID, `SELECT announcement FROM announcement_dismissal WHERE account = $1`, account)
}

func dismiss(ctx context.Context, tx *db.Tx, announcement, account id.ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO announcement_dismissal (announcement, account) VALUES ($1, $2) ON CONFLICT (announcement, account) DO NOTHING`, announcement, account)
	return err
}

// reactions returns what was given to an announcement, in the order in which the kinds came.
func reactions(ctx context.Context, tx *db.Tx, announcement, account id.ID) ([]reaction, error) {
	return db.All(ctx, tx, func(s db.Scanner) (r reaction, err error) {
		var mine int64
		err = s.Scan(&r.name, &r.count, &mine)
		r.mine = mine != 0
		return r, err
	}, `SELECT name, COUNT(*), CAST(SUM(CASE WHEN account = $2 THEN 1 ELSE 0 END) AS BIGINT) FROM announcement_reaction WHERE announcement = $1
		GROUP BY name ORDER BY MIN(id)`, announcement, account)
}

func react(ctx context.Context, tx *db.Tx, reaction, announcement, account id.ID, name string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO announcement_reaction (id, announcement, account, name) VALUES ($1, $2, $3, $4)
		ON CONFLICT (announcement, name, account) DO NOTHING`, reaction, announcement, account, name)
	return n > 0, err
}

func unreact(ctx context.Context, tx *db.Tx, announcement, account id.ID, name string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM announcement_reaction WHERE announcement = $1 AND account = $2 AND name = $3`, announcement, account, name)
	return n > 0, err
}

// given is a reaction of somebody's.
type given struct {
	Announcement id.ID  `json:"announcement"`
	Name         string `json:"emoji"`
}

func givenBy(ctx context.Context, tx *db.Tx, account id.ID) ([]given, error) {
	return db.All(ctx, tx, func(s db.Scanner) (g given, err error) {
		err = s.Scan(&g.Announcement, &g.Name)
		return g, err
	}, `SELECT announcement, name FROM announcement_reaction WHERE account = $1 ORDER BY id`, account)
}

func erase(ctx context.Context, tx *db.Tx, account id.ID) error {
	for _, query := range []string{`DELETE FROM announcement_dismissal WHERE account = $1`, `DELETE FROM announcement_reaction WHERE account = $1`} {
		if _, err := tx.Exec(ctx, query, account); err != nil {
			return err
		}
	}
	return nil
}
