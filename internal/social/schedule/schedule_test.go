package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

const anna, bert = id.ID(1), id.ID(2)

// wall is where posts end up: each key once. It refuses what says "refuse".
type wall struct {
	sync.Mutex
	posted map[string]string
}

func (w *wall) PostLater(_ context.Context, account id.ID, doc json.RawMessage, key string) error {
	if strings.Contains(string(doc), "refuse") {
		return errs.New(errs.NotFound, "Record not found")
	}
	w.Lock()
	defer w.Unlock()
	w.posted[key] = account.String() + " " + string(doc)
	return nil
}

func (w *wall) LangOf(context.Context, id.ID) string { return "de" }

func (w *wall) has(text string) bool {
	w.Lock()
	defer w.Unlock()
	for _, p := range w.posted {
		if p == text {
			return true
		}
	}
	return false
}

// shelf holds file 7 of anna's.
type shelf struct{ held map[id.ID]time.Time }

func (shelf) Get(_ context.Context, owner, file id.ID) (*social.Attachment, error) {
	if owner != anna || file != 7 {
		return nil, errs.New(errs.NotFound, "Record not found")
	}
	return &social.Attachment{ID: 7, Type: "image"}, nil
}

func (s shelf) Hold(_ context.Context, _ *db.Tx, owner id.ID, ids []id.ID, until time.Time) error {
	for _, n := range ids {
		if owner != anna || n != 7 {
			return errs.InvalidField("media_ids", "There is no such file.")
		}
		s.held[n] = until
	}
	return nil
}

type fixture struct {
	*Service
	clock *clock.Manual
	wall  *wall
	shelf shelf
}

func newFixture(t *testing.T, d *db.DB) fixture {
	t.Helper()
	now := clock.NewManual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	ids := id.NewSource(1)
	q := jobs.New(d, events.NewLocal(), now.Now, ids, jobs.Options{Poll: 5 * time.Millisecond})
	f := fixture{clock: now, wall: &wall{posted: map[string]string{}}, shelf: shelf{map[id.ID]time.Time{}}}
	f.Service = New(d, q, ids, now.Now, f.wall, f.shelf)
	f.React()
	go func() { _ = q.Run(t.Context()) }()
	return f
}

func (f fixture) put(t *testing.T, text string, in time.Duration) Scheduled {
	t.Helper()
	out, err := f.Put(t.Context(), anna, Entry{At: f.clock.Now().Add(in), Doc: json.RawMessage(`"` + text + `"`), Params: json.RawMessage(`{"text":"` + text + `"}`)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func TestAStatusIsPostedWhenItsTimeHasCome(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		first := f.put(t, "first", time.Hour)
		moved := f.put(t, "moved", time.Hour)
		deleted := f.put(t, "deleted", time.Hour)
		refused := f.put(t, "refuse", time.Hour)
		if _, err := f.Move(t.Context(), anna, moved.ID, f.clock.Now().Add(3*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := f.Delete(t.Context(), anna, deleted.ID); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"get":    second(f.Get(t.Context(), bert, first.ID)),
			"move":   second(f.Move(t.Context(), bert, first.ID, f.clock.Now().Add(time.Hour))),
			"delete": f.Delete(t.Context(), bert, first.ID),
			"again":  f.Delete(t.Context(), anna, deleted.ID),
		} {
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("%s: %v; want NotFound", name, err)
			}
		}
		f.clock.Advance(time.Hour)
		until(t, "the first post", func() bool { return f.wall.has(`1 "first"`) })
		until(t, "the word why", func() bool {
			got, err := f.Get(t.Context(), anna, refused.ID)
			return err == nil && got.Failed == "Das gibt es nicht (mehr)."
		})
		if f.wall.has(`1 "moved"`) || f.wall.has(`1 "deleted"`) {
			t.Error("posted too early, or at all")
		}
		f.clock.Advance(2 * time.Hour)
		until(t, "the moved post", func() bool { return f.wall.has(`1 "moved"`) })
		until(t, "an empty list", func() bool {
			left, err := f.List(t.Context(), anna, mastodon.Page{Limit: 40})
			return err == nil && len(left) == 1 && left[0].ID == refused.ID
		})
	}, events.Schema, jobs.Schema, Schema)
}

func second[T any](_ T, err error) error { return err }

func TestTimesAndNumbersAreBounded(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t, events.Schema, jobs.Schema, Schema))
	for _, in := range []time.Duration{-time.Hour, 0, Soonest - time.Second, Latest + time.Second} {
		if _, err := f.Put(t.Context(), anna, Entry{At: f.clock.Now().Add(in), Doc: json.RawMessage(`""`), Params: json.RawMessage(`{}`)}); !errs.Is(err, errs.Invalid) {
			t.Errorf("in %v: %v; want Invalid", in, err)
		}
	}
	for range MaxADay {
		f.put(t, "x", time.Hour)
	}
	if _, err := f.Put(t.Context(), anna, Entry{At: f.clock.Now().Add(2 * time.Hour), Doc: json.RawMessage(`""`), Params: json.RawMessage(`{}`)}); !errs.Is(err, errs.Invalid) {
		t.Errorf("one more on that day: %v; want Invalid", err)
	}
	f.put(t, "x", 25*time.Hour)
	if _, err := f.Put(t.Context(), bert, Entry{At: f.clock.Now().Add(time.Hour), Doc: json.RawMessage(`""`), Params: json.RawMessage(`{}`), Media: []id.ID{7}}); !errs.Is(err, errs.Invalid) {
		t.Errorf("with another's file: %v; want Invalid", err)
	}
}

