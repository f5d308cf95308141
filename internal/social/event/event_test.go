package event

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"
	"pgregory.net/rapid"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/secrets"
)

var start = time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC)

// wall holds the statuses that tell of events: what social/status does with them is tested there.
type wall struct {
	mu     sync.Mutex
	ids    *id.Source
	list   map[id.ID]*social.Status
	heads  map[id.ID]social.Head
	drawn  int
	refuse error // of posts that can't be
	broken error // of the transactions that posts are stored in
}

func (w *wall) Prepare(_ context.Context, actor access.Actor, n social.Note) (id.ID, func(context.Context, *db.Tx) error, error) {
	st := w.ids.Next()
	return st, func(context.Context, *db.Tx) error { return w.put(actor, st, n) }, w.refuse
}

// put has a status be there, unless posts fail in their transactions just now.
func (w *wall) put(actor access.Actor, st id.ID, n social.Note) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	by := actor.ID
	if n.As != 0 {
		by = n.As
	}
	w.list[st] = &social.Status{
		ID: st, Content: "<p>" + n.Text + "</p>", Account: social.Account{ID: by, Acct: "p" + by.String()},
		Stoa: &social.Extra{Visibility: n.Visibility},
	}
	w.heads[st] = social.Head{ID: st, Account: by, Visibility: n.Visibility, Group: n.Group, Closed: n.Group != 0}
	return nil
}

func (w *wall) Statuses(_ context.Context, rel *social.Relations, ids []id.ID, _ string) (out []*social.Status, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range ids {
		if h, ok := w.heads[i]; ok && rel.MayRead(&h) {
			out = append(out, w.list[i])
		}
	}
	return out, nil
}

func (w *wall) Delete(_ context.Context, _ access.Actor, status id.ID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.heads, status)
	return nil
}

func (w *wall) Redraw(context.Context, *db.Tx, id.ID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drawn++
	return nil
}

// Relations: 7 follows 1 and blocks 9; 8 is a member of group 70.
func (w *wall) Relations(_ context.Context, viewer id.ID) (*social.Relations, error) {
	rel := &social.Relations{Viewer: viewer}
	switch viewer {
	case 7:
		rel.Follows, rel.Blocks = map[id.ID]social.Follow{1: {}}, map[id.ID]bool{9: true}
	case 8:
		rel.Groups = map[id.ID]bool{70: true}
	}
	return rel, nil
}

func (w *wall) MayActAs(actor access.Actor, profile id.ID) bool { return actor.WorksAt(profile) }

func (w *wall) Entities(_ context.Context, ids []id.ID) (map[id.ID]*social.Account, error) {
	out := map[id.ID]*social.Account{}
	for _, p := range ids {
		out[p] = &social.Account{ID: p, Acct: "p" + p.String()}
	}
	return out, nil
}

type stage struct {
	*Service
	wall *wall
	now  time.Time
}

func setup(t *testing.T, d *db.DB) *stage {
	box, err := secrets.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{now: start, wall: &wall{ids: id.NewSource(2), list: map[id.ID]*social.Status{}, heads: map[id.ID]social.Head{}}}
	now := func() time.Time { return s.now }
	bus := events.NewLocal()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	ids := id.NewSource(1)
	s.Service = New(Deps{
		DB: d, Log: events.New(d, bus), Jobs: jobs.New(d, bus, now, ids, jobs.Options{}), IDs: ids, Now: now, Posts: s.wall, Readers: s.wall, Faces: s.wall, Signer: box,
	}, Options{Town: "Arkadia", Zone: berlin, Base: func() string { return "https://town.example" }, MaxAhead: 6})
	return s
}

// each runs a test on both engines.
func each(t *testing.T, fn func(t *testing.T, s *stage)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { fn(t, setup(t, d)) }, Schema, events.Schema, jobs.Schema)
}

