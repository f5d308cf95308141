package trend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// board are the statuses of the tests, by id; shy is who does not want to be found.
type board struct{ heads map[id.ID]social.Head }

const shy id.ID = 9

func (b *board) LinkOf(_ context.Context, _ *db.Tx, status id.ID) (string, error) {
	if status%10 == 7 {
		return "https://news.example/fair", nil
	}
	return "", nil
}

func (b *board) Heads(_ context.Context, ids []id.ID) ([]social.Head, error) {
	var out []social.Head
	for _, n := range ids {
		if h, ok := b.heads[n]; ok {
			out = append(out, h)
		}
	}
	return out, nil
}

func (b *board) JSON(_ context.Context, _ *social.Relations, ids []id.ID, _ string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for _, n := range ids {
		out = append(out, json.RawMessage(`{"id":"`+n.String()+`"}`))
	}
	return out, nil
}

type town struct {
	*Service
	*board
	t     *testing.T
	log   *events.Log
	clock *clock.Manual
	next  id.ID
	all   bool // only what was reviewed trends
}

func newTown(t *testing.T, d *db.DB) *town {
	t.Helper()
	w := &town{board: &board{map[id.ID]social.Head{}}, t: t, clock: clock.NewManual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)), log: events.New(d, events.NewLocal())}
	w.Service = New(Deps{
		DB: d, Now: w.clock.Now, Statuses: w.board, URL: func() string { return "https://town.example" },
		Relations: func(_ context.Context, viewer id.ID) (*social.Relations, error) {
			return &social.Relations{Viewer: viewer}, nil
		},
		Cards: func(_ context.Context, _ *db.Tx, links []string) (map[string]*social.Card, error) {
			out := map[string]*social.Card{}
			for _, l := range links {
				out[l] = &social.Card{URL: l, Title: "The fair"}
			}
			return out, nil
		},
		Discoverable: func(_ context.Context, ids []id.ID) (map[id.ID]bool, error) {
			out := map[id.ID]bool{}
			for _, n := range ids {
				out[n] = n != shy
			}
			return out, nil
		},
		Review: func() bool { return w.all },
		Audit:  func(context.Context, *db.Tx, string, string, map[string]any) error { return nil },
	})
	w.React(w.log)
	go func() { _ = w.log.Run(t.Context()) }()
	return w
}

func (w *town) tell(p events.Payload) {
	w.t.Helper()
	if err := w.DB.Write(w.t.Context(), func(tx *db.Tx) error { return w.log.Append(w.t.Context(), tx, w.clock.Now(), 0, p) }); err != nil {
		w.t.Fatal(err)
	}
}

// post has somebody post, and returns the status.
func (w *town) post(by id.ID, v social.Visibility, tags ...string) social.Head {
	w.t.Helper()
	w.next++
	h := social.Head{ID: w.next * 10, Account: by, Visibility: v, Tags: tags, At: w.clock.Now()}
	w.heads[h.ID] = h
	w.tell(social.Posted{Head: h})
	return h
}

// names returns the tags that trend now.
func (w *town) names() []string {
	w.t.Helper()
	w.settle()
	tags, err := w.TagTrends(w.t.Context(), false, 0, 20)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, g := range tags {
		out = append(out, g.Name)
	}
	return out
}

func (w *town) settle() {
	w.t.Helper()
	if err := w.log.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	clear(w.last)
	w.mu.Unlock()
}

func TestATagTrendsWhenMoreUseItThanUsual(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		w.clock.Advance(-8 * 24 * time.Hour)
		for range 8 { // every day four people say good morning
			for who := range id.ID(4) {
				w.post(who+1, social.Public, "morning")
			}
			w.clock.Advance(24 * time.Hour)
		}
		w.post(1, social.Public, "fair")
		for range 5 {
			w.post(1, social.Public, "me") // however often, one person
		}
		for who := range id.ID(6) {
			w.post(who+1, social.Unlisted, "quiet")
			w.post(who+1, social.Followers, "secret")
			w.post(who+1, social.Town, "here")
		}
		if diff := cmp.Diff([]string(nil), w.names()); diff != "" {
			t.Errorf("at first (-want +got):\n%s", diff)
		}
		w.post(2, social.Public, "fair", "new")
		w.post(3, social.Public, "fair")
		w.post(3, social.Public, "new")
		w.clock.Advance(time.Minute)
		if diff := cmp.Diff([]string{"fair", "new"}, w.names()); diff != "" {
			t.Errorf("later (-want +got):\n%s", diff)
		}
		days, err := w.History(t.Context(), "fair")
		if err != nil || len(days) != history || days[0].Uses != "3" || days[0].Accounts != "3" || days[1].Uses != "0" {
			t.Errorf("history %v, %v", days, err)
		}
		if err := w.Decide(t.Context(), Tags, "fair", false); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"new"}, w.names()); diff != "" {
			t.Errorf("after a moderator's no (-want +got):\n%s", diff)
		}
		w.all = true
		if diff := cmp.Diff([]string(nil), w.names()); diff != "" {
			t.Errorf("where all is reviewed (-want +got):\n%s", diff)
		}
		if err := w.Decide(t.Context(), Tags, "new", true); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"new"}, w.names()); diff != "" {
			t.Errorf("after a yes (-want +got):\n%s", diff)
		}
		all, err := w.TagTrends(t.Context(), true, 0, 20)
		if err != nil || len(all) != 2 || *all[0].Trendable || *all[0].RequiresReview || !*all[1].Trendable {
			t.Errorf("for moderators: %+v, %v", all, err)
		}
		w.clock.Advance(4 * 24 * time.Hour)
		if diff := cmp.Diff([]string(nil), w.names()); diff != "" {
			t.Errorf("days later (-want +got):\n%s", diff)
		}
		if err := w.Sweep(t.Context(), w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		if days, err := w.History(t.Context(), "fair"); err != nil || days[4].Uses != "0" {
			t.Errorf("after the sweep: %v, %v", days, err)
		}
	}, events.Schema, Schema)
}