func TestPagesOfWhatWaits(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		var all []id.ID
		for i := range 7 {
			all = append(all, f.put(t, fmt.Sprint(i), time.Hour).ID)
		}
		slices.Reverse(all)
		for name, c := range map[string]struct {
			page mastodon.Page
			want []id.ID
		}{
			"first":      {mastodon.Page{Limit: 3}, all[:3]},
			"next":       {mastodon.Page{Limit: 3, MaxID: all[2]}, all[3:6]},
			"since":      {mastodon.Page{Limit: 2, SinceID: all[5]}, all[:2]},
			"directly":   {mastodon.Page{Limit: 2, MinID: all[5]}, all[3:5]},
			"nothing":    {mastodon.Page{Limit: 2, MinID: all[0]}, nil},
			"in between": {mastodon.Page{Limit: 9, MinID: all[5], MaxID: all[2]}, all[3:5]},
		} {
			got, err := f.List(t.Context(), anna, c.page)
			var ids []id.ID
			for _, s := range got {
				ids = append(ids, s.ID)
			}
			if diff := cmp.Diff(c.want, ids); diff != "" || err != nil {
				t.Errorf("%s (-want +got, %v):\n%s", name, err, diff)
			}
		}
	}, events.Schema, jobs.Schema, Schema)
}

func TestOverHTTP(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t, events.Schema, jobs.Schema, Schema))
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil, httpx.Address(func() string { return "https://town.example" }))
	f.Routes(rt)
	waits := f.put(t, "x", time.Hour)
	ask := func(who id.ID, method, path, body string) (int, string) {
		r := httptest.NewRequestWithContext(access.With(t.Context(), access.Actor{ID: who}), method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		out, _ := io.ReadAll(w.Body)
		return w.Code, string(out)
	}
	status, made := ask(anna, "POST", "/api/stoa/v1/drafts", `{"draft":{"text":"Hel"},"media_ids":["7"]}`)
	var d struct{ ID string }
	if err := json.Unmarshal([]byte(made), &d); err != nil || status != 201 || !strings.Contains(made, `"text":"Hel"`) || !strings.Contains(made, `"type":"image"`) {
		t.Fatalf("POST /drafts = %d %s", status, made)
	}
	if f.shelf.held[7] != f.clock.Now().Add(KeepDraft) {
		t.Errorf("the file is held until %v", f.shelf.held[7])
	}
	draft, sched := "/api/stoa/v1/drafts/"+d.ID, "/api/v1/scheduled_statuses/"+waits.ID.String()
	for _, c := range []struct {
		who          id.ID
		method, path string
		body         string
		status       int
		has          string
	}{
		{anna, "GET", sched, "", 200, `{"id":"` + waits.ID.String() + `","scheduled_at":"2026-11-23T13:00:00.000Z","params":{"text":"x"},"media_attachments":[]}`},
		{bert, "GET", sched, "", 404, `{"error":"Record not found"}`},
		{anna, "GET", "/api/v1/scheduled_statuses?limit=1", "", 200, `[{"id":`},
		{bert, "GET", "/api/v1/scheduled_statuses", "", 200, `[]`},
		{anna, "PUT", sched, `{"scheduled_at":"2026-11-23T12:00:00Z"}`, 422, "at least 5 minutes"},
		{anna, "PUT", sched, `{}`, 422, "at least 5 minutes"},
		{anna, "PUT", sched, `{"scheduled_at":"2026-11-24T12:00:00+01:00"}`, 200, "2026-11-24T11:00:00.000Z"},
		{bert, "DELETE", sched, "", 404, "Record not found"},
		{anna, "DELETE", sched, "", 200, "{}"},
		{0, "GET", sched, "", 401, "error"},
		{bert, "PUT", draft, `{"draft":{"text":"mine"}}`, 404, "not_found"},
		{anna, "PUT", draft, `{"draft":{"text":"Hello"}}`, 200, "Hello"},
		{anna, "PUT", draft, `{"draft":{}}`, 422, "nothing in this draft"},
		{anna, "POST", "/api/stoa/v1/drafts", `{"draft":{"text":"` + strings.Repeat("x", maxDoc) + `"}}`, 422, "64 KB"},
		{anna, "POST", "/api/stoa/v1/drafts", `{"draft":{"text":"x"},"media_ids":["8"]}`, 422, "no such file"},
		{anna, "GET", "/api/stoa/v1/drafts", "", 200, "Hello"},
		{bert, "GET", "/api/stoa/v1/drafts", "", 200, `{"drafts":[]}`},
		{bert, "DELETE", draft, "", 404, "not_found"},
		{anna, "DELETE", draft, "", http.StatusNoContent, ""},
		{anna, "DELETE", draft, "", 404, "not_found"},
	} {
		if status, body := ask(c.who, c.method, c.path, c.body); status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s %s by %d = %d %s; want %d with %s", c.method, c.path, c.who, status, body, c.status, c.has)
		}
	}
}
