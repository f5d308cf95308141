package restaurant

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
)

var (
	kitchenAt = geo.Point{Lat: 52.5, Lon: 13.4}
	nearby    = geo.Move(kitchenAt, 90, 1000)
	faraway   = geo.Move(kitchenAt, 90, 9000)
)

func berlin(s string) time.Time {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
	if err != nil {
		panic(err)
	}
	return t
}

// tuesday is an ordinary evening.
var tuesday = berlin("2026-12-01 18:02")

func compiled(t testing.TB, change func(*Settings)) *Compiled {
	t.Helper()
	s := Defaults("EUR", "Europe/Berlin")
	s.Name, s.Street, s.Point = "Luigi", "Ring 1", kitchenAt
	s.Hours = "Tu-Su 11:30-14:00,17:00-22:00"
	s.Zones = []Zone{{Name: "Near", RadiusM: 2000, Fee: 250, Minimum: 1500, FreeFrom: 4000}, {Name: "Far", RadiusM: 5000, Fee: 490, Minimum: 2500}}
	if change != nil {
		change(&s)
	}
	if err := s.Normalise(tuesday); err != nil {
		t.Fatalf("Normalise: %v", err)
	}
	c, err := Compile(7, "luigi", 3, tuesday, s)
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return c
}

func codes(t delivery.Terms) []string {
	out := []string{}
	for _, p := range t.Problems {
		out = append(out, p.Code)
	}
	return out
}

func TestSoonTermsNameEveryReasonAgainstTheOrder(t *testing.T) {
	at := func(s string) *time.Time { v := berlin(s); return &v }
	for name, c := range map[string]struct {
		change func(*Settings)
		now    time.Time
		ask    Ask
		want   []string
		opens  time.Time
	}{
		"open":                   {nil, tuesday, Ask{Mode: delivery.ByCourier, To: &nearby}, []string{}, time.Time{}},
		"between lunch, dinner":  {nil, berlin("2026-12-01 15:00"), Ask{Mode: delivery.ByCourier, To: &nearby}, []string{"closed"}, berlin("2026-12-01 17:00")},
		"closed on Monday":       {nil, berlin("2026-11-30 18:00"), Ask{Mode: delivery.Pickup}, []string{"closed"}, berlin("2026-12-01 11:30")},
		"last minute":            {nil, berlin("2026-12-01 21:59"), Ask{Mode: delivery.Pickup}, []string{}, time.Time{}},
		"at closing":             {nil, berlin("2026-12-01 22:00"), Ask{Mode: delivery.Pickup}, []string{"closed"}, berlin("2026-12-02 11:30")},
		"outside":                {nil, tuesday, Ask{Mode: delivery.ByCourier, To: &faraway}, []string{"outside_zone"}, time.Time{}},
		"no address":             {nil, tuesday, Ask{Mode: delivery.ByCourier}, []string{"address_missing"}, time.Time{}},
		"no delivery":            {func(s *Settings) { s.Delivers = false }, tuesday, Ask{Mode: delivery.ByCourier, To: &nearby}, []string{"no_delivery"}, time.Time{}},
		"no pickup":              {func(s *Settings) { s.PicksUp = false }, tuesday, Ask{Mode: delivery.Pickup}, []string{"no_pickup"}, time.Time{}},
		"not active":             {func(s *Settings) { s.Active = false }, tuesday, Ask{Mode: delivery.Pickup}, []string{"closed"}, time.Time{}},
		"paused":                 {func(s *Settings) { s.PausedUntil = berlin("2026-12-01 19:00") }, tuesday, Ask{Mode: delivery.Pickup}, []string{"paused"}, berlin("2026-12-01 19:00")},
		"pause is over":          {func(s *Settings) { s.PausedUntil = tuesday }, tuesday, Ask{Mode: delivery.Pickup}, []string{}, time.Time{}},
		"paused past closing":    {func(s *Settings) { s.PausedUntil = berlin("2026-12-01 23:30") }, tuesday, Ask{Mode: delivery.Pickup}, []string{"paused"}, berlin("2026-12-02 11:30")},
		"closure":                {func(s *Settings) { s.Closures = []Closure{{From: tuesday.Add(-time.Hour), To: tuesday.Add(time.Hour)}} }, tuesday, Ask{Mode: delivery.Pickup}, []string{"closed"}, tuesday.Add(time.Hour)},
		"pickup has other hours": {func(s *Settings) { s.Pickup = "Mo-Su 08:00-12:00" }, tuesday, Ask{Mode: delivery.Pickup}, []string{"closed"}, berlin("2026-12-02 08:00")},
		"wanted while closed":    {nil, tuesday, Ask{Mode: delivery.Pickup, At: at("2026-12-02 15:30")}, []string{"slot_gone"}, time.Time{}},
		"wanted in the past":     {nil, tuesday, Ask{Mode: delivery.Pickup, At: at("2026-12-01 18:00")}, []string{"slot_gone"}, time.Time{}},
		"wanted too soon":        {nil, tuesday, Ask{Mode: delivery.ByCourier, To: &nearby, At: at("2026-12-01 18:15")}, []string{"slot_gone"}, time.Time{}},
		"wanted off the grid":    {nil, tuesday, Ask{Mode: delivery.Pickup, At: at("2026-12-01 19:07")}, []string{"slot_gone"}, time.Time{}},
		"wanted too far ahead":   {nil, tuesday, Ask{Mode: delivery.Pickup, At: at("2026-12-05 19:00")}, []string{"slot_gone"}, time.Time{}},
		"wanted and possible":    {nil, tuesday, Ask{Mode: delivery.ByCourier, To: &nearby, At: at("2026-12-02 19:00")}, []string{}, time.Time{}},
		"wanted after a pause":   {func(s *Settings) { s.PausedUntil = berlin("2026-12-01 19:00") }, tuesday, Ask{Mode: delivery.Pickup, At: at("2026-12-01 19:30")}, []string{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := compiled(t, c.change).Terms(c.now, c.ask, nil)
			if d := cmp.Diff(c.want, codes(got)); d != "" {
				t.Fatalf("problems (-want +got):\n%s", d)
			}
			if !got.OpensAt.Equal(c.opens) {
				t.Errorf("OpensAt = %v; want %v", got.OpensAt, c.opens)
			}
		})
	}
}

