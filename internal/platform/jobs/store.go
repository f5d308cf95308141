package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// insert stores a job and returns its id, or the id of the unfinished job that holds the unique key; fresh tells which.
func insert(ctx context.Context, tx *db.Tx, r Record) (got id.ID, fresh bool, err error) {
	for range 10 {
		n, err := tx.Exec(ctx, `INSERT INTO job (id, kind, args, run_at, max_attempts, unique_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (unique_key) WHERE unique_key <> '' AND state IN ('available', 'running') DO NOTHING`,
			int64(r.ID), r.Kind, string(r.Args), r.RunAt.UnixMicro(), r.MaxAttempts, r.Unique, r.CreatedAt.UnixMicro())
		if err != nil {
			return 0, false, fmt.Errorf("jobs: insert %s: %w", r.Kind, err)
		}
		if n == 1 {
			return r.ID, true, nil
		}
		err = tx.Row(ctx, `SELECT id FROM job WHERE unique_key = $1 AND unique_key <> '' AND state IN ('available', 'running')`, r.Unique).Scan(&got)
		if err == nil {
			return got, false, nil
		}
		// On PostgreSQL the holder may have finished between the two statements; then the key is free.
		if !errors.Is(err, db.ErrNoRow) {
			return 0, false, fmt.Errorf("jobs: find the holder of %q: %w", r.Unique, err)
		}
	}
	return 0, false, fmt.Errorf("jobs: the unique key %q is taken and freed again and again", r.Unique)
}

// bringForward makes the waiting job with the unique key run at the given time where it would run later.
func bringForward(ctx context.Context, tx *db.Tx, unique string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE job SET run_at = $1 WHERE unique_key = $2 AND unique_key <> '' AND state = 'available' AND run_at > $1`, at.UnixMicro(), unique)
	return err
}

// look is what the worker needs to know before it writes anything; zero where there is none.
type look struct {
	nextRun   int64 // µs of the town's clock: the earliest waiting job
	nextLease int64 // µs of real time: the earliest lease
}

func peek(ctx context.Context, tx *db.Tx) (l look, err error) {
	err = tx.Row(ctx, `SELECT COALESCE((SELECT MIN(run_at) FROM job WHERE state = 'available'), 0),
		COALESCE((SELECT MIN(claimed_until) FROM job WHERE state = 'running'), 0)`).Scan(&l.nextRun, &l.nextLease)
	return l, err
}

// claimed is a job that this node holds.
type claimed struct {
	Job
	max int
}

const (
	claimHead = `WITH due AS (SELECT id FROM job WHERE state = 'available' AND run_at <= $1 ORDER BY run_at, id LIMIT $2`
	claimTail = `) UPDATE job SET state = 'running', attempt = attempt + 1, claimed_by = $3, claimed_until = $4
	WHERE id IN (SELECT id FROM due) AND state = 'available' RETURNING id, kind, args, run_at, attempt, max_attempts`
)

// claim takes up to limit due jobs for a node until the given real time.
func claim(ctx context.Context, tx *db.Tx, now time.Time, limit int, by id.ID, until time.Time) ([]claimed, error) {
	query := claimHead + claimTail
	if tx.Dialect() == db.Postgres {
		// PostgreSQL's writers run side by side: each skips the rows that another one is just claiming. SQLite's run one after another.
		query = claimHead + ` FOR UPDATE SKIP LOCKED` + claimTail
	}
	return db.All(ctx, tx, func(s db.Scanner) (c claimed, err error) {
		var args string
		var due int64
		err = s.Scan(&c.ID, &c.Kind, &args, &due, &c.Attempt, &c.max)
		c.Args, c.Due = []byte(args), time.UnixMicro(due).UTC()
		return c, err
	}, query, now.UnixMicro(), limit, int64(by), until.UnixMicro())
}

// finish moves a job that the node still holds, for this very attempt, to a final state. held is false where it was lost meanwhile.
func finish(ctx context.Context, tx *db.Tx, c claimed, by id.ID, to State, reason string, now time.Time) (held bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE job SET state = $1, last_error = $2, finished_at = $3, claimed_by = 0, claimed_until = 0
		WHERE id = $4 AND state = 'running' AND claimed_by = $5 AND attempt = $6`, string(to), reason, now.UnixMicro(), int64(c.ID), int64(by), c.Attempt)
	return n == 1, err
}

