package jobs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

// clerk returns a node with one schedule whose runs are noted in ran, as their due times.
func (w *town) clerk(name, spec string, ran *[]string) *Queue {
	w.t.Helper()
	q := w.node(Options{})
	q.Schedule(name, spec, "Europe/Berlin", name, map[string]int{"n": 1})
	q.Handle(name, func(_ context.Context, j Job) error {
		*ran = append(*ran, j.Due.Format("02 15:04:05"))
		return nil
	})
	if len(q.faults) > 0 {
		w.t.Fatal(q.faults)
	}
	if err := q.storeSchedules(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return q
}

func TestEachDueTimeRunsOnceOverAllNodes(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			spec := rapid.SampledFrom([]string{"*/5 * * * *", "7,8,30 * * * *", "0 12-14 * * *", "@hourly"}).Draw(rt, "spec")
			name := fmt.Sprintf("tick%d", round)
			var ran, want []string
			nodes := []*Queue{w.clerk(name, spec, &ran), w.clerk(name, spec, &ran), w.clerk(name, spec, &ran)}
			due := nodes[0].schedules[0].next
			for range rapid.IntRange(1, 10).Draw(rt, "steps") {
				now := w.clock.Advance(rapid.SampledFrom([]time.Duration{time.Second, 59 * time.Second, 4 * time.Minute}).Draw(rt, "step"))
				for k := range nodes {
					w.turn(nodes[(k+round)%len(nodes)])
				}
				if !due.After(now) { // several in one step count as missed: one run for all of them
					want = append(want, due.UTC().Format("02 15:04:05"))
					due = nodes[0].schedules[0].rule.after(now)
				}
			}
			if d := cmp.Diff(want, ran); d != "" {
				rt.Fatalf("%s ran (-want +got):\n%s", spec, d)
			}
		})
	}, Schema)
}

func TestMissedTimesRunOnceAfterTheBreak(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d) // 12:00 UTC, 13:00 in Berlin
		var ran []string
		w.turn(w.clerk("report", "*/10 * * * *", &ran))
		w.clock.Advance(3*time.Hour + 5*time.Minute)
		back := w.clerk("report", "*/10 * * * *", &ran) // the town's only node starts again
		w.turn(back)
		w.turn(back)
		w.clock.Advance(5 * time.Minute)
		w.turn(back)
		if d := cmp.Diff([]string{"22 12:10:00", "22 15:10:00"}, ran); d != "" {
			t.Error(d)
		}
	}, Schema)
}

func TestChangedTimesHoldFromTheNextStart(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		var ran []string
		w.turn(w.clerk("report", "5 13 * * *", &ran))
		q := w.clerk("report", "30 13 * * *", &ran)
		w.clock.Advance(10 * time.Minute)
		w.turn(q)
		w.clock.Advance(time.Hour)
		w.turn(q)
		if d := cmp.Diff([]string{"22 12:30:00"}, ran); d != "" {
			t.Error(d)
		}
	}, Schema)
}

func TestUnfinishedRunIsNotDoubledButTriedAgainWhenDue(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		q := w.node(Options{})
		var attempts []int
		q.Schedule("sweep", "* * * * *", "", "sweep", nil)
		q.Handle("sweep", func(_ context.Context, j Job) error {
			if attempts = append(attempts, j.Attempt); len(attempts) <= 10 {
				return fmt.Errorf("no %d", j.Attempt)
			}
			return nil
		})
		if err := q.storeSchedules(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 11 {
			w.clock.Advance(time.Minute)
			w.turn(q)
		}
		s, err := q.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The pause after the tenth failure is an hour; a rule for every minute must not lie still for so long.
		if last := attempts[len(attempts)-1]; last != 11 || len(attempts) != 11 || s.Available != 0 || s.CompletedLastHour != 1 {
			t.Errorf("attempts %v, %+v; want one job tried at each due time until it is done", attempts, s)
		}
	}, Schema)
}
