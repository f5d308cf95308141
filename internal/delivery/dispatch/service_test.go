package dispatch

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

func TestWholeTripFromOfferToDoor(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		trip := w.confirmed(t, 1)
		if trip.State != Unassigned || w.seeks(t, 1) != 45*time.Second {
			t.Fatalf("after the search: %+v", w.trip(t, 1))
		}
		if trip = w.trip(t, 1); trip.OfferedTo != anna {
			t.Fatalf("offered to %s; want the nearest, %s", trip.OfferedTo, anna)
		}
		work, err := w.Tasks(w.as(t, anna))
		if err != nil || len(work.Offers) != 1 || work.Offers[0].Tip != 200 || len(work.Tasks) != 0 {
			t.Fatalf("work = %+v, %v", work, err)
		}
		if err := w.Accept(w.as(t, anna), 1); err != nil {
			t.Fatal(err)
		}
		if w.seeks(t, 1) != 0 || w.orders[1].Courier != anna {
			t.Fatal("the search goes on though somebody has it")
		}
		w.does(t, anna, trip.Pickup.ID, Start, Arrive)
		wantCode(t, w.Do(w.as(t, anna), trip.Pickup.ID, Complete, Did{}), "not_ready")
		wantCode(t, w.Do(w.as(t, anna), trip.Dropoff.ID, Start, Did{}), "pickup_first")
		w.becomes(t, 1, delivery.Ready)
		w.does(t, anna, trip.Pickup.ID, Complete)
		w.does(t, anna, trip.Dropoff.ID, Start, Arrive)
		if err := w.Do(w.as(t, anna), trip.Dropoff.ID, Complete, Did{Proof: delivery.Proof{Code: "9"}}); !errs.Is(err, errs.Invalid) {
			t.Fatalf("wrong code: %v", err)
		}
		w.does(t, anna, trip.Dropoff.ID, Complete)
		if diff := cmp.Diff([]string{"pickup", "heading", "arrived", "handover"}, w.said); diff != "" {
			t.Fatal(diff)
		}
		if trip = w.trip(t, 1); trip.State != TripDone || trip.ClosedAt.IsZero() {
			t.Fatalf("trip = %+v", trip)
		}
		work, err = w.Tasks(w.as(t, anna))
		if err != nil || len(work.Done) != 1 || work.Cash != 2350 || work.Tips != 200 || len(work.Tasks) != 0 {
			t.Fatalf("work = %+v, %v", work, err)
		}
	})
}

func TestExpiredAndDeclinedOffersGoToTheNextNearestAndAroundAgain(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		w.confirmed(t, 1)
		w.seeks(t, 1)
		w.clock.Advance(20 * time.Second)
		if got := w.seeks(t, 1); got != 25*time.Second {
			t.Fatalf("look again in %s; want the rest of the offer, 25s", got)
		}
		w.clock.Advance(25 * time.Second)
		w.seeks(t, 1)
		if got := w.trip(t, 1).OfferedTo; got != ben {
			t.Fatalf("after expiry offered to %s; want %s", got, ben)
		}
		wantCode(t, w.Accept(w.as(t, anna), 1), "offer_gone")
		wantKind(t, w.Accept(w.as(t, cleo), 1), errs.NotFound)
		for range 2 {
			if err := w.Decline(w.as(t, ben), 1); err != nil {
				t.Fatalf("decline: %v", err)
			}
		}
		w.seeks(t, 1)
		if got := w.trip(t, 1).OfferedTo; got != cleo {
			t.Fatalf("offered to %s; want %s", got, cleo)
		}
		if err := w.Decline(w.as(t, cleo), 1); err != nil {
			t.Fatal(err)
		}
		if got := w.seeks(t, 1); got != again {
			t.Fatalf("everybody declined: again in %s", got)
		}
		w.seeks(t, 1)
		if got := w.trip(t, 1).OfferedTo; got != anna {
			t.Fatalf("second round offered to %s; want %s", got, anna)
		}
	})
}

func TestBusyCouriersAreNotAsked(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		w.carries(t, 1, anna)
		w.confirmed(t, 2)
		w.seeks(t, 2) // Ben thinks about it
		w.confirmed(t, 3)
		w.seeks(t, 3)
		if a, b := w.trip(t, 2).OfferedTo, w.trip(t, 3).OfferedTo; a != ben || b != cleo {
			t.Fatalf("offered to %s and %s; want %s and %s", a, b, ben, cleo)
		}
		w.confirmed(t, 4)
		if got := w.seeks(t, 4); got != again || w.trip(t, 4).State != Unassigned {
			t.Fatalf("nobody is free: again in %s", got)
		}
	})
}