func TestPreparationFollowsTheValueAndTheRush(t *testing.T) {
	rush := func(s *Settings) { s.RushUntil = tuesday.Add(time.Hour) }
	extra := func(s *Settings) { rush(s); s.RushExtra = 7 }
	for name, c := range map[string]struct {
		change func(*Settings)
		food   money.Amount
		want   int
	}{
		"small": {nil, 1999, 10}, "middle": {nil, 2000, 15}, "still middle": {nil, 5000, 15}, "large": {nil, 5001, 30},
		"small in rush": {rush, 1999, 20}, "middle in rush": {rush, 2000, 30}, "large in rush": {rush, 5001, 45}, "custom extra": {extra, 2000, 22},
	} {
		t.Run(name, func(t *testing.T) {
			got := compiled(t, c.change).Terms(tuesday, Ask{Mode: delivery.Pickup, Food: c.food}, nil)
			if got.Prep != time.Duration(c.want)*time.Minute || !got.ReadyAt.Equal(tuesday.Add(got.Prep)) {
				t.Fatalf("Prep = %v, ready %v; want %d min", got.Prep, got.ReadyAt, c.want)
			}
		})
	}
}

func TestZonesCountInOrderAndFreeFromTakesTheFeeAway(t *testing.T) {
	c := compiled(t, nil)
	between := geo.Move(kitchenAt, 0, 3000)
	for name, x := range map[string]struct {
		to       geo.Point
		food     money.Amount
		fee, min money.Amount
	}{"near": {nearby, 2000, 250, 1500}, "near and free": {nearby, 4000, 0, 1500}, "far": {between, 9000, 490, 2500}} {
		t.Run(name, func(t *testing.T) {
			got := c.Terms(tuesday, Ask{Mode: delivery.ByCourier, To: &x.to, Food: x.food}, nil)
			if got.Fee != x.fee || got.Minimum != x.min {
				t.Fatalf("fee %d, minimum %d; want %d, %d", got.Fee, got.Minimum, x.fee, x.min)
			}
		})
	}
}

