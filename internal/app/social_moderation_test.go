package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/moderation"
)

// keeper adds a moderator whose app may do everything that moderators do.
func (c *circle) keeper(t *testing.T, name string, roles ...access.Grant) access.Actor {
	t.Helper()
	a := c.person(t, name, strings.ToUpper(name[:1])+name[1:], roles...)
	c.admits(t, name, a)
	return a
}

func (c *circle) admits(t *testing.T, name string, a access.Actor) {
	t.Helper()
	token, err := c.Accounts.CreateToken(t.Context(), a.ID, "moderation", []string{"read", "write", "admin:read", "admin:write"})
	if err != nil {
		t.Fatal(err)
	}
	c.people[name], c.tokens[name] = a, token
}

var moderator = access.Grant{Role: access.RoleModerator}

// posts posts as somebody and returns the status' id.
func (c *circle) posts(t *testing.T, who string, body obj) id.ID {
	t.Helper()
	return do[named](t, c, who, "POST /api/v1/statuses", body).ID
}

// onePoint is a picture of one point.
const onePoint = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"

func (c *circle) picture(t *testing.T, who string) string {
	t.Helper()
	body := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n" + onePoint + "\r\n--x--\r\n"
	req, err := http.NewRequestWithContext(t.Context(), "POST", c.url+"/api/v2/media", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.tokens[who])
	req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode >= 300 {
		t.Fatalf("a picture = %d, %v", res.StatusCode, err)
	}
	return out.ID
}

// seen is how a status is met in one place: not at all, or openly, or covered.
type seen string

const (
	gone    seen = "gone"
	plain   seen = "open"
	covered seen = "covered"
)

