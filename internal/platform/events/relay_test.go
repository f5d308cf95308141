package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
)

func decode(t testing.TB, e events.Event) (n noted) {
	t.Helper()
	if err := json.Unmarshal(e.Data, &n); err != nil {
		t.Error(err)
	}
	return n
}

// run runs l until the returned function is called or the test ends.
func run(t testing.TB, l *events.Log) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func settle(t testing.TB, l *events.Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := l.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

// book notes what was handled, by name.
type book struct {
	mu   sync.Mutex
	list []string
}

func (b *book) handler(context.Context, *db.Tx, events.Event) error { return nil }

func (b *book) write(tx *db.Tx, s string) {
	tx.AfterCommit(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.list = append(b.list, s)
	})
}

func (b *book) read() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.list...)
}

func (b *book) noting(_ context.Context, tx *db.Tx, e events.Event) error {
	b.write(tx, names([]events.Event{e})[0])
	return nil
}

func TestSubscriptionGetsItsKindsAndMovesOverOthers(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := events.New(d, events.NewLocal())
		add(t, d, l, note("old", 0))
		var some, all, ever book
		l.Subscribe("some", []string{"thing.seen", "thing.heard"}, some.noting)
		l.Subscribe("all", nil, all.noting)
		l.SubscribeFromStart("ever", nil, ever.noting)
		run(t, l)
		add(t, d, l, note("a", 1), noted{"b", "thing.seen", 2}, note("c", 3))
		add(t, d, l, noted{"d", "thing.heard", 4}, note("e", 5))
		settle(t, l)
		want(t, some.read(), "b/2", "d/4")
		want(t, all.read(), "a/1", "b/2", "c/3", "d/4", "e/5")
		want(t, ever.read(), "old/0", "a/1", "b/2", "c/3", "d/4", "e/5")
		for name, lag := range l.Lag(t.Context()) {
			if lag != 0 {
				t.Errorf("%s lags by %d", name, lag)
			}
		}
	}, events.Schema)
}

func TestSubscriptionGoesOnWhereItStoodAfterARestart(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		var b book
		node := func() (*events.Log, func()) {
			l := events.New(d, events.NewLocal())
			l.Subscribe("b", []string{"thing.noted"}, b.noting)
			return l, run(t, l)
		}
		l, stop := node()
		add(t, d, l, note("a", 1))
		settle(t, l)
		stop()
		add(t, d, l, noted{"x", "other", 0}, note("a", 2)) // while nobody runs
		l, _ = node()
		add(t, d, l, note("a", 3))
		settle(t, l)
		want(t, b.read(), "a/1", "a/2", "a/3")
	}, events.Schema)
}

func TestHandlersWorkAndCursorCommitTogether(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := events.New(d, events.NewLocal())
		l.Subscribe("counter", []string{"thing.noted"}, func(ctx context.Context, tx *db.Tx, e events.Event) error {
			_, err := tx.Exec(ctx, `INSERT INTO counter (subject, n) VALUES ($1, 1) ON CONFLICT (subject) DO UPDATE SET n = counter.n + 1`, e.Subject)
			if err != nil {
				return err
			}
			if decode(t, e).N == 1 {
				return l.Append(ctx, tx, e.At, e.Actor, note(e.Subject, 2)) // a handler may speak in turn
			}
			return nil
		})
		run(t, l)
		for range 100 {
			add(t, d, l, note("s", 1))
		}
		settle(t, l)
		var n int
		if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), `SELECT n FROM counter`).Scan(&n) }); err != nil || n != 200 {
			t.Fatalf("handled %d, %v; want 200", n, err)
		}
	}, events.Schema, counters)
}

func TestFailingSubscriptionKeepsTheGoodPrefixAndHoldsUpNoOther(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := events.New(d, events.NewLocal())
		var bad, panicky, good book
		var tries, panics atomic.Int32
		l.Subscribe("bad", nil, func(ctx context.Context, tx *db.Tx, e events.Event) error {
			if e.Subject == "c" && tries.Add(1) < 3 {
				return errors.New("not yet")
			}
			return bad.noting(ctx, tx, e)
		})
		l.Subscribe("panicky", nil, func(ctx context.Context, tx *db.Tx, e events.Event) error {
			if e.Subject == "b" && panics.Add(1) == 1 {
				panic("boom")
			}
			return panicky.noting(ctx, tx, e)
		})
		l.Subscribe("good", nil, good.noting)
		goodSaw := make(chan []string, 1)
		l.Subscribe("z", nil, func(_ context.Context, tx *db.Tx, e events.Event) error {
			if e.Subject == "d" {
				tx.AfterCommit(func() { goodSaw <- bad.read() })
			}
			return nil
		})
		run(t, l)
		add(t, d, l, note("a", 1), note("b", 2), note("c", 3), note("d", 4))
		for _, s := range <-goodSaw { // others are through while c is still being tried
			if s == "d/4" {
				t.Error("the failing subscription went past its bad event")
			}
		}
		settle(t, l)
		want(t, good.read(), "a/1", "b/2", "c/3", "d/4")
		want(t, bad.read(), "a/1", "b/2", "c/3", "d/4")
		want(t, panicky.read(), "a/1", "b/2", "c/3", "d/4")
	}, events.Schema)
}

