package status_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/status"
	"github.com/stoa-town/stoa/internal/social/status/api"
)

// site is a town with its routes. Who asks is told by a header: signing in is not what is tried here.
type site struct {
	*status.Town
	t      *testing.T
	srv    *httptest.Server
	actors map[string]access.Actor
	waits  []status.Draft
}

func (s *site) ActAs(ctx context.Context, a access.Actor, handle string) (id.ID, error) {
	if handle == "" {
		return a.ID, nil
	}
	n, err := s.Resolve(ctx, handle)
	if err == nil && !s.MayActAs(a, n) {
		err = errs.New(errs.Forbidden, "You may not act as this profile.")
	}
	return n, err
}

func (s *site) Later(_ context.Context, account id.ID, at time.Time, doc status.Draft, params json.RawMessage) (any, error) {
	s.waits = append(s.waits, doc)
	return map[string]any{"id": "1", "scheduled_at": at, "params": params}, nil
}

func newSite(t *testing.T) *site {
	s := &site{Town: status.NewTown(t), t: t, actors: map[string]access.Actor{}}
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil, httpx.Address(func() string { return "https://town.example" }))
	api.New(s.Service, s.Town, s, s).Routes(rt)
	s.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), s.actors[r.Header.Get("X-Actor")])))
	}))
	t.Cleanup(s.srv.Close)
	return s
}

func (s *site) join(name string) access.Actor {
	a := s.Person(name)
	s.actors[name] = a
	return a
}

// ask sends a request; body is JSON where it begins with a brace, else a form.
func (s *site) ask(as, method, path, body string, headers ...string) (int, http.Header, string) {
	s.t.Helper()
	kind := "application/x-www-form-urlencoded"
	if strings.HasPrefix(body, "{") {
		kind = "application/json"
	}
	return s.send(as, method, path, kind, strings.NewReader(body), headers...)
}

func (s *site) send(as, method, path, kind string, body io.Reader, headers ...string) (int, http.Header, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.srv.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Actor", as)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.srv.Client().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(out)
}

// ok is ask for what must succeed; it returns the status.
func (s *site) ok(as, method, path, body string, headers ...string) (st social.Status) {
	s.t.Helper()
	code, _, out := s.ask(as, method, path, body, headers...)
	if code != 200 {
		s.t.Fatalf("%s %s by %s = %d %s", method, path, as, code, out)
	}
	if err := json.Unmarshal([]byte(out), &st); err != nil {
		s.t.Fatalf("%s %s = %s: %v", method, path, out, err)
	}
	return st
}

func TestAnAppPostsInEveryForm(t *testing.T) {
	s := newSite(t)
	s.join("anna")
	one := s.IDs.Next()
	s.Loose(one)
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	for k, v := range map[string]string{"status": "In parts", "sensitive": "True", "poll[options][]": "a", "poll[expires_in]": "3600"} {
		_ = m.WriteField(k, v)
	}
	_ = m.WriteField("poll[options][]", "b")
	m.Close()
	for name, c := range map[string]struct {
		kind, body string
		check      func(st social.Status) bool
	}{
		"json": {"application/json", `{"status":"Hello","spoiler_text":"cw","visibility":"unlisted","language":"de","media_ids":["` + one.String() + `"],"in_reply_to_id":null,"poll":null}`, func(st social.Status) bool {
			return st.SpoilerText == "cw" && st.Sensitive && st.Visibility == "unlisted" && *st.Language == "de" && len(st.Media) == 1 && st.Content == "<p>Hello</p>"
		}},
		"form": {"application/x-www-form-urlencoded", url.Values{"status": {"A & B"}, "poll[options][]": {"x", "y"}, "poll[expires_in]": {"86400"}, "poll[multiple]": {"1"}}.Encode(), func(st social.Status) bool {
			return st.Content == "<p>A &amp; B</p>" && st.Poll != nil && st.Poll.Multiple && len(st.Poll.Options) == 2
		}},
		"parts": {m.FormDataContentType(), parts.String(), func(st social.Status) bool { return st.Sensitive && st.Poll != nil && st.Poll.Options[1].Title == "b" }},
		"town": {"application/json", `{"status":"Ours","visibility":"town"}`, func(st social.Status) bool {
			return st.Visibility == "public" && st.LocalOnly && st.Stoa.Visibility == social.Town
		}},
		"local": {"application/x-www-form-urlencoded", "status=Ours&local_only=true", func(st social.Status) bool { return st.LocalOnly }},
	} {
		code, h, out := s.send("anna", "POST", "/api/v1/statuses", c.kind, strings.NewReader(c.body))
		var st social.Status
		if err := json.Unmarshal([]byte(out), &st); err != nil || code != 200 || !c.check(st) || !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s", name, code, out)
		}
	}
}

