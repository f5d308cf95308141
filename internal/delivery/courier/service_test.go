package courier

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

var (
	noon  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	plaza = geo.Point{Lat: 52.5, Lon: 13.4}
)

// work is what a courier has to do, as the test says.
type work struct {
	open   int
	headed []id.ID
}

func (w *work) Heading(id.ID) []id.ID                                 { return w.headed }
func (w *work) OpenTasks(context.Context, *db.Tx, id.ID) (int, error) { return w.open, nil }

// sent are the messages that went over the bus.
type sent struct {
	events.Bus
	list []string
}

func (s *sent) Publish(topic string, data []byte) error {
	s.list = append(s.list, string(data))
	return s.Bus.Publish(topic, data)
}

type fixture struct {
	*Service
	clock *clock.Manual
	work  *work
	sent  *sent
	log   *events.Log
	anna  context.Context

	books *ledger.Service
	pay   delivery.CourierPay
	rides []delivery.Ride
}

func each(t *testing.T, test func(*testing.T, *fixture)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		bus := &sent{Bus: events.NewLocal()}
		f := &fixture{clock: clock.NewManual(noon), work: &work{}, sent: bus, log: events.New(d, events.NewLocal())}
		f.Service = New(d, f.log, realtime.New(f.log, bus), f.clock.Now, f.work, f.money(d))
		f.anna = access.With(t.Context(), access.Actor{ID: 5, Name: "Anna", Roles: []access.Grant{{Role: access.RoleCourier}}})
		test(t, f)
	}, Schema, events.Schema, ledger.Schema)
}

// money has real books; what the town pays and which orders were brought is as the test says.
func (f *fixture) money(d *db.DB) Money {
	ids := id.NewSource(1)
	f.books = ledger.New(d, ids, f.clock.Now, ledger.Options{})
	return Money{
		IDs: ids, Books: f.books, Currency: "EUR", Zone: time.UTC, Pay: func() delivery.CourierPay { return f.pay },
		Rides: func(context.Context, id.ID, time.Time, time.Time) ([]delivery.Ride, error) { return f.rides, nil },
	}
}

func (f *fixture) onDuty(t *testing.T) []delivery.Courier {
	t.Helper()
	var list []delivery.Courier
	err := f.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		list, err = f.OnDuty(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (f *fixture) begin(t *testing.T) {
	t.Helper()
	if err := f.SetDuty(f.anna, true, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

func TestDutyRegistersAndTellsOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, on := range []bool{true, true, false, false} {
			if err := f.SetDuty(f.anna, on, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if n := len(f.onDuty(t)); n != map[bool]int{true: 1, false: 0}[on] {
				t.Fatalf("on duty %v: %d couriers", on, n)
			}
		}
		list, err := f.log.Since(t.Context(), 0, 10)
		if err != nil || len(list) != 2 || list[0].Subject != "courier:5" {
			t.Fatalf("events = %+v, %v; want two", list, err)
		}
		f.begin(t)
		if c := f.onDuty(t)[0]; c.Name != "Anna" || c.Vehicle != delivery.Bike || !c.Since.Equal(noon) {
			t.Fatalf("courier = %+v", c)
		}
	})
}

func TestDutyCannotEndWithFoodInTheBag(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.begin(t)
		f.work.open = 2
		err := f.SetDuty(f.anna, false, time.Time{})
		if errs.CodeOf(err) != "open_tasks" || !strings.Contains(err.Error(), "2 orders") {
			t.Fatalf("leaving with two orders: %v", err)
		}
	})
}

func TestPositionKeepsTheNewestAndForgetsItAfterDuty(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		east := geo.Move(plaza, 90, 100)
		if err := f.Position(f.anna, plaza, noon); err != nil || len(f.sent.list) != 0 {
			t.Fatalf("off duty: %v, sent %v", err, f.sent.list)
		}
		f.begin(t)
		f.clock.Advance(10 * time.Second)
		fixes := []Fix{{Point: east, At: noon.Add(9 * time.Second)}, {Point: plaza, At: noon.Add(3 * time.Second)}}
		if err := f.Positions(f.anna, fixes); err != nil {
			t.Fatal(err)
		}
		if err := f.Position(f.anna, plaza, noon.Add(5*time.Second)); err != nil {
			t.Fatal(err)
		}
		if got := f.onDuty(t)[0].Point; got != east {
			t.Fatalf("stored %s; want the newest, %s", got, east)
		}
		f.begin(t) // as on another node: this one has forgotten what it knew
		if err := f.Position(f.anna, plaza, noon.Add(5*time.Second)); err != nil || f.onDuty(t)[0].Point != east {
			t.Fatalf("an older position replaced a newer one (%v)", err)
		}
		if err := f.SetDuty(f.anna, false, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if st, err := f.State(f.anna, 5); err != nil || !st.Point.IsZero() || !st.PosAt.IsZero() {
			t.Fatalf("after duty: %+v, %v", st, err)
		}
	})
}

