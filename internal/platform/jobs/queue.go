package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// topic is where nodes tell each other about jobs: an empty message says that there is work, "cancel 123" that a job is cancelled.
const topic = "jobs"

const cancelPrefix = "cancel "

// Queue is the queue as one node sees it. Safe for concurrent use. Register all kinds and schedules before Run; Enqueue and the rest work
// without Run, too.
type Queue struct {
	db   *db.DB
	bus  Bus
	now  clock.Func
	wall clock.Func // real time; another one only in tests
	ids  *id.Source
	o    Options
	node id.ID // this Queue among all that share the table

	handlers  map[string]Handler
	schedules []*schedule
	faults    []error // of registration; Run returns them

	wake  chan struct{} // holds one: look for work now
	slots chan struct{} // one token per running job
	born  struct{ now, wall time.Time }

	mu      sync.Mutex
	running map[id.ID]*run
}

// New returns a Queue on a database with this package's Schema. It starts nothing: see Run.
func New(d *db.DB, bus Bus, now clock.Func, ids *id.Source, o Options) *Queue {
	o = o.withDefaults()
	q := &Queue{
		db: d, bus: bus, now: now, wall: time.Now, ids: ids, o: o, node: ids.Next(),
		handlers: map[string]Handler{}, running: map[id.ID]*run{},
		wake: make(chan struct{}, 1), slots: make(chan struct{}, o.Workers),
	}
	q.born.now, q.born.wall = now(), q.wall()
	q.Handle(cleanKind, q.clean)
	q.Schedule(cleanKind, "17 3 * * *", "UTC", cleanKind, struct{}{})
	return q
}

// Handle registers who does jobs of a kind ("order.remind"). A second handler for a kind is a fault that Run returns.
func (q *Queue) Handle(kind string, fn func(ctx context.Context, j Job) error) {
	if q.handlers[kind] != nil || kind == "" || fn == nil {
		q.faults = append(q.faults, fmt.Errorf("jobs: kind %q needs exactly one handler", kind))
	}
	q.handlers[kind] = fn
}

// Enqueue stores a job in the caller's transaction and returns its id. args are stored as JSON. Where o.Unique is held by an unfinished
// job, a running one included, that job's id is returned and nothing is stored.
func (q *Queue) Enqueue(ctx context.Context, tx *db.Tx, kind string, args any, o Opts) (id.ID, error) {
	b, err := json.Marshal(args)
	if err != nil {
		return 0, fmt.Errorf("jobs: encode the arguments of %s: %w", kind, err)
	}
	now := q.now()
	r := Record{ID: q.ids.Next(), Kind: kind, Args: b, RunAt: o.RunAt, Unique: o.Unique, MaxAttempts: o.MaxAttempts, CreatedAt: now}
	if r.RunAt.IsZero() {
		r.RunAt = now
	}
	if r.MaxAttempts <= 0 {
		r.MaxAttempts = DefaultAttempts
	}
	got, fresh, err := insert(ctx, tx, r)
	if err != nil {
		return 0, err
	}
	if fresh && q.real(r.RunAt.Sub(now)) <= q.o.Poll { // what is due later is seen by the next look in time
		tx.AfterCommit(q.tell)
	}
	return got, nil
}

// tell says on all nodes that there is work.
func (q *Queue) tell() {
	q.nudge()
	if err := q.bus.Publish(topic, nil); err != nil {
		q.o.Log.Warn("jobs: other nodes were not told of work", "error", err) // they look by themselves every o.Poll
	}
}

// nudge makes this node look for work.
func (q *Queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// CancelUnique cancels the unfinished job that holds a unique key; it is no error where there is none.
func (q *Queue) CancelUnique(ctx context.Context, tx *db.Tx, unique string) error {
	job, err := cancelUnique(ctx, tx, unique, q.now())
	if errors.Is(err, db.ErrNoRow) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("jobs: cancel %q: %w", unique, err)
	}
	q.tellCancelled(tx, job)
	return nil
}

// Cancel ends an unfinished job: it does not run again, and where it is running its ctx ends. It returns a Conflict error for a job that
// is finished and a NotFound error for an unknown one.
func (q *Queue) Cancel(ctx context.Context, tx *db.Tx, job id.ID) error {
	n, err := cancel(ctx, tx, job, q.now())
	if err != nil {
		return fmt.Errorf("jobs: cancel %d: %w", job, err)
	}
	if n == 0 {
		return missing(ctx, tx, job, "The job is finished.")
	}
	q.tellCancelled(tx, job)
	return nil
}

func (q *Queue) tellCancelled(tx *db.Tx, job id.ID) {
	tx.AfterCommit(func() {
		q.stopRun(job, errCancelled)
		if err := q.bus.Publish(topic, []byte(cancelPrefix+job.String())); err != nil {
			q.o.Log.Warn("jobs: other nodes were not told of a cancelled job", "error", err) // they notice when they renew its lease
		}
	})
}