func as(t *testing.T, account id.ID) context.Context {
	if account == 0 {
		return t.Context()
	}
	return access.With(t.Context(), access.Actor{ID: account})
}

func ptr[T any](v T) *T { return &v }

func hold(t *testing.T, s *stage, by id.ID, change func(*Draft)) *Event {
	t.Helper()
	in := Draft{Input: Input{Title: ptr("Concert"), Starts: ptr(start.Add(48 * time.Hour)), Place: ptr("Town hall")}, Text: "Bring a friend."}
	if change != nil {
		change(&in)
	}
	e, err := s.Create(as(t, by), in)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTenSeatsForAHundred(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		e := hold(t, s, 1, func(d *Draft) { d.Capacity = ptr(int64(10)) })
		var work sync.WaitGroup
		out := make([]*Event, 100)
		problems := make([]error, 100)
		for i := range out {
			ctx := as(t, id.ID(100+i))
			work.Go(func() { out[i], problems[i] = s.Answer(ctx, e.ID, Coming) })
		}
		work.Wait()
		coming, waiting := 0, 0
		for i := range out {
			if problems[i] != nil {
				t.Fatal(problems[i])
			}
			switch out[i].Answer {
			case Coming:
				coming++
			case Waiting:
				waiting++
			}
		}
		got, err := s.Get(as(t, 1), e.ID)
		if err != nil || coming != 10 || waiting != 90 || got.Coming != 10 || got.Waiting != 90 {
			t.Fatalf("%d told that they come, %d that they wait; stored %+v, %v; want 10 and 90", coming, waiting, got, err)
		}
		p, err := s.Guests(as(t, 1), e.ID, Coming, "", 100)
		if err != nil || len(p.Items) != 10 {
			t.Fatalf("%d listed, %v; want 10", len(p.Items), err)
		}
		// One of them can't come after all: who has waited longest does. Then the hall grows by five.
		if _, err := s.Answer(as(t, p.Items[0].ID), e.ID, No); err != nil {
			t.Fatal(err)
		}
		if got, err = s.Update(as(t, 1), e.ID, Input{Capacity: ptr(int64(15))}); err != nil || got.Coming != 15 || got.Waiting != 84 {
			t.Fatalf("after one left and five more seats: %+v, %v; want 15 and 84", got, err)
		}
	})
}

// TestCountsFollowAnswers does anything in any order and compares with counting by hand.
func TestCountsFollowAnswers(t *testing.T) {
	s := setup(t, dbtest.SQLite(t, Schema, events.Schema, jobs.Schema))
	rapid.Check(t, func(rt *rapid.T) {
		capacity := rapid.Int64Range(0, 3).Draw(rt, "capacity")
		s.opt.MaxAhead = 1 << 30
		e := hold(t, s, 1, func(d *Draft) { d.Capacity = &capacity })
		said := map[id.ID]Answer{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			who := id.ID(rapid.Int64Range(10, 15).Draw(rt, "who"))
			want := rapid.SampledFrom([]Answer{Coming, Maybe, No, Unspoken}).Draw(rt, "answer")
			if _, err := s.Answer(as(t, who), e.ID, want); err != nil {
				rt.Fatal(err)
			}
			said[who] = want
		}
		wish := int64(0)
		for _, a := range said {
			if a == Coming {
				wish++
			}
		}
		got, err := s.Get(as(t, 1), e.ID)
		if err != nil {
			rt.Fatal(err)
		}
		coming := wish
		if capacity > 0 {
			coming = min(wish, capacity)
		}
		if got.Coming != coming || got.Coming+got.Waiting != wish {
			rt.Fatalf("%d come, %d wait; want %d of %d", got.Coming, got.Waiting, coming, wish)
		}
		for _, a := range []Answer{Coming, Maybe, Waiting} {
			p, err := s.Guests(as(t, 1), e.ID, a, "", 100)
			if n := map[Answer]int64{Coming: got.Coming, Maybe: got.Maybe, Waiting: got.Waiting}[a]; err != nil || int64(len(p.Items)) != n {
				rt.Fatalf("%d listed as %s, %v; counted %d", len(p.Items), a, err, n)
			}
		}
	})
}

