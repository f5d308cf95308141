package events_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// noted is the tests' payload.
type noted struct {
	Subject string `json:"subject"`
	Kind    string `json:"kind"`
	N       int    `json:"n"`
}

func (n noted) EventKind() string    { return n.Kind }
func (n noted) EventSubject() string { return n.Subject }

func note(subject string, n int) noted { return noted{Subject: subject, Kind: "thing.noted", N: n} }

var counters fs.FS = fstest.MapFS{"schema/2026-01-01-counter.sql": {Data: []byte(`
CREATE TABLE counter (
    subject TEXT PRIMARY KEY,
    n       BIGINT NOT NULL
);
`)}}

var at = time.Date(2026, 5, 4, 18, 30, 0, 123000, time.UTC)

func add(t testing.TB, d *db.DB, l *events.Log, ps ...noted) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		for _, p := range ps {
			if err := l.Append(t.Context(), tx, at, 7, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// held is a transaction that a test moves step by step.
type held struct {
	steps chan func(*db.Tx) error
	acks  chan error
	done  chan error
}

var errAbort = errors.New("abort")

func hold(t *testing.T, d *db.DB) *held {
	h := &held{steps: make(chan func(*db.Tx) error), acks: make(chan error), done: make(chan error, 1)}
	go func() {
		h.done <- d.Write(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
			for step := range h.steps {
				if step == nil {
					return errAbort
				}
				h.acks <- step(tx)
			}
			return nil
		})
	}()
	return h
}

func (h *held) do(t *testing.T, step func(*db.Tx) error) {
	t.Helper()
	h.steps <- step
	if err := <-h.acks; err != nil {
		t.Fatal(err)
	}
}

func (h *held) add(t *testing.T, l *events.Log, p noted) {
	t.Helper()
	h.do(t, func(tx *db.Tx) error { return l.Append(context.Background(), tx, at, 7, p) })
}

func (h *held) commit(t *testing.T) {
	t.Helper()
	close(h.steps)
	if err := <-h.done; err != nil {
		t.Fatal(err)
	}
}

func (h *held) abort(t *testing.T) {
	t.Helper()
	h.steps <- nil
	if err := <-h.done; !errors.Is(err, errAbort) {
		t.Fatal(err)
	}
}

// readable returns "subject/n" of what a reader sees now.
func readable(t *testing.T, l *events.Log) []string {
	t.Helper()
	es, err := l.Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return names(es)
}

func names(es []events.Event) []string {
	out := []string{}
	for _, e := range es {
		out = append(out, fmt.Sprintf("%s/%s", e.Subject, string(e.Data[len(e.Data)-2:len(e.Data)-1])))
	}
	return out
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
}

func TestSlowerTransactionIsNotSkipped(t *testing.T) {
	d := dbtest.Postgres(t, events.Schema)
	l := events.New(d, events.NewLocal())
	add(t, d, l, note("a", 1))
	slow := hold(t, d)
	slow.add(t, l, note("b", 2))
	add(t, d, l, note("a", 3))
	want(t, readable(t, l), "a/1") // 3 waits for 2
	slow.commit(t)
	want(t, readable(t, l), "a/1", "b/2", "a/3")
}

// L gets its transaction id first, by a write to something else; E appends to the same subject and commits before L does.
func TestSubjectsOrderIsThatOfCommitsAndNotOfTransactionIDs(t *testing.T) {
	d := dbtest.Postgres(t, events.Schema, counters)
	l := events.New(d, events.NewLocal())
	late := hold(t, d)
	late.do(t, func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), `INSERT INTO counter (subject, n) VALUES ('other', 1)`)
		return err
	})
	early := hold(t, d)
	early.add(t, l, note("s", 1))
	early.commit(t)
	want(t, readable(t, l), "s/1") // L has no number yet, and so holds up nobody
	late.add(t, l, note("s", 2))
	want(t, readable(t, l), "s/1")
	add(t, d, l, note("x", 3))
	want(t, readable(t, l), "s/1")
	late.commit(t)
	want(t, readable(t, l), "s/1", "s/2", "x/3")
}

func TestAbortedTransactionLeavesAGapThatNobodyWaitsAt(t *testing.T) {
	d := dbtest.Postgres(t, events.Schema)
	l := events.New(d, events.NewLocal())
	bad := hold(t, d)
	bad.add(t, l, note("a", 1))
	add(t, d, l, note("b", 2))
	want(t, readable(t, l))
	bad.abort(t)
	want(t, readable(t, l), "b/2")
	gone := hold(t, d)
	gone.add(t, l, note("a", 3))
	gone.abort(t)
	head, err := l.Head(t.Context())
	if err != nil || head != 3 {
		t.Fatalf("Head = %d, %v; want 3: the last number given, though it is no event", head, err)
	}
}

func TestHeadStandsBelowTheOldestOfSeveralWriters(t *testing.T) {
	d := dbtest.Postgres(t, events.Schema)
	l := events.New(d, events.NewLocal())
	var open []*held
	for i := range 5 {
		h := hold(t, d)
		h.add(t, l, note("s", i))
		open = append(open, h)
	}
	open[0].add(t, l, note("s", 9)) // its mark stays at its first number
	for _, step := range []struct {
		end  int
		want int64
	}{{3, 0}, {1, 0}, {0, 2}, {2, 4}, {4, 6}} {
		open[step.end].commit(t)
		if head, err := l.Head(t.Context()); err != nil || head != step.want {
			t.Fatalf("after the end of writer %d Head = %d, %v; want %d", step.end, head, err, step.want)
		}
	}
	want(t, readable(t, l), "s/0", "s/1", "s/2", "s/3", "s/4", "s/9")
}

