package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

// bus is a bus in one process.
type bus struct {
	mu   sync.Mutex
	subs map[int]func([]byte)
	n    int
}

func (b *bus) Publish(_ string, data []byte) error {
	b.mu.Lock()
	subs := make([]func([]byte), 0, len(b.subs))
	for _, fn := range b.subs {
		subs = append(subs, fn)
	}
	b.mu.Unlock()
	for _, fn := range subs {
		fn(data)
	}
	return nil
}

func (b *bus) Subscribe(_ string, fn func([]byte)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[int]func([]byte){}
	}
	b.n++
	n := b.n
	b.subs[n] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, n)
	}, nil
}

// town is a database with a clock and nodes that share both.
type town struct {
	t     testing.TB
	d     *db.DB
	clock *clock.Manual // the town's
	wall  *clock.Manual // the machines'
	bus   *bus
	nodes int
}

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newTown(t testing.TB, d *db.DB) *town {
	return &town{t: t, d: d, clock: clock.NewManual(start), wall: clock.NewManual(start), bus: &bus{}}
}

// node returns another node, with the built-in schedule left out so that tests see only their own jobs.
func (w *town) node(o Options) *Queue {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w.nodes++
	q := New(w.d, w.bus, w.clock.Now, id.NewSource(w.nodes), o)
	q.wall = w.wall.Now
	q.born.wall = w.wall.Now()
	q.schedules = nil
	return q
}

func (w *town) enqueue(q *Queue, kind string, args any, o Opts) (job id.ID) {
	w.t.Helper()
	err := w.d.Write(w.t.Context(), func(tx *db.Tx) (err error) {
		job, err = q.Enqueue(w.t.Context(), tx, kind, args, o)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return job
}

func (w *town) write(fn func(tx *db.Tx) error) error { return w.d.Write(w.t.Context(), fn) }

// turn has the node do what is due now, and waits until it is done.
func (w *town) turn(q *Queue) {
	w.t.Helper()
	for {
		var jobs sync.WaitGroup
		wait, err := q.work(w.t.Context(), w.t.Context(), &jobs)
		if err != nil {
			w.t.Fatal(err)
		}
		jobs.Wait()
		if wait > 0 {
			return
		}
	}
}

func (w *town) get(q *Queue, job id.ID) Record {
	w.t.Helper()
	r, err := q.Get(w.t.Context(), job)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestJobIsThereExactlyWhenItsTransactionIs(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{})
		var got []string
		q.Handle("greet", func(_ context.Context, j Job) error {
			var name string
			err := json.Unmarshal(j.Args, &name)
			got = append(got, fmt.Sprintf("%s %d", name, j.Attempt))
			return err
		})
		bad := errors.New("no")
		err := w.write(func(tx *db.Tx) error {
			if _, err := q.Enqueue(t.Context(), tx, "greet", "nobody", Opts{}); err != nil {
				return err
			}
			return bad
		})
		if !errors.Is(err, bad) {
			t.Fatal(err)
		}
		job := w.enqueue(q, "greet", "anna", Opts{})
		w.turn(q)
		w.turn(q)
		if d := cmp.Diff([]string{"anna 1"}, got); d != "" {
			t.Error(d)
		}
		if r := w.get(q, job); r.State != Completed || !r.FinishedAt.Equal(start) {
			t.Errorf("the job ended as %+v", r)
		}
	}, Schema)
}

func TestJobWaitsForItsTime(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{})
		var done int
		q.Handle("later", func(_ context.Context, j Job) error {
			done++
			if !j.Due.Equal(start.Add(time.Minute)) {
				t.Errorf("Due = %s", j.Due)
			}
			return nil
		})
		w.enqueue(q, "later", nil, Opts{RunAt: start.Add(time.Minute)})
		w.turn(q)
		w.clock.Advance(time.Minute - time.Microsecond)
		w.turn(q)
		if done != 0 {
			t.Fatal("ran too early")
		}
		w.clock.Advance(time.Microsecond)
		w.turn(q)
		if done != 1 {
			t.Fatal("did not run in time")
		}
	}, Schema)
}