func TestTwoCouriersAcceptAndOneWins(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		w.confirmed(t, 1)
		w.seeks(t, 1)
		w.clock.Advance(time.Minute)
		w.seeks(t, 1) // Anna's time is up, Ben is asked
		var wg sync.WaitGroup
		errors := make([]error, 2)
		for i, c := range []id.ID{anna, ben} {
			wg.Go(func() { errors[i] = w.Accept(w.as(t, c), 1) })
		}
		wg.Wait()
		wantCode(t, errors[0], "offer_gone")
		if errors[1] != nil || w.trip(t, 1).Courier != ben {
			t.Fatalf("Ben: %v, courier %s", errors[1], w.trip(t, 1).Courier)
		}
	})
}

func TestDispatcherReassignsUntilTheFoodIsOnTheRoad(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		trip := w.carries(t, 1, anna)
		w.does(t, anna, trip.Pickup.ID, Start)
		boss := w.as(t, dispatcherID)
		if err := w.Assign(boss, 1, ben); err != nil {
			t.Fatal(err)
		}
		wantCode(t, w.Do(w.as(t, anna), trip.Pickup.ID, Arrive, Did{}), "task_moved")
		wantKind(t, w.Do(w.as(t, cleo), trip.Pickup.ID, Arrive, Did{}), errs.NotFound)
		last := w.changes(t)
		if e := last[len(last)-1]; e.Before != anna || e.Courier != ben {
			t.Fatalf("told %+v; both couriers must hear", e)
		}
		if k := w.trip(t, 1).Pickup; k.State != Todo || !k.Started.At.IsZero() {
			t.Fatalf("pickup of the new courier = %+v", k)
		}
		if err := w.Assign(boss, 1, 0); err != nil || w.trip(t, 1).State != Unassigned || w.orders[1].Courier != 0 {
			t.Fatalf("unassign: %v, %+v", err, w.trip(t, 1))
		}
		wantKind(t, w.Assign(boss, 1, 999), errs.Invalid)
		wantKind(t, w.Assign(w.as(t, anna), 1, anna), errs.Forbidden)
		wantKind(t, w.Assign(boss, 55, anna), errs.NotFound)
		if err := w.Assign(boss, 1, ben); err != nil {
			t.Fatal(err)
		}
		w.becomes(t, 1, delivery.Ready)
		w.does(t, ben, trip.Pickup.ID, Complete)
		wantCode(t, w.Assign(boss, 1, anna), "picked_up")
	})
}

func TestQueuedActionsCountOnceWithTheirTrueTimes(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		trip := w.carries(t, 1, anna)
		w.becomes(t, 1, delivery.Ready)
		ctx := w.as(t, anna)
		w.clock.Advance(30 * time.Minute)
		do := func(task id.ID, a Action, at time.Duration) {
			t.Helper()
			if err := w.Do(ctx, task, a, Did{At: noon.Add(at), Proof: delivery.Proof{Code: "1234"}}); err != nil {
				t.Fatalf("%s: %v", a, err)
			}
		}
		// The pickup is told by its end alone; its beginning comes after, twice.
		do(trip.Pickup.ID, Complete, 12*time.Minute)
		do(trip.Pickup.ID, Start, 2*time.Minute)
		do(trip.Pickup.ID, Complete, 12*time.Minute)
		do(trip.Dropoff.ID, Start, 5*time.Minute) // before the pickup's end: a phone's clock was set
		do(trip.Dropoff.ID, Complete, 20*time.Minute)
		do(trip.Dropoff.ID, Complete, 20*time.Minute)
		do(trip.Dropoff.ID, Arrive, 19*time.Minute)
		got := w.trip(t, 1)
		if at := got.Pickup.Ended; !at.At.Equal(noon.Add(12*time.Minute)) || !at.Heard.Equal(noon.Add(30*time.Minute)) {
			t.Fatalf("pickup ended %+v", at)
		}
		if at := got.Dropoff.Started.At; !at.Equal(noon.Add(12 * time.Minute)) {
			t.Fatalf("dropoff began %s; want not before the pickup's end", at)
		}
		if got.State != TripDone || !got.ClosedAt.Equal(noon.Add(20*time.Minute)) {
			t.Fatalf("trip = %+v", got)
		}
		if diff := cmp.Diff([]string{"pickup", "heading", "handover"}, w.said); diff != "" {
			t.Fatal(diff)
		}
		wantKind(t, w.Do(ctx, trip.Pickup.ID, Start, Did{At: noon.Add(33 * time.Minute)}), errs.Invalid)
		wantKind(t, w.Do(ctx, trip.Pickup.ID, Start, Did{At: noon.Add(-25 * time.Hour)}), errs.Invalid)
	})
}