func TestWhoSeesAnEvent(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		for v, want := range map[social.Visibility]map[id.ID][2]bool{ // reader → reads it, has it in lists
			social.Public:    {0: {true, true}, 5: {true, true}, 7: {true, true}, 1: {true, true}},
			social.Unlisted:  {0: {true, false}, 5: {true, false}, 1: {true, true}},
			social.Town:      {0: {}, 5: {true, true}},
			social.Followers: {0: {}, 5: {}, 7: {true, true}},
			social.Direct:    {0: {}, 7: {}, 1: {true, true}},
			social.Group:     {0: {}, 7: {}, 8: {true, true}},
		} {
			e := hold(t, s, 1, func(d *Draft) {
				if d.Visibility = v; v == social.Group {
					d.Group = 70
				}
			})
			for reader, w := range want {
				_, err := s.Get(as(t, reader), e.ID)
				if reads := err == nil; reads != w[0] || !reads && !errs.Is(err, errs.NotFound) {
					t.Errorf("%d reads one that is %s: %v; want %v", reader, v, err, w[0])
				}
				p, err := s.List(as(t, reader), Filter{}, "", 100)
				listed := false
				for _, it := range p.Items {
					listed = listed || it.ID == e.ID
				}
				if err != nil || listed != w[1] {
					t.Errorf("%d has one that is %s in the list: %v, %v; want %v", reader, v, listed, err, w[1])
				}
				if !w[0] && reader != 0 {
					if _, err := s.Answer(as(t, reader), e.ID, Coming); !errs.Is(err, errs.NotFound) {
						t.Errorf("%d answers one that is %s: %v; want not found", reader, v, err)
					}
				}
			}
		}
		hold(t, s, 9, nil)
		if p, err := s.List(as(t, 7), Filter{}, "", 100); err != nil || strings.Contains(fmt.Sprint(p.Items), "p9") {
			t.Errorf("who is blocked stands in the list: %v", err)
		}
	})
}

func TestListPagesByTime(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.opt.MaxAhead = 100
		for i := range 25 {
			hold(t, s, 1, func(d *Draft) { d.Starts = ptr(start.Add(time.Duration(100-i) * time.Hour)) })
		}
		seen, last := map[id.ID]bool{}, time.Time{}
		for cursor, pages := "", 0; ; pages++ {
			p, err := s.List(as(t, 2), Filter{}, cursor, 7)
			if err != nil || pages > 5 {
				t.Fatal(pages, err)
			}
			for _, e := range p.Items {
				if seen[e.ID] || e.Starts.Before(last) {
					t.Fatalf("%s at %s after %s, seen %v", e.ID, e.Starts, last, seen[e.ID])
				}
				seen[e.ID], last = true, e.Starts
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if len(seen) != 25 {
			t.Fatalf("%d of 25", len(seen))
		}
	})
}

// told counts the notices of each type by how many they are for.
func told(t *testing.T, s *stage) map[string]int {
	t.Helper()
	list, err := s.Log.Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, e := range list {
		var n social.Notice
		if e.Kind == social.KindNotice && json.Unmarshal(e.Data, &n) == nil {
			out[n.Type] += len(n.To)
		}
	}
	return out
}

