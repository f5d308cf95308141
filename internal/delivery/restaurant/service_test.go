package restaurant

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/realtime"
)

type grantBook map[id.ID]access.Grant

func (g grantBook) Grant(_ context.Context, account id.ID, grant access.Grant) error {
	g[account] = grant
	return nil
}

type fixture struct {
	*Service
	d      *db.DB
	log    *events.Log
	clock  *clock.Manual
	admin  context.Context
	grants grantBook
}

func setup(t testing.TB, d *db.DB) *fixture {
	t.Helper()
	log := events.New(d, events.NewLocal())
	f := &fixture{d: d, log: log, clock: clock.NewManual(tuesday), grants: grantBook{}}
	f.Service = New(d, log, id.NewSource(1), f.clock.Now, f.grants, Options{})
	f.admin = access.With(t.Context(), access.Actor{ID: 1, Roles: []access.Grant{{Role: access.RoleAdmin}}})
	return f
}

func (f *fixture) make(t testing.TB, name string, change func(*Settings)) *Compiled {
	t.Helper()
	s := f.Defaults()
	s.Name, s.Street, s.Point = name, "Ring 1", kitchenAt
	if change != nil {
		change(&s)
	}
	c, err := f.Create(f.admin, NewRestaurant{Settings: s, Owner: 5})
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return c
}

func schemas(t *testing.T, test func(*testing.T, *fixture)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, setup(t, d)) }, Schema, events.Schema, jobs.Schema)
}

func TestCreateStoresRestaurantEventAndOwner(t *testing.T) {
	schemas(t, func(t *testing.T, f *fixture) {
		c := f.make(t, "Trattoria da Luigi", nil)
		if c.Slug != "trattoria-da-luigi" || c.Version != 1 {
			t.Fatalf("made %s version %d", c.Slug, c.Version)
		}
		if g := f.grants[5]; g.Role != access.RoleOwner || g.Place != c.ID {
			t.Fatalf("grant = %+v", g)
		}
		es, err := f.log.Since(t.Context(), 0, 10)
		if err != nil || len(es) != 1 || es[0].Kind != "restaurant.changed" {
			t.Fatalf("events = %v, %v", es, err)
		}
		s := c.Settings
		if _, err := f.Create(f.admin, NewRestaurant{Slug: c.Slug, Settings: s}); errs.CodeOf(err) != "slug_taken" {
			t.Fatalf("second Create = %v; want slug_taken", err)
		}
	})
}

func TestEveryChangeBumpsTheVersionThatOrdersCheck(t *testing.T) {
	schemas(t, func(t *testing.T, f *fixture) {
		c := f.make(t, "Luigi", nil)
		after, err := f.SetPause(f.admin, c.ID, tuesday.Add(time.Hour))
		if err != nil || after.Version != 2 {
			t.Fatalf("SetPause: version %d, %v", after.Version, err)
		}
		check := func(v int64) error {
			return f.d.Write(t.Context(), func(tx *db.Tx) error { return f.CheckShop(t.Context(), tx, c.ID, v) })
		}
		if err := check(1); errs.CodeOf(err) != "changed" {
			t.Fatalf("CheckShop(1) = %v; want changed", err)
		}
		if err := check(2); err != nil {
			t.Fatalf("CheckShop(2) = %v", err)
		}
	})
}

func TestChangesAtOnceLoseNothing(t *testing.T) {
	schemas(t, func(t *testing.T, f *fixture) {
		c := f.make(t, "Luigi", nil)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				to := tuesday.Add(time.Duration(i+1) * time.Hour)
				if _, err := f.AddClosure(f.admin, c.ID, Closure{From: tuesday, To: to}); err != nil {
					t.Errorf("AddClosure: %v", err)
				}
			})
		}
		wg.Wait()
		got, err := f.Get(t.Context(), c.ID)
		if err != nil || len(got.Settings.Closures) != 4 || got.Version != 5 {
			t.Fatalf("%d closures, version %d, %v; want 4, 5", len(got.Settings.Closures), got.Version, err)
		}
	})
}