func TestCancelledMidTripAndRestored(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		trip := w.carries(t, 1, anna)
		w.does(t, anna, trip.Pickup.ID, Start)
		w.becomes(t, 1, delivery.Cancelled)
		wantCode(t, w.Do(w.as(t, anna), trip.Pickup.ID, Arrive, Did{}), "task_moved")
		last := w.changes(t)
		if e := last[len(last)-1]; e.Courier != anna || e.State != string(Cancelled) {
			t.Fatalf("told %+v", e)
		}
		if n, err := openOf(t, w, anna); err != nil || n != 0 {
			t.Fatalf("open tasks = %d, %v", n, err)
		}
		w.becomes(t, 1, delivery.Preparing)
		if got := w.trip(t, 1); got.State != Assigned || got.Courier != anna || got.Pickup.State != Todo {
			t.Fatalf("restored: %+v", got)
		}
		w.couriers = w.couriers[1:] // Anna has gone home
		w.becomes(t, 1, delivery.Cancelled)
		w.becomes(t, 1, delivery.Ready)
		if got := w.trip(t, 1); got.State != Unassigned || w.orders[1].Courier != 0 {
			t.Fatalf("restored without its courier: %+v", got)
		}
	})
}

func openOf(t *testing.T, w *town, courier id.ID) (n int, err error) {
	err = w.DB.Read(t.Context(), func(tx *db.Tx) error {
		n, err = w.OpenTasks(t.Context(), tx, courier)
		return err
	})
	return n, err
}

func TestFailedPickupGoesToSomebodyElse(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		trip := w.carries(t, 1, anna)
		ctx := w.as(t, anna)
		wantKind(t, w.Do(ctx, trip.Pickup.ID, Fail, Did{Reason: "NONSENSE"}), errs.Invalid)
		for range 2 { // the phone says it twice
			if err := w.Do(ctx, trip.Pickup.ID, Fail, Did{Reason: "BREAKDOWN", Note: "chain"}); err != nil {
				t.Fatal(err)
			}
		}
		w.seeks(t, 1)
		if got := w.trip(t, 1); got.OfferedTo != ben || w.orders[1].Courier != 0 || got.Pickup.Reason != "BREAKDOWN" {
			t.Fatalf("trip = %+v", got)
		}
	})
}

func TestFailedHandOverIsRetriedByItsCourierOrDismissed(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		boss := w.as(t, dispatcherID)
		for order := id.ID(1); order <= 2; order++ {
			trip := w.carries(t, order, anna)
			w.becomes(t, order, delivery.Ready)
			w.does(t, anna, trip.Pickup.ID, Complete)
			wantCode(t, w.Retry(boss, order), "wrong_state")
			if err := w.Do(w.as(t, anna), trip.Dropoff.ID, Fail, Did{Reason: "NOT_AT_HOME"}); err != nil {
				t.Fatal(err)
			}
			w.follows(t, order) // order.cancelled
			b, err := w.Board(boss, Filter{Only: "failed"})
			if err != nil || len(b.Orders) != 1 || b.Orders[0].State != TripFailed || b.Orders[0].Reason != "Nobody opened" {
				t.Fatalf("board = %+v, %v", b, err)
			}
			if order == 1 {
				if err := w.Retry(boss, order); err != nil {
					t.Fatal(err)
				}
				w.follows(t, order) // order.restored
				if got := w.trip(t, order); got.State != Assigned || got.Courier != anna || got.Pickup.State != Done || got.Dropoff.State != Todo {
					t.Fatalf("retried: %+v", got)
				}
				continue
			}
			if err := w.Dismiss(boss, order); err != nil {
				t.Fatal(err)
			}
			if b, _ = w.Board(boss, Filter{Only: "failed"}); len(b.Orders) != 0 {
				t.Fatalf("dismissed and still shown: %+v", b.Orders)
			}
		}
	})
}

func TestBundleCompletesPickupsOfOneRestaurantTogetherOrNotAtAll(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		one, two := w.carries(t, 1, anna), w.carries(t, 2, anna)
		w.becomes(t, 1, delivery.Ready)
		all := Did{Also: []id.ID{two.Pickup.ID}}
		wantCode(t, w.Do(w.as(t, anna), one.Pickup.ID, Complete, all), "not_ready")
		if w.trip(t, 1).Pickup.State == Done {
			t.Fatal("half a bundle was picked up")
		}
		w.orders[1].State = delivery.Ready // what the test's orders did outside the transaction
		w.becomes(t, 2, delivery.Ready)
		work, err := w.Tasks(w.as(t, anna))
		if err != nil || !slices.Equal(work.Tasks[0].With, []id.ID{two.Pickup.ID}) {
			t.Fatalf("tasks = %+v, %v", work, err)
		}
		if err := w.Do(w.as(t, anna), one.Pickup.ID, Complete, all); err != nil {
			t.Fatal(err)
		}
		if w.trip(t, 1).Pickup.State != Done || w.trip(t, 2).Pickup.State != Done {
			t.Fatal("not both were picked up")
		}
		wantKind(t, w.Do(w.as(t, anna), one.Dropoff.ID, Complete, Did{Also: []id.ID{two.Dropoff.ID}, Proof: delivery.Proof{Code: "1234"}}), errs.Invalid)
	})
}