// TestWhatAppsCannotDoWithout holds a status to what real apps read without looking whether it is there.
func TestWhatAppsCannotDoWithout(t *testing.T) {
	s := newSite(t)
	anna := s.join("anna")
	n := s.Say(anna, "Hello")
	for _, as := range []string{"anna", ""} {
		_, _, out := s.ask(as, "GET", "/api/v1/statuses/"+n.String(), "")
		var st map[string]json.RawMessage
		if err := json.Unmarshal([]byte(out), &st); err != nil {
			t.Fatal(err)
		}
		for _, key := range strings.Fields("id uri url account content created_at edited_at emojis reblogs_count favourites_count replies_count quotes_count sensitive spoiler_text visibility media_attachments mentions tags " +
			"card poll reblog quote quote_approval in_reply_to_id in_reply_to_account_id language favourited reblogged bookmarked muted pinned filtered") {
			if _, ok := st[key]; !ok {
				t.Errorf("%q is not told to %q", key, as)
			}
		}
		for _, key := range strings.Fields("emojis media_attachments mentions tags filtered") {
			if string(st[key]) != "[]" {
				t.Errorf("%s = %s; want []", key, st[key])
			}
		}
		if !regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"$`).Match(st["created_at"]) || string(st["edited_at"]) != "null" || string(st["id"]) != `"`+n.String()+`"` {
			t.Errorf("created_at %s, edited_at %s, id %s", st["created_at"], st["edited_at"], st["id"])
		}
		if !strings.HasPrefix(out, `{"id":"`) {
			t.Errorf("a status begins with its id: %s", out[:40])
		}
	}
}

func TestErrorsOfTheAPI(t *testing.T) {
	s := newSite(t)
	anna := s.join("anna")
	s.join("ben")
	secret, err := s.Post(t.Context(), anna, status.Draft{Text: "x", Visibility: social.Direct})
	if err != nil {
		t.Fatal(err)
	}
	open := s.Say(anna, "open")
	for _, c := range []struct {
		as, method, path, body string
		code                   int
		says                   string
	}{
		{"", "POST", "/api/v1/statuses", "status=x", 401, `"error"`},
		{"ben", "GET", "/api/v1/statuses/" + secret.String(), "", 404, `{"error":"Record not found"`},
		{"ben", "GET", "/api/v1/statuses/nonsense", "", 404, `"error"`},
		{"ben", "GET", "/api/v1/statuses/" + secret.String() + "/context", "", 404, `"error"`},
		{"ben", "POST", "/api/v1/statuses/" + secret.String() + "/favourite", "", 404, `"error"`},
		{"ben", "POST", "/api/v1/statuses/" + secret.String() + "/reblog", "", 404, `"error"`},
		{"ben", "PUT", "/api/v1/statuses/" + open.String(), "status=mine", 404, `"error"`},
		{"ben", "DELETE", "/api/v1/statuses/" + open.String(), "", 404, `"error"`},
		{"ben", "GET", "/api/v1/statuses/" + open.String() + "/source", "", 404, `"error"`},
		{"ben", "POST", "/api/v1/statuses", "status=", 422, "Validation failed: Text can't be blank"},
		{"ben", "POST", "/api/v1/statuses", "status=x&visibility=nobody", 422, "Validation failed"},
		{"ben", "POST", "/api/v1/statuses", "status=x&in_reply_to_id=" + secret.String(), 404, "Record not found"},
		{"ben", "POST", "/api/v1/statuses", "status=x&quoted_status_id=" + secret.String(), 404, "Record not found"},
		{"ben", "POST", "/api/v1/statuses", "status=x&as=anna", 403, `"error"`},
		{"ben", "POST", "/api/v1/statuses/" + open.String() + "/reblog", "visibility=loud", 422, "Validation failed"},
		{"ben", "POST", "/api/v1/statuses/" + open.String() + "/pin", "", 422, "Validation failed"},
		{"ben", "POST", "/api/v1/polls/5/votes", "choices[]=0", 404, `"error"`},
		{"", "POST", "/api/v1/statuses/" + open.String() + "/favourite", "", 401, `"error"`},
	} {
		code, _, out := s.ask(c.as, c.method, c.path, c.body)
		if code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s %s %s by %q = %d %s; want %d with %s", c.method, c.path, c.body, c.as, code, out, c.code, c.says)
		}
	}
}