func TestThoseWhoComeAreTold(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		e := hold(t, s, 1, nil)
		for i := range id.ID(130) {
			if _, err := s.Answer(as(t, 100+i), e.ID, Coming); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Update(as(t, 2), e.ID, Input{Title: ptr("Mine")}); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("changing another's = %v; want forbidden", err)
		}
		if _, err := s.Update(as(t, 1), e.ID, Input{Title: ptr("Concerto")}); err != nil || told(t, s)[social.NoticeEventChanged] != 0 {
			t.Fatalf("another title = %v, told %v; want nobody told", err, told(t, s))
		}
		old := e.Starts
		if e, err := s.Update(as(t, 1), e.ID, Input{Starts: ptr(old.Add(time.Hour))}); err != nil || !e.Ends.Equal(old.Add(3*time.Hour)) {
			t.Fatalf("an hour later = %+v, %v", e, err)
		}
		remind := func(before int64, starts time.Time) {
			args, err := json.Marshal(about{e.ID, before, starts.UnixMicro()})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.reminding(t.Context(), jobs.Job{Args: args}); err != nil {
				t.Fatal(err)
			}
		}
		remind(remindDay, old) // of the time before
		if n := told(t, s)[social.NoticeEventSoon]; n != 0 {
			t.Fatalf("%d reminded for the old time", n)
		}
		remind(remindDay, old.Add(time.Hour))
		remind(remindDay, old.Add(time.Hour)) // a job may run twice
		remind(remindNow, old.Add(time.Hour))
		if _, err := s.Cancel(as(t, 1), e.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Answer(as(t, 5), e.ID, Coming); errs.CodeOf(err) != "cancelled" {
			t.Fatalf("coming to what was cancelled = %v", err)
		}
		remind(remindNow, old.Add(time.Hour))
		want := map[string]int{social.NoticeEventChanged: 130, social.NoticeEventSoon: 260, social.NoticeEventOff: 130}
		for k, n := range want {
			if got := told(t, s)[k]; got != n {
				t.Errorf("%s: %d told; want %d", k, got, n)
			}
		}
		if s.wall.drawn < 132 {
			t.Errorf("the status was drawn %d times", s.wall.drawn)
		}
	})
}

func TestEventGoesWithItsStatus(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		e := hold(t, s, 1, nil)
		if _, err := s.Answer(as(t, 2), e.ID, Maybe); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(social.Deleted{Head: social.Head{ID: e.Status}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.DB.Write(t.Context(), func(tx *db.Tx) error { return s.deleted(t.Context(), tx, events.Event{Data: data}) }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(as(t, 1), e.ID); !errs.Is(err, errs.NotFound) {
			t.Fatalf("after its status went = %v; want not found", err)
		}
		if told(t, s)[social.NoticeEventOff] != 1 {
			t.Errorf("told %v", told(t, s))
		}
		s.wall.refuse = errs.New(errs.Forbidden, "Not here.")
		if _, err := s.Create(as(t, 1), Draft{Input: Input{Title: ptr("X"), Starts: ptr(start.Add(time.Hour))}}); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("what can't be posted = %v; want forbidden", err)
		}
		s.wall.refuse, s.wall.broken = nil, errs.New(errs.Unavailable, "The disk is full.")
		if _, err := s.Create(as(t, 1), Draft{Input: Input{Title: ptr("X"), Starts: ptr(start.Add(time.Hour))}}); !errs.Is(err, errs.Unavailable) {
			t.Fatalf("what can't be stored = %v; want unavailable", err)
		}
		if n, err := s.Personal().Count(t.Context(), 1); err != nil || n != 0 {
			t.Fatalf("%d left behind, %v", n, err)
		}
	})
}

