package list

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// town is who there is: everybody follows 11 to 19.
type town struct{}

func (town) Entities(_ context.Context, ids []id.ID) (map[id.ID]*social.Account, error) {
	out := map[id.ID]*social.Account{}
	for _, n := range ids {
		out[n] = &social.Account{ID: n, Acct: "n" + n.String()}
	}
	return out, nil
}

func (town) Relations(_ context.Context, viewer id.ID) (*social.Relations, error) {
	rel := &social.Relations{Viewer: viewer, Follows: map[id.ID]social.Follow{}}
	for n := id.ID(11); n < 20; n++ {
		rel.Follows[n] = social.Follow{Boosts: true}
	}
	return rel, nil
}

func (town) Forget(id.ID) {}

type server struct {
	*Service
	log *events.Log
	d   *db.DB
	url string
}

// serve is the slice behind HTTP; the header X-As says who asks.
func serve(t *testing.T, d *db.DB) *server {
	log := events.New(d, events.NewLocal())
	s := &server{New(d, log, id.NewSource(1), time.Now, town{}, town{}), log, d, ""}
	s.React(log)
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) })
	s.Routes(rt)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := id.Parse(r.Header.Get("X-As"))
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), access.Actor{ID: who})))
	}))
	s.url = srv.URL
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- log.Run(ctx) }()
	t.Cleanup(func() {
		srv.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) call(t *testing.T, as, method, path, body string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-As", as)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header
}

func (s *server) members(t *testing.T, path string) (names []string, link string) {
	t.Helper()
	status, body, head := s.call(t, "7", "GET", path, "")
	var list []social.Account
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 {
		t.Fatalf("GET %s = %d %s", path, status, body)
	}
	for _, a := range list {
		names = append(names, a.Acct)
	}
	return names, head.Get("Link")
}

func TestListsAreKeptAsAppsSendThem(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		status, body, _ := s.call(t, "7", "POST", "/api/v1/lists", "title=Choir&exclusive=true")
		var l view
		if err := json.Unmarshal([]byte(body), &l); err != nil || status != 200 || l.Replies != "list" || !l.Exclusive {
			t.Fatalf("POST = %d %s", status, body)
		}
		path := "/api/v1/lists/" + l.ID.String()
		for _, c := range []struct {
			as, method, path, body string
			status                 int
			part                   string
		}{
			{"7", "POST", path + "/accounts", "account_ids[]=11&account_ids[]=12", 200, "{}"},
			{"7", "POST", path + "/accounts", `{"account_ids":["13"]}`, 200, "{}"},
			{"7", "POST", path + "/accounts", "account_ids[]=13", 422, "already"},
			{"7", "POST", path + "/accounts", "account_ids[]=99", 404, "follow"},
			{"8", "POST", path + "/accounts", "account_ids[]=11", 404, "not found"},
			{"8", "GET", path, "", 404, "not found"},
			{"8", "GET", path + "/accounts", "", 404, "not found"},
			{"8", "PUT", path, "title=Mine", 404, "not found"},
			{"8", "DELETE", path, "", 404, "not found"},
			{"7", "GET", "/api/v1/accounts/11/lists", "", 200, `"title":"Choir"`},
			{"7", "GET", "/api/v1/accounts/19/lists", "", 200, `[]`},
			{"8", "GET", "/api/v1/accounts/11/lists", "", 200, `[]`},
			{"7", "PUT", path, "title=Band&replies_policy=none", 200, `"replies_policy":"none","exclusive":true`},
			{"7", "PUT", path, "replies_policy=all", 422, "error"},
			{"7", "POST", "/api/v1/lists", "title=+", 422, "error"},
			{"7", "GET", "/api/v1/lists", "", 200, `"title":"Band"`},
			{"8", "GET", "/api/v1/lists", "", 200, `[]`},
			{"0", "GET", "/api/v1/lists", "", 401, "error"},
		} {
			if status, body, _ := s.call(t, c.as, c.method, c.path, c.body); status != c.status || !strings.Contains(body, c.part) {
				t.Errorf("%s %s %s as %s = %d %s; want %d with %s", c.method, c.path, c.body, c.as, status, body, c.status, c.part)
			}
		}
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			out, err := Exclusive(t.Context(), tx, 7)
			if len(out) != 3 {
				t.Errorf("Exclusive = %v; want three", out)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		got, link := s.members(t, path+"/accounts?limit=2")
		if diff := cmp.Diff([]string{"n13", "n12"}, got); diff != "" {
			t.Error(diff)
		}
		_, rest, _ := strings.Cut(link, "max_id=")
		next, _, _ := strings.Cut(rest, ">")
		if got, _ = s.members(t, path+"/accounts?limit=2&max_id="+next); len(got) != 1 || got[0] != "n11" {
			t.Errorf("the second page by %s = %v; want n11", link, got)
		}
		if status, body, _ := s.call(t, "7", "DELETE", path+"/accounts", `{"account_ids":[12]}`); status != 200 {
			t.Errorf("DELETE with a body = %d %s", status, body)
		}
		if got, _ = s.members(t, path+"/accounts?limit=0"); len(got) != 2 {
			t.Errorf("members = %v; want two", got)
		}
		l2, err := s.List(t.Context(), 7, l.ID)
		if err != nil || len(l2.Members) != 2 || l2.Replies != "none" {
			t.Errorf("List = %+v, %v", l2, err)
		}
		if all, err := s.Lists(t.Context(), 7); err != nil || len(all) != 1 || len(all[0].Members) != 2 {
			t.Errorf("Lists = %+v, %v; want one with two members", all, err)
		}
		if status, _, _ := s.call(t, "7", "DELETE", path, ""); status != 200 {
			t.Errorf("DELETE = %d", status)
		}
		if _, err := s.List(t.Context(), 7, l.ID); err == nil {
			t.Error("a deleted list is still there")
		}
	}, events.Schema, Schema)
}

func TestWhoIsFollowedNoMoreLeavesTheLists(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		name := "Choir"
		l, err := s.Add(t.Context(), 7, Input{Title: &name})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddMembers(t.Context(), 7, l.ID, []id.ID{11, 12, 7}); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			return s.log.Append(t.Context(), tx, time.Now(), 7, social.Followed{From: 7, To: 11, Tie: social.TieFollow, Gone: true})
		}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := s.log.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		got, err := s.List(t.Context(), 7, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[id.ID]bool{12: true, 7: true}, got.Members); diff != "" {
			t.Error(diff)
		}
	}, events.Schema, Schema)
}
