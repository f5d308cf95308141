package instance

import (
	"context"
	"embed"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// tally is what has been counted.
type tally struct {
	cursor          int64
	users, statuses int64
	seenAt          time.Time
}

func loadTally(ctx context.Context, tx *db.Tx) (t tally, err error) {
	var seen int64
	err = tx.Row(ctx, `SELECT cursor_, users, statuses, seen_at FROM instance_tally WHERE id = 1`).Scan(&t.cursor, &t.users, &t.statuses, &seen)
	t.seenAt = time.UnixMicro(seen).UTC()
	return t, err
}

func beginTally(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO instance_tally (id, cursor_, users, statuses, seen_at) VALUES (1, 0, 0, 0, 0) ON CONFLICT (id) DO NOTHING`)
	return err
}

// moveTally adds what was counted between two places of the log, and reports false where another node has done so already.
func moveTally(ctx context.Context, tx *db.Tx, from, to, users, statuses int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE instance_tally SET cursor_ = $1, users = users + $2, statuses = statuses + $3 WHERE id = 1 AND cursor_ = $4`,
		to, users, statuses, from)
	return n > 0, err
}

// moveSeen takes the time up to which sign-ins are counted, and reports false where another node has.
func moveSeen(ctx context.Context, tx *db.Tx, from, to time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE instance_tally SET seen_at = $1 WHERE id = 1 AND seen_at = $2`, to.UnixMicro(), from.UnixMicro())
	return n > 0, err
}

func addWeek(ctx context.Context, tx *db.Tx, week time.Time, w Week) error {
	_, err := tx.Exec(ctx, `INSERT INTO instance_week (week, statuses, logins, registrations) VALUES ($1, $2, $3, $4) ON CONFLICT (week)
		DO UPDATE SET statuses = instance_week.statuses + excluded.statuses, logins = instance_week.logins + excluded.logins,
		registrations = instance_week.registrations + excluded.registrations`, week.UnixMicro(), w.Statuses, w.Logins, w.Registrations)
	return err
}

func weeks(ctx context.Context, tx *db.Tx, since time.Time) (map[int64]Week, error) {
	out := map[int64]Week{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var at int64
		var w Week
		err := s.Scan(&at, &w.Statuses, &w.Logins, &w.Registrations)
		out[at] = w
		return err
	}, `SELECT week, statuses, logins, registrations FROM instance_week WHERE week >= $1`, since.UnixMicro())
	return out, err
}

// see notes that an account was here, and reports whether that is its first time since.
func see(ctx context.Context, tx *db.Tx, account id.ID, at, since time.Time) (first bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO instance_seen (account, at) VALUES ($1, $2) ON CONFLICT (account)
		DO UPDATE SET at = excluded.at WHERE instance_seen.at < $3`, account, at.UnixMicro(), since.UnixMicro())
	if err != nil || n > 0 {
		return n > 0, err
	}
	_, err = tx.Exec(ctx, `UPDATE instance_seen SET at = $1 WHERE account = $2 AND at < $1`, at.UnixMicro(), account)
	return false, err
}

func seenSince(ctx context.Context, tx *db.Tx, since time.Time) (n int64, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM instance_seen WHERE at >= $1`, since.UnixMicro()).Scan(&n)
	return n, err
}

func forget(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM instance_seen WHERE account = $1`, account)
	return err
}

func forgetBefore(ctx context.Context, tx *db.Tx, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM instance_seen WHERE at < $1`, before.UnixMicro())
	return err
}

func lastSeen(ctx context.Context, tx *db.Tx, account id.ID) (at time.Time, err error) {
	var us int64
	err = tx.Row(ctx, `SELECT at FROM instance_seen WHERE account = $1`, account).Scan(&us)
	return time.UnixMicro(us).UTC(), err
}
