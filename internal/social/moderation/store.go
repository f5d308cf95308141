package moderation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

const reportColumns = `id, target, by_account, category, comment, rules, statuses, forward, assigned, resolved_by, resolved_at, created_at, updated_at`

func scanReport(s db.Scanner) (r *Report, err error) {
	r = &Report{}
	var rules, statuses string
	var resolved, created, updated int64
	err = s.Scan(&r.ID, &r.Target, &r.By, &r.Category, &r.Comment, &rules, &statuses, &r.Forward, &r.Assigned, &r.ResolvedBy, &resolved, &created, &updated)
	r.Rules, r.Statuses = strings.Fields(rules), splitIDs(statuses)
	r.ResolvedAt, r.CreatedAt, r.UpdatedAt = at(resolved), at(created), at(updated)
	return r, err
}

// at returns a time of the database; 0 is the zero time.
func at(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func splitIDs(s string) []id.ID {
	out := []id.ID{}
	for _, w := range strings.Fields(s) {
		if n, err := id.Parse(w); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func joinIDs(ids []id.ID) string {
	words := make([]string, len(ids))
	for i, n := range ids {
		words[i] = n.String()
	}
	return strings.Join(words, " ")
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func insertReport(ctx context.Context, tx *db.Tx, r *Report) error {
	_, err := tx.Exec(ctx, `INSERT INTO moderation_report (`+reportColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, $9)`,
		r.ID, r.Target, r.By, string(r.Category), r.Comment, strings.Join(r.Rules, " "), joinIDs(r.Statuses), bit(r.Forward), r.CreatedAt.UnixMicro())
	return err
}

// updateReport stores what a person may add and a moderator change.
func updateReport(ctx context.Context, tx *db.Tx, r *Report) error {
	_, err := tx.Exec(ctx, `UPDATE moderation_report SET category = $1, comment = $2, rules = $3, statuses = $4, forward = $5, updated_at = $6 WHERE id = $7`,
		string(r.Category), r.Comment, strings.Join(r.Rules, " "), joinIDs(r.Statuses), bit(r.Forward), r.UpdatedAt.UnixMicro(), r.ID)
	return err
}

func reportOf(ctx context.Context, tx *db.Tx, report id.ID) (*Report, error) {
	r, err := db.One(ctx, tx, scanReport, `SELECT `+reportColumns+` FROM moderation_report WHERE id = $1`, report)
	if errors.Is(err, db.ErrNoRow) {
		return nil, errGone
	}
	return r, err
}

// openReportBy returns somebody's newest open report of an account since a time; ErrNoRow where there is none.
func openReportBy(ctx context.Context, tx *db.Tx, by, target id.ID, since time.Time) (*Report, error) {
	return db.One(ctx, tx, scanReport, `SELECT `+reportColumns+` FROM moderation_report WHERE by_account = $1 AND target = $2 AND resolved_at = 0
		AND created_at > $3 ORDER BY id DESC LIMIT 1`, by, target, since.UnixMicro())
}

// listReports returns reports: the newest first, or with Up the oldest above a place.
func listReports(ctx context.Context, tx *db.Tx, f ReportFilter, limit int) ([]*Report, error) {
	query, args := `SELECT `+reportColumns+` FROM moderation_report WHERE id < $1 AND id > $2`, []any{f.Below, f.Above}
	mark := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if f.Resolved != nil {
		if *f.Resolved {
			query += ` AND resolved_at <> 0`
		} else {
			query += ` AND resolved_at = 0`
		}
	}
	if f.Target != 0 {
		query += ` AND target = ` + mark(f.Target)
	}
	if f.By != 0 {
		query += ` AND by_account = ` + mark(f.By)
	}
	if f.Assigned != 0 {
		query += ` AND assigned = ` + mark(f.Assigned)
	}
	order := `DESC`
	if f.Up {
		order = `ASC`
	}
	return db.All(ctx, tx, scanReport, query+` ORDER BY id `+order+` LIMIT `+mark(limit), args...)
}

// countReports returns how many reports are open, open and assigned to somebody, and resolved.
func countReports(ctx context.Context, tx *db.Tx, mine id.ID) (c Counts, err error) {
	err = tx.Row(ctx, `SELECT COUNT(CASE WHEN resolved_at = 0 THEN 1 END), COUNT(CASE WHEN resolved_at = 0 AND assigned = $1 THEN 1 END),
		COUNT(CASE WHEN resolved_at <> 0 THEN 1 END) FROM moderation_report`, mine).Scan(&c.Open, &c.Mine, &c.Resolved)
	if err != nil {
		return c, err
	}
	err = tx.Row(ctx, `SELECT COUNT(*) FROM moderation_strike WHERE decided_at = 0 AND appealed_at <> 0`).Scan(&c.Appeals)
	return c, err
}

// countBetween returns how many reports were filed and dealt with between two times, by the day of each (days since 1970, UTC).
func countBetween(ctx context.Context, tx *db.Tx, resolved bool, from, to time.Time) (map[int64]int64, error) {
	column := `created_at`
	if resolved {
		column = `resolved_at`
	}
	out := map[int64]int64{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var day, n int64
		err := s.Scan(&day, &n)
		out[day] = n
		return err
	}, `SELECT `+column+` / 86400000000, COUNT(*) FROM moderation_report WHERE `+column+` >= $1 AND `+column+` < $2 GROUP BY `+column+` / 86400000000`,
		from.UnixMicro(), to.UnixMicro())
	return out, err
}

// resolve closes open reports, or opens one anew, and reports how many that changed.
func resolve(ctx context.Context, tx *db.Tx, report, by id.ID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE moderation_report SET resolved_at = $1, resolved_by = $2, updated_at = $1 WHERE id = $3 AND resolved_at = 0`, now.UnixMicro(), by, report)
	return n > 0, err
}

func resolveAll(ctx context.Context, tx *db.Tx, target, by id.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE moderation_report SET resolved_at = $1, resolved_by = $2, updated_at = $1 WHERE target = $3 AND resolved_at = 0`, now.UnixMicro(), by, target)
	return err
}

func reopen(ctx context.Context, tx *db.Tx, report id.ID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE moderation_report SET resolved_at = 0, resolved_by = 0, updated_at = $1 WHERE id = $2 AND resolved_at <> 0`, now.UnixMicro(), report)
	return n > 0, err
}

// assign gives a report that was somebody's (0: nobody's) to another.
func assign(ctx context.Context, tx *db.Tx, report, to id.ID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE moderation_report SET assigned = $1, updated_at = $2 WHERE id = $3`, to, now.UnixMicro(), report)
	return err
}

func insertNote(ctx context.Context, tx *db.Tx, n Note) error {
	_, err := tx.Exec(ctx, `INSERT INTO moderation_note (id, profile, report, by_account, text, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		n.ID, n.Profile, n.Report, n.By, n.Text, n.At.UnixMicro())
	return err
}

func notesOn(ctx context.Context, tx *db.Tx, profile id.ID, limit int) ([]Note, error) {
	return db.All(ctx, tx, scanNote, `SELECT id, profile, report, by_account, text, at FROM moderation_note WHERE profile = $1 ORDER BY id DESC LIMIT $2`, profile, limit)
}

func scanNote(s db.Scanner) (n Note, err error) {
	var when int64
	err = s.Scan(&n.ID, &n.Profile, &n.Report, &n.By, &n.Text, &when)
	n.At = at(when)
	return n, err
}

func deleteNote(ctx context.Context, tx *db.Tx, note id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM moderation_note WHERE id = $1`, note)
	return n > 0, err
}
