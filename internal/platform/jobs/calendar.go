package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Scheduled is a schedule as administrators see it.
type Scheduled struct {
	Name string    `json:"name"`
	Spec string    `json:"spec"` // five cron fields, a word or "@every 90s"
	TZ   string    `json:"tz"`
	Kind string    `json:"kind"` // of the job that it enqueues
	Next time.Time `json:"next"`
	Last time.Time `json:"last,omitzero"` // zero: never yet
}

// KindStats counts the jobs of one kind.
type KindStats struct {
	Kind      string `json:"kind"`
	Available int    `json:"available"`
	Running   int    `json:"running"`
	Discarded int    `json:"discarded"`
	Completed int    `json:"completed"` // and still kept
}

// Schedules returns the calendar of this node, by name.
func (q *Queue) Schedules(ctx context.Context) (out []Scheduled, err error) {
	err = q.db.Read(ctx, func(tx *db.Tx) error {
		all, err := schedules(ctx, tx)
		if err != nil {
			return fmt.Errorf("jobs: read the schedules: %w", err)
		}
		out = slices.DeleteFunc(all, func(s Scheduled) bool { // of versions before this one
			return !slices.ContainsFunc(q.schedules, func(own *schedule) bool { return own.name == s.Name })
		})
		return nil
	})
	return out, err
}

// RunNow enqueues the job of a schedule beside its calendar, in the caller's transaction, and returns its id; where the last one is not done
// yet, that one is brought forward. It returns a NotFound error for an unknown schedule.
func (q *Queue) RunNow(ctx context.Context, tx *db.Tx, name string) (id.ID, error) {
	i := slices.IndexFunc(q.schedules, func(s *schedule) bool { return s.name == name })
	if i < 0 {
		return 0, errs.New(errs.NotFound, "There is no such schedule.")
	}
	s, now := q.schedules[i], q.now()
	unique := "schedule:" + s.name
	r := Record{ID: q.ids.Next(), Kind: s.kind, Args: s.args, RunAt: now, Unique: unique, MaxAttempts: DefaultAttempts, CreatedAt: now}
	got, fresh, err := insert(ctx, tx, r)
	if err == nil && !fresh {
		err = bringForward(ctx, tx, unique, now)
	}
	if err != nil {
		return 0, err
	}
	tx.AfterCommit(q.tell)
	return got, nil
}

// Hurry has a job that waits for its time or its next try run now, in the caller's transaction. It returns a Conflict error for one that does
// not wait.
func (q *Queue) Hurry(ctx context.Context, tx *db.Tx, job id.ID) error {
	n, err := hurry(ctx, tx, job, q.now())
	if err != nil {
		return fmt.Errorf("jobs: run %s now: %w", job, err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "This job does not wait any more.")
	}
	tx.AfterCommit(q.tell)
	return nil
}

// Kinds returns how many jobs there are of each kind, by kind.
func (q *Queue) Kinds(ctx context.Context) (out []KindStats, err error) {
	err = q.db.Read(ctx, func(tx *db.Tx) error {
		out, err = kinds(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: count the kinds: %w", err)
	}
	return out, nil
}
