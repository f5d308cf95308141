package dispatch

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

func TestNoWalkBreaksATrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trip := &Trip{
			Order: 1, State: Unassigned, Pickup: Task{ID: 11, Stop: Pickup, State: Todo, Point: kitchenAt}, Dropoff: Task{ID: 12, Stop: Dropoff, State: Todo, Point: homeAt},
		}
		courier := rapid.SampledFrom([]id.ID{anna, ben, cleo})
		now := noon
		moment := func() Moment {
			now = now.Add(time.Second)
			return Moment{At: now.Add(-time.Duration(rapid.IntRange(0, 600).Draw(t, "late")) * time.Second), Heard: now}
		}
		act := func(t *rapid.T) {
			k := trip.task(rapid.SampledFrom([]id.ID{11, 12}).Draw(t, "task"))
			a := rapid.SampledFrom([]Action{Start, Arrive, Complete, Fail}).Draw(t, "action")
			by, m := courier.Draw(t, "courier"), moment()
			before := *trip
			moved, err := trip.Act(by, k, a, m)
			if (err != nil || !moved) && (trip.State != before.State || trip.Pickup != before.Pickup || trip.Dropoff != before.Dropoff) {
				t.Fatalf("an action without effect changed %+v to %+v", before, trip)
			}
			if moved && before.Courier != by {
				t.Fatalf("%s moved a trip of %s", by, before.Courier)
			}
			if err == nil {
				// What was done can be said again.
				if again, err := trip.Act(by, k, a, m); err != nil || again {
					t.Fatalf("%s again = %v, %v", a, again, err)
				}
			}
			if moved && a == Fail && k.Stop == Pickup {
				trip.Release()
				if again, err := trip.Act(by, k, a, m); err != nil || again {
					t.Fatalf("failing again after the release = %v, %v", again, err)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"act":      act,
			"act more": act,
			"offer":    func(t *rapid.T) { _ = trip.Offer(courier.Draw(t, "to"), now.Add(time.Minute)) },
			"withdraw": func(*rapid.T) { trip.Withdraw() },
			"accept":   func(t *rapid.T) { _, _ = trip.Accept(courier.Draw(t, "by")) },
			"decline":  func(t *rapid.T) { _, _ = trip.Decline(courier.Draw(t, "by")) },
			"assign": func(t *rapid.T) {
				before := *trip
				moved, err := trip.Assign(rapid.SampledFrom([]id.ID{0, anna, ben}).Draw(t, "to"))
				if moved && (err != nil || before.Pickup.State == Done) {
					t.Fatalf("food changed hands on the road: %+v", before)
				}
			},
			"cancel":  func(*rapid.T) { trip.Cancel(moment()) },
			"restore": func(t *rapid.T) { trip.Restore(rapid.SampledFrom([]id.ID{0, trip.Courier}).Draw(t, "to")) },
			"": func(t *rapid.T) {
				if trip.Dropoff.State.rank() > 0 && trip.Pickup.State != Done {
					t.Fatalf("a dropoff began before its pickup was done: %+v", trip)
				}
				if trip.Pickup.Courier != trip.Courier || trip.Dropoff.Courier != trip.Courier {
					t.Fatalf("a trip has two couriers: %+v", trip)
				}
				if (trip.State == Assigned) != (trip.Open() && trip.Courier != 0) || (trip.State == Offered) != (trip.OfferedTo != 0) {
					t.Fatalf("state %s with courier %s, offered to %s", trip.State, trip.Courier, trip.OfferedTo)
				}
				if (trip.State == TripDone) != (trip.Dropoff.State == Done) || trip.Open() != trip.ClosedAt.IsZero() {
					t.Fatalf("trip %s with dropoff %s, closed %s", trip.State, trip.Dropoff.State, trip.ClosedAt)
				}
				for _, k := range []Task{trip.Pickup, trip.Dropoff} {
					if k.State == Done && (k.Arrived.At.Before(k.Started.At) || k.Ended.At.Before(k.Arrived.At)) {
						t.Fatalf("times of a task out of order: %+v", k)
					}
				}
			},
		})
	})
}

func TestNearestTakesDistanceThenPatience(t *testing.T) {
	at := func(c id.ID, m float64, age time.Duration) delivery.Courier {
		return delivery.Courier{ID: c, Point: geo.Move(kitchenAt, 0, m), Since: noon.Add(-time.Hour), PosAt: noon.Add(-age)}
	}
	for name, c := range map[string]struct {
		couriers []delivery.Courier
		idle     map[id.ID]time.Time
		skip     []id.ID
		want     id.ID
	}{
		"nearest":              {couriers: []delivery.Courier{at(1, 900, 0), at(2, 400, 0)}, want: 2},
		"not whom we lost":     {couriers: []delivery.Courier{at(1, 900, 0), at(2, 400, 11*time.Minute)}, want: 1},
		"not who declined":     {couriers: []delivery.Courier{at(1, 900, 0), at(2, 400, 0)}, skip: []id.ID{2}, want: 1},
		"as near, waited more": {couriers: []delivery.Courier{at(1, 402, 0), at(2, 398, 0)}, idle: map[id.ID]time.Time{2: noon.Add(-time.Minute)}, want: 1},
		"nobody":               {couriers: []delivery.Courier{{ID: 1}}, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := Nearest(c.couriers, c.idle, c.skip, kitchenAt, noon); got.ID != c.want {
				t.Errorf("Nearest = %s; want %s", got.ID, c.want)
			}
		})
	}
}

func TestETAGrowsWithWhatIsLeftToDo(t *testing.T) {
	p := Pace{}.withDefaults()
	c := &delivery.Courier{Vehicle: delivery.Bike, Point: kitchenAt}
	trip := &Trip{State: Assigned, Courier: anna, ReadyAt: noon.Add(10 * time.Minute), Pickup: Task{State: Todo, Point: kitchenAt}, Dropoff: Task{State: Todo, Point: homeAt}}
	var last time.Time
	for i, step := range []func(){func() { trip.Dropoff.State = Arrived }, func() { trip.Dropoff.State, trip.Pickup.State = Doing, Done }, func() { trip.Pickup.State, trip.Dropoff.State = Doing, Todo }} {
		step()
		eta := p.ETA(trip, c, noon)
		if !eta.After(last) {
			t.Errorf("step %d: ETA %s is not after %s", i, eta, last)
		}
		last = eta
	}
	if slow := p.ETA(trip, &delivery.Courier{Vehicle: delivery.OnFoot, Point: kitchenAt}, noon); !slow.After(last) {
		t.Error("walking is no faster than riding")
	}
	if got := p.Ride(1000, delivery.Bike); got != 312*time.Second {
		t.Errorf("Ride(1 km) = %s; want 1.3 km at 15 km/h, 5m12s", got)
	}
}
