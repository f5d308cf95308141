package demo

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/demo/town"
	"github.com/stoa-town/stoa/internal/platform/access"
)

var berlin = func() *time.Location {
	loc, err := time.LoadLocation(town.TimeZone)
	if err != nil {
		panic(err)
	}
	return loc
}()

func TestDemoOpensAtDinnerOnTheNearestFriday(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1_700_000_000, 2_000_000_000).Draw(t, "now"), 0)
		got := Opening(now, berlin)
		if got.Weekday() != time.Friday || got.Format("15:04") != "18:20" {
			t.Fatalf("Opening(%v) = %v; want a Friday at 18:20", now, got)
		}
		if d := got.Sub(now).Abs(); d > 4*24*time.Hour+12*time.Hour {
			t.Fatalf("Opening(%v) = %v, %v away", now, got, d)
		}
	})
}

func TestNightEndsInTheMorningThatFollows(t *testing.T) {
	for now, want := range map[string]string{
		"2026-11-20 22:30": "2026-11-21 11:05",
		"2026-11-20 23:59": "2026-11-21 11:05",
		"2026-11-21 00:10": "2026-11-21 11:05",
		"2026-11-21 04:00": "2026-11-21 11:05",
		"2026-03-28 22:30": "2026-03-29 11:05", // the clocks go forward
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", now, berlin)
		if err != nil {
			t.Fatal(err)
		}
		if got := nextMorning(at, berlin).Format("2006-01-02 15:04"); got != want || !asleep(at, berlin) {
			t.Errorf("at %s: asleep %v, next morning %s; want true, %s", now, asleep(at, berlin), got, want)
		}
	}
	if noon := time.Date(2026, 11, 20, 12, 0, 0, 0, berlin); asleep(noon, berlin) {
		t.Error("asleep at noon")
	}
}

func TestClockGoesOnFromWhereItIsSet(t *testing.T) {
	c := NewClock(time.Unix(0, 0), 30)
	if !c.SetAt().IsZero() {
		t.Errorf("SetAt of a new clock = %v; want zero", c.SetAt())
	}
	dawn := time.Unix(1_000_000, 0)
	c.Set(dawn)
	if now := c.Now(); now.Before(dawn) || now.After(dawn.Add(time.Hour)) || !c.SetAt().Equal(dawn) {
		t.Errorf("set to %v it shows %v", dawn, now)
	}
}

func TestRideKeepsToItsSpeedAndEndsAtTheDoor(t *testing.T) {
	d := &Demo{town: town.Generate(7)}
	began := time.Unix(0, 0)
	rapid.Check(t, func(t *rapid.T) {
		from := d.town.Restaurants[rapid.IntRange(0, len(d.town.Restaurants)-1).Draw(t, "from")].Address.Point
		to := d.town.Neighbours[rapid.IntRange(0, len(d.town.Neighbours)-1).Draw(t, "to")].Home.Point
		ms := rapid.Float64Range(1, 8).Draw(t, "speed")
		l := d.newLeg(from, to, ms, began)
		at, over := from, false
		for s := 0; !over; s++ {
			var next geo.Point
			next, _, over = l.where(began.Add(time.Duration(s) * time.Second))
			if m := geo.DistanceM(at, next); m > ms*1.01+0.1 {
				t.Fatalf("%.1f m in a second at %.1f m/s", m, ms)
			}
			if at = next; s > 20_000 {
				t.Fatal("the ride does not end")
			}
		}
		if at != to {
			t.Fatalf("the ride ends at %v; want %v", at, to)
		}
	})
}

func TestTempersFollowFromSeedAndOrder(t *testing.T) {
	a, b := &Demo{town: &town.Town{Seed: 1}}, &Demo{town: &town.Town{Seed: 1}}
	for o := id.ID(1); o < 200; o++ {
		m := a.tempersOf(o)
		if m != b.tempersOf(o) {
			t.Fatalf("order %s is treated differently the second time", o)
		}
		if m.confirm < 20*time.Second || m.confirm > 3*time.Minute {
			t.Errorf("order %s is confirmed after %v", o, m.confirm)
		}
	}
}

func TestRoleIsAVisitorsWhileTheyActAndUntilTheyGoOn(t *testing.T) {
	g := newGuard()
	inside := false
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside = g.played(5) }))
	visit := func(a access.Actor) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		h.ServeHTTP(httptest.NewRecorder(), r.WithContext(access.With(r.Context(), a)))
	}
	visit(access.Actor{})
	if g.played(5) || g.played(0) {
		t.Error("a stranger's request made somebody a visitor's")
	}
	visit(access.Actor{ID: 5})
	if !inside || !g.played(5) || g.played(6) {
		t.Errorf("after a request: inside %v, played %v, another %v; want true, true, false", inside, g.played(5), g.played(6))
	}
	g.giveUp(5)
	if g.played(5) {
		t.Error("still a visitor's after they went on")
	}
	visit(access.Actor{ID: 5})
	if !g.played(5) {
		t.Error("not a visitor's after they came back")
	}
}
