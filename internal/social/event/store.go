package event

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables social_event, social_answer and social_calendar.
//
//go:embed schema/*.sql
var Schema embed.FS

const columns = `e.id, e.account, e.status, e.public, e.title, e.starts_at, e.ends_at, e.tz, e.place, e.lat, e.lon, e.capacity, e.coming, e.maybe, e.waiting,
	e.cancelled, e.reminded, e.rev, e.created_at, e.changed_at`

func scan(s db.Scanner) (row, error) {
	var r row
	var public, starts, ends, cancelled, created, changed int64
	var p geo.Point
	err := s.Scan(&r.ID, &r.Account, &r.Status, &public, &r.Title, &starts, &ends, &r.TZ, &r.Place, &p.Lat, &p.Lon, &r.Capacity, &r.Coming, &r.Maybe, &r.Waiting,
		&cancelled, &r.reminded, &r.rev, &created, &changed)
	if !p.IsZero() {
		r.Point = &p
	}
	r.public, r.Cancelled = public != 0, cancelled != 0
	r.Starts, r.Ends, r.created, r.changed = at(starts), at(ends), at(created), at(changed)
	r.URL, r.Calendar = PathOf(r.ID), PathOf(r.ID)+"/calendar.ics"
	return r, err
}

func at(us int64) time.Time { return time.UnixMicro(us).UTC() }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (r *row) point() geo.Point {
	if r.Point == nil {
		return geo.Point{}
	}
	return *r.Point
}

func insert(ctx context.Context, tx *db.Tx, r *row) error {
	p := r.point()
	_, err := tx.Exec(ctx, `INSERT INTO social_event (id, account, status, public, title, starts_at, ends_at, tz, place, lat, lon, capacity, coming, maybe, waiting,
		cancelled, reminded, rev, created_at, changed_at) VALUES ($1, $2, $13, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, 0, 0, 0, $12, $12)`,
		r.ID, r.Account, flag(r.public), r.Title, r.Starts.UnixMicro(), r.Ends.UnixMicro(), r.TZ, r.Place, p.Lat, p.Lon, r.Capacity, r.created.UnixMicro(), r.Status)
	return err
}

func update(ctx context.Context, tx *db.Tx, r *row, now time.Time) error {
	p := r.point()
	_, err := tx.Exec(ctx, `UPDATE social_event SET title = $1, starts_at = $2, ends_at = $3, tz = $4, place = $5, lat = $6, lon = $7, capacity = $8,
		cancelled = $9, reminded = $10, rev = rev + 1, changed_at = $11 WHERE id = $12`,
		r.Title, r.Starts.UnixMicro(), r.Ends.UnixMicro(), r.TZ, r.Place, p.Lat, p.Lon, r.Capacity, flag(r.Cancelled), r.reminded, now.UnixMicro(), r.ID)
	return err
}

func remove(ctx context.Context, tx *db.Tx, event id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM social_answer WHERE event = $1`, event); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM social_event WHERE id = $1`, event)
	return err
}

// lock makes changes of one event come one after another, and returns it as it stands then.
func lock(ctx context.Context, tx *db.Tx, event id.ID) (row, error) {
	if _, err := tx.Exec(ctx, `UPDATE social_event SET coming = coming WHERE id = $1`, event); err != nil {
		return row{}, err
	}
	return byID(ctx, tx, event)
}

func byID(ctx context.Context, tx *db.Tx, event id.ID) (row, error) {
	return db.One(ctx, tx, scan, `SELECT `+columns+` FROM social_event e WHERE e.id = $1`, event)
}

func byStatus(ctx context.Context, tx *db.Tx, status id.ID) ([]row, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM social_event e WHERE e.status = $1 AND e.status <> 0`, status)
}

// moment is where a list by time goes on.
type moment struct {
	At int64
	ID id.ID
}

// upcoming returns events that have not ended before from, by their beginning. public: only those for everybody.
func upcoming(ctx context.Context, tx *db.Tx, from, to time.Time, public bool, after moment, limit int) ([]row, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM social_event e WHERE e.status <> 0 AND e.ends_at > $1 AND e.starts_at < $2 AND e.starts_at > $3
		AND e.public >= $4 AND (e.starts_at > $5 OR e.starts_at = $5 AND e.id > $6) ORDER BY e.starts_at, e.id LIMIT $7`,
		from.UnixMicro(), to.UnixMicro(), from.Add(-longest).UnixMicro(), flag(public), after.At, after.ID, limit)
}