// meet looks for a status in an answer.
func gather(r reply, status id.ID) seen {
	if r.status >= 300 {
		return gone
	}
	var doc any
	if json.Unmarshal(r.body, &doc) != nil { // a page
		if strings.Contains(string(r.body), status.String()) {
			return plain
		}
		return gone
	}
	out := gone
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if v["id"] == status.String() && v["content"] != nil {
				if out = plain; v["sensitive"] == true {
					out = covered
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(doc)
	return out
}

// ways are the ways to reach bad's status, by what they are called.
func ways(bad, status id.ID) map[string][2]string {
	n := status.String()
	return map[string][2]string{
		"itself, for strangers":           {"", "GET /api/v1/statuses/" + n},
		"itself, for neighbours":          {"nora", "GET /api/v1/statuses/" + n},
		"its page":                        {"", "GET /@bad/" + n},
		"several at once":                 {"nora", "GET /api/v1/statuses?id[]=" + n},
		"the author's posts":              {"nora", "GET /api/v1/accounts/" + bad.String() + "/statuses"},
		"the author's page":               {"", "GET /@bad"},
		"the public timeline":             {"", "GET /api/v1/timelines/public"},
		"the local timeline":              {"nora", "GET /api/v1/timelines/public?local=true"},
		"the hashtag":                     {"nora", "GET /api/v1/timelines/tag/pasta"},
		"what is said of the link":        {"nora", "GET /api/v1/timelines/link?url=https://noodles.example/feast"},
		"the search":                      {"nora", "GET /api/v2/search?type=statuses&q=noodlefeast"},
		"a follower's home":               {"fred", "GET /api/v1/timelines/home"},
		"a follower's public timeline":    {"fred", "GET /api/v1/timelines/public?local=true"},
		"a boost in the booster's posts":  {"nora", "GET /api/v1/accounts/%boo%/statuses"},
		"favourites":                      {"fred", "GET /api/v1/favourites"},
		"bookmarks":                       {"fred", "GET /api/v1/bookmarks"},
		"the answer's context":            {"nora", "GET /api/v1/statuses/%answer%/context"},
		"the notification of a mention":   {"fred", "GET /api/v1/notifications?types[]=mention"},
		"the town's page of posts":        {"", "GET /town"},
		"a follower's grouped mentions":   {"fred", "GET /api/v2/notifications?types[]=mention"},
		"the list of a follower":          {"fred", "GET /api/v1/timelines/list/%list%"},
		"the followed hashtag of someone": {"tim", "GET /api/v1/timelines/home"},
	}
}

func TestEveryActionHasItsEffectOnEveryWayToAStatusUntilItIsUndone(t *testing.T) {
	onBothCircles(t, "bad fred nora boo tim", func(t *testing.T, c *circle) {
		c.keeper(t, "mona", moderator)
		bad := c.people["bad"].ID
		do[obj](t, c, "fred", "POST /api/v1/accounts/"+bad.String()+"/follow", obj{})
		do[obj](t, c, "tim", "POST /api/v1/tags/pasta/follow", obj{})
		list := do[named](t, c, "fred", "POST /api/v1/lists", obj{"title": "those"}).ID
		do[obj](t, c, "fred", fmt.Sprintf("POST /api/v1/lists/%s/accounts", list), obj{"account_ids": []string{bad.String()}})
		do[obj](t, c, "bad", "PATCH /api/v1/accounts/update_credentials", obj{"discoverable": true, "indexable": true})
		status := c.posts(t, "bad", obj{"status": "noodlefeast @fred #pasta https://noodles.example/feast", "media_ids": []string{c.picture(t, "bad")}})
		answer := c.posts(t, "nora", obj{"status": "hm", "in_reply_to_id": status.String()})
		do[obj](t, c, "boo", "POST /api/v1/statuses/"+status.String()+"/reblog", obj{})
		do[obj](t, c, "fred", "POST /api/v1/statuses/"+status.String()+"/favourite", obj{})
		do[obj](t, c, "fred", "POST /api/v1/statuses/"+status.String()+"/bookmark", obj{})
		c.settle(t)
		look := func() map[string]seen {
			out := map[string]seen{}
			for name, w := range ways(bad, status) {
				line := strings.NewReplacer("%boo%", c.people["boo"].ID.String(), "%answer%", answer.String(), "%list%", list.String()).Replace(w[1])
				out[name] = gather(c.ask(t, w[0], line, nil), status)
			}
			return out
		}
		settled := func(name string, want map[string]seen) {
			t.Helper()
			var got map[string]seen
			for range 25 { // other parts hear of it by the log
				if got = look(); cmp.Equal(got, want) {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(want, got))
		}
		all := func(s seen, but ...string) map[string]seen {
			out := map[string]seen{}
			for name := range ways(bad, status) {
				if out[name] = s; s == covered && strings.Contains(name, "page") {
					out[name] = plain // pages have other words for it
				}
				if slices.Contains(but, name) {
					out[name] = gone
				}
			}
			return out
		}
		before := look()
		for name, s := range before {
			if s != plain {
				t.Errorf("before anything: %s = %s", name, s)
			}
		}
		strangers := []string{"the public timeline", "the local timeline", "the hashtag", "what is said of the link", "the search", "the town's page of posts", "the followed hashtag of someone"}
		for _, tc := range []struct {
			act, undo string
			want      map[string]seen
		}{
			{"none", "", all(plain)},
			{"sensitive", "unsensitive", all(covered)},
			{"silence", "unsilence", all(plain, strangers...)},
			{"disable", "enable", all(plain)},
			{"suspend", "unsuspend", all(gone)},
		} {
			do[obj](t, c, "mona", "POST /api/v1/admin/accounts/"+bad.String()+"/action", obj{"type": tc.act, "text": "Please don't."})
			settled(tc.act, tc.want)
			if tc.act == "disable" || tc.act == "suspend" {
				if r := c.ask(t, "bad", "GET /api/v1/accounts/verify_credentials", nil); r.status < 400 {
					t.Errorf("%s: the token still works: %d", tc.act, r.status)
				}
				if _, err := c.Accounts.SignIn(t.Context(), "bad", password, account.Visit{IP: "192.0.2.7"}); !errs.Is(err, errs.Forbidden) {
					t.Errorf("%s: signing in = %v; want forbidden", tc.act, err)
				}
			}
			if tc.undo == "" {
				continue
			}
			do[obj](t, c, "mona", "POST /api/v1/admin/accounts/"+bad.String()+"/"+tc.undo, obj{})
			settled(tc.act+" undone", before)
		}
		// Marked alone, and unmarked by an appeal that is accepted.
		ctx := as(c.people["mona"])
		k, err := c.Moderation.Act(ctx, moderation.Deed{Action: moderation.Mark, Target: bad, Statuses: []id.ID{status}})
		if err != nil {
			t.Fatal(err)
		}
		settled("marked", all(covered))
		if err := c.Moderation.Appeal(as(c.people["bad"]), k.ID, "", "It is only pasta."); err != nil {
			t.Fatal(err)
		}
		if err := c.Moderation.Decide(ctx, k.ID, true); err != nil {
			t.Fatal(err)
		}
		settled("marked, and the appeal accepted", before)
		if _, err := c.Moderation.Act(ctx, moderation.Deed{Action: moderation.Delete, Target: bad, Statuses: []id.ID{status}}); err != nil {
			t.Fatal(err)
		}
		settled("deleted", all(gone))
	})
}

func TestReportsAreMadeMergedAndDealtWith(t *testing.T) {
	onBothCircles(t, "bad nora rita", func(t *testing.T, c *circle) {
		c.keeper(t, "mona", moderator)
		bad := c.people["bad"].ID
		one, two, hers := c.posts(t, "bad", obj{"status": "buy my pills"}), c.posts(t, "bad", obj{"status": "more pills"}), c.posts(t, "rita", obj{"status": "hello"})
		secret := c.posts(t, "bad", obj{"status": "for nobody", "visibility": "direct"})
		for name, body := range map[string]obj{
			"nobody":               {"comment": "x"},
			"oneself":              {"account_id": c.people["nora"].ID.String()},
			"another's post":       {"account_id": bad.String(), "status_ids": []string{hers.String()}},
			"a comment too long":   {"account_id": bad.String(), "comment": strings.Repeat("a", 1001)},
			"an unknown category":  {"account_id": bad.String(), "category": "rude"},
			"words for an account": {"account_id": "bad"},
		} {
			if r := c.ask(t, "nora", "POST /api/v1/reports", body); r.status != 422 || !strings.Contains(string(r.body), `"error"`) {
				t.Errorf("%s = %d %s; want 422", name, r.status, r.body)
			}
		}
		c.fail(t, 404, "nora", "POST /api/v1/reports", obj{"account_id": "12345"})
		c.fail(t, 404, "nora", "POST /api/v1/reports", obj{"account_id": bad.String(), "status_ids": []string{secret.String()}})
		c.fail(t, 401, "", "POST /api/v1/reports", obj{"account_id": bad.String()})

		type rep struct {
			ID      string
			Taken   bool     `json:"action_taken"`
			Status  []string `json:"status_ids"`
			Rules   []string `json:"rule_ids"`
			Comment string
			Cat     string `json:"category"`
			Target  named  `json:"target_account"`
		}
		first := do[rep](t, c, "nora", "POST /api/v1/reports", obj{"account_id": bad.String(), "status_ids": []string{one.String()}, "comment": "pills", "category": "spam"})
		again := do[rep](t, c, "nora", "POST /api/v1/reports", obj{"account_id": bad.String(), "status_ids": []string{two.String()}, "comment": "more of it"})
		if first.ID != again.ID || len(again.Status) != 2 || again.Cat != "spam" || !strings.Contains(again.Comment, "pills") || again.Taken || again.Rules == nil || again.Target.ID != bad {
			t.Errorf("the second report = %+v; want it merged into %+v", again, first)
		}
		other := do[rep](t, c, "rita", "POST /api/v1/reports", obj{"account_id": bad.String(), "comment": "rude"})
		c.clock.Advance(25 * time.Hour)
		if later := do[rep](t, c, "nora", "POST /api/v1/reports", obj{"account_id": bad.String(), "comment": "still"}); later.ID == first.ID {
			t.Error("a report a day later was merged into the first")
		}
		// Several at once by one person are one.
		var wg sync.WaitGroup
		ids := make([]string, 4)
		for i := range ids {
			wg.Go(func() {
				ids[i] = do[rep](t, c, "rita", "POST /api/v1/reports", obj{"account_id": c.people["nora"].ID.String(), "comment": fmt.Sprint("n", i)}).ID
			})
		}
		wg.Wait()
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 1 {
			t.Errorf("four at once gave %v", ids)
		}

		c.fail(t, 403, "nora", "GET /api/v1/admin/reports", nil)
		list := do[[]obj](t, c, "mona", "GET /api/v1/admin/reports?limit=2", nil)
		if len(list) != 2 {
			t.Errorf("a page of two reports = %d", len(list))
		}
		if r := c.ask(t, "mona", "GET /api/v1/admin/reports?limit=2", nil); !strings.Contains(r.header.Get("Link"), "max_id=") {
			t.Errorf("the next page is not named: %q", r.header.Get("Link"))
		}
		mine := do[obj](t, c, "mona", "POST /api/v1/admin/reports/"+first.ID+"/assign_to_self", obj{})
		if mine["assigned_account"] == nil || len(mine["statuses"].([]any)) != 2 {
			t.Errorf("assigned: %v", mine)
		}
		do[obj](t, c, "mona", "POST /api/v1/admin/reports/"+first.ID+"/unassign", obj{})
		if got := do[obj](t, c, "mona", "PUT /api/v1/admin/reports/"+other.ID, obj{"category": "violation", "rule_ids": []string{"1"}}); got["category"] != "violation" {
			t.Errorf("changed: %v", got)
		}
		c.fail(t, 422, "mona", "PUT /api/v1/admin/reports/"+other.ID, obj{"category": "rude"})
		do[obj](t, c, "mona", "POST /api/v1/admin/reports/"+other.ID+"/resolve", obj{})
		c.fail(t, 409, "mona", "POST /api/v1/admin/reports/"+other.ID+"/resolve", obj{})
		do[obj](t, c, "mona", "POST /api/v1/admin/reports/"+other.ID+"/reopen", obj{})
		c.fail(t, 404, "mona", "GET /api/v1/admin/reports/99", nil)
		// Silencing closes all that are open on the account.
		do[obj](t, c, "mona", "POST /api/v1/admin/accounts/"+bad.String()+"/action", obj{"type": "silence", "report_id": first.ID})
		if got := do[obj](t, c, "mona", "GET /api/v1/admin/reports/"+other.ID, nil); got["action_taken"] != true || got["action_taken_by_account"] == nil {
			t.Errorf("the other report after it = %v", got["action_taken"])
		}
		c.fail(t, 409, "mona", "POST /api/v1/admin/accounts/"+bad.String()+"/action", obj{"type": "none", "report_id": first.ID})
		c.settle(t)
		warned := do[[]obj](t, c, "bad", "GET /api/v1/notifications?types[]=moderation_warning", nil)
		if len(warned) != 1 || warned[0]["moderation_warning"].(obj)["action"] != "silence" {
			t.Errorf("the one whom it concerns is told %v", warned)
		}
		m := do[[]struct {
			Key, Total string
			Data       []obj
		}](t, c, "mona", "POST /api/v1/admin/measures", obj{"keys": []string{"opened_reports", "resolved_reports", "new_users", "interactions", "active_users", "nonsense"}, "start_at": "2026-11-22", "end_at": "2026-11-23"})
		got := map[string]string{}
		for _, one := range m {
			got[one.Key] = one.Total
			if len(one.Data) != 2 {
				t.Errorf("%s has %d days", one.Key, len(one.Data))
			}
		}
		if got["opened_reports"] != "4" || got["resolved_reports"] != "3" || got["new_users"] != "5" || len(got) != 5 {
			t.Errorf("measures = %v", got)
		}
	})
}

func TestTwoModeratorsAtOnceHaveOneEffect(t *testing.T) {
	onBothCircles(t, "bad", func(t *testing.T, c *circle) {
		bad := c.people["bad"].ID
		keepers := make([]access.Actor, 4)
		for i := range keepers {
			keepers[i] = c.keeper(t, fmt.Sprint("mod", i), moderator)
		}
		status := c.posts(t, "bad", obj{"status": "x"})
		for _, a := range []moderation.Action{moderation.Silence, moderation.Sensitive, moderation.Disable, moderation.Suspend, moderation.Mark, moderation.Delete} {
			var wg sync.WaitGroup
			fails := make([]error, len(keepers))
			for i, k := range keepers {
				wg.Go(func() {
					in := moderation.Deed{Action: a, Target: bad}
					if a == moderation.Mark || a == moderation.Delete {
						in.Statuses = []id.ID{status}
					}
					_, fails[i] = c.Moderation.Act(as(k), in)
				})
			}
			wg.Wait()
			done := 0
			for _, err := range fails {
				switch {
				case err == nil:
					done++
				case !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.NotFound):
					t.Errorf("%s: %v; want a conflict", a, err)
				}
			}
			if done != 1 {
				t.Errorf("%s took effect %d times", a, done)
			}
			if a == moderation.Suspend {
				if err := c.Moderation.Undo(as(keepers[0]), bad, a); err != nil {
					t.Fatal(err)
				}
			}
		}
		strikes, err := c.Moderation.Strikes(t.Context(), bad)
		if err != nil || len(strikes) != 6 {
			t.Errorf("%d strikes, %v; want one for each action", len(strikes), err)
		}
	})
}

func TestWhoMayDealWithWhom(t *testing.T) {
	onBothCircles(t, "nora", func(t *testing.T, c *circle) {
		mona, max := c.keeper(t, "mona", moderator), c.keeper(t, "max", moderator)
		admin := access.Grant{Role: access.RoleAdmin}
		other := c.keeper(t, "otto", admin)
		for name, tc := range map[string]struct {
			by   access.Actor
			whom id.ID
			want errs.Kind
		}{
			"a moderator with themselves": {mona, mona.ID, errs.Forbidden},
			"a moderator with an admin":   {mona, c.admin.ID, errs.Forbidden},
			"a moderator with another":    {mona, max.ID, errs.Forbidden},
			"an admin with an admin":      {c.admin, other.ID, errs.Forbidden},
			"somebody with anybody":       {c.people["nora"], max.ID, errs.Forbidden},
			"a stranger":                  {access.Actor{}, max.ID, errs.Unauthenticated},
			"with nobody":                 {mona, 12345, errs.NotFound},
		} {
			_, err := c.Moderation.Act(as(tc.by), moderation.Deed{Action: moderation.Silence, Target: tc.whom})
			if !errs.Is(err, tc.want) {
				t.Errorf("%s = %v", name, err)
			}
		}
		if _, err := c.Moderation.Act(as(c.admin), moderation.Deed{Action: moderation.Silence, Target: max.ID}); err != nil {
			t.Errorf("an admin with a moderator = %v", err)
		}
		c.fail(t, 422, "mona", "POST /api/v1/admin/accounts/"+c.people["nora"].ID.String()+"/action", obj{"type": "delete"})
		c.fail(t, 403, "nora", "POST /api/v1/admin/accounts/"+mona.ID.String()+"/action", obj{"type": "silence"})
	})
}

func TestStrikesAreReadAndAppealedByTheirOwnerAlone(t *testing.T) {
	onBothCircles(t, "bad nora", func(t *testing.T, c *circle) {
		mona := as(c.keeper(t, "mona", moderator))
		bad := c.people["bad"].ID
		k, err := c.Moderation.Act(mona, moderation.Deed{Action: moderation.Suspend, Target: bad, Text: "Enough."})
		if err != nil {
			t.Fatal(err)
		}
		// The letter's link works without signing in, for this strike alone.
		var link string
		until(t, "the letter is there", func() bool {
			page, err := c.Mail.List(t.Context(), "", 20)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Items {
				if r.Kind == "moderation" {
					_, l, err := c.Mail.Shown(t.Context(), r.ID)
					if err == nil && l.Action != nil {
						link = l.Action.URL
					}
				}
			}
			return link != ""
		})
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		ticket := u.Query().Get("ticket")
		if ticket == "" || !strings.HasSuffix(u.Path, k.ID.String()) {
			t.Fatalf("the letter leads to %s", link)
		}
		if _, err := c.Moderation.Own(t.Context(), k.ID, ticket); err != nil {
			t.Errorf("with the ticket = %v", err)
		}
		for name, try := range map[string]func() error{
			"a stranger":    func() error { _, err := c.Moderation.Own(t.Context(), k.ID, ""); return err },
			"somebody else": func() error { _, err := c.Moderation.Own(as(c.people["nora"]), k.ID, ""); return err },
			"a wrong one":   func() error { _, err := c.Moderation.Own(t.Context(), k.ID, strings.Repeat("a", 43)); return err },
			"another's":     func() error { _, err := c.Moderation.Own(t.Context(), k.ID+1, ticket); return err },
		} {
			if err := try(); !errs.Is(err, errs.NotFound) {
				t.Errorf("%s = %v; want not found", name, err)
			}
		}
		for words, want := range map[string]errs.Kind{"": errs.Invalid, strings.Repeat("a", 2001): errs.Invalid} {
			if err := c.Moderation.Appeal(t.Context(), k.ID, ticket, words); !errs.Is(err, want) {
				t.Errorf("an appeal of %d letters = %v", len(words), err)
			}
		}
		if err := c.Moderation.Decide(mona, k.ID, true); !errs.Is(err, errs.Conflict) {
			t.Errorf("deciding before an appeal = %v", err)
		}
		if err := c.Moderation.Appeal(t.Context(), k.ID, ticket, "It was my cat."); err != nil {
			t.Fatal(err)
		}
		if err := c.Moderation.Appeal(t.Context(), k.ID, ticket, "And my dog."); !errs.Is(err, errs.Conflict) {
			t.Errorf("a second appeal = %v", err)
		}
		if n, err := c.Moderation.Counts(mona, 0); err != nil || n.Appeals != 1 {
			t.Errorf("appeals that wait = %+v, %v", n, err)
		}
		if err := c.Moderation.Decide(mona, k.ID, true); err != nil {
			t.Fatal(err)
		}
		if err := c.Moderation.Decide(mona, k.ID, false); !errs.Is(err, errs.Conflict) {
			t.Errorf("deciding again = %v", err)
		}
		if a, err := c.Accounts.Get(t.Context(), bad); err != nil || a.State != account.Active {
			t.Errorf("after the appeal was accepted the account is %s, %v", a.State, err)
		}
		warn, err := c.Moderation.Act(mona, moderation.Deed{Action: moderation.Warn, Target: bad, Text: "Last time."})
		if err != nil {
			t.Fatal(err)
		}
		c.clock.Advance(moderation.AppealFor + time.Hour)
		if err := c.Moderation.Appeal(as(c.people["bad"]), warn.ID, "", "late"); !errs.Is(err, errs.Conflict) {
			t.Errorf("an appeal after three weeks = %v", err)
		}
	})
}

func TestWhatIsKeptOut(t *testing.T) {
	onBothCircles(t, "nora", func(t *testing.T, c *circle) {
		c.keeper(t, "mona", moderator)
		c.admits(t, "ada", c.admin)
		for name, line := range map[string]struct {
			path string
			body obj
		}{
			"no address":      {"ip_blocks", obj{"ip": "house", "severity": "no_access"}},
			"no severity":     {"ip_blocks", obj{"ip": "192.0.2.1"}},
			"the whole world": {"ip_blocks", obj{"ip": "0.0.0.0/0", "severity": "no_access"}},
			"an odd expiry":   {"ip_blocks", obj{"ip": "192.0.2.1", "severity": "no_access", "expires_in": -4}},
			"no domain":       {"email_domain_blocks", obj{"domain": "not a domain"}},
			"no mail":         {"canonical_email_blocks", obj{"email": "nobody"}},
			"no hash":         {"canonical_email_blocks", obj{"canonical_email_hash": "abc"}},
			"no server":       {"domain_blocks", obj{"domain": "http://x"}},
			"odd severity":    {"domain_blocks", obj{"domain": "x.example", "severity": "shout"}},
			"nothing allowed": {"domain_allows", obj{}},
		} {
			if r := c.ask(t, "mona", "POST /api/v1/admin/"+line.path, line.body); r.status != 422 {
				t.Errorf("%s = %d %s; want 422", name, r.status, r.body)
			}
		}
		for _, path := range []string{"ip_blocks", "email_domain_blocks", "canonical_email_blocks", "domain_blocks", "domain_allows", "accounts"} {
			c.fail(t, 403, "nora", "GET /api/v1/admin/"+path, nil)
			c.fail(t, 401, "", "GET /api/v1/admin/"+path, nil)
		}
		add := func(path string, body obj) string {
			t.Helper()
			return do[obj](t, c, "mona", "POST /api/v1/admin/"+path, body)["id"].(string)
		}
		wide := add("ip_blocks", obj{"ip": "192.0.2.77/24", "severity": "no_access", "comment": "bots", "expires_in": 3600})
		add("ip_blocks", obj{"ip": "2001:db8::/32", "severity": "sign_up_block"})
		add("ip_blocks", obj{"ip": "198.51.100.4", "severity": "sign_up_requires_approval"})
		mail := add("email_domain_blocks", obj{"domain": "Trash.Example"})
		add("canonical_email_blocks", obj{"email": "E.V.I.L+1@gmail.example"})
		far := add("domain_blocks", obj{"domain": "bad.example", "severity": "suspend", "public_comment": "spam", "obfuscate": true})
		add("domain_allows", obj{"domain": "good.example"})
		if r := c.ask(t, "mona", "POST /api/v1/admin/domain_blocks", obj{"domain": "bad.example"}); r.status != 422 || !strings.Contains(string(r.body), "existing_domain_block") {
			t.Errorf("a server twice = %d %s", r.status, r.body)
		}
		c.fail(t, 422, "mona", "POST /api/v1/admin/ip_blocks", obj{"ip": "192.0.2.0/24", "severity": "no_access"})
		if got := do[[]obj](t, c, "mona", "POST /api/v1/admin/canonical_email_blocks/test", obj{"email": "evil@gmail.example"}); len(got) != 1 {
			t.Errorf("the test of an address = %v", got)
		}
		if got := do[obj](t, c, "mona", "PUT /api/v1/admin/domain_blocks/"+far, obj{"severity": "silence", "reject_media": true}); got["severity"] != "silence" || got["reject_media"] != true || got["public_comment"] != "spam" {
			t.Errorf("changed: %v", got)
		}
		if shown := string(c.ask(t, "", "GET /api/v1/instance/domain_blocks", nil).body); strings.Contains(shown, `"bad.example"`) || !strings.Contains(shown, "silence") {
			t.Errorf("strangers read %s", shown)
		}
		// From where there is no access nobody comes in but keepers; this machine always does.
		get := func(who, from, path string) int {
			req, err := http.NewRequestWithContext(t.Context(), "GET", path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.RemoteAddr = from + ":5000"
			if who != "" {
				req.Header.Set("Authorization", "Bearer "+c.tokens[who])
			}
			return serve(c.Handler(), req)
		}
		for name, tc := range map[string]struct {
			who, from string
			want      int
		}{
			"a stranger in the range": {"", "192.0.2.3", 403}, "somebody in it": {"nora", "192.0.2.3", 403}, "a moderator in it": {"mona", "192.0.2.3", 200},
			"an admin in it": {"ada", "192.0.2.3", 200}, "a neighbour of it": {"", "192.0.3.3", 200}, "this machine": {"", "127.0.0.1", 200},
			"mapped into the other net": {"", "[::ffff:192.0.2.3]", 403}, "only kept from signing up": {"", "[2001:db8::1]", 200},
		} {
			if got := get(tc.who, tc.from, "/api/v1/instance"); got != tc.want {
				t.Errorf("%s = %d; want %d", name, got, tc.want)
			}
		}
		c.clock.Advance(2 * time.Hour)
		if got := get("", "192.0.2.3", "/api/v1/instance"); got != 200 {
			t.Errorf("after the block has run out = %d", got)
		}
		do[obj](t, c, "mona", "DELETE /api/v1/admin/ip_blocks/"+wide, nil)
		c.fail(t, 404, "mona", "GET /api/v1/admin/ip_blocks/"+wide, nil)
		// Signing up gives one answer, whatever keeps somebody out.
		said := map[string]bool{}
		for name, tc := range map[string][2]string{
			"a domain": {"a@trash.example", "203.0.113.1"}, "one below it": {"a@x.trash.example", "203.0.113.1"},
			"an address in other letters": {"EVIL@gmail.example", "203.0.113.1"}, "the place": {"good@ok.example", "2001:db8::7"},
		} {
			wait, err := c.Guard.SignUp(t.Context(), tc[0], tc[1])
			if err == nil || wait {
				t.Errorf("%s may sign up", name)
				continue
			}
			said[err.Error()] = true
		}
		if len(said) != 1 {
			t.Errorf("the answers tell apart what keeps somebody out: %v", said)
		}
		if wait, err := c.Guard.SignUp(t.Context(), "good@ok.example", "198.51.100.4"); err != nil || !wait {
			t.Errorf("from where an admin has to say yes = %v, %v", wait, err)
		}
		if wait, err := c.Guard.SignUp(t.Context(), "good@ok.example", "203.0.113.1"); err != nil || wait {
			t.Errorf("somebody else = %v, %v", wait, err)
		}
		body := do[obj](t, c, "mona", "GET /api/v1/admin/email_domain_blocks/"+mail, nil)
		if h := body["history"].([]any); len(h) != 7 || h[0].(obj)["uses"] != "2" {
			t.Errorf("what the domain kept out = %v", h)
		}
		if r := c.ask(t, "", "POST /api/stoa/v1/accounts", obj{"email": "a@trash.example", "name": "A", "password": password}); r.status != 422 {
			t.Errorf("signing up with it = %d %s", r.status, r.body)
		}
	})
}

func TestModeratorsFindAccounts(t *testing.T) {
	onBothCircles(t, "nora anton bad", func(t *testing.T, c *circle) {
		c.keeper(t, "mona", moderator)
		bad := c.people["bad"].ID
		if _, err := c.Accounts.SignIn(t.Context(), "nora", password, account.Visit{IP: "203.0.113.9"}); err != nil {
			t.Fatal(err)
		}
		names := func(query string) (out []string) {
			for _, a := range do[[]struct{ Username, Email string }](t, c, "mona", "GET /api/"+query, nil) {
				out = append(out, a.Username)
			}
			return out
		}
		do[obj](t, c, "mona", "POST /api/v1/admin/accounts/"+bad.String()+"/action", obj{"type": "silence"})
		for query, want := range map[string][]string{
			"v2/admin/accounts?username=nor": {"nora"}, "v1/admin/accounts?silenced=true": {"bad"}, "v2/admin/accounts?status=silenced": {"bad"},
			"v2/admin/accounts?origin=remote": nil, "v1/admin/accounts?email=anton@": {"anton"}, "v2/admin/accounts?permissions=staff": {"mona", "ada"},
			"v1/admin/accounts?ip=203.0.113.9": {"nora"}, "v1/admin/accounts?limit=2": {"mona", "bad"}, "v2/admin/accounts?display_name=NORA": {"nora"},
			"v2/admin/accounts?status=suspended": nil, "v1/admin/accounts?by_domain=other.example": nil, "v1/admin/accounts?username=%25": nil,
		} {
			if d := cmp.Diff(want, names(query)); d != "" {
				t.Errorf("%s (-want +got):\n%s", query, d)
			}
		}
		c.fail(t, 422, "mona", "GET /api/v2/admin/accounts?status=odd", nil)
		c.fail(t, 422, "mona", "GET /api/v2/admin/accounts?ip=house", nil)
		one := do[obj](t, c, "mona", "GET /api/v1/admin/accounts/"+bad.String(), nil)
		if one["email"] != "bad@canary.example" || one["silenced"] != true || one["account"].(obj)["acct"] != "bad" || one["role"].(obj)["id"] != "-99" {
			t.Errorf("one account = %v", one)
		}
		c.fail(t, 404, "mona", "GET /api/v1/admin/accounts/4711", nil)
		c.fail(t, 403, "mona", "DELETE /api/v1/admin/accounts/"+bad.String(), nil)
		c.fail(t, 409, "mona", "POST /api/v1/admin/accounts/"+bad.String()+"/approve", obj{})
		if got := do[[]obj](t, c, "mona", "GET /api/v1/admin/tags", nil); len(got) != 0 {
			t.Errorf("tags that trend where nobody has written = %v", got)
		}
		c.fail(t, 404, "mona", "GET /api/v1/admin/tags/pasta", nil)
		c.fail(t, 403, "nora", "GET /api/v1/admin/tags", nil)
		for _, path := range []string{"dimensions", "retention"} {
			body := obj{"keys": []string{"languages", "space_usage", "software_versions", "servers", "sources"}, "start_at": "2026-11-22", "end_at": "2026-11-23", "frequency": "day"}
			if got := do[[]obj](t, c, "mona", "POST /api/v1/admin/"+path, body); len(got) == 0 || len(got[0]["data"].([]any)) == 0 {
				t.Errorf("%s = %v", path, got)
			}
			c.fail(t, 422, "mona", "POST /api/v1/admin/"+path, obj{"keys": []string{}, "start_at": "yesterday", "end_at": "2026-11-23", "frequency": "week"})
		}
	})
}

// serve returns the status that a handler gives to a request.
func serve(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestModeratorsPagesAreForThem(t *testing.T) {
	onBothCircles(t, "bad nora", func(t *testing.T, c *circle) {
		c.keeper(t, "mona", moderator)
		bad, status := c.people["bad"].ID, c.posts(t, "bad", obj{"status": "pills <b>"})
		rep := do[named](t, c, "nora", "POST /api/v1/reports", obj{"account_id": bad.String(), "status_ids": []string{status.String()}, "comment": "look <script>"}).ID
		here, there := c.enter(t, c.people["mona"]), c.enter(t, c.people["nora"])
		report, of := "/moderation/reports/"+rep.String(), "/moderation/accounts/"+bad.String()
		for _, path := range []string{"/moderation", "/moderation?which=mine", "/moderation?which=resolved", report, "/moderation/accounts", "/moderation/accounts?q=nor", of, "/moderation/appeals", "/moderation/trends", "/moderation/blocks"} {
			if w := here.ask("GET", path, ""); w.Code != 200 || strings.Contains(w.Body.String(), "<script>\"") || strings.Contains(w.Body.String(), "look <script>") {
				t.Errorf("a moderator at %s = %d", path, w.Code)
			}
			if w := there.ask("GET", path, ""); w.Code != 403 {
				t.Errorf("somebody at %s = %d; want 403", path, w.Code)
			}
		}
		if page := here.ask("GET", "/moderation", "").Body.String(); !strings.Contains(page, report) || !strings.Contains(page, `href="/moderation"`) {
			t.Error("the list of reports does not lead to the report")
		}
		for path, form := range map[string]string{
			of + "/act": "action=dance", of + "/note": "note=", "/moderation/blocks": "kind=ip&value=x&severity=no_access",
		} {
			if w := here.ask("POST", path, form); w.Code != 422 {
				t.Errorf("POST %s with %s = %d; want 422", path, form, w.Code)
			}
		}
		if w := here.ask("POST", of+"/preview", "action=silence&text=Be+kind"); w.Code != 200 || !strings.Contains(w.Body.String(), "Be kind") {
			t.Errorf("the preview = %d", w.Code)
		}
		for _, step := range [][2]string{
			{report + "/assign", ""},
			{of + "/note", "note=seen&report=" + rep.String()},
			{of + "/act", "action=mark_statuses_as_sensitive&text=Be+kind&report=" + rep.String() + "&status=" + status.String()},
			{of + "/act", "action=silence&text=Enough"},
			{of + "/undo", "action=silence"},
			{"/moderation/blocks", "kind=mail&value=spam.example"},
		} {
			if w := here.ask("POST", step[0], step[1]); w.Code != 303 {
				t.Errorf("POST %s = %d %s", step[0], w.Code, w.Body)
			}
		}
		if w := here.ask("POST", of+"/undo", "action=silence"); w.Code != 409 {
			t.Errorf("undoing twice = %d; want 409", w.Code)
		}
		own := c.enter(t, c.people["bad"])
		strikes, err := c.Moderation.Strikes(t.Context(), bad)
		if err != nil || len(strikes) != 2 {
			t.Fatalf("strikes = %v, %v", strikes, err)
		}
		mine := "/account/strikes/" + strikes[1].ID.String()
		if w := own.ask("GET", "/account/strikes", ""); w.Code != 200 || !strings.Contains(w.Body.String(), mine) {
			t.Errorf("one's strikes = %d", w.Code)
		}
		if w := own.ask("GET", mine, ""); w.Code != 200 || !strings.Contains(w.Body.String(), "Be kind") {
			t.Errorf("one's strike = %d", w.Code)
		}
		if w := there.ask("GET", mine, ""); w.Code != 404 {
			t.Errorf("another's strike = %d; want 404", w.Code)
		}
		if w := own.ask("POST", mine+"/appeal", "appeal="); w.Code != 422 {
			t.Errorf("an empty appeal = %d; want 422", w.Code)
		}
		if w := own.ask("POST", mine+"/appeal", "appeal=No"); w.Code != 303 {
			t.Errorf("an appeal = %d", w.Code)
		}
		if w := here.ask("POST", "/moderation/appeals/"+strikes[1].ID.String(), "accept=yes"); w.Code != 303 {
			t.Errorf("accepting it = %d %s", w.Code, w.Body)
		}
	})
}
