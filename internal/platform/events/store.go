package events

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func insert(ctx context.Context, tx *db.Tx, subject, kind string, at time.Time, actor id.ID, data []byte) error {
	// seq is left to the database: SQLite's rowid, PostgreSQL's event_next().
	_, err := tx.Exec(ctx, `INSERT INTO event (subject, kind, at, actor, data) VALUES ($1, $2, $3, $4, $5)`,
		subject, kind, at.UnixMicro(), int64(actor), string(data))
	if err != nil {
		return fmt.Errorf("events: append %s to %s: %w", kind, subject, err)
	}
	return nil
}

func scan(s db.Scanner) (Event, error) {
	var e Event
	var at int64
	err := s.Scan(&e.Seq, &e.Subject, &e.Kind, &at, (*int64)(&e.Actor), (*[]byte)(&e.Data))
	e.At = time.UnixMicro(at).UTC()
	return e, err
}

// between returns events with after < seq ≤ upTo in order, at most limit.
func between(ctx context.Context, tx *db.Tx, after, upTo int64, limit int) ([]Event, error) {
	return db.All(ctx, tx, scan, `SELECT seq, subject, kind, at, actor, data FROM event WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3`,
		after, upTo, limit)
}

// ofSubject is between for one subject.
func ofSubject(ctx context.Context, tx *db.Tx, subject string, after, upTo int64, limit int) ([]Event, error) {
	return db.All(ctx, tx, scan, `SELECT seq, subject, kind, at, actor, data FROM event
WHERE subject = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4`, subject, after, upTo, limit)
}

// ofKinds returns the statement for between with a list of n kinds, which come after the three other parameters.
func ofKinds(n int) string {
	var b strings.Builder
	b.WriteString(`SELECT seq, subject, kind, at, actor, data FROM event WHERE seq > $1 AND seq <= $2 AND kind IN (`)
	for i := range n {
		if i > 0 {
			b.WriteString(`, `)
		}
		fmt.Fprintf(&b, `$%d`, i+4)
	}
	b.WriteString(`) ORDER BY seq LIMIT $3`)
	return b.String()
}

// newest returns the highest seq in tx's snapshot, or 0.
func newest(ctx context.Context, tx *db.Tx) (seq int64, err error) {
	err = tx.Row(ctx, `SELECT COALESCE(MAX(seq), 0) FROM event`).Scan(&seq)
	return seq, err
}

// given returns PostgreSQL's highest number given to an event yet, stored or not. It reads the present, not tx's snapshot.
func given(ctx context.Context, tx *db.Tx) (seq int64, err error) {
	err = tx.Row(ctx, `SELECT last_value FROM event_seq`).Scan(&seq)
	return seq, err
}

// lowestFloor returns the lowest number that a running PostgreSQL transaction has marked (see event_next), or none. It reads the present,
// not tx's snapshot. Advisory locks belong to one database, but the view
// shows those of all.
func lowestFloor(ctx context.Context, tx *db.Tx) (floor int64, none bool, err error) {
	err = tx.Row(ctx, `SELECT COALESCE(MIN(((classid::BIGINT & 16777215) << 32) | objid::BIGINT), -1) FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND classid::BIGINT >> 24 = 83
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&floor)
	return floor, floor < 0, err
}

// addCursor stores a new subscription's cursor and leaves an old one where it is.
func addCursor(ctx context.Context, tx *db.Tx, name string, seq int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO event_cursor (name, seq) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, seq)
	return err
}

func cursor(ctx context.Context, tx *db.Tx, name string) (seq int64, err error) {
	err = tx.Row(ctx, `SELECT seq FROM event_cursor WHERE name = $1`, name).Scan(&seq)
	return seq, err
}

// errMoved says that another node has moved the cursor first.
var errMoved = errors.New("events: another node moved the cursor")

// moveCursor moves a cursor that stands at from, and returns errMoved where it does not. On PostgreSQL it waits for a node that is moving
// it just now.
func moveCursor(ctx context.Context, tx *db.Tx, name string, from, to int64) error {
	n, err := tx.Exec(ctx, `UPDATE event_cursor SET seq = $1 WHERE name = $2 AND seq = $3`, to, name, from)
	if err != nil {
		return fmt.Errorf("events: move cursor %s: %w", name, err)
	}
	if n == 0 {
		return errMoved
	}
	return nil
}

func rewrite(ctx context.Context, tx *db.Tx, seq int64, data []byte) error {
	if _, err := tx.Exec(ctx, `UPDATE event SET data = $1 WHERE seq = $2`, string(data), seq); err != nil {
		return fmt.Errorf("events: redact %d: %w", seq, err)
	}
	return nil
}
