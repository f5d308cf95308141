package group

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

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

var now = time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC)

// faces are the profiles that groups see: what social/profile does with them is tested there.
type faces struct {
	mu      sync.Mutex
	groups  map[id.ID]social.GroupCard
	changed []id.ID
}

func (f *faces) AddGroup(ctx context.Context, tx *db.Tx, g social.GroupCard, hidden bool) error {
	return f.ChangeGroup(ctx, tx, g, hidden)
}

func (f *faces) ChangeGroup(_ context.Context, _ *db.Tx, g social.GroupCard, _ bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.groups[g.ID] = g
	return nil
}

func (f *faces) RemoveGroup(_ context.Context, _ *db.Tx, group id.ID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.groups, group)
	return nil
}

func (f *faces) Resolve(_ context.Context, handle string) (id.ID, error) {
	var n id.ID
	if _, err := fmt.Sscanf(strings.TrimPrefix(handle, "@"), "p%d", &n); err != nil {
		return 0, errs.New(errs.NotFound, "Record not found")
	}
	return n, nil
}

func (f *faces) Entities(_ context.Context, ids []id.ID) (map[id.ID]*social.Account, error) {
	out := map[id.ID]*social.Account{}
	for _, p := range ids {
		out[p] = &social.Account{ID: p, Acct: "p" + p.String()}
	}
	return out, nil
}

// board holds which status was written in which group.
type board map[id.ID]id.ID

func (b board) TakeDown(_ context.Context, group, status, _ id.ID) error {
	if b[status] != group {
		return errs.New(errs.NotFound, "Record not found")
	}
	delete(b, status)
	return nil
}

type stage struct {
	*Service
	faces *faces
	board board
	log   *events.Log
}

func setup(d *db.DB, opt Options) *stage {
	s := &stage{faces: &faces{groups: map[id.ID]social.GroupCard{}}, board: board{}, log: events.New(d, events.NewLocal())}
	opt.Changed = func(account id.ID) {
		s.faces.mu.Lock()
		defer s.faces.mu.Unlock()
		s.faces.changed = append(s.faces.changed, account)
	}
	s.Service = New(d, s.log, id.NewSource(1), func() time.Time { return now }, s.faces, s.board, opt)
	return s
}

// each runs a test on both engines.
func each(t *testing.T, opt Options, fn func(t *testing.T, s *stage)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { fn(t, setup(d, opt)) }, Schema, events.Schema)
}

func as(t *testing.T, account id.ID) context.Context {
	return access.With(t.Context(), access.Actor{ID: account})
}

func ptr[T any](v T) *T { return &v }

// make1 has person 1 make a group.
func make1(t *testing.T, s *stage, handle string, closed bool, how Joining) *Group {
	t.Helper()
	g, err := s.Create(as(t, 1), Input{Handle: handle, Name: ptr("Choir of " + handle), Closed: closed, Joining: ptr(string(how))})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (s *stage) members(t *testing.T, handle string, reader id.ID) (count int64, listed int) {
	t.Helper()
	g, err := s.Get(as(t, reader), handle)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.People(as(t, reader), handle, Member, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return g.Members, len(p.Items)
}

func TestWaysIn(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s *stage) {
		make1(t, s, "street", false, Freely)
		make1(t, s, "choir", true, ByAsking)
		make1(t, s, "board", true, ByInvite)

		if g, err := s.Join(as(t, 2), "street"); err != nil || g.Role != Member || g.Members != 2 {
			t.Fatalf("join an open group = %+v, %v", g, err)
		}
		g, err := s.Join(as(t, 2), "choir")
		if err != nil || g.Role != Asked || g.Members != 1 {
			t.Fatalf("ask to join = %+v, %v", g, err)
		}
		if _, err := s.People(as(t, 2), "choir", Member, "", 0); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("who is in a closed group, asked by who only asked = %v; want forbidden", err)
		}
		if _, err := s.SetRole(as(t, 2), "choir", 2, Member); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("letting oneself in = %v; want forbidden", err)
		}
		if g, err := s.Get(as(t, 1), "choir"); err != nil || g.Asking != 1 {
			t.Fatalf("asking = %+v, %v; want 1", g, err)
		}
		if g, err := s.SetRole(as(t, 1), "choir", 2, Member); err != nil || g.Members != 2 {
			t.Fatalf("let in = %+v, %v", g, err)
		}
		for name, err := range map[string]error{
			"read": func() error { _, err := s.Get(as(t, 2), "board"); return err }(),
			"join": func() error { _, err := s.Join(as(t, 2), "board"); return err }(),
		} {
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("%s a group by invitation = %v; want not found", name, err)
			}
		}
		if _, err := s.Invite(as(t, 1), "board", "@p2"); err != nil {
			t.Fatal(err)
		}
		if g, err := s.Join(as(t, 2), "board"); err != nil || g.Role != Member {
			t.Fatalf("accept an invitation = %+v, %v", g, err)
		}
		if _, err := s.Invite(as(t, 2), "board", "p3"); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("a member invites = %v; want forbidden", err)
		}
		if _, err := s.Invite(as(t, 1), "board", "nobody"); !errs.Is(err, errs.Invalid) {
			t.Fatalf("inviting nobody = %v; want invalid", err)
		}
		if groups, err := s.Groups(t.Context(), 2); err != nil || len(groups) != 3 {
			t.Fatalf("groups of 2 = %v, %v; want three", groups, err)
		}
		if len(s.faces.changed) != 3+3 { // three were made, three joined
			t.Errorf("told %d times at once; want 6", len(s.faces.changed))
		}
	})
}