func TestErasedPersonsSeatIsTaken(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		e := hold(t, s, 1, func(d *Draft) { d.Capacity = ptr(int64(1)) })
		own := hold(t, s, 2, nil)
		for _, p := range []id.ID{2, 3} {
			if _, err := s.Answer(as(t, p), e.ID, Coming); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := s.DB.Write(t.Context(), func(tx *db.Tx) error {
				_, err := s.erase(t.Context(), tx, 2)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Get(as(t, 3), e.ID)
		if err != nil || got.Answer != Coming || got.Coming != 1 || got.Waiting != 0 {
			t.Fatalf("who waited = %+v, %v; want them to come", got, err)
		}
		if _, err := s.Get(as(t, 1), own.ID); !errs.Is(err, errs.NotFound) {
			t.Fatalf("their own event = %v; want not found", err)
		}
	})
}

func TestCalendars(t *testing.T) {
	s := setup(t, dbtest.SQLite(t, Schema, events.Schema, jobs.Schema))
	rt := router(s)
	open := hold(t, s, 1, func(d *Draft) {
		d.Title, d.Text, d.Point = ptr("Tea; cakes, and “more”"), "First line", &geo.Point{Lat: 52.5, Lon: 13.4}
	})
	town := hold(t, s, 1, func(d *Draft) { d.Visibility, d.Title = social.Town, ptr("Neighbours only") })
	get := func(path string, person id.ID) (int, *ics.Calendar) {
		t.Helper()
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, httptest.NewRequestWithContext(as(t, person), "GET", path, nil))
		if w.Code != 200 {
			return w.Code, nil
		}
		cal, err := ics.ParseCalendar(w.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return w.Code, cal
	}
	_, cal := get("/events.ics", 5)
	if len(cal.Events()) != 1 {
		t.Fatalf("the town's calendar has %d events; want the public one", len(cal.Events()))
	}
	e := cal.Events()[0]
	at, err := e.GetStartAt()
	if err != nil || !at.Equal(open.Starts) {
		t.Errorf("starts at %s, %v", at, err)
	}
	for p, want := range map[ics.ComponentProperty]string{
		ics.ComponentPropertySummary: "Tea; cakes, and “more”", ics.ComponentPropertyDescription: "First line", ics.ComponentPropertyLocation: "Town hall",
		ics.ComponentPropertyUrl: "https://town.example/events/" + open.ID.String(), ics.ComponentPropertyUniqueId: "event-" + open.ID.String() + "@town.example",
	} {
		if got := e.GetProperty(p); got == nil || ics.FromText(got.Value) != want {
			t.Errorf("%s = %v; want %q", p, got, want)
		}
	}
	if code, _ := get(town.Calendar, 0); code != 404 {
		t.Errorf("a stranger gets one for the town: %d; want 404", code)
	}
	if code, cal := get(town.Calendar, 5); code != 200 || len(cal.Events()) != 1 {
		t.Errorf("somebody of the town gets %d", code)
	}
	if _, err := s.Answer(as(t, 5), town.ID, Coming); err != nil {
		t.Fatal(err)
	}
	link, err := s.Link(as(t, 5), false)
	if err != nil {
		t.Fatal(err)
	}
	if code, cal := get(link, 0); code != 200 || len(cal.Events()) != 1 {
		t.Fatalf("own calendar by its link: %d", code)
	}
	if code, _ := get(strings.Replace(link, "/5.", "/6.", 1), 0); code != 404 {
		t.Errorf("another's calendar by a forged link: %d; want 404", code)
	}
	again, err := s.Link(as(t, 5), true)
	if err != nil || again == link {
		t.Fatalf("another link = %q, %v", again, err)
	}
	if code, _ := get(link, 0); code != 404 {
		t.Errorf("the old link still opens: %d", code)
	}
	if code, _ := get(again, 0); code != 200 {
		t.Errorf("the new link: %d", code)
	}
}

func router(s *stage) *httpx.Router {
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, r *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	s.Routes(rt)
	return rt
}

func TestREST(t *testing.T) {
	s := setup(t, dbtest.SQLite(t, Schema, events.Schema, jobs.Schema))
	rt := router(s)
	e := hold(t, s, 1, nil)
	const p = httpx.Prefix + "/events"
	one := p + "/" + e.ID.String()
	for _, c := range []struct {
		name               string
		person             id.ID
		method, path, body string
		status             int
		want               string
	}{
		{"hold as a guest", 0, "POST", p, `{"title":"X","starts_at":"2026-12-03T18:00:00Z"}`, 401, "sign in"},
		{"hold without a title", 2, "POST", p, `{"starts_at":"2026-12-03T18:00:00Z"}`, 422, `"path":"body.title"`},
		{"hold without a time", 2, "POST", p, `{"title":"X"}`, 422, `"path":"body.starts_at"`},
		{"hold yesterday", 2, "POST", p, `{"title":"X","starts_at":"2026-11-30T18:00:00Z"}`, 422, `"path":"body.ends_at"`},
		{"hold in two years", 2, "POST", p, `{"title":"X","starts_at":"2028-11-30T18:00:00Z"}`, 422, `"path":"body.starts_at"`},
		{"end before the beginning", 2, "POST", p, `{"title":"X","starts_at":"2026-12-03T18:00:00Z","ends_at":"2026-12-03T17:00:00Z"}`, 422, `"path":"body.ends_at"`},
		{"hold on the moon", 2, "POST", p, `{"title":"X","starts_at":"2026-12-03T18:00:00Z","tz":"Moon/Base"}`, 422, `"path":"body.tz"`},
		{"hold", 2, "POST", p, `{"title":" Flea  market ","starts_at":"2026-12-03T18:00:00+01:00","text":"Come!","capacity":2,"point":{"lat":52.5,"lon":13.4}}`, 201, `"title":"Flea market"`},
		{"list", 0, "GET", p + "?limit=1", "", 200, `"next":"`},
		{"list what is later", 0, "GET", p + "?from=2027-01-01T00:00:00Z", "", 200, `{"items":[]}`},
		{"mine as a guest", 0, "GET", p + "?mine=true", "", 401, "sign in"},
		{"mine", 1, "GET", p + "?mine=true", "", 200, `"mine":true`},
		{"nothing of mine", 3, "GET", p + "?mine=true", "", 200, `{"items":[]}`},
		{"read", 0, "GET", one, "", 200, `"ends_at":"2026-12-03T19:00:00Z"`},
		{"read nothing", 0, "GET", p + "/5", "", 404, "no such event"},
		{"nonsense id", 0, "GET", p + "/x", "", 422, `"path":"path.id"`},
		{"answer as a guest", 0, "PUT", one + "/answer", `{"answer":"coming"}`, 401, "sign in"},
		{"answer nonsense", 3, "PUT", one + "/answer", `{"answer":"waiting"}`, 422, `"path":"body.answer"`},
		{"come", 3, "PUT", one + "/answer", `{"answer":"coming"}`, 200, `"coming":1`},
		{"come again", 3, "PUT", one + "/answer", `{"answer":"coming"}`, 200, `"coming":1`},
		{"who comes", 1, "GET", one + "/people", "", 200, `"handle":"p3"`},
		{"who comes, for a guest", 0, "GET", one + "/people", "", 401, "sign in"},
		{"who does not, for another", 3, "GET", one + "/people?answer=no", "", 403, "somebody else"},
		{"take it back", 3, "DELETE", one + "/answer", "", 200, `"coming":0`},
		{"cancel another's", 3, "POST", one + "/cancel", "", 403, "somebody else"},
		{"cancel", 1, "POST", one + "/cancel", "", 200, `"cancelled":true`},
		{"change what is cancelled", 1, "PATCH", one, `{"title":"Y"}`, 409, "cancelled"},
		{"link as a guest", 0, "GET", p + "/calendar", "", 401, "sign in"},
		{"link", 3, "GET", p + "/calendar", "", 200, `"url":"/calendar/3.`},
		{"delete another's", 3, "DELETE", one, "", 403, "somebody else"},
		{"delete", 1, "DELETE", one, "", 204, ""},
		{"read what is gone", 1, "GET", one, "", 404, "no such event"},
	} {
		r := httptest.NewRequestWithContext(as(t, c.person), c.method, c.path, strings.NewReader(c.body))
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %s %s = %d %s; want %d with %s", c.name, c.method, c.path, w.Code, w.Body, c.status, c.want)
		}
	}
}
