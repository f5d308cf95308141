package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

func TestJobOfADeadNodeIsTakenOver(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		dead, other := w.node(Options{}), w.node(Options{})
		var attempts []int
		other.Handle("cook", func(_ context.Context, j Job) error { attempts = append(attempts, j.Attempt); return nil })
		job := w.enqueue(other, "cook", nil, Opts{})
		poison := w.enqueue(other, "cook", nil, Opts{MaxAttempts: 1})
		held, err := dead.claim(t.Context(), w.clock.Now(), 4) // and the node is killed here
		if err != nil || len(held) != 2 {
			t.Fatalf("claim = %v, %v", held, err)
		}
		w.wall.Advance(29 * time.Second)
		w.turn(other)
		if len(attempts) != 0 {
			t.Fatal("taken over while the lease held")
		}
		w.wall.Advance(2 * time.Second)
		w.turn(other)
		if d := cmp.Diff([]int{2}, attempts); d != "" {
			t.Error(d)
		}
		if r := w.get(other, poison); r.State != Discarded {
			t.Errorf("a job that killed its node at its last attempt is %+v", r)
		}
		if out := dead.record(t.Context(), held[0], errors.New("late")); out != "lost" {
			t.Errorf("the dead node's late word counts as %s", out)
		}
		if r := w.get(other, job); r.State != Completed {
			t.Errorf("the job is %+v", r)
		}
	}, Schema)
}

func TestRenewedLeaseHoldsAndALostOneStopsTheJob(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q, other := w.node(Options{}), w.node(Options{})
		began, stopped := make(chan struct{}), make(chan error, 1)
		q.Handle("long", func(ctx context.Context, _ Job) error {
			close(began)
			<-ctx.Done()
			stopped <- context.Cause(ctx)
			return nil
		})
		var taken int
		other.Handle("long", func(context.Context, Job) error { taken++; return nil })
		w.enqueue(q, "long", nil, Opts{})
		var jobs sync.WaitGroup
		if _, err := q.work(t.Context(), t.Context(), &jobs); err != nil {
			t.Fatal(err)
		}
		<-began
		for range 5 {
			w.wall.Advance(20 * time.Second)
			if err := q.renew(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.turn(other)
		}
		if taken != 0 {
			t.Fatal("a renewed lease was taken over")
		}
		w.wall.Advance(40 * time.Second)
		w.turn(other)
		if err := q.renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-stopped; taken != 1 || !errors.Is(err, errLost) {
			t.Fatalf("taken over %d times; the first holder was stopped by %v", taken, err)
		}
		jobs.Wait()
	}, Schema)
}

// serve runs a node until the test, or the function returned, stops it.
func (w *town) serve(q *Queue) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	w.t.Cleanup(func() { stop() })
	return stop
}

func TestThousandJobsOnTwoNodesAreDoneOnceEach(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		const n = 1000
		w := newTown(t, d)
		var mu sync.Mutex
		done := map[int]int{}
		all := make(chan struct{})
		do := func(_ context.Context, j Job) error {
			var k int
			if err := json.Unmarshal(j.Args, &k); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if done[k]++; len(done) == n {
				select {
				case <-all:
				default:
					close(all)
				}
			}
			return nil
		}
		var nodes []*Queue
		for range 2 {
			q := w.node(Options{Workers: 4})
			q.wall = time.Now // leases do not run out here, whatever the machine does
			q.Handle("count", do)
			nodes = append(nodes, q)
		}
		var stops []func() error
		for _, q := range nodes {
			stops = append(stops, w.serve(q))
		}
		for k := 0; k < n; k += 50 {
			err := w.write(func(tx *db.Tx) error {
				for i := range 50 {
					if _, err := nodes[i%2].Enqueue(t.Context(), tx, "count", k+i, Opts{}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-all:
		case <-time.After(time.Minute):
			t.Fatalf("only %d jobs done", len(done))
		}
		for _, stop := range stops {
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		}
		for k, times := range done {
			if times != 1 {
				t.Errorf("job %d done %d times", k, times)
			}
		}
		if s, err := nodes[0].Stats(t.Context()); err != nil || s.CompletedLastHour != n || s.Available+s.Running != 0 {
			t.Errorf("Stats = %+v, %v", s, err)
		}
	}, Schema)
}

func TestOtherNodesHearOfWorkAtOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		worker, clerk := w.node(Options{Poll: time.Hour}), w.node(Options{Poll: time.Hour})
		done := make(chan struct{}, 1)
		worker.Handle("ring", func(context.Context, Job) error { done <- struct{}{}; return nil })
		w.serve(worker)
		for range 3 { // the first may be found by the look at the start
			w.enqueue(clerk, "ring", nil, Opts{})
			select {
			case <-done:
			case <-time.After(20 * time.Second):
				t.Fatal("the worker slept through the news")
			}
		}
	}, Schema)
}

func TestStoppingWaitsForRunningJobs(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{StopWithin: time.Minute})
		began, finish := make(chan struct{}), make(chan struct{})
		q.Handle("quick", func(context.Context, Job) error { close(began); <-finish; return nil })
		quick := w.enqueue(q, "quick", nil, Opts{})
		stop := w.serve(q)
		<-began
		late := w.enqueue(q, "quick", nil, Opts{RunAt: start.Add(time.Hour)})
		go close(finish)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if r := w.get(q, quick); r.State != Completed {
			t.Errorf("the running job is %+v", r)
		}
		if r := w.get(q, late); r.State != Available {
			t.Errorf("the waiting job is %+v", r)
		}
	}, Schema)
}