func TestPromiseIsRoundAndHoldsWhatIsExpected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ready := tuesday.Add(time.Duration(rapid.IntRange(0, 7200).Draw(t, "s")) * time.Second)
		travel := time.Duration(rapid.IntRange(0, 3000).Draw(t, "travel")) * time.Second
		from, to := promise(ready, travel)
		door := ready.Add(travel)
		if w := to.Sub(from); w < 10*time.Minute || w > 15*time.Minute {
			t.Fatalf("window of %v", w)
		}
		if from.Unix()%300 != 0 || to.Unix()%300 != 0 {
			t.Fatalf("%v-%v is not round", from, to)
		}
		if door.After(to.Add(-5*time.Minute)) || travel == 0 && from.Before(door) || door.Before(from) && travel > 0 {
			t.Fatalf("expected at %v, promised %v-%v", door, from, to)
		}
	})
}

func TestFullWindowsPushSoonAndRefuseSlots(t *testing.T) {
	c := compiled(t, func(s *Settings) { s.CapOrders, s.CapMinutes = 2, 15 })
	full := map[int64]int{berlin("2026-12-01 18:00").Unix(): 2, berlin("2026-12-01 18:15").Unix(): 2}
	taken := func(w time.Time) int { return full[w.Unix()] }
	got := c.Terms(tuesday, Ask{Mode: delivery.Pickup}, taken)
	if want := berlin("2026-12-01 18:30"); !got.ReadyAt.Equal(want) || got.Cap != capKey(want) || len(got.Problems) > 0 {
		t.Fatalf("ready %v, cap %s, problems %v; want %v", got.ReadyAt, got.Cap, got.Problems, want)
	}
	full[berlin("2026-12-01 19:00").Unix()] = 2
	at := berlin("2026-12-01 19:00")
	if got := c.Terms(tuesday, Ask{Mode: delivery.Pickup, At: &at}, taken); !cmp.Equal(codes(got), []string{"slot_full"}) {
		t.Fatalf("problems of a full slot = %v", got.Problems)
	}
	for _, s := range c.Slots(tuesday, Ask{Mode: delivery.Pickup}, tuesday, tuesday.Add(24*time.Hour), taken) {
		if s.Full != (taken(s.From) >= 2) {
			t.Errorf("slot %v full = %v", s.From, s.Full)
		}
	}
	always := func(time.Time) int { return 2 }
	if got := c.Terms(tuesday, Ask{Mode: delivery.Pickup}, always); !cmp.Equal(codes(got), []string{"slot_full"}) {
		t.Fatalf("problems of a full evening = %v", got.Problems)
	}
}

// Whatever Slots offers Terms takes, for every value of food, over both changes of the clocks.
func TestEverySlotOfferedCanBeOrdered(t *testing.T) {
	starts := []time.Time{tuesday, berlin("2027-03-27 20:00"), berlin("2026-10-24 20:00"), berlin("2026-12-31 12:00")}
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.SampledFrom(starts).Draw(t, "start").Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "minutes")) * time.Minute)
		s := Defaults("EUR", "Europe/Berlin")
		s.Name, s.Street, s.Point = "Luigi", "Ring 1", kitchenAt
		s.Hours = rapid.SampledFrom([]string{"Mo-Su 11:30-14:00,17:00-22:00", "Mo-Su 20:00-04:00", "24/7", "Sa,Su 01:00-03:30"}).Draw(t, "hours")
		s.SlotMinutes = rapid.SampledFrom([]int{5, 15, 20, 30, 60}).Draw(t, "slot")
		if rapid.Bool().Draw(t, "rush") {
			s.RushUntil = now.Add(2 * time.Hour)
		}
		if rapid.Bool().Draw(t, "pause") {
			s.PausedUntil = now.Add(time.Hour)
		}
		c, err := Compile(7, "luigi", 1, now, s)
		if err != nil {
			t.Fatal(err)
		}
		ask := Ask{Mode: delivery.ByCourier, To: &nearby}
		slots := c.Slots(now, ask, now, now.AddDate(0, 0, 4), nil)
		var last time.Time
		for _, slot := range slots {
			if !slot.From.After(last) {
				t.Fatalf("slot %v after %v", slot.From, last)
			}
			last = slot.From
			ask.At = &slot.From
			ask.Food = rapid.SampledFrom([]money.Amount{0, 1500, 3000, 9000}).Draw(t, "food")
			got := c.Terms(now, ask, nil)
			if len(got.Problems) > 0 || !got.From.Equal(slot.From) || got.ReadyAt.Add(-got.Prep).Before(now) {
				t.Fatalf("slot %v at %v: %v, ready %v", slot.From, now, got.Problems, got.ReadyAt)
			}
		}
	})
}