func TestADayWithAStatus(t *testing.T) {
	s := newSite(t)
	s.join("anna")
	s.join("ben")
	key := []string{"Idempotency-Key", "k1"}
	st := s.ok("anna", "POST", "/api/v1/statuses", "status=Hello", key...)
	if again := s.ok("anna", "POST", "/api/v1/statuses", "status=Hello", key...); again.ID != st.ID {
		t.Errorf("the same key gave %s and %s", st.ID, again.ID)
	}
	at := "/api/v1/statuses/" + st.ID.String()
	for _, c := range []struct {
		do   string
		told func(social.Status) bool
	}{
		{"favourite", func(st social.Status) bool { return st.Favourited && st.Favourites == 1 }},
		{"unfavourite", func(st social.Status) bool { return !st.Favourited && st.Favourites == 0 }},
		{"bookmark", func(st social.Status) bool { return st.Bookmarked }},
		{"unbookmark", func(st social.Status) bool { return !st.Bookmarked }},
		{"mute", func(st social.Status) bool { return st.Muted }},
		{"unmute", func(st social.Status) bool { return !st.Muted }},
		{"reblog", func(b social.Status) bool {
			return b.ID != st.ID && b.Reblog != nil && b.Reblog.ID == st.ID && b.Reblog.Reblogged && b.Reblog.Boosts == 1
		}},
		{"unreblog", func(b social.Status) bool { return b.ID == st.ID && !b.Reblogged && b.Boosts == 0 }},
	} {
		if got := s.ok("ben", "POST", at+"/"+c.do, ""); !c.told(got) {
			t.Errorf("%s: %+v", c.do, got)
		}
	}
	if got := s.ok("anna", "POST", at+"/pin", ""); !got.Pinned {
		t.Errorf("pin: %+v", got)
	}
	if got := s.ok("anna", "PUT", at, `{"status":"Good morning","quote_approval_policy":"nobody"}`); got.Content != "<p>Good morning</p>" || got.EditedAt == nil {
		t.Errorf("edit: %+v", got)
	}
	if code, _, out := s.ask("anna", "GET", at+"/source", ""); code != 200 || out != `{"id":"`+st.ID.String()+`","text":"Good morning","spoiler_text":""}` {
		t.Errorf("source: %d %s", code, out)
	}
	if code, _, out := s.ask("ben", "GET", at+"/history", ""); code != 200 || strings.Count(out, `"content"`) != 2 || !strings.Contains(out, "Good morning") {
		t.Errorf("history: %d %s", code, out)
	}
	if code, _, out := s.ask("ben", "POST", "/api/v1/statuses", "status=see&quoted_status_id="+st.ID.String()); code != 403 {
		t.Errorf("a quote that nobody may: %d %s", code, out)
	}
	if got := s.ok("anna", "PUT", at+"/interaction_policy", "quote_approval_policy=public"); got.Approval.Automatic[0] != "public" {
		t.Errorf("policy: %+v", got.Approval)
	}
	q := s.ok("ben", "POST", "/api/v1/statuses", "status=see&quoted_status_id="+st.ID.String())
	if q.Quote == nil || q.Quote.State != "accepted" || q.Quote.Status.ID != st.ID {
		t.Errorf("quote: %+v", q.Quote)
	}
	if code, _, out := s.ask("anna", "GET", at+"/quotes", ""); code != 200 || !strings.HasPrefix(out, `[{"id":"`+q.ID.String()) {
		t.Errorf("quotes: %d %s", code, out)
	}
	if got := s.ok("anna", "POST", at+"/quotes/"+q.ID.String()+"/revoke", ""); got.Quote.State != "revoked" || got.Quote.Status != nil {
		t.Errorf("revoked: %+v", got.Quote)
	}
	answer := s.ok("ben", "POST", "/api/v1/statuses", `{"status":"And you?","in_reply_to_id":"`+st.ID.String()+`"}`)
	var thread struct{ Ancestors, Descendants []social.Status }
	_, _, out := s.ask("", "GET", "/api/v1/statuses/"+answer.ID.String()+"/context", "")
	if err := json.Unmarshal([]byte(out), &thread); err != nil || len(thread.Ancestors) != 1 || thread.Ancestors[0].ID != st.ID || thread.Descendants == nil {
		t.Errorf("context: %s, %v", out, err)
	}
	_, _, out = s.ask("", "GET", fmt.Sprintf("/api/v1/statuses?id[]=%s&id[]=%s&id[]=5", st.ID, answer.ID), "")
	var list []social.Status
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 || list[1].ID != answer.ID || list[0].Replies != 1 {
		t.Errorf("by ids: %s, %v", out, err)
	}
	code, _, out := s.ask("anna", "DELETE", at, "")
	if code != 200 || !strings.Contains(out, `"text":"Good morning"`) || !strings.Contains(out, `"id":"`+st.ID.String()) {
		t.Errorf("delete: %d %s", code, out)
	}
	if code, _, _ := s.ask("anna", "GET", at, ""); code != 404 {
		t.Errorf("after deleting: %d", code)
	}
	if code, _, out := s.ask("anna", "POST", "/api/v1/statuses", "status=Tomorrow&scheduled_at=2026-11-23T12:00:00Z"); code != 200 || len(s.waits) != 1 || s.waits[0].Text != "Tomorrow" || !strings.Contains(out, `"params":{"text":"Tomorrow"`) {
		t.Errorf("scheduled: %d %s", code, out)
	}
}

