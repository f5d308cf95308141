package discover

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
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
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// crowd is a few accounts. anna (1) follows 2; 2 and 3 follow 4.
type crowd map[id.ID]*social.Account

func (c crowd) Entities(_ context.Context, ids []id.ID) (map[id.ID]*social.Account, error) {
	out := map[id.ID]*social.Account{}
	for _, n := range ids {
		if c[n] != nil {
			out[n] = c[n]
		}
	}
	return out, nil
}

func (c crowd) Directory(_ context.Context, fresh bool, offset, limit int) ([]id.ID, error) {
	var ids []id.ID
	for n := range c {
		ids = append(ids, n)
	}
	if slices.Sort(ids); fresh {
		slices.Reverse(ids)
	}
	ids = ids[min(offset, len(ids)):]
	return ids[:min(limit, len(ids))], nil
}

func (crowd) Relations(_ context.Context, viewer id.ID) (*social.Relations, error) {
	return &social.Relations{Viewer: viewer, Follows: map[id.ID]social.Follow{2: {}}, Mutes: map[id.ID]social.Mute{5: {}}}, nil
}

func (crowd) SecondDegree(context.Context, id.ID, int) (map[id.ID]int, error) {
	return map[id.ID]int{4: 2, 5: 9, 8: 9}, nil
}

func newCrowd() crowd {
	c := crowd{}
	for n := id.ID(1); n <= 9; n++ {
		c[n] = &social.Account{ID: n, Acct: "a" + n.String(), Discoverable: n != 8}
	}
	today := "2026-11-22"
	c[6].LastStatusAt = &today
	c[7].Followers = 10
	c[9].Suspended = true
	return c
}

func TestSuggestionsAreWhoSuitsAndIsNotKnown(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		now := clock.NewManual(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
		s := New(d, now.Now, newCrowd(), newCrowd())
		suggested := func() (out []id.ID) {
			list, err := s.Suggest(t.Context(), 1, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range list {
				out = append(out, x.Account.ID)
			}
			return out
		}
		// 2 is followed, 5 muted, 8 wants not to be found, 9 is suspended; 6 has posted, 7 has followers, 3 is just there.
		if diff := cmp.Diff([]id.ID{4, 7, 6, 3}, suggested()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := s.Dismiss(t.Context(), 1, 4); err != nil {
			t.Fatal(err)
		}
		if err := s.Dismiss(t.Context(), 1, 4); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]id.ID{7, 6, 3}, suggested()); diff != "" {
			t.Errorf("after a dismissal (-want +got):\n%s", diff)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := s.Personal().Erase(t.Context(), tx, 1)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got := suggested(); len(got) != 4 {
			t.Errorf("after an erasure: %v", got)
		}
	}, Schema)
}

func TestOverHTTP(t *testing.T) {
	s := New(dbtest.SQLite(t, Schema), time.Now, newCrowd(), newCrowd())
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil)
	s.Routes(rt)
	for _, c := range []struct {
		who          id.ID
		method, path string
		status       int
		want         string
	}{
		{1, "GET", "/api/v2/suggestions?limit=1", 200, `[{"source":"past_interactions","sources":["friends_of_friends"],"account":{"id":"4"`},
		{1, "GET", "/api/v1/suggestions?limit=1", 200, `[{"id":"4"`},
		{0, "GET", "/api/v2/suggestions", 401, `error`},
		{1, "DELETE", "/api/v1/suggestions/4", 200, `{}`},
		{1, "DELETE", "/api/v1/suggestions/x", 404, `error`},
		{0, "GET", "/api/v1/directory?order=new&limit=3&local=true", 200, `[{"id":"7"`},
		{0, "GET", "/api/v1/directory?offset=2&limit=1", 200, `[{"id":"3"`},
		{0, "GET", "/api/v1/directory?order=loud", 422, `error`},
		{0, "GET", "/api/v1/directory?offset=-1", 422, `error`},
		{0, "GET", "/api/v1/directory?offset=100", 200, `[]`},
	} {
		rec := httptest.NewRecorder()
		rt.ServeHTTP(rec, httptest.NewRequestWithContext(access.With(t.Context(), access.Actor{ID: c.who}), c.method, c.path, nil))
		if rec.Code != c.status || !strings.HasPrefix(rec.Body.String(), c.want) && !strings.Contains(rec.Body.String(), `"`+c.want) {
			t.Errorf("%s %s by %d = %d %s; want %d with %s", c.method, c.path, c.who, rec.Code, rec.Body, c.status, c.want)
		}
	}
}