// Retry makes a finished job available again, at once and with all its attempts. It returns a Conflict error where the job is not finished
// or its unique key is held by another unfinished one, and a NotFound error for an unknown job.
func (q *Queue) Retry(ctx context.Context, tx *db.Tx, job id.ID) error {
	n, err := retry(ctx, tx, job, q.now())
	if db.IsUnique(err) {
		return errs.New(errs.Conflict, "Another job for the same thing is waiting already.").WithCause(err)
	}
	if err != nil {
		return fmt.Errorf("jobs: retry %d: %w", job, err)
	}
	if n == 0 {
		return missing(ctx, tx, job, "The job is not finished.")
	}
	tx.AfterCommit(q.tell)
	return nil
}

// missing tells an unknown job from one whose state does not allow what was asked.
func missing(ctx context.Context, tx *db.Tx, job id.ID, sentence string) error {
	_, err := get(ctx, tx, job)
	switch {
	case errors.Is(err, db.ErrNoRow):
		return errs.New(errs.NotFound, "There is no such job.")
	case err != nil:
		return fmt.Errorf("jobs: read %d: %w", job, err)
	}
	return errs.New(errs.Conflict, "%s", sentence)
}

// Record is a job as administrators see it.
type Record struct {
	ID          id.ID           `json:"id"`
	Kind        string          `json:"kind"`
	Args        json.RawMessage `json:"args"`
	State       State           `json:"state"`
	RunAt       time.Time       `json:"run_at"`
	Attempt     int             `json:"attempt"` // attempts made or running
	MaxAttempts int             `json:"max_attempts"`
	Unique      string          `json:"unique,omitempty"`
	LastError   string          `json:"last_error,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	FinishedAt  time.Time       `json:"finished_at,omitzero"`
}

// Filter chooses jobs; an empty field chooses all.
type Filter struct {
	State State
	Kind  string
}

// List returns a page of jobs, newest first. cursor is the Next of the page before, empty for the first; a broken one is an Invalid error.
func (q *Queue) List(ctx context.Context, f Filter, cursor string, limit int) (page.Page[Record], error) {
	below, ok, err := page.Decode[id.ID](cursor)
	if err != nil {
		return page.Page[Record]{}, err
	}
	if !ok {
		below = math.MaxInt64
	}
	limit = page.Limit(limit)
	var rows []Record
	err = q.db.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = list(ctx, tx, f, below, limit+1)
		return err
	})
	if err != nil {
		return page.Page[Record]{}, fmt.Errorf("jobs: list: %w", err)
	}
	return page.Cut(rows, limit, func(r Record) id.ID { return r.ID }), nil
}

// Get returns one job, or a NotFound error.
func (q *Queue) Get(ctx context.Context, job id.ID) (r Record, err error) {
	err = q.db.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = get(ctx, tx, job)
		return err
	})
	switch {
	case errors.Is(err, db.ErrNoRow):
		return Record{}, errs.New(errs.NotFound, "There is no such job.")
	case err != nil:
		return Record{}, fmt.Errorf("jobs: read %d: %w", job, err)
	}
	return r, nil
}

// Stats counts the jobs of all nodes.
type Stats struct {
	Available         int           `json:"available"` // waiting, due or not
	Due               int           `json:"due"`       // waiting and due
	Running           int           `json:"running"`
	Discarded         int           `json:"discarded"` // given up and still kept
	CompletedLastHour int           `json:"completed_last_hour"`
	Late              time.Duration `json:"late" doc:"How long the oldest due job has waited, by the town's clock, in nanoseconds."`
}

// Stats returns the present figures.
func (q *Queue) Stats(ctx context.Context) (s Stats, err error) {
	err = q.db.Read(ctx, func(tx *db.Tx) (err error) {
		s, err = stats(ctx, tx, q.now())
		return err
	})
	if err != nil {
		return Stats{}, fmt.Errorf("jobs: count: %w", err)
	}
	return s, nil
}

// real returns how much real time a span of the town's clock takes, judged by how fast that clock has gone so far; never more than the
// span itself, so that what waits for it rather wakes early.
func (q *Queue) real(d time.Duration) time.Duration {
	town, real := q.now().Sub(q.born.now), q.wall().Sub(q.born.wall)
	if d <= 0 || real <= 0 || town <= real {
		return d
	}
	return time.Duration(float64(d) * float64(real) / float64(town))
}

// cleanKind is the kind and schedule that deletes old finished jobs.
const cleanKind = "jobs.clean"

// cleanBatch is how many jobs one transaction deletes: enough to be quick, few enough not to hold up the other writers.
const cleanBatch = 500

func (q *Queue) clean(ctx context.Context, _ Job) error {
	for state, keep := range map[State]time.Duration{Completed: q.o.KeepCompleted, Cancelled: q.o.KeepCompleted, Discarded: q.o.KeepDiscarded} {
		for {
			var n int64
			err := q.db.Write(ctx, func(tx *db.Tx) (err error) {
				n, err = clean(ctx, tx, state, q.now().Add(-keep), cleanBatch)
				return err
			})
			if err != nil {
				return fmt.Errorf("jobs: delete old %s jobs: %w", state, err)
			}
			if n < cleanBatch {
				break
			}
		}
	}
	return nil
}

// hear takes a message of another node.
func (q *Queue) hear(msg []byte) {
	if s, ok := strings.CutPrefix(string(msg), cancelPrefix); ok {
		if job, err := id.Parse(s); err == nil {
			q.stopRun(job, errCancelled)
		}
		return
	}
	q.nudge()
}