func TestACapacityWindowIsTakenExactlyAsOftenAsItHolds(t *testing.T) {
	schemas(t, func(t *testing.T, f *fixture) {
		c := f.make(t, "Luigi", func(s *Settings) { s.CapOrders, s.CapMinutes = 3, 15 })
		terms, err := f.Terms(t.Context(), c.ID, delivery.Pickup, nil, nil, 0)
		if err != nil || terms.Cap == "" {
			t.Fatalf("Terms = %+v, %v", terms, err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		got, full := 0, 0
		for range 10 {
			wg.Go(func() {
				err := f.d.Write(t.Context(), func(tx *db.Tx) error { return f.TakeSlot(t.Context(), tx, c.ID, terms.Cap) })
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					got++
				case errs.CodeOf(err) == "slot_full":
					full++
				default:
					t.Errorf("TakeSlot: %v", err)
				}
			})
		}
		wg.Wait()
		if got != 3 || full != 7 {
			t.Fatalf("%d got a place, %d did not; want 3, 7", got, full)
		}
		later, err := f.Terms(t.Context(), c.ID, delivery.Pickup, nil, nil, 0)
		if err != nil || later.Cap == terms.Cap || !later.ReadyAt.After(terms.ReadyAt) {
			t.Fatalf("terms of a full window were not moved on: %+v, %v", later, err)
		}
		err = f.d.Write(t.Context(), func(tx *db.Tx) error { return f.GiveSlot(t.Context(), tx, c.ID, terms.Cap) })
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := f.Terms(t.Context(), c.ID, delivery.Pickup, nil, nil, 0); again.Cap != terms.Cap {
			t.Fatalf("a place that was given back is not offered")
		}
	})
}

func TestAnotherNodeHearsOfChanges(t *testing.T) {
	schemas(t, func(t *testing.T, f *fixture) {
		bus := events.NewLocal()
		log := events.New(f.d, bus)
		other := New(f.d, log, id.NewSource(2), f.clock.Now, nil, Options{})
		other.React(log, realtime.New(log, bus), jobs.New(f.d, bus, f.clock.Now, id.NewSource(2), jobs.Options{}))
		if err := other.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- log.Run(ctx) }()
		defer func() { stop(); <-done }()
		c := f.make(t, "Luigi", nil)
		if _, err := f.SetRush(f.admin, c.ID, tuesday.Add(time.Hour), 5); err != nil {
			t.Fatal(err)
		}
		if err := log.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := other.GetBySlug(t.Context(), "luigi")
		if err != nil || got.Version != 2 || got.Settings.RushExtra != 5 {
			t.Fatalf("the other node has %+v, %v", got, err)
		}
	})
}