func TestOpenStretchIsRememberedOnlyWhileItLasts(t *testing.T) {
	c := compiled(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		at := tuesday.Add(time.Duration(rapid.IntRange(-20_000, 20_000).Draw(t, "minutes")) * time.Minute)
		if got, want := c.courier.at(at).open, c.courier.sched.OpenAt(at, c.courier.opt); got != want {
			t.Fatalf("at(%v).open = %v; want %v", at, got, want)
		}
	})
}

func TestListingAgreesWithTerms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Defaults("EUR", "Europe/Berlin")
		s.Name, s.Street, s.Point, s.Hours = "Luigi", "Ring 1", kitchenAt, "Tu-Su 11:30-14:00,17:00-22:00"
		now := tuesday.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "minutes")) * time.Minute)
		if rapid.Bool().Draw(t, "pause") {
			s.PausedUntil = now.Add(time.Hour)
		}
		c, err := Compile(7, "luigi", 1, now, s)
		if err != nil {
			t.Fatal(err)
		}
		to := geo.Move(kitchenAt, 45, rapid.Float64Range(0, 6000).Draw(t, "metres"))
		terms := c.Terms(now, Ask{Mode: delivery.ByCourier, To: &to}, nil)
		l, ok := c.Listing(now, delivery.NearQuery{Mode: delivery.ByCourier, To: &to})
		outside := len(terms.Problems) > 0 && terms.Problems[0].Code == "outside_zone"
		if ok == outside || ok && l.Open != (len(terms.Problems) == 0) || ok && l.Fee != terms.Fee || ok && !l.OpensAt.Equal(terms.OpensAt) {
			t.Fatalf("listing %+v, %v; terms %+v", l, ok, terms)
		}
	})
}

func BenchmarkTerms(b *testing.B) {
	c := compiled(b, nil)
	for b.Loop() {
		c.Terms(tuesday, Ask{Mode: delivery.ByCourier, To: &nearby, Food: 2000}, nil)
	}
}

func BenchmarkListing(b *testing.B) {
	c := compiled(b, nil)
	for b.Loop() {
		c.Listing(tuesday, delivery.NearQuery{Mode: delivery.ByCourier, To: &nearby})
	}
}

// BenchmarkNear is forty restaurants for one place.
func BenchmarkNear(b *testing.B) {
	s := &Service{now: func() time.Time { return tuesday }}
	var list []*Compiled
	for i := range 40 {
		c := compiled(b, func(s *Settings) {
			if i%2 == 0 { // every other one has drawn its zones
				s.Zones = []Zone{{Fee: 100, Area: []byte(`{"type":"Polygon","coordinates":[[[13.3,52.4],[13.5,52.4],[13.52,52.5],[13.5,52.6],[13.3,52.6],[13.29,52.5],[13.3,52.4]]]}`)}}
			}
		})
		c.ID = id.ID(i + 1)
		list = append(list, c)
	}
	s.cache.now.Store(newWorld(list))
	var buf []delivery.Listing
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = s.Near(b.Context(), delivery.NearQuery{Mode: delivery.ByCourier, To: &nearby}, buf[:0]); err != nil || len(buf) != 40 {
			b.Fatal(len(buf), err)
		}
	}
}