func TestOwnersAndModerators(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s *stage) {
		g := make1(t, s, "street", false, Freely)
		for p := id.ID(2); p <= 5; p++ {
			if _, err := s.Join(as(t, p), "street"); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Leave(as(t, 1), "street"); errs.CodeOf(err) != "last_owner" {
			t.Fatalf("the last owner leaves = %v; want last_owner", err)
		}
		if _, err := s.SetRole(as(t, 1), "street", 1, Member); errs.CodeOf(err) != "last_owner" {
			t.Fatalf("the last owner steps down = %v; want last_owner", err)
		}
		if _, err := s.SetRole(as(t, 1), "street", 2, Moderator); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SetRole(as(t, 2), "street", 3, Moderator); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("a moderator makes another = %v; want forbidden", err)
		}
		if _, err := s.SetRole(as(t, 2), "street", 1, Stranger); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("a moderator removes the owner = %v; want forbidden", err)
		}
		if _, err := s.SetRole(as(t, 3), "street", 4, Stranger); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("a member removes another = %v; want forbidden", err)
		}
		if _, err := s.SetRole(as(t, 2), "street", 4, Barred); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Join(as(t, 4), "street"); errs.CodeOf(err) != "barred" {
			t.Fatalf("who was barred joins = %v; want barred", err)
		}
		if n, listed := s.members(t, "street", 1); n != 4 || listed != 4 {
			t.Fatalf("%d members, %d listed; want 4", n, listed)
		}
		s.board[100], s.board[101] = g.ID, g.ID+1
		if err := s.RemovePost(as(t, 3), "street", 100); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("a member removes a post = %v; want forbidden", err)
		}
		if err := s.RemovePost(as(t, 2), "street", 101); !errs.Is(err, errs.NotFound) {
			t.Fatalf("removing another group's post = %v; want not found", err)
		}
		if err := s.RemovePost(as(t, 2), "street", 100); err != nil || len(s.board) != 1 {
			t.Fatalf("a moderator removes a post = %v, %d left", err, len(s.board))
		}
		if _, err := s.SetRole(as(t, 1), "street", 2, Owner); err != nil {
			t.Fatal(err)
		}
		if err := s.Leave(as(t, 1), "street"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(as(t, 1), "street", Input{Name: ptr("Mine")}); !errs.Is(err, errs.Forbidden) {
			t.Fatalf("changing a group one has left = %v; want forbidden", err)
		}
		if g, err := s.Update(as(t, 2), "street", Input{Name: ptr("Lane"), Rules: ptr("1. Be kind.\n2. No adverts.")}); err != nil || g.Name != "Lane" {
			t.Fatalf("change = %+v, %v", g, err)
		}
		if s.faces.groups[g.ID].Name != "Lane" {
			t.Errorf("the profile is called %q", s.faces.groups[g.ID].Name)
		}
		if err := s.Delete(as(t, 2), "street"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(as(t, 2), "street"); !errs.Is(err, errs.NotFound) {
			t.Fatalf("a deleted group = %v; want not found", err)
		}
		make1(t, s, "street", false, Freely) // the handle is free again
	})
}