func TestWhoMayChangeWhat(t *testing.T) {
	f := setup(t, dbtest.SQLite(t, Schema, events.Schema))
	c := f.make(t, "Luigi", nil)
	other := f.make(t, "Mario", nil)
	as := func(role access.Role, place id.ID) context.Context {
		return access.With(t.Context(), access.Actor{ID: 9, Roles: []access.Grant{{Role: role, Place: place}}})
	}
	pause := func(ctx context.Context) error { _, err := f.SetPause(ctx, c.ID, tuesday.Add(time.Hour)); return err }
	profile := func(ctx context.Context) error {
		_, err := f.Update(ctx, c.ID, "profile", func(s *Settings) error { s.Blurb = "Hello"; return nil })
		return err
	}
	create := func(ctx context.Context) error {
		_, err := f.Create(ctx, NewRestaurant{Slug: "x", Settings: c.Settings})
		return err
	}
	reopen := func(to time.Time) func(context.Context) error {
		return func(ctx context.Context) error {
			closed, err := f.AddClosure(f.admin, c.ID, Closure{From: tuesday, To: to})
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.RemoveClosure(ctx, c.ID, closed.Settings.Closures[len(closed.Settings.Closures)-1].ID)
			return err
		}
	}
	tonight, holidays := reopen(tuesday.Add(5*time.Hour)), reopen(tuesday.AddDate(0, 0, 14))
	for name, x := range map[string]struct {
		ctx  context.Context
		do   func(context.Context) error
		want errs.Kind
		ok   bool
	}{
		"staff pauses":           {as(access.RoleStaff, c.ID), pause, 0, true},
		"owner edits":            {as(access.RoleOwner, c.ID), profile, 0, true},
		"staff edits":            {as(access.RoleStaff, c.ID), profile, errs.Forbidden, false},
		"staff reopens tonight":  {as(access.RoleStaff, c.ID), tonight, 0, true},
		"staff ends holidays":    {as(access.RoleStaff, c.ID), holidays, errs.Forbidden, false},
		"owner ends holidays":    {as(access.RoleOwner, c.ID), holidays, 0, true},
		"other's staff pauses":   {as(access.RoleStaff, other.ID), pause, errs.Forbidden, false},
		"owner creates":          {as(access.RoleOwner, c.ID), create, errs.Forbidden, false},
		"nobody pauses":          {t.Context(), pause, errs.Unauthenticated, false},
		"courier edits profiles": {as(access.RoleCourier, 0), profile, errs.Forbidden, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := x.do(x.ctx)
			if x.ok != (err == nil) || err != nil && errs.KindOf(err) != x.want {
				t.Fatalf("error = %v; want ok %v, kind %v", err, x.ok, x.want)
			}
		})
	}
}