// putBack makes a job that the node still holds wait until runAt, with the number of attempts that then count as made.
func putBack(ctx context.Context, tx *db.Tx, c claimed, by id.ID, attempts int, reason string, runAt time.Time) (held bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE job SET state = 'available', attempt = $1, last_error = $2, run_at = $3, claimed_by = 0, claimed_until = 0
		WHERE id = $4 AND state = 'running' AND claimed_by = $5 AND attempt = $6`, attempts, reason, runAt.UnixMicro(), int64(c.ID), int64(by), c.Attempt)
	return n == 1, err
}

// renew extends the leases of a node and returns which jobs it still holds.
func renew(ctx context.Context, tx *db.Tx, by id.ID, until time.Time) (map[id.ID]bool, error) {
	held := map[id.ID]bool{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var k id.ID
		err := s.Scan(&k)
		held[k] = true
		return err
	}, `UPDATE job SET claimed_until = $1 WHERE state = 'running' AND claimed_by = $2 RETURNING id`, until.UnixMicro(), int64(by))
	return held, err
}

const lostReason = "the node that ran it fell silent"

// rescue makes the jobs of silent nodes available again, and discards those which have had their last attempt: a job that kills the
// process it runs in must not do so for ever.
func rescue(ctx context.Context, tx *db.Tx, wall, now time.Time) (int64, error) {
	gone, err := tx.Exec(ctx, `UPDATE job SET state = 'discarded', last_error = $1, finished_at = $2, claimed_by = 0, claimed_until = 0
		WHERE state = 'running' AND claimed_until < $3 AND attempt >= max_attempts`, lostReason, now.UnixMicro(), wall.UnixMicro())
	if err != nil {
		return 0, err
	}
	back, err := tx.Exec(ctx, `UPDATE job SET state = 'available', last_error = $1, run_at = $2, claimed_by = 0, claimed_until = 0
		WHERE state = 'running' AND claimed_until < $3`, lostReason, now.UnixMicro(), wall.UnixMicro())
	return gone + back, err
}

// cancel ends an unfinished job; n is 0 where it is finished or unknown.
func cancel(ctx context.Context, tx *db.Tx, job id.ID, now time.Time) (n int64, err error) {
	return tx.Exec(ctx, `UPDATE job SET state = 'cancelled', finished_at = $1, claimed_by = 0, claimed_until = 0
		WHERE id = $2 AND state IN ('available', 'running')`, now.UnixMicro(), int64(job))
}

// cancelUnique ends the unfinished job with the key and returns its id, or ErrNoRow.
func cancelUnique(ctx context.Context, tx *db.Tx, unique string, now time.Time) (job id.ID, err error) {
	return db.One(ctx, tx, func(s db.Scanner) (k id.ID, err error) { return k, s.Scan(&k) },
		`UPDATE job SET state = 'cancelled', finished_at = $1, claimed_by = 0, claimed_until = 0
		WHERE unique_key = $2 AND unique_key <> '' AND state IN ('available', 'running') RETURNING id`, now.UnixMicro(), unique)
}

// retry makes a finished job available again with all its attempts; n is 0 where it is not finished or unknown.
func retry(ctx context.Context, tx *db.Tx, job id.ID, now time.Time) (n int64, err error) {
	return tx.Exec(ctx, `UPDATE job SET state = 'available', attempt = 0, run_at = $1, finished_at = 0, claimed_by = 0, claimed_until = 0
		WHERE id = $2 AND state IN ('completed', 'cancelled', 'discarded')`, now.UnixMicro(), int64(job))
}

// clean deletes up to limit jobs of a final state that ended before a time.
func clean(ctx context.Context, tx *db.Tx, state State, before time.Time, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state = $1 AND finished_at > 0 AND finished_at < $2 LIMIT $3)`,
		string(state), before.UnixMicro(), limit)
}

const recordColumns = `id, kind, args, state, run_at, attempt, max_attempts, unique_key, last_error, created_at, finished_at`

func scanRecord(s db.Scanner) (r Record, err error) {
	var args, state string
	var run, made, ended int64
	err = s.Scan(&r.ID, &r.Kind, &args, &state, &run, &r.Attempt, &r.MaxAttempts, &r.Unique, &r.LastError, &made, &ended)
	r.Args, r.State = []byte(args), State(state)
	r.RunAt, r.CreatedAt = time.UnixMicro(run).UTC(), time.UnixMicro(made).UTC()
	if ended > 0 {
		r.FinishedAt = time.UnixMicro(ended).UTC()
	}
	return r, err
}

func get(ctx context.Context, tx *db.Tx, job id.ID) (Record, error) {
	return db.One(ctx, tx, scanRecord, `SELECT `+recordColumns+` FROM job WHERE id = $1`, int64(job))
}

// list returns jobs by falling id, those below an id.
func list(ctx context.Context, tx *db.Tx, f Filter, below id.ID, limit int) ([]Record, error) {
	return db.All(ctx, tx, scanRecord, `SELECT `+recordColumns+` FROM job WHERE id < $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR kind = $3)
		ORDER BY id DESC LIMIT $4`, int64(below), string(f.State), f.Kind, limit)
}

