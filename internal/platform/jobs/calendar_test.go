package jobs

import (
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

func TestAScheduleCanBeRunBesideItsCalendar(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w, ctx := newTown(t, d), t.Context()
		var ran []string
		q := w.clerk("nightly", "0 3 * * *", &ran)
		before, err := q.Schedules(ctx)
		if err != nil || len(before) != 1 || before[0].Name != "nightly" || !before[0].Last.IsZero() || !before[0].Next.After(w.clock.Now()) {
			t.Fatalf("Schedules = %+v, %v", before, err)
		}
		for range 2 { // pressed twice, it runs once
			if err := d.Write(ctx, func(tx *db.Tx) error {
				_, err := q.RunNow(ctx, tx, "nightly")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		kinds, err := q.Kinds(ctx)
		if err != nil || len(kinds) != 1 || kinds[0] != (KindStats{Kind: "nightly", Available: 1}) {
			t.Errorf("Kinds = %+v, %v", kinds, err)
		}
		w.clock.Advance(time.Second)
		w.turn(q)
		if len(ran) != 1 {
			t.Errorf("it ran %d times; want once", len(ran))
		}
		after, err := q.Schedules(ctx)
		if err != nil || !after[0].Next.Equal(before[0].Next) {
			t.Errorf("the calendar moved: %+v, %v", after, err)
		}
		err = d.Write(ctx, func(tx *db.Tx) error {
			_, err := q.RunNow(ctx, tx, "never")
			return err
		})
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("RunNow of an unknown schedule = %v", err)
		}
	}, Schema)
}
