package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

var (
	errCancelled = errors.New("jobs: the job was cancelled")
	errLost      = errors.New("jobs: the job was taken over by another node")
	errStopping  = errors.New("jobs: the server is stopping")
	errTimeout   = errors.New("jobs: the handler took too long")
)

// run is a job that this node is doing.
type run struct {
	claimed
	stop context.CancelCauseFunc
}

// Run does jobs until ctx ends. Then it takes no new ones, gives those that run Options.StopWithin to end, hands the rest back to the
// queue and returns nil. It returns an error at once where a registration was at fault or the schedules cannot be stored. Call it once.
func (q *Queue) Run(ctx context.Context) error {
	if len(q.faults) > 0 {
		return errors.Join(q.faults...)
	}
	if err := q.storeSchedules(ctx); err != nil {
		return err
	}
	unsubscribe, err := q.bus.Subscribe(topic, q.hear)
	if err != nil {
		return fmt.Errorf("jobs: listen to the bus: %w", err)
	}
	defer unsubscribe()

	base := context.WithoutCancel(ctx) // jobs outlive the call to stop
	var jobs, keeper sync.WaitGroup
	keeping, stopKeeping := context.WithCancel(base)
	defer keeper.Wait()
	defer stopKeeping()
	keeper.Go(func() { q.keepLeases(keeping) })

	for ctx.Err() == nil {
		wait, err := q.work(ctx, base, &jobs)
		if err != nil && ctx.Err() == nil {
			q.o.Log.Error("jobs: look for work", "error", err)
			wait = q.o.Poll
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-t.C:
		}
		t.Stop()
	}
	q.drain(base, &jobs)
	return nil
}