func TestPanickingWatcherHarmsNoOther(t *testing.T) {
	d := dbtest.SQLite(t, events.Schema)
	l := events.New(d, events.NewLocal())
	got := make(chan events.Event, 1)
	l.Watch(func([]events.Event) { panic("boom") })
	l.Watch(func(es []events.Event) { got <- es[0] })
	run(t, l)
	for i := range 3 {
		add(t, d, l, note("s", i))
		if e := <-got; decode(t, e).N != i {
			t.Fatalf("got %s; want %d", e.Data, i)
		}
	}
}

func TestOneNameTwiceIsRefused(t *testing.T) {
	l := events.New(dbtest.SQLite(t, events.Schema), events.NewLocal())
	var b book
	l.Subscribe("twin", nil, b.handler)
	l.Subscribe("twin", nil, b.handler)
	if err := l.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "twin") {
		t.Fatalf("Run = %v; want an error about twin", err)
	}
}

func TestEventsWithoutKindOrSubjectAreRefused(t *testing.T) {
	d := dbtest.SQLite(t, events.Schema)
	l := events.New(d, events.NewLocal())
	for _, p := range []noted{{Subject: "s"}, {Kind: "k"}} {
		err := d.Write(t.Context(), func(tx *db.Tx) error { return l.Append(t.Context(), tx, at, 0, p) })
		if err == nil {
			t.Errorf("Append(%+v) = nil", p)
		}
	}
}

func TestRolledBackEventIsNeverSeen(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := events.New(d, events.NewLocal())
		var b book
		l.Subscribe("b", nil, b.noting)
		run(t, l)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := l.Append(t.Context(), tx, at, 0, note("no", 1)); err != nil {
				return err
			}
			return errAbort
		})
		if !errors.Is(err, errAbort) {
			t.Fatal(err)
		}
		add(t, d, l, note("yes", 2))
		settle(t, l)
		want(t, b.read(), "yes/2")
	}, events.Schema)
}

func TestRunLeavesNoGoroutines(t *testing.T) {
	d := dbtest.SQLite(t, events.Schema)
	bus := events.NewLocal()
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	l := events.New(d, bus)
	var b book
	l.Subscribe("b", nil, b.noting)
	stop := run(t, l)
	add(t, d, l, note("s", 1))
	settle(t, l)
	stop()
}

func TestLocalBusKeepsOrderAndStopsOnCancel(t *testing.T) {
	bus := events.NewLocal()
	var got []string
	cancel, err := bus.Subscribe("t", func(b []byte) { got = append(got, string(b)) })
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := bus.Publish("t", fmt.Append(nil, "t/", i)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := errors.Join(bus.Publish("t", []byte("t/9")), bus.Publish("u", nil)); err != nil {
		t.Fatal(err)
	}
	want(t, got, "t/0", "t/1", "t/2")
}

func BenchmarkAppend(b *testing.B) {
	d := dbtest.SQLite(b, events.Schema)
	l := events.New(d, events.NewLocal())
	b.ReportAllocs()
	for b.Loop() {
		// Many in one commit, so that the disk is not what is measured.
		err := d.Write(b.Context(), func(tx *db.Tx) error {
			for i := range 1000 {
				if err := l.Append(b.Context(), tx, at, 7, note("order:1234567890123", i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

// From the return of Write, that is after the commit, to the call of a watcher.
func BenchmarkCommitToWatcher(b *testing.B) {
	d := dbtest.SQLite(b, events.Schema)
	l := events.New(d, events.NewLocal())
	seen := make(chan time.Time, 1)
	l.Watch(func([]events.Event) { seen <- time.Now() })
	run(b, l)
	var total, worst time.Duration
	for b.Loop() {
		var committed time.Time
		err := d.Write(b.Context(), func(tx *db.Tx) error {
			tx.AfterCommit(func() { committed = time.Now() })
			return l.Append(b.Context(), tx, at, 7, note("s", 1))
		})
		if err != nil {
			b.Fatal(err)
		}
		took := (<-seen).Sub(committed)
		total, worst = total+took, max(worst, took)
	}
	b.ReportMetric(float64(total.Microseconds())/float64(b.N), "µs/wake")
	b.ReportMetric(float64(worst.Microseconds()), "µs/worst")
}

func TestTellWaitsForTheServerBesideACommandOnlyWhereThereIsNews(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		// Two logs with buses of their own: two processes, of which only one runs.
		server, command := events.New(d, events.NewLocal()), events.New(d, events.NewLocal())
		var heard atomic.Int64
		server.Watch(func(es []events.Event) { heard.Add(int64(len(es))) })
		run(t, server)
		began := time.Now()
		command.Tell(t.Context())
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("Tell of nothing took %v", took)
		}
		add(t, d, command, note("x", 1))
		began = time.Now()
		command.Tell(t.Context())
		if took := time.Since(began); took < 100*time.Millisecond {
			t.Errorf("Tell of something took only %v", took)
		}
		// Tell gives a server the time that it needs; a busy machine may need more.
		for deadline := time.Now().Add(5 * time.Second); heard.Load() == 0 && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		if heard.Load() != 1 {
			t.Errorf("the server has heard of %d events; want 1", heard.Load())
		}
	}, events.Schema)
}