// server returns a function that sends one request as an actor.
func (f *fixture) server(t testing.TB) func(ctx context.Context, method, path, body string) (int, string) {
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, r *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	f.Routes(rt)
	return func(ctx context.Context, method, path, body string) (int, string) {
		r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		if strings.HasPrefix(body, "{") {
			r.Header.Set("Content-Type", "application/json")
		} else if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
}

func TestRESTAnswersWithFieldPaths(t *testing.T) {
	f := setup(t, dbtest.SQLite(t, Schema, events.Schema))
	f.make(t, "Luigi", nil)
	send := f.server(t)
	const one = httpx.Prefix + "/restaurants/luigi"
	open := `{"type":"Polygon","coordinates":[[[13.3,52.4],[13.5,52.4],[13.5,52.6],[13.3,52.6]]]}`
	for _, c := range []struct {
		name               string
		anonymous          bool
		method, path, body string
		status             int
		want, not          string
	}{
		{"get", true, "GET", one, "", 200, `"text":"11:30–22:00"`, `"settings"`},
		{"get as admin", false, "GET", one, "", 200, `"settings"`, ""},
		{"get nobody's", true, "GET", httpx.Prefix + "/restaurants/x", "", 404, "There is no such restaurant", ""},
		{"patch", false, "PATCH", one, `{"blurb":"Good."}`, 200, `"blurb":"Good."`, ""},
		{"patch nothing", false, "PATCH", one, `{}`, 200, `"version"`, ""},
		{"patch badly", false, "PATCH", one, `{"time_zone":"Mars","price":2}`, 422, `"path":"body.time_zone"`, ""},
		{"patch without sign-in", true, "PATCH", one, `{"blurb":"Bad."}`, 401, "sign in", ""},
		{"hours", false, "PUT", one + "/hours", `{"hours":"Mo-Fr 10:00-12:00","special_days":[{"date":"2026-12-24","spans":["10:00-14:00"]}]}`, 200, `"2026-12-24"`, ""},
		{"hours badly", false, "PUT", one + "/hours", `{"hours":"Mo-Xx 10:00"}`, 422, `Column 4`, ""},
		{"special day badly", false, "PUT", one + "/hours", `{"hours":"","special_days":[{"date":"2026-13-24"}]}`, 422, `2026-13-24`, ""},
		{"zone not closed", false, "PUT", one + "/zones", `{"zones":[{"radius_m":900,"fee":1},{"fee":1,"area":` + open + `}]}`, 422, `"path":"body.zones[1].area.coordinates[0][3]","message":"The ring is not closed`, ""},
		{"zone of nothing", false, "PUT", one + "/zones", `{"zones":[{"fee":1}]}`, 422, `"path":"body.zones[0].area"`, ""},
		{"zones", false, "PUT", one + "/zones", `{"zones":[{"radius_m":900,"fee":190}]}`, 200, `"fee":190`, ""},
		{"pause", false, "POST", one + "/pause", `{"minutes":30}`, 200, `"paused_until":"2026-12-01T17:32:00Z"`, ""},
		{"pause until tomorrow", false, "POST", one + "/pause", `{"until_tomorrow":true}`, 200, `"paused_until":"2026-12-01T23:00:00Z"`, ""},
		{"pause too long", false, "POST", one + "/pause", `{"until":"2027-12-01T17:32:00Z"}`, 422, `"path":"body.until"`, ""},
		{"rush", false, "POST", one + "/rush", `{"minutes":60,"extra_minutes":10}`, 200, `"rush_until":"2026-12-01T18:02:00Z"`, ""},
		{"closure", false, "POST", one + "/closures", `{"to":"2026-12-02T17:32:00Z","reason":"Broken oven"}`, 201, "Broken oven", ""},
		{"closure backwards", false, "POST", one + "/closures", `{"to":"2020-12-02T17:32:00Z"}`, 422, `"path":"body.to"`, ""},
		{"closure unknown", false, "DELETE", one + "/closures/12", "", 404, "closure", ""},
		{"closure id nonsense", false, "DELETE", one + "/closures/x", "", 422, `path.id`, ""},
		{"slots", true, "GET", one + "/slots?mode=pickup", "", 200, `"slots":[`, ""},
		{"slots by carrier pigeon", true, "GET", one + "/slots?mode=pigeon", "", 422, `"path":"query.mode"`, ""},
		{"create", false, "POST", httpx.Prefix + "/restaurants", `{"name":"Zur Post","street":"Am Markt 1","point":{"lat":52.5,"lon":13.4}}`, 201, `"slug":"zur-post"`, ""},
		{"create nameless", false, "POST", httpx.Prefix + "/restaurants", `{"street":"Am Markt 1"}`, 422, `"path":"body.name"`, ""},
		{"not JSON", false, "PATCH", one, `{"blurb":`, 422, `"errors"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := f.admin
			if c.anonymous {
				ctx = t.Context()
			}
			status, body := send(ctx, c.method, c.path, c.body)
			if status != c.status || !strings.Contains(body, c.want) || c.not != "" && strings.Contains(body, c.not) {
				t.Fatalf("%s %s = %d %s; want %d with %s, without %q", c.method, c.path, status, body, c.status, c.want, c.not)
			}
		})
	}
}

// Otherwise an order could be placed on terms that ended before it.
func TestTermsStayUntilAnOrderThatCheckedThemIsStored(t *testing.T) {
	d := dbtest.Postgres(t, Schema, events.Schema, jobs.Schema) // SQLite has one writer
	f := setup(t, d)
	c := f.make(t, "Luigi", nil)
	checked, done := make(chan struct{}), make(chan error, 1)
	var order sync.WaitGroup
	var placed atomic.Bool
	order.Go(func() {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := f.CheckShop(t.Context(), tx, c.ID, c.Version); err != nil {
				return err
			}
			close(checked)
			// A change that does not wait fails here: it would end within this time.
			select {
			case err := <-done:
				t.Errorf("the terms were changed under an order: %v", err)
			case <-time.After(300 * time.Millisecond):
			}
			placed.Store(true)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-checked
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE restaurant SET version = version + 1 WHERE id = $1`, c.ID)
		if err == nil && !placed.Load() {
			done <- nil
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	order.Wait()
	err = d.Write(t.Context(), func(tx *db.Tx) error { return f.CheckShop(t.Context(), tx, c.ID, c.Version) })
	if errs.CodeOf(err) != "changed" {
		t.Errorf("CheckShop of old terms = %v", err)
	}
}
