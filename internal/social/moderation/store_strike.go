package moderation

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

const strikeColumns = `id, profile, action, text, report, statuses, by_account, at, undone_by, undone_at, appeal, appealed_at, decided_by, decided_at, accepted`

func scanStrike(s db.Scanner) (k *Strike, err error) {
	k = &Strike{}
	var statuses string
	var when, undone, appealed, decided int64
	err = s.Scan(&k.ID, &k.Profile, &k.Action, &k.Text, &k.Report, &statuses, &k.By, &when, &k.UndoneBy, &undone, &k.Appeal, &appealed, &k.DecidedBy, &decided, &k.Accepted)
	k.Statuses, k.At, k.UndoneAt, k.AppealedAt, k.DecidedAt = splitIDs(statuses), at(when), at(undone), at(appealed), at(decided)
	return k, err
}

func insertStrike(ctx context.Context, tx *db.Tx, k *Strike) error {
	_, err := tx.Exec(ctx, `INSERT INTO moderation_strike (`+strikeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, '', 0, 0, 0, 0)`,
		k.ID, k.Profile, string(k.Action), k.Text, k.Report, joinIDs(k.Statuses), k.By, k.At.UnixMicro())
	return err
}

func strikeOf(ctx context.Context, tx *db.Tx, strike id.ID) (*Strike, error) {
	k, err := db.One(ctx, tx, scanStrike, `SELECT `+strikeColumns+` FROM moderation_strike WHERE id = $1`, strike)
	if errors.Is(err, db.ErrNoRow) {
		return nil, errGone
	}
	return k, err
}

// strikesOf returns strikes of a profile, the newest first.
func strikesOf(ctx context.Context, tx *db.Tx, profile id.ID, limit int) ([]*Strike, error) {
	return db.All(ctx, tx, scanStrike, `SELECT `+strikeColumns+` FROM moderation_strike WHERE profile = $1 ORDER BY id DESC LIMIT $2`, profile, limit)
}

// appeals returns strikes with an appeal, those that wait first to be made first, or those that were decided last.
func appeals(ctx context.Context, tx *db.Tx, waiting bool, limit int) ([]*Strike, error) {
	query := `SELECT ` + strikeColumns + ` FROM moderation_strike WHERE decided_at <> 0 ORDER BY decided_at DESC LIMIT $1`
	if waiting {
		query = `SELECT ` + strikeColumns + ` FROM moderation_strike WHERE decided_at = 0 AND appealed_at <> 0 ORDER BY appealed_at LIMIT $1`
	}
	return db.All(ctx, tx, scanStrike, query, limit)
}

// undoStrikes notes that what one strike, or with 0 all of an action on a profile, did was taken back.
func undoStrikes(ctx context.Context, tx *db.Tx, strike, profile id.ID, a Action, by id.ID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE moderation_strike SET undone_by = $1, undone_at = $2 WHERE undone_at = 0 AND profile = $3 AND action = $4 AND (id = $5 OR $5 = 0)`,
		by, now.UnixMicro(), profile, string(a), int64(strike))
	return n > 0, err
}

// appealStrike stores an appeal, and reports whether there could be one: it is the first, and the strike holds.
func appealStrike(ctx context.Context, tx *db.Tx, strike id.ID, text string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE moderation_strike SET appeal = $1, appealed_at = $2 WHERE id = $3 AND appealed_at = 0 AND undone_at = 0 AND at > $4`,
		text, now.UnixMicro(), strike, now.Add(-AppealFor).UnixMicro())
	return n > 0, err
}

// decideAppeal stores what became of an appeal, and reports whether it waited.
func decideAppeal(ctx context.Context, tx *db.Tx, strike, by id.ID, yes bool, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE moderation_strike SET decided_by = $1, decided_at = $2, accepted = $3 WHERE id = $4 AND appealed_at <> 0 AND decided_at = 0`,
		by, now.UnixMicro(), bit(yes), strike)
	return n > 0, err
}

// What is about somebody: reports by and on them, strikes, notes about them.

func countOf(ctx context.Context, tx *db.Tx, who id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT (SELECT COUNT(*) FROM moderation_report WHERE by_account = $1) + (SELECT COUNT(*) FROM moderation_strike WHERE profile = $1)`, who).Scan(&n)
	return n, err
}

// eraseOf takes a person's words out of what stands here, and what is about them.
func eraseOf(ctx context.Context, tx *db.Tx, who id.ID) error {
	for _, q := range []string{
		`UPDATE moderation_report SET by_account = 0, comment = '' WHERE by_account = $1`,
		`DELETE FROM moderation_report WHERE target = $1`,
		`DELETE FROM moderation_strike WHERE profile = $1`,
		`DELETE FROM moderation_note WHERE profile = $1`,
	} {
		if _, err := tx.Exec(ctx, q, who); err != nil {
			return err
		}
	}
	return nil
}

// sweep forgets reports that were dealt with before a time, with the notes on them, and strikes of before it that hold no more.
func sweep(ctx context.Context, tx *db.Tx, before time.Time, limit int) (int64, error) {
	a, err := tx.Exec(ctx, `DELETE FROM moderation_report WHERE id IN (SELECT id FROM moderation_report WHERE resolved_at <> 0 AND resolved_at < $1 ORDER BY resolved_at LIMIT $2)`,
		before.UnixMicro(), limit)
	if err != nil {
		return 0, err
	}
	b, err := tx.Exec(ctx, `DELETE FROM moderation_strike WHERE id IN (SELECT id FROM moderation_strike WHERE at < $1 AND (undone_at <> 0 OR action IN ('none', 'delete_statuses')) LIMIT $2)`,
		before.UnixMicro(), limit)
	return max(a, b), err
}