func TestGroupIsFullOnce(t *testing.T) {
	each(t, Options{MaxMembers: 10}, func(t *testing.T, s *stage) {
		make1(t, s, "small", false, Freely)
		var work sync.WaitGroup
		out := make([]error, 60)
		for i := range out {
			ctx := as(t, id.ID(i/2+2)) // everybody tries twice
			work.Go(func() { _, out[i] = s.Join(ctx, "small") })
		}
		work.Wait()
		for _, err := range out {
			if err != nil && errs.CodeOf(err) != "group_full" {
				t.Fatal(err)
			}
		}
		if n, listed := s.members(t, "small", 1); n != 10 || listed != 10 {
			t.Fatalf("%d members, %d listed; want 10", n, listed)
		}
	})
}

func TestLeavingTownHandsGroupsOn(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s *stage) {
		make1(t, s, "street", false, Freely)
		make1(t, s, "alone", false, Freely)
		for p := id.ID(2); p <= 4; p++ {
			if _, err := s.Join(as(t, p), "street"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.SetRole(as(t, 1), "street", 3, Moderator); err != nil {
			t.Fatal(err)
		}
		part := s.Personal()
		if n, err := part.Count(t.Context(), 1); err != nil || n != 2 {
			t.Fatalf("count = %d, %v; want 2", n, err)
		}
		for range 2 { // doing it again changes nothing
			if err := s.db.Write(t.Context(), func(tx *db.Tx) error {
				e, err := part.Erase(t.Context(), tx, 1)
				if e.More {
					t.Error("there is no more")
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		g, err := s.Get(as(t, 3), "street")
		if err != nil || g.Role != Owner || g.Members != 3 {
			t.Fatalf("the moderator's group = %+v, %v; want them as owner of 3", g, err)
		}
		if _, err := s.Get(as(t, 3), "alone"); !errs.Is(err, errs.NotFound) {
			t.Fatalf("the group that nobody is left in = %v; want not found", err)
		}
	})
}

func TestMayPost(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s *stage) {
		g := make1(t, s, "choir", true, ByAsking)
		secret := make1(t, s, "board", true, ByInvite)
		if closed, err := s.MayPost(t.Context(), 1, g.ID); err != nil || !closed {
			t.Fatalf("the owner may post = %v, %v; want in a closed group", closed, err)
		}
		if _, err := s.MayPost(t.Context(), 2, g.ID); errs.CodeOf(err) != "not_a_member" {
			t.Fatalf("a stranger may post = %v; want not_a_member", err)
		}
		if _, err := s.MayPost(t.Context(), 2, secret.ID); !errs.Is(err, errs.NotFound) {
			t.Fatalf("a stranger may post in a group by invitation = %v; want not found", err)
		}
		cards, err := s.GroupCards(t.Context(), []id.ID{g.ID, 5})
		if err != nil || len(cards) != 1 || cards[g.ID].Handle != "choir" || !cards[g.ID].Closed {
			t.Fatalf("cards = %v, %v; want that of the choir", cards, err)
		}
		if ok, err := s.Moderates(t.Context(), 1, g.ID); err != nil || !ok {
			t.Fatalf("the owner moderates = %v, %v", ok, err)
		}
		if ok, err := s.Moderates(t.Context(), 2, g.ID); err != nil || ok {
			t.Fatalf("a stranger moderates = %v, %v", ok, err)
		}
	})
}

func TestREST(t *testing.T) {
	s := setup(dbtest.SQLite(t, Schema, events.Schema), Options{MaxOwned: 4})
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, r *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	s.Routes(rt)
	for _, h := range []string{"anger", "beach", "cloud"} {
		make1(t, s, h, false, Freely)
	}
	const p = httpx.Prefix + "/groups"
	for _, c := range []struct {
		name               string
		person             id.ID
		method, path, body string
		status             int
		want               string
	}{
		{"list", 0, "GET", p + "?limit=2", "", 200, `"next":"`},
		{"search", 0, "GET", p + "?q=CLOUD", "", 200, `"handle":"cloud"`},
		{"search for a wildcard", 0, "GET", p + "?q=%25", "", 200, `{"items":[]}`},
		{"mine as a guest", 0, "GET", p + "?mine=true", "", 401, "sign in"},
		{"mine", 1, "GET", p + "?mine=true", "", 200, `"role":"owner"`},
		{"make as a guest", 0, "POST", p, `{"handle":"x1","name":"X"}`, 401, "sign in"},
		{"make without a name", 1, "POST", p, `{"handle":"x1"}`, 422, `"path":"body.name"`},
		{"make with a wrong handle", 1, "POST", p, `{"handle":"X 1","name":"X"}`, 422, `"path":"body.handle"`},
		{"make closed and open", 1, "POST", p, `{"handle":"x1","name":"X","closed":true,"joining":"open"}`, 422, `"path":"body.joining"`},
		{"make", 1, "POST", p, `{"handle":"@Oak_Lane","name":" Oak  Lane ","about":"Who lives here.\n\nAll of us."}`, 201, `"name":"Oak Lane"`},
		{"make one too many", 1, "POST", p, `{"handle":"x2","name":"X"}`, 409, "too_many_groups"},
		{"make it again", 2, "POST", p, `{"handle":"oak_lane","name":"Mine"}`, 409, "handle_taken"},
		{"read", 0, "GET", p + "/oak_lane", "", 200, `"about":"Who lives here.\n\nAll of us."`},
		{"read nothing", 0, "GET", p + "/nothing", "", 404, "no such group"},
		{"ask", 2, "POST", p + "/oak_lane/join", "", 200, `"role":"asked"`},
		{"who asks, for a stranger", 3, "GET", p + "/oak_lane/people?which=asked", "", 403, "moderate"},
		{"who asks", 1, "GET", p + "/oak_lane/people?which=asked", "", 200, `"handle":"p2"`},
		{"let in", 1, "PUT", p + "/oak_lane/people/2", `{"role":"member"}`, 200, `"members":2`},
		{"who is in", 0, "GET", p + "/oak_lane/people", "", 200, `"role":"member"`},
		{"change as a member", 2, "PATCH", p + "/oak_lane", `{"name":"Mine"}`, 403, "owners"},
		{"close it", 1, "PATCH", p + "/oak_lane", `{"closed":true}`, 422, `"path":"body.closed"`},
		{"change", 1, "PATCH", p + "/oak_lane", `{"joining":"open"}`, 200, `"joining":"open"`},
		{"invite", 2, "POST", p + "/oak_lane/invitations", `{"account":"p3"}`, 200, `"role":"member"`},
		{"decline", 3, "POST", p + "/oak_lane/leave", "", 204, ""},
		{"remove a stranger", 1, "DELETE", p + "/oak_lane/people/3", "", 404, "nobody"},
		{"remove", 1, "DELETE", p + "/oak_lane/people/2", "", 204, ""},
		{"end", 1, "DELETE", p + "/oak_lane", "", 204, ""},
		{"read what has ended", 1, "GET", p + "/oak_lane", "", 404, "no such group"},
	} {
		ctx := t.Context()
		if c.person != 0 {
			ctx = as(t, c.person)
		}
		r := httptest.NewRequestWithContext(ctx, c.method, c.path, strings.NewReader(c.body))
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %s %s = %d %s; want %d with %s", c.name, c.method, c.path, w.Code, w.Body, c.status, c.want)
		}
	}
	list, err := s.log.Since(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range list {
		kind := e.Kind
		if kind == social.KindNotice {
			var n social.Notice
			if err := json.Unmarshal(e.Data, &n); err != nil {
				t.Fatal(err)
			}
			kind = n.Type
		}
		kinds[kind]++
	}
	want := map[string]int{social.KindFollowed: 4 + 1 + 1 + 1, social.NoticeGroupRequest: 1, social.NoticeGroupJoined: 1, social.NoticeGroupInvite: 1}
	for k, n := range want {
		if kinds[k] != n {
			t.Errorf("%d events %s; want %d (all: %v)", kinds[k], k, n, kinds)
		}
	}
}