// ofAccount returns events that somebody holds or has said to come to, by their beginning.
func ofAccount(ctx context.Context, tx *db.Tx, account id.ID, from time.Time, after moment, limit int) ([]row, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM social_event e WHERE e.status <> 0 AND e.ends_at > $1
		AND (e.account = $2 OR EXISTS (SELECT 1 FROM social_answer a WHERE a.event = e.id AND a.account = $2 AND a.answer IN ('coming', 'maybe', 'waiting')))
		AND (e.starts_at > $3 OR e.starts_at = $3 AND e.id > $4) ORDER BY e.starts_at, e.id LIMIT $5`,
		from.UnixMicro(), account, after.At, after.ID, limit)
}

func answerOf(ctx context.Context, tx *db.Tx, event, account id.ID) (a Answer, err error) {
	if account == 0 {
		return Unspoken, nil
	}
	err = tx.Each(ctx, func(s db.Scanner) error { return s.Scan(&a) }, `SELECT answer FROM social_answer WHERE event = $1 AND account = $2`, event, account)
	return a, err
}

func setAnswer(ctx context.Context, tx *db.Tx, event, account id.ID, a Answer, now time.Time) error {
	if a == Unspoken {
		_, err := tx.Exec(ctx, `DELETE FROM social_answer WHERE event = $1 AND account = $2`, event, account)
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO social_answer (event, account, answer, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (event, account) DO UPDATE SET answer = excluded.answer, at = excluded.at`, event, account, string(a), now.UnixMicro())
	return err
}

// move counts answers; false where more would come than there is room for.
func move(ctx context.Context, tx *db.Tx, event id.ID, coming, maybe, waiting int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE social_event SET coming = coming + $1, maybe = maybe + $2, waiting = waiting + $3
		WHERE id = $4 AND ($1 <= 0 OR capacity = 0 OR coming + $1 <= capacity)`, coming, maybe, waiting, event)
	return n == 1, err
}

// next returns who has waited longest; 0: nobody waits.
func next(ctx context.Context, tx *db.Tx, event id.ID) (account id.ID, err error) {
	err = tx.Each(ctx, func(s db.Scanner) error { return s.Scan(&account) }, `SELECT account FROM social_answer
		WHERE event = $1 AND answer = 'waiting' ORDER BY at, account LIMIT 1`, event)
	return account, err
}

// reply is somebody's answer.
type reply struct {
	event, account id.ID
	answer         Answer
	at             time.Time
}

func scanReply(s db.Scanner) (reply, error) {
	var r reply
	var us int64
	err := s.Scan(&r.event, &r.account, &r.answer, &us)
	r.at = at(us)
	return r, err
}

// replies returns those who gave an answer, by their ids.
func replies(ctx context.Context, tx *db.Tx, event id.ID, a Answer, after id.ID, limit int) ([]reply, error) {
	return db.All(ctx, tx, scanReply, `SELECT event, account, answer, at FROM social_answer WHERE event = $1 AND answer = $2 AND account > $3 ORDER BY account LIMIT $4`,
		event, string(a), after, limit)
}

// repliesOf returns what somebody has answered.
func repliesOf(ctx context.Context, tx *db.Tx, account id.ID, limit int) ([]reply, error) {
	return db.All(ctx, tx, scanReply, `SELECT event, account, answer, at FROM social_answer WHERE account = $1 ORDER BY event LIMIT $2`, account, limit)
}

// heldBy returns the events of an account.
func heldBy(ctx context.Context, tx *db.Tx, account id.ID, limit int) ([]row, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM social_event e WHERE e.account = $1 ORDER BY e.id LIMIT $2`, account, limit)
}

// countAhead counts the events of an account that are not over.
func countAhead(ctx context.Context, tx *db.Tx, account id.ID, now time.Time) (n int64, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM social_event WHERE account = $1 AND ends_at > $2`, account, now.UnixMicro()).Scan(&n)
	return n, err
}

func countOf(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT (SELECT COUNT(*) FROM social_event WHERE account = $1) + (SELECT COUNT(*) FROM social_answer WHERE account = $1)`, account).Scan(&n)
	return n, err
}

// generation returns how often somebody has asked for a new link.
func generation(ctx context.Context, tx *db.Tx, account id.ID) (gen int64, err error) {
	err = tx.Each(ctx, func(s db.Scanner) error { return s.Scan(&gen) }, `SELECT gen FROM social_calendar WHERE account = $1`, account)
	return gen, err
}

func renew(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO social_calendar (account, gen) VALUES ($1, 1) ON CONFLICT (account) DO UPDATE SET gen = social_calendar.gen + 1`, account)
	return err
}

func forgetCalendar(ctx context.Context, tx *db.Tx, account id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM social_calendar WHERE account = $1`, account); err != nil {
		return fmt.Errorf("event: forget a calendar: %w", err)
	}
	return nil
}