func TestStatusesTrendByWhatOthersDoWithThem(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		good, better, own, hidden, private := w.post(1, social.Public), w.post(2, social.Public), w.post(3, social.Public), w.post(shy, social.Public), w.post(4, social.Followers)
		same := w.post(2, social.Public)
		mark := func(h social.Head, by id.ID, gone bool) {
			w.tell(social.Marked{Status: h.ID, Author: h.Account, By: by, Mark: social.Favourite, Gone: gone})
		}
		for who := id.ID(11); who < 14; who++ {
			for _, h := range []social.Head{good, better, hidden, private, same} {
				mark(h, who, false)
			}
		}
		w.tell(social.Posted{Head: social.Head{ID: 9999, Account: 12, BoostOf: better.ID, BoostFrom: 2, Visibility: social.Public}})
		for range 5 {
			mark(own, 3, false)
		}
		trending := func() []id.ID {
			w.settle()
			out, err := w.StatusTrends(t.Context(), false, 0, 20)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if diff := cmp.Diff([]id.ID{better.ID, good.ID}, trending()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for who := id.ID(11); who < 14; who++ {
			mark(good, who, true)
		}
		w.tell(social.Deleted{Head: social.Head{ID: 9999, Account: 12, BoostOf: better.ID, BoostFrom: 2, Visibility: social.Public}})
		if diff := cmp.Diff([]id.ID{same.ID}, trending()); diff != "" { // as many points, and newer
			t.Errorf("after some took it back (-want +got):\n%s", diff)
		}
		w.tell(social.Deleted{Head: better})
		w.tell(social.Deleted{Head: same})
		if diff := cmp.Diff([]id.ID{}, trending()); diff != "" {
			t.Errorf("after a deletion (-want +got):\n%s", diff)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := w.Personal().Erase(t.Context(), tx, shy)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}, events.Schema, Schema)
}

func TestOverHTTP(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, Schema))
	for who := range id.ID(3) {
		h := social.Head{ID: who*10 + 107, Account: who + 1, Visibility: social.Public, Tags: []string{"fair"}, At: w.clock.Now()}
		w.heads[h.ID] = h
		w.tell(social.Posted{Head: h})
		w.tell(social.Marked{Status: 107, By: who + 20, Mark: social.Favourite})
	}
	w.settle()
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil, httpx.Address(w.URL))
	w.Routes(rt)
	moderator, somebody := access.Actor{ID: 50, Roles: []access.Grant{{Role: access.RoleModerator}}}, access.Actor{ID: 51}
	today := fmt.Sprint(dayOf(w.clock.Now()) * 86400)
	for _, c := range []struct {
		who          access.Actor
		method, path string
		status       int
		want         string
	}{
		{access.Actor{}, "GET", "/api/v1/trends", 200, `[{"id":"fair","name":"fair","url":"https://town.example/tags/fair","history":[{"day":"` + today + `","uses":"3","accounts":"3"}`},
		{somebody, "GET", "/api/v1/trends/links", 200, `"title":"The fair"`},
		{somebody, "GET", "/api/v1/trends/statuses", 200, `[{"id":"107"}]`},
		{somebody, "GET", "/api/v1/trends/tags?offset=1", 200, `[]`},
		{somebody, "GET", "/api/v1/trends/tags?offset=-1", 422, `error`},
		{somebody, "GET", "/api/v1/admin/trends/tags", 403, `error`},
		{moderator, "GET", "/api/v1/admin/trends/links", 200, `"requires_review":true`},
		{somebody, "POST", "/api/v1/admin/trends/tags/fair/reject", 403, `error`},
		{moderator, "POST", "/api/v1/admin/trends/tags/fair/reject", 200, `{}`},
		{somebody, "GET", "/api/v1/trends/tags", 200, `[]`},
		{moderator, "POST", "/api/v1/admin/trends/links/https:%2F%2Fnews.example%2Ffair/reject", 200, `{}`},
		{somebody, "GET", "/api/v1/trends/links", 200, `[]`},
		{moderator, "POST", "/api/v1/admin/trends/statuses/107/reject", 200, `{}`},
		{moderator, "POST", "/api/v1/admin/trends/statuses/1/approve", 404, `error`},
		{moderator, "POST", "/api/v1/admin/trends/statuses/x/approve", 404, `error`},
		{somebody, "GET", "/api/v1/trends/statuses", 200, `[]`},
	} {
		rec := httptest.NewRecorder()
		rt.ServeHTTP(rec, httptest.NewRequestWithContext(access.With(t.Context(), c.who), c.method, c.path, nil))
		body, _ := io.ReadAll(rec.Body)
		if rec.Code != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s %s = %d %s; want %d with %s", c.method, c.path, rec.Code, body, c.status, c.want)
		}
	}
}