func TestUniqueKeyHasOneUnfinishedJob(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{})
		var done int
		q.Handle("remind", func(context.Context, Job) error { done++; return nil })
		var mu sync.Mutex
		ids := map[id.ID]bool{}
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				err := w.write(func(tx *db.Tx) error {
					job, err := q.Enqueue(t.Context(), tx, "remind", 1, Opts{Unique: "remind:7"})
					mu.Lock()
					defer mu.Unlock()
					ids[job] = true
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(ids) != 1 {
			t.Fatalf("%d jobs for one key", len(ids))
		}
		w.turn(q)
		if done != 1 {
			t.Fatalf("done %d times", done)
		}
		if again := w.enqueue(q, "remind", 1, Opts{Unique: "remind:7"}); ids[again] {
			t.Fatal("the key of a finished job is not free")
		}
		if err := w.write(func(tx *db.Tx) error { return q.CancelUnique(t.Context(), tx, "remind:7") }); err != nil {
			t.Fatal(err)
		}
		if err := w.write(func(tx *db.Tx) error { return q.CancelUnique(t.Context(), tx, "remind:7") }); err != nil {
			t.Fatalf("cancelling nothing: %v", err)
		}
		w.turn(q)
		if done != 1 {
			t.Fatal("a cancelled job ran")
		}
	}, Schema)
}

func TestFailuresAreTriedAgainUntilTheLastAttempt(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{Timeout: 100 * time.Millisecond})
		failures := map[string]func(ctx context.Context) error{
			"error":   func(context.Context) error { return errors.New("oven\x00 cold \xff") },
			"panic":   func(context.Context) error { panic("boom") },
			"timeout": func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
		}
		jobs := map[string]id.ID{}
		tries := map[string]*atomic.Int64{}
		for kind, fn := range failures {
			tries[kind] = &atomic.Int64{}
			q.Handle(kind, func(ctx context.Context, j Job) error {
				if n := tries[kind].Add(1); int64(j.Attempt) != n {
					t.Errorf("%s: attempt %d at try %d", kind, j.Attempt, n)
				}
				return fn(ctx)
			})
			jobs[kind] = w.enqueue(q, kind, nil, Opts{MaxAttempts: 3})
		}
		jobs["unknown"] = w.enqueue(q, "unknown", nil, Opts{MaxAttempts: 3})
		for n := range 3 {
			w.turn(q)
			w.turn(q) // nothing more until the pause is over
			for kind, job := range jobs {
				r := w.get(q, job)
				if want := map[bool]State{true: Discarded, false: Available}[n == 2]; r.State != want || r.Attempt != n+1 || r.LastError == "" {
					t.Errorf("%s after %d tries: %+v", kind, n+1, r)
				}
			}
			w.clock.Advance(2 * time.Hour)
		}
		w.turn(q)
		for kind, n := range tries {
			if n.Load() != 3 {
				t.Errorf("%s tried %d times; want 3", kind, n.Load())
			}
		}
		if r := w.get(q, jobs["panic"]); !strings.Contains(r.LastError, "boom") || !strings.Contains(r.LastError, "queue_test.go") {
			t.Errorf("the panic is kept as %q", r.LastError)
		}
	}, Schema)
}