func stats(ctx context.Context, tx *db.Tx, now time.Time) (s Stats, err error) {
	var oldest int64
	us := now.UnixMicro()
	err = tx.Row(ctx, `SELECT (SELECT COUNT(*) FROM job WHERE state = 'available'), (SELECT COUNT(*) FROM job WHERE state = 'available' AND run_at <= $1),
		(SELECT COUNT(*) FROM job WHERE state = 'running'), (SELECT COUNT(*) FROM job WHERE state = 'discarded' AND finished_at > 0),
		(SELECT COUNT(*) FROM job WHERE state = 'completed' AND finished_at > $2), COALESCE((SELECT MIN(run_at) FROM job WHERE state = 'available'), 0)`,
		us, now.Add(-time.Hour).UnixMicro()).Scan(&s.Available, &s.Due, &s.Running, &s.Discarded, &s.CompletedLastHour, &oldest)
	if oldest > 0 && oldest < us {
		s.Late = time.Duration(us-oldest) * time.Microsecond
	}
	return s, err
}

// saveSchedule stores a schedule as the code has it and returns when it is next due: as stored, where the rule is still the same.
func saveSchedule(ctx context.Context, tx *db.Tx, s *schedule, next time.Time) (time.Time, error) {
	us, err := db.One(ctx, tx, func(s db.Scanner) (us int64, err error) { return us, s.Scan(&us) },
		`INSERT INTO job_schedule (name, spec, tz, kind, args, next_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, args = excluded.args, spec = excluded.spec, tz = excluded.tz,
			next_at = CASE WHEN job_schedule.spec = excluded.spec AND job_schedule.tz = excluded.tz THEN job_schedule.next_at ELSE excluded.next_at END
		RETURNING next_at`, s.name, s.spec, s.tz, s.kind, string(s.args), next.UnixMicro())
	return time.UnixMicro(us).UTC(), err
}

// moveSchedule moves a schedule that is due at the given time to its next one. moved is false where another node was first; next is then
// what that node set.
func moveSchedule(ctx context.Context, tx *db.Tx, name string, due, to time.Time) (moved bool, next time.Time, err error) {
	n, err := tx.Exec(ctx, `UPDATE job_schedule SET next_at = $1, last_at = $2 WHERE name = $3 AND next_at = $2`, to.UnixMicro(), due.UnixMicro(), name)
	if err != nil || n == 1 {
		return n == 1, to, err
	}
	var us int64
	err = tx.Row(ctx, `SELECT next_at FROM job_schedule WHERE name = $1`, name).Scan(&us)
	if errors.Is(err, db.ErrNoRow) {
		return false, to, nil // deleted by hand: it comes back with the next start
	}
	return false, time.UnixMicro(us).UTC(), err
}

// dropErrors empties the errors that hold a text. REPLACE and not LIKE: the text may have % and _ in it.
func dropErrors(ctx context.Context, tx *db.Tx, text string) error {
	_, err := tx.Exec(ctx, `UPDATE job SET last_error = '' WHERE last_error <> '' AND REPLACE(LOWER(last_error), LOWER($1), '') <> LOWER(last_error)`, text)
	return err
}

func schedules(ctx context.Context, tx *db.Tx) ([]Scheduled, error) {
	return db.All(ctx, tx, func(r db.Scanner) (s Scheduled, err error) {
		var next, last int64
		err = r.Scan(&s.Name, &s.Spec, &s.TZ, &s.Kind, &next, &last)
		s.Next = time.UnixMicro(next).UTC()
		if last != 0 {
			s.Last = time.UnixMicro(last).UTC()
		}
		return s, err
	}, `SELECT name, spec, tz, kind, next_at, last_at FROM job_schedule ORDER BY name`)
}

func kinds(ctx context.Context, tx *db.Tx) ([]KindStats, error) {
	return db.All(ctx, tx, func(r db.Scanner) (k KindStats, err error) {
		err = r.Scan(&k.Kind, &k.Available, &k.Running, &k.Discarded, &k.Completed)
		return k, err
	}, `SELECT kind, COUNT(CASE WHEN state = 'available' THEN 1 END), COUNT(CASE WHEN state = 'running' THEN 1 END),
		COUNT(CASE WHEN state = 'discarded' THEN 1 END), COUNT(CASE WHEN state = 'completed' THEN 1 END) FROM job GROUP BY kind ORDER BY kind`)
}

func hurry(ctx context.Context, tx *db.Tx, job id.ID, now time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE job SET run_at = $1 WHERE id = $2 AND state = 'available'`, now.UnixMicro(), int64(job))
}