func TestPositionIsWrittenAtMostOnceASecondAndShownAlways(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.begin(t)
		f.work.headed = []id.ID{77}
		first := geo.Move(plaza, 0, 1)
		for i := range 5 {
			f.clock.Advance(100 * time.Millisecond)
			if err := f.Position(f.anna, geo.Move(plaza, 0, float64(i+1)), f.clock.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if got := f.onDuty(t)[0].Point; got != first {
			t.Fatalf("stored %s; want the first of the second", got)
		}
		seen := strings.Join(f.sent.list, "\n")
		for _, topic := range []string{"dispatch", "courier:5", "order:77"} {
			if n := strings.Count(seen, topic+`"`); n < 5 {
				t.Errorf("topic %s was sent to %d times; want 5", topic, n)
			}
		}
		f.clock.Advance(time.Second)
		if err := f.Position(f.anna, plaza, f.clock.Now()); err != nil || f.onDuty(t)[0].Point != plaza {
			t.Fatalf("a second later nothing was stored (%v)", err)
		}
	})
}

func TestOnlyCouriersHaveADuty(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		guest := access.With(t.Context(), access.Actor{ID: 6, Name: "Zoe"})
		if err := f.SetDuty(guest, true, time.Time{}); !errs.Is(err, errs.Forbidden) {
			t.Errorf("a customer's duty: %v", err)
		}
		if err := f.Position(t.Context(), plaza, noon); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("nobody's position: %v", err)
		}
		if _, err := f.State(guest, 5); err == nil {
			t.Error("a customer may read a courier's state")
		}
		for topic, want := range map[string]bool{"courier:5": true, "courier:6": false, "courier:x": false} {
			if err := mayListen(f.anna, topic); (err == nil) != want {
				t.Errorf("Anna listens to %s: %v", topic, err)
			}
		}
	})
}

func TestRequestsAreChecked(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) })
		f.Routes(rt)
		for _, c := range []struct {
			path, body string
			status     int
			want       string
		}{
			{"/courier/duty", `{"on":true,"vehicle":"e_bike"}`, 200, `"on_duty":true`},
			{"/courier/duty", `{"on":true,"vehicle":"horse"}`, 422, "vehicle"},
			{"/courier/duty", `{}`, 422, "on"},
			{"/courier/duty", `{"on":true,"at":"2026-11-24T13:00:00Z"}`, 422, "at"},
			{"/courier/position", `{"lat":52.5,"lon":13.4,"at":"2026-11-24T12:00:01Z"}`, 204, ""},
			{"/courier/position", `{"positions":[{"lat":52.5,"lon":13.4,"at":"2026-11-24T11:59:01Z"}]}`, 204, ""},
			{"/courier/position", `{"positions":[{"lat":52.5,"lon":13.4,"at":"2026-11-20T12:00:00Z"}]}`, 422, "positions[0]"},
			{"/courier/position", `{"lat":91,"lon":13.4}`, 422, "lat"},
			{"/courier/position", `{}`, 422, "lat"},
		} {
			r := httptest.NewRequestWithContext(f.anna, "POST", httpx.Prefix+c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s %s: %d %s; want %d with %q", c.path, c.body, w.Code, w.Body, c.status, c.want)
			}
		}
	})
}

func TestCouriersAreToldInGermanWhatIsLeftToDeliver(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.begin(t)
		for n, want := range map[int]string{1: "Du hast noch eine Bestellung zu liefern.", 2: "Du hast noch 2 Bestellungen zu liefern."} {
			f.work.open = n
			got := i18n.Error(i18n.With(t.Context(), "de"), f.SetDuty(f.anna, false, time.Time{}))
			if !strings.HasPrefix(got, want) || strings.Contains(got, "deliver") {
				t.Errorf("with %d orders: %q", n, got)
			}
		}
	})
}