func TestStoppingHandsBackJobsThatDoNotEnd(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{StopWithin: time.Millisecond})
		began := make(chan struct{})
		q.Handle("slow", func(ctx context.Context, _ Job) error { close(began); <-ctx.Done(); return ctx.Err() })
		slow := w.enqueue(q, "slow", nil, Opts{})
		stop := w.serve(q)
		<-began
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if r := w.get(q, slow); r.State != Available || r.Attempt != 0 {
			t.Errorf("the slow job is %+v; want it handed back with no attempt counted", r)
		}
	}, Schema)
}

func TestCancelStopsTheJobWhereverItRuns(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		worker, office := w.node(Options{}), w.node(Options{})
		began, stopped := make(chan struct{}), make(chan error, 1)
		worker.Handle("bake", func(ctx context.Context, _ Job) error {
			close(began)
			<-ctx.Done()
			stopped <- context.Cause(ctx)
			return ctx.Err()
		})
		job := w.enqueue(office, "bake", nil, Opts{Unique: "bake:1"})
		stop := w.serve(worker)
		<-began
		if err := w.write(func(tx *db.Tx) error { return office.Cancel(t.Context(), tx, job) }); err != nil {
			t.Fatal(err)
		}
		if err := <-stopped; !errors.Is(err, errCancelled) {
			t.Fatalf("the handler was stopped by %v", err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if r := w.get(office, job); r.State != Cancelled {
			t.Errorf("the job is %+v", r)
		}
		if err := w.write(func(tx *db.Tx) error { return office.Cancel(t.Context(), tx, job) }); !errs.Is(err, errs.Conflict) {
			t.Errorf("cancelling twice = %v; want Conflict", err)
		}
		if err := w.write(func(tx *db.Tx) error { return office.Cancel(t.Context(), tx, 12) }); !errs.Is(err, errs.NotFound) {
			t.Errorf("cancelling an unknown job = %v; want NotFound", err)
		}
		if err := w.write(func(tx *db.Tx) error { return office.Retry(t.Context(), tx, job) }); err != nil {
			t.Errorf("retry = %v", err)
		}
		if err := w.write(func(tx *db.Tx) error { return office.Retry(t.Context(), tx, job) }); !errs.Is(err, errs.Conflict) {
			t.Errorf("retrying a waiting job = %v; want Conflict", err)
		}
	}, Schema)
}

func TestWaitIsShortenedOnAFastClock(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, Schema))
	q := w.node(Options{Poll: time.Hour})
	w.clock.Advance(5 * time.Minute)
	w.wall.Advance(10 * time.Second) // thirty times as fast
	w.enqueue(q, "later", nil, Opts{RunAt: w.clock.Now().Add(3 * time.Minute)})
	var jobs sync.WaitGroup
	wait, err := q.work(t.Context(), t.Context(), &jobs)
	if err != nil || wait != 6*time.Second {
		t.Errorf("work waits %s, %v; want 6 s", wait, err)
	}
	if q.real(time.Second) > time.Second || newTown(t, q.db).node(Options{}).real(time.Second) != time.Second {
		t.Error("a span takes longer than it is")
	}
}

func TestRegistrationFaultsStopRun(t *testing.T) {
	d := dbtest.SQLite(t, Schema)
	for name, register := range map[string]func(q *Queue){
		"two handlers":  func(q *Queue) { q.Handle(cleanKind, q.clean) },
		"bad schedule":  func(q *Queue) { q.Schedule("x", "61 * * * *", "", "x", nil) },
		"two schedules": func(q *Queue) { q.Schedule("x", "@daily", "", "x", nil); q.Schedule("x", "@hourly", "", "x", nil) },
	} {
		q := newTown(t, d).node(Options{})
		register(q)
		if err := q.Run(t.Context()); err == nil {
			t.Errorf("%s: Run took it", name)
		}
	}
}

func BenchmarkEnqueue(b *testing.B) {
	w := newTown(b, dbtest.SQLite(b, Schema))
	q := w.node(Options{})
	args := struct{ Order id.ID }{123456789}
	const perCommit = 200
	for b.Loop() {
		err := w.write(func(tx *db.Tx) error {
			for k := range perCommit {
				if _, err := q.Enqueue(b.Context(), tx, "order.confirm", args, Opts{RunAt: start.Add(time.Hour), Unique: fmt.Sprint("order.confirm:", k, b.N, q.ids.Next())}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/perCommit, "µs/job")
}

func BenchmarkDo(b *testing.B) {
	w := newTown(b, dbtest.SQLite(b, Schema))
	q := w.node(Options{})
	q.wall = time.Now
	var left atomic.Int64
	done := make(chan struct{}, 1)
	q.Handle("nothing", func(context.Context, Job) error {
		if left.Add(-1) == 0 {
			done <- struct{}{}
		}
		return nil
	})
	w.serve(q)
	const n = 200
	for b.Loop() {
		left.Store(n)
		err := w.write(func(tx *db.Tx) error {
			for range n {
				if _, err := q.Enqueue(b.Context(), tx, "nothing", nil, Opts{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		<-done
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "jobs/s")
}