func TestWritersOfOtherDatabasesHoldUpNobody(t *testing.T) {
	d, other := dbtest.Postgres(t, events.Schema), dbtest.Postgres(t, events.Schema)
	l, lo := events.New(d, events.NewLocal()), events.New(other, events.NewLocal())
	h := hold(t, other)
	h.add(t, lo, note("a", 1))
	add(t, d, l, note("b", 2))
	want(t, readable(t, l), "b/2")
	h.commit(t)
}

func TestManyEventsOfOneTransactionTakeOneLock(t *testing.T) {
	d := dbtest.Postgres(t, events.Schema)
	l := events.New(d, events.NewLocal())
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		for i := range 200 {
			if err := l.Append(t.Context(), tx, at, 0, note("s", i)); err != nil {
				return err
			}
		}
		var n int
		err := tx.Row(t.Context(), `SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`).Scan(&n)
		if n != 1 {
			t.Errorf("%d advisory locks; want 1", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	add(t, d, l, note("s", 200)) // the setting that remembers the lock ended with the transaction
	if es, err := l.Since(t.Context(), 0, 1000); err != nil || len(es) != 201 {
		t.Fatalf("%d events, %v; want 201", len(es), err)
	}
}

// Writers count up per subject under its row lock, some give up; readers of every sort must see each subject's count without a gap, a
// repetition or a step back.
func TestManyWritersAndNoEventIsSkippedReorderedOrDoubled(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := events.New(d, events.NewLocal())
		const writers, each, subjects = 20, 40, 5
		for i := range subjects {
			if _, err := exec(t, d, `INSERT INTO counter (subject, n) VALUES ($1, 0)`, fmt.Sprint("s", i)); err != nil {
				t.Fatal(err)
			}
		}
		var watched, handled, polled tally
		l.Watch(func(es []events.Event) { watched.add(t, es...) })
		l.Subscribe("tally", []string{"thing.noted"}, func(_ context.Context, tx *db.Tx, e events.Event) error {
			tx.AfterCommit(func() { handled.add(t, e) })
			return nil
		})
		stop := run(t, l)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					count(t, d, l, rand.IntN(subjects))
				}
			})
		}
		finished := make(chan struct{})
		go func() { wg.Wait(); close(finished) }()
		poll := func() {
			es, err := l.Since(t.Context(), polled.last, 100)
			if err != nil {
				t.Fatal(err)
			}
			polled.add(t, es...)
		}
		for open := true; open; {
			select {
			case <-finished:
				open = false
			default:
				poll()
			}
		}
		settle(t, l)
		for range writers * each / 100 {
			poll()
		}
		stop()
		for who, got := range map[string]*tally{"watcher": &watched, "subscription": &handled, "poller": &polled} {
			for i := range subjects {
				s := fmt.Sprint("s", i)
				var n int
				err := d.Read(t.Context(), func(tx *db.Tx) error {
					return tx.Row(t.Context(), `SELECT n FROM counter WHERE subject = $1`, s).Scan(&n)
				})
				if err != nil || got.n[s] != n {
					t.Errorf("%s saw %d of %s; want %d (%v)", who, got.n[s], s, n, err)
				}
			}
		}
	}, events.Schema, counters)
}

func count(t *testing.T, d *db.DB, l *events.Log, i int) {
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		s := fmt.Sprint("s", i)
		if _, err := tx.Exec(t.Context(), `UPDATE counter SET n = n + 1 WHERE subject = $1`, s); err != nil {
			return err
		}
		var n int
		if err := tx.Row(t.Context(), `SELECT n FROM counter WHERE subject = $1`, s).Scan(&n); err != nil {
			return err
		}
		if err := l.Append(t.Context(), tx, at, 0, note(s, n)); err != nil {
			return err
		}
		if d.Dialect() == db.Postgres && rand.IntN(4) == 0 {
			if _, err := tx.Exec(t.Context(), `SELECT pg_sleep(0.003)`); err != nil {
				return err
			}
		}
		if rand.IntN(8) == 0 {
			return errAbort
		}
		return nil
	})
	if err != nil && !errors.Is(err, errAbort) {
		t.Error(err)
	}
}

// tally checks that seq ascends and each subject counts up by one.
type tally struct {
	mu   sync.Mutex
	last int64
	n    map[string]int
}

func (y *tally) add(t *testing.T, es ...events.Event) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.n == nil {
		y.n = map[string]int{}
	}
	for _, e := range es {
		n := decode(t, e).N
		if e.Seq <= y.last || n != y.n[e.Subject]+1 {
			t.Errorf("event %d after %d counts %s to %d after %d", e.Seq, y.last, e.Subject, n, y.n[e.Subject])
		}
		y.last, y.n[e.Subject] = e.Seq, n
	}
}

func exec(t *testing.T, d *db.DB, query string, args ...any) (n int64, err error) {
	err = d.Write(t.Context(), func(tx *db.Tx) error {
		n, err = tx.Exec(t.Context(), query, args...)
		return err
	})
	return n, err
}

func TestReadingBySubjectMergesThemInOrder(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := events.New(d, events.NewLocal())
		add(t, d, l, note("a", 1), note("b", 2), note("c", 3), note("b", 4), note("a", 5))
		es, err := l.SinceOf(t.Context(), []string{"a", "b"}, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		want(t, names(es), "b/2", "b/4")
		if e := es[0]; !e.At.Equal(at) || e.Actor != 7 || e.Kind != "thing.noted" || !slices.Equal(e.Data, []byte(`{"subject":"b","kind":"thing.noted","n":2}`)) {
			t.Fatalf("read back %+v %s", e, e.Data)
		}
	}, events.Schema)
}