func TestSnoozeCountsNoAttemptAndDiscardEndsAtOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{})
		naps := 0
		q.Handle("nap", func(_ context.Context, j Job) error {
			if j.Attempt != 1 {
				t.Errorf("attempt %d", j.Attempt)
			}
			if naps++; naps < 4 {
				return fmt.Errorf("not yet: %w", Snooze(time.Hour))
			}
			return nil
		})
		q.Handle("hopeless", func(context.Context, Job) error { return Discard(errors.New("no such order")) })
		nap, hopeless := w.enqueue(q, "nap", nil, Opts{MaxAttempts: 1}), w.enqueue(q, "hopeless", nil, Opts{})
		for range 4 {
			w.turn(q)
			w.turn(q)
			w.clock.Advance(time.Hour)
		}
		if r := w.get(q, nap); r.State != Completed || naps != 4 {
			t.Errorf("after %d naps %+v", naps, r)
		}
		if r := w.get(q, hopeless); r.State != Discarded || r.Attempt != 1 || r.LastError != "no such order" {
			t.Errorf("discarded as %+v", r)
		}
	}, Schema)
}

func TestPauseGrowsAndIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1<<30).Draw(t, "attempt")
		want := time.Hour
		if n < 8 {
			want = time.Duration(n*n*n*n) * time.Second
		}
		if d := pause(n); d < want*9/10 || d > want*11/10 {
			t.Fatalf("pause(%d) = %s; want %s and a tenth more or less", n, d, want)
		}
	})
}

func TestRetryRespectsTheUniqueKey(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{})
		old := w.enqueue(q, "x", nil, Opts{Unique: "x"})
		if err := w.write(func(tx *db.Tx) error { return q.Cancel(t.Context(), tx, old) }); err != nil {
			t.Fatal(err)
		}
		w.enqueue(q, "x", nil, Opts{Unique: "x"})
		if err := w.write(func(tx *db.Tx) error { return q.Retry(t.Context(), tx, old) }); !errs.Is(err, errs.Conflict) {
			t.Errorf("Retry = %v; want Conflict", err)
		}
	}, Schema)
}

func TestListPagesNewestFirst(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{})
		var want []id.ID
		for k := range 7 {
			kind := []string{"a", "b"}[k%2]
			job := w.enqueue(q, kind, k, Opts{})
			if kind == "a" {
				want = append([]id.ID{job}, want...)
			}
		}
		var got []id.ID
		cursor := ""
		for {
			p, err := q.List(t.Context(), Filter{State: Available, Kind: "a"}, cursor, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Items {
				got = append(got, r.ID)
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if _, err := q.List(t.Context(), Filter{}, "%%", 3); !errs.Is(err, errs.Invalid) {
			t.Errorf("a broken cursor gave %v", err)
		}
		w.clock.Advance(time.Minute)
		if s, err := q.Stats(t.Context()); err != nil || s.Available != 7 || s.Due != 7 || s.Late != time.Minute {
			t.Errorf("Stats = %+v, %v", s, err)
		}
	}, Schema)
}

func TestOldFinishedJobsAreCleanedAway(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{})
		q.Handle("ok", func(context.Context, Job) error { return nil })
		q.Handle("bad", func(context.Context, Job) error { return Discard(nil) })
		ok, bad := w.enqueue(q, "ok", nil, Opts{}), w.enqueue(q, "bad", nil, Opts{})
		waiting := w.enqueue(q, "ok", nil, Opts{RunAt: start.Add(1000 * 24 * time.Hour)})
		w.turn(q)
		kept := func() (out []id.ID) {
			if err := q.clean(t.Context(), Job{}); err != nil {
				t.Fatal(err)
			}
			for _, job := range []id.ID{ok, bad, waiting} {
				if _, err := q.Get(t.Context(), job); err == nil {
					out = append(out, job)
				}
			}
			return out
		}
		for _, c := range []struct {
			days int
			want []id.ID
		}{{6, []id.ID{ok, bad, waiting}}, {2, []id.ID{bad, waiting}}, {23, []id.ID{waiting}}} {
			w.clock.Advance(time.Duration(c.days) * 24 * time.Hour)
			if d := cmp.Diff(c.want, kept()); d != "" {
				t.Errorf("after %d more days:\n%s", c.days, d)
			}
		}
	}, Schema)
}