func TestPhotoProvesAHandOverOnlyWhenUploadedForIt(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		trip := w.carries(t, 1, anna)
		w.becomes(t, 1, delivery.Ready)
		w.does(t, anna, trip.Pickup.ID, Complete)
		ctx := w.as(t, anna)
		proof := Did{Proof: delivery.Proof{Photo: "/media/door.jpg"}}
		wantKind(t, w.Do(ctx, trip.Dropoff.ID, Complete, proof), errs.Invalid)
		_, err := w.Photo(w.as(t, ben), trip.Dropoff.ID, strings.NewReader("x"))
		wantKind(t, err, errs.NotFound)
		if path, err := w.Photo(ctx, trip.Dropoff.ID, strings.NewReader("x")); err != nil || path != "/media/door.jpg" {
			t.Fatalf("Photo = %q, %v", path, err)
		}
		if err := w.Do(ctx, trip.Dropoff.ID, Complete, proof); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOnlyCouriersAndDispatchersGetIn(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		trip := w.carries(t, 1, anna)
		_, err := w.Tasks(t.Context())
		wantKind(t, err, errs.Unauthenticated)
		_, err = w.Tasks(w.as(t, dispatcherID))
		wantKind(t, err, errs.Forbidden)
		_, err = w.Board(w.as(t, anna), Filter{})
		wantKind(t, err, errs.Forbidden)
		wantKind(t, w.Do(w.as(t, ben), trip.Pickup.ID, Start, Did{}), errs.NotFound)
		wantKind(t, w.Do(w.as(t, anna), 12345, Start, Did{}), errs.NotFound)
		wantKind(t, w.Decline(w.as(t, ben), 1), errs.NotFound)
	})
}

func TestBoardShowsNeedFirstAndFinds(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		w.carries(t, 1, anna)
		w.confirmed(t, 2)
		w.orders[2].Code, w.orders[2].CustomerName = "ABC-123", "Jürgen"
		boss := w.as(t, dispatcherID)
		b, err := w.Board(boss, Filter{})
		if err != nil || len(b.Orders) != 2 || b.Orders[0].Order != 2 || len(b.Kitchens) != 1 {
			t.Fatalf("board = %+v, %v", b, err)
		}
		i := slices.IndexFunc(b.Couriers, func(c BoardCourier) bool { return c.ID == anna })
		if c := b.Couriers[i]; c.Load != 1 || len(c.Stops) != 2 || c.Stops[0].Stop != Pickup {
			t.Fatalf("Anna = %+v", c)
		}
		for q, want := range map[string]int{"abc1": 1, "JURGEN": 1, "nobody": 0, "wald": 2, "": 2} {
			if b, err := w.Board(boss, Filter{Query: q}); err != nil || len(b.Orders) != want {
				t.Errorf("search %q found %d (%v); want %d", q, len(b.Orders), err, want)
			}
		}
		w.clock.Advance(time.Hour)
		if b, _ = w.Board(boss, Filter{Only: "late"}); len(b.Orders) != 2 || b.Orders[0].Lateness != Late {
			t.Fatalf("late: %+v", b.Orders)
		}
		_, err = w.Board(boss, Filter{Only: "odd"})
		wantKind(t, err, errs.Invalid)
	})
}

func TestHeadingIsTrueOnlyOnTheWayToTheCustomer(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		seen := int64(0)
		check := func(want ...id.ID) {
			t.Helper()
			list, err := w.log.Since(t.Context(), seen, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				seen = e.Seq
				w.hear([]events.Event{e})
			}
			if got := w.Service.Heading(anna); !slices.Equal(got, want) {
				t.Fatalf("Heading = %v; want %v", got, want)
			}
			if err := w.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := w.Service.Heading(anna); !slices.Equal(got, want) {
				t.Fatalf("Heading after Load = %v; want %v", got, want)
			}
		}
		trip := w.carries(t, 1, anna)
		w.becomes(t, 1, delivery.Ready)
		w.does(t, anna, trip.Pickup.ID, Start, Arrive, Complete)
		check()
		w.does(t, anna, trip.Dropoff.ID, Start)
		check(1)
		w.does(t, anna, trip.Dropoff.ID, Complete)
		check()
	})
}