// work starts what is due and has a free slot, and returns how long there is nothing more to do in real time.
func (q *Queue) work(ctx, base context.Context, jobs *sync.WaitGroup) (time.Duration, error) {
	if err := q.tick(ctx); err != nil {
		return 0, err
	}
	var l look
	err := q.db.Read(ctx, func(tx *db.Tx) (err error) {
		l, err = peek(ctx, tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	now, wall := q.now(), q.wall()
	if l.nextLease > 0 && l.nextLease < wall.UnixMicro() {
		err := q.db.Write(ctx, func(tx *db.Tx) error {
			n, err := rescue(ctx, tx, wall, now)
			if n > 0 {
				tx.AfterCommit(func() { q.o.Log.Warn("jobs: took over the jobs of a silent node", "jobs", n) })
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		l.nextRun = now.UnixMicro()
	}
	if l.nextRun == 0 || l.nextRun > now.UnixMicro() {
		wait := q.o.Poll
		if l.nextRun > 0 {
			wait = min(wait, q.real(time.Duration(l.nextRun-now.UnixMicro())*time.Microsecond))
		}
		if next := q.nextSchedule(); !next.IsZero() {
			wait = min(wait, q.real(next.Sub(now)))
		}
		return max(wait, time.Millisecond), nil
	}
	free := cap(q.slots) - len(q.slots)
	if free == 0 {
		return q.o.Poll, nil // the next job to end wakes us
	}
	got, err := q.claim(ctx, now, free)
	if err != nil {
		return 0, err
	}
	for _, c := range got {
		q.start(base, c, jobs)
	}
	if len(got) == 0 { // another node was first
		return 5 * time.Millisecond, nil
	}
	return 0, nil
}

func (q *Queue) claim(ctx context.Context, now time.Time, limit int) (got []claimed, err error) {
	err = q.db.Write(ctx, func(tx *db.Tx) (err error) {
		got, err = claim(ctx, tx, now, limit, q.node, q.wall().Add(q.o.Lease))
		return err
	})
	return got, err
}

// start runs a claimed job in a slot of its own.
func (q *Queue) start(base context.Context, c claimed, jobs *sync.WaitGroup) {
	ctx, stop := context.WithCancelCause(base)
	q.mu.Lock()
	q.running[c.ID] = &run{claimed: c, stop: stop}
	q.mu.Unlock()
	q.slots <- struct{}{}
	jobs.Go(func() {
		defer func() {
			stop(nil)
			q.mu.Lock()
			delete(q.running, c.ID)
			q.mu.Unlock()
			<-q.slots
			q.nudge()
		}()
		began := time.Now()
		err := q.call(ctx, c.Job)
		outcome := q.record(base, c, err)
		if q.o.OnDone != nil {
			q.o.OnDone(c.Kind, outcome, time.Since(began))
		}
	})
}

// call runs the handler with its timeout and turns a panic into an error. A handler that does not heed the end of its ctx is left behind
// after as long again: it must not hold its slot for ever.
func (q *Queue) call(ctx context.Context, j Job) error {
	fn := q.handlers[j.Kind]
	if fn == nil {
		return fmt.Errorf("jobs: no handler for kind %q on this node", j.Kind)
	}
	limited, stop := context.WithTimeoutCause(ctx, q.o.Timeout, errTimeout)
	defer stop()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("jobs: panic in %s: %v\n%s", j.Kind, p, debug.Stack())
			}
		}()
		done <- fn(limited, j)
	}()
	abandon := time.NewTimer(2 * q.o.Timeout)
	defer abandon.Stop()
	select {
	case err := <-done:
		return err
	case <-abandon.C:
		q.o.Log.Error("jobs: a handler does not heed the end of its time and was left behind", "kind", j.Kind, "job", j.ID)
		return errTimeout
	}
}

// maxReason bounds what is stored of an error: enough for the head of a stack.
const maxReason = 4000

// reasonOf returns an error's text as both databases can store it.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	text = strings.ToValidUTF8(text[:min(len(text), maxReason)], "?")
	return strings.ReplaceAll(text, "\x00", "") // PostgreSQL's text has no NUL
}

// record stores how an attempt ended and returns the word for it, as Options.OnDone explains.
func (q *Queue) record(ctx context.Context, c claimed, failure error) (outcome string) {
	var again snooze
	var never discard
	now := q.now()
	reason := reasonOf(failure)
	var move func(tx *db.Tx) (bool, error)
	switch {
	case failure == nil:
		outcome = "completed"
		move = func(tx *db.Tx) (bool, error) { return finish(ctx, tx, c, q.node, Completed, "", now) }
	case errors.As(failure, &again):
		outcome = "snoozed"
		move = func(tx *db.Tx) (bool, error) {
			return putBack(ctx, tx, c, q.node, c.Attempt-1, "", now.Add(again.d))
		}
	case errors.As(failure, &never) || c.Attempt >= c.max:
		outcome = "discarded"
		move = func(tx *db.Tx) (bool, error) { return finish(ctx, tx, c, q.node, Discarded, reason, now) }
	default:
		outcome = "retried"
		at := now.Add(pause(c.Attempt))
		move = func(tx *db.Tx) (bool, error) { return putBack(ctx, tx, c, q.node, c.Attempt, reason, at) }
	}
	held := false
	err := q.db.Write(ctx, func(tx *db.Tx) (err error) {
		held, err = move(tx)
		return err
	})
	switch {
	case err != nil:
		// The lease runs out and somebody does the job again: at least once, as promised.
		q.o.Log.Error("jobs: the end of a job was not recorded", "kind", c.Kind, "job", c.ID, "outcome", outcome, "error", err)
		return "lost"
	case !held:
		return "lost" // cancelled, handed back or taken over meanwhile
	case outcome == "retried" || outcome == "discarded":
		q.o.Log.Warn("jobs: a job failed", "kind", c.Kind, "job", c.ID, "attempt", c.Attempt, "outcome", outcome, "error", reason)
	}
	return outcome
}

// keepLeases renews this node's leases while anything runs, and stops the jobs that it no longer holds.
func (q *Queue) keepLeases(ctx context.Context) {
	t := time.NewTicker(q.o.Lease / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := q.renew(ctx); err != nil && ctx.Err() == nil {
				q.o.Log.Error("jobs: renew leases", "error", err)
			}
		}
	}
}

func (q *Queue) renew(ctx context.Context) error {
	before := q.runs()
	if len(before) == 0 {
		return nil
	}
	var held map[id.ID]bool
	err := q.db.Write(ctx, func(tx *db.Tx) (err error) {
		held, err = renew(ctx, tx, q.node, q.wall().Add(q.o.Lease))
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range before {
		if !held[r.ID] {
			r.stop(errLost) // harmless where it has just ended
		}
	}
	return nil
}

func (q *Queue) runs() []*run {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([]*run, 0, len(q.running))
	for _, r := range q.running {
		out = append(out, r)
	}
	return out
}

// stopRun ends the ctx of a job where it runs on this node.
func (q *Queue) stopRun(job id.ID, why error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := q.running[job]; r != nil {
		r.stop(why)
	}
}

// drain waits for the running jobs and hands back those that do not end in time.
func (q *Queue) drain(ctx context.Context, jobs *sync.WaitGroup) {
	ended := make(chan struct{})
	go func() {
		jobs.Wait()
		close(ended)
	}()
	if waitFor(ended, q.o.StopWithin) {
		return
	}
	for _, r := range q.runs() {
		// Handed back first, so that what the handler does on being stopped is not taken for a failed attempt.
		err := q.db.Write(ctx, func(tx *db.Tx) error {
			_, err := putBack(ctx, tx, r.claimed, q.node, r.Attempt-1, "the server stopped", q.now())
			return err
		})
		if err != nil {
			q.o.Log.Error("jobs: hand back a job", "kind", r.Kind, "job", r.ID, "error", err)
		}
		r.stop(errStopping)
	}
	q.tell()
	waitFor(ended, time.Second) // time to see that they are stopped
}

func waitFor(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// storeSchedules makes the table agree with what was registered, and learns when each schedule is due.
func (q *Queue) storeSchedules(ctx context.Context) error {
	return q.db.Write(ctx, func(tx *db.Tx) error {
		for _, s := range q.schedules {
			next, err := saveSchedule(ctx, tx, s, s.rule.after(q.now()))
			if err != nil {
				return fmt.Errorf("jobs: store schedule %s: %w", s.name, err)
			}
			s.next = next
		}
		return nil
	})
}

// nextSchedule returns when the next schedule is due, zero where there is none.
func (q *Queue) nextSchedule() (next time.Time) {
	for _, s := range q.schedules {
		if next.IsZero() || s.next.Before(next) {
			next = s.next
		}
	}
	return next
}

// tick enqueues the jobs of all schedules that are due.
func (q *Queue) tick(ctx context.Context) error {
	now := q.now()
	for _, s := range q.schedules {
		for !s.next.After(now) {
			if err := q.fire(ctx, s, now); err != nil {
				return fmt.Errorf("jobs: schedule %s: %w", s.name, err)
			}
		}
	}
	return nil
}

// fire enqueues one job for a schedule that is due, unless another node was first, and learns when it is due next.
func (q *Queue) fire(ctx context.Context, s *schedule, now time.Time) error {
	var next time.Time
	err := q.db.Write(ctx, func(tx *db.Tx) error {
		moved, to, err := moveSchedule(ctx, tx, s.name, s.next, s.rule.after(now))
		next = to
		if err != nil || !moved {
			return err
		}
		unique := "schedule:" + s.name
		r := Record{ID: q.ids.Next(), Kind: s.kind, Args: s.args, RunAt: s.next, Unique: unique, MaxAttempts: DefaultAttempts, CreatedAt: now}
		_, fresh, err := insert(ctx, tx, r)
		if err == nil && !fresh {
			err = bringForward(ctx, tx, unique, s.next)
		}
		tx.AfterCommit(q.tell)
		return err
	})
	if err == nil {
		s.next = next
	}
	return err
}