func TestListsOfPeopleGoByHiddenIDs(t *testing.T) {
	s := newSite(t)
	anna := s.join("anna")
	n := s.Say(anna, "Hello")
	var names []string
	for i := range 7 {
		name := fmt.Sprintf("p%d", i)
		s.join(name)
		names = append([]string{name}, names...)
		s.ok(name, "POST", "/api/v1/statuses/"+n.String()+"/favourite", "")
		s.ok(name, "POST", "/api/v1/statuses/"+n.String()+"/reblog", "")
	}
	for _, list := range []string{"favourited_by", "reblogged_by"} {
		var got []string
		path := "/api/v1/statuses/" + n.String() + "/" + list + "?limit=3"
		for rounds := 0; path != ""; rounds++ {
			code, h, out := s.ask("anna", "GET", path, "")
			var page []social.Account
			if err := json.Unmarshal([]byte(out), &page); err != nil || code != 200 || rounds > 5 {
				t.Fatalf("%s = %d %s", path, code, out)
			}
			for _, a := range page {
				got = append(got, a.Username)
			}
			path = ""
			if m := regexp.MustCompile(`<https://town\.example([^>]+)>; rel="next"`).FindStringSubmatch(h.Get("Link")); m != nil {
				path = m[1]
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(names) {
			t.Errorf("%s = %v; want %v", list, got, names)
		}
	}
}

func TestAPollOverHTTP(t *testing.T) {
	s := newSite(t)
	s.join("anna")
	s.join("ben")
	st := s.ok("anna", "POST", "/api/v1/statuses", `{"status":"?","poll":{"options":["a","b"],"expires_in":"3600","multiple":false}}`)
	at := "/api/v1/polls/" + st.Poll.ID.String()
	for _, c := range []struct {
		method, body string
		code         int
		says         string
	}{
		{"GET", "", 200, `"voted":false,"own_votes":[]`},
		{"POST", "choices[]=0&choices[]=1", 422, "Validation failed"},
		{"POST", `{"choices":["1"]}`, 200, `"voted":true,"own_votes":[1]`},
		{"POST", `{"choices":[0]}`, 422, "already voted"},
		{"GET", "", 200, `"votes_count":1,"voters_count":1`},
	} {
		path := at
		if c.method == "POST" {
			path += "/votes"
		}
		if code, _, out := s.ask("ben", c.method, path, c.body); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s %s = %d %s; want %d with %s", c.method, c.body, code, out, c.code, c.says)
		}
	}
	if _, _, out := s.ask("", "GET", at, ""); strings.Contains(out, "own_votes") {
		t.Errorf("for strangers: %s", out)
	}
}
