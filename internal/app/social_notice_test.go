package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/push/pushtest"
)

// circle is a town with a socket, and people who speak to it by apps.
type circle struct {
	*place
	url    string
	tokens map[string]string
	people map[string]access.Actor
}

// onBothCircles runs a test with some people in a town on SQLite, and in one on PostgreSQL.
func onBothCircles(t *testing.T, names string, test func(t *testing.T, c *circle)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newCircle(t, "", names)) })
	t.Run("postgres", func(t *testing.T) { test(t, newCircle(t, dbtest.PostgresURL(t), names)) })
}

func newCircle(t *testing.T, database, names string) *circle {
	t.Helper()
	cfg, err := config.Load(config.Overrides{
		"data": t.TempDir(), "database": database, "mail.mode": "dev", "mail.from": "town@example.org", "fetch_allow": "127.0.0.0/8", "limits.rate": "off", "url": "http://127.0.0.1:8080",
	}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	c := &circle{place: &place{clock: clock.NewManual(time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC))}, tokens: map[string]string{}, people: map[string]access.Actor{}}
	if c.App, err = Build(t.Context(), cfg, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Version: "1", Now: c.clock.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.WithoutCancel(t.Context())) })
	c.Start(t.Context())
	srv := httptest.NewServer(c.Handler())
	t.Cleanup(srv.Close)
	c.url = srv.URL
	c.admin = c.person(t, "ada", "Ada Admin", access.Grant{Role: access.RoleAdmin})
	c.known(t, "ada", c.admin)
	for name := range strings.FieldsSeq(names) {
		c.known(t, name, c.person(t, name, strings.ToUpper(name[:1])+name[1:]))
	}
	return c
}

func (c *circle) known(t *testing.T, name string, a access.Actor) {
	t.Helper()
	token, err := c.Accounts.CreateToken(t.Context(), a.ID, "test", []string{"read", "write", "follow", "push"})
	if err != nil {
		t.Fatal(err)
	}
	c.people[name], c.tokens[name] = a, token
}

// settle waits until every subscription has handled every event there is.
func (c *circle) settle(t *testing.T) {
	t.Helper()
	calm := 0
	until(t, "events are handled", func() bool {
		for _, lag := range c.Events.Lag(t.Context()) {
			if lag > 0 {
				calm = 0
				return false
			}
		}
		calm++
		return calm > 3 // what the last one led to has been handled, too
	})
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request as somebody; body is JSON, nil for none.
func (c *circle) ask(t *testing.T, who, line string, body any) reply {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.url+path, in)
	if err != nil {
		t.Fatal(err)
	}
	if token := c.tokens[who]; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, b}
}

// do is ask that must succeed; it decodes what came into a T.
func do[T any](t *testing.T, c *circle, who, line string, body any) (out T) {
	t.Helper()
	r := c.ask(t, who, line, body)
	if r.status >= 300 {
		t.Fatalf("%s: %s = %d %s", who, line, r.status, r.body)
	}
	if err := json.Unmarshal(r.body, &out); err != nil {
		t.Fatalf("%s: %s gave %s: %v", who, line, r.body, err)
	}
	return out
}

// fail is ask that must give a status.
func (c *circle) fail(t *testing.T, status int, who, line string, body any) {
	t.Helper()
	if r := c.ask(t, who, line, body); r.status != status {
		t.Errorf("%s: %s = %d %s; want %d", who, line, r.status, r.body, status)
	}
}

type obj = map[string]any

type (
	named struct {
		ID      id.ID
		Account struct{ Username string }
	}
	noticed struct {
		ID       id.ID
		Type     string
		GroupKey string `json:"group_key"`
		Account  struct {
			ID       id.ID
			Username string
		}
		Status *struct {
			ID      id.ID
			Content string
		}
		Stoa *struct{ Title, Body, URL, What, Code string }
	}
	groups struct {
		Accounts []struct {
			ID       id.ID
			Username string
		}
		Partial  []struct{ Acct string } `json:"partial_accounts"`
		Statuses []struct{ ID id.ID }
		Groups   []struct {
			Key     string  `json:"group_key"`
			Count   int     `json:"notifications_count"`
			Newest  int64   `json:"most_recent_notification_id"`
			MinID   id.ID   `json:"page_min_id"`
			MaxID   id.ID   `json:"page_max_id"`
			Type    string  `json:"type"`
			Senders []id.ID `json:"sample_account_ids"`
			Status  id.ID   `json:"status_id"`
		} `json:"notification_groups"`
	}
)

// post posts a text as somebody.
func (c *circle) post(t *testing.T, who, text string, more ...obj) id.ID {
	t.Helper()
	body := obj{"status": text}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	return do[named](t, c, who, "POST /api/v1/statuses", body).ID
}

// told returns what somebody is told, newest first, as "type by".
func (c *circle) told(t *testing.T, who, query string) []string {
	t.Helper()
	c.settle(t)
	out := []string{}
	for _, n := range do[[]noticed](t, c, who, "GET /api/v1/notifications"+query, nil) {
		out = append(out, n.Type+" "+n.Account.Username)
	}
	return out
}

func (c *circle) wantTold(t *testing.T, who, query string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), c.told(t, who, query)); diff != "" {
		t.Errorf("%s is told (-want +got):\n%s", who, diff)
	}
}

func at(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func TestWhatOthersDoIsTold(t *testing.T) {
	onBothCircles(t, "anna ben clara", func(t *testing.T, c *circle) {
		anna, ben := c.people["anna"].ID, c.people["ben"].ID
		mine := c.post(t, "anna", "Soup today")
		c.settle(t)
		c.ask(t, "ben", at("POST /api/v1/accounts/%d/follow", anna), obj{"notify": true})
		c.ask(t, "ben", at("POST /api/v1/statuses/%d/favourite", mine), nil)
		c.ask(t, "ben", at("POST /api/v1/statuses/%d/reblog", mine), nil)
		answer := c.post(t, "ben", "@anna which one?", obj{"in_reply_to_id": mine.String()})
		c.post(t, "clara", "I quote", obj{"quoted_status_id": mine.String()})
		c.wantTold(t, "anna", "", "quote clara", "mention ben", "reblog ben", "favourite ben", "follow ben")
		c.wantTold(t, "anna", "?types[]=mention&types[]=follow", "mention ben", "follow ben")
		c.wantTold(t, "anna", "?exclude_types[]=mention&exclude_types[]=admin.sign_up&limit=2", "quote clara", "reblog ben")
		c.wantTold(t, "anna", at("?account_id=%d&limit=1", ben), "mention ben")
		c.wantTold(t, "clara", "")
		c.wantTold(t, "ada", "", "admin.sign_up clara", "admin.sign_up ben", "admin.sign_up anna")

		// Who follows with notifications is told of posts, not of answers to others; who passed a post on, of its new words.
		second := c.post(t, "anna", "Bread tomorrow")
		do[named](t, c, "anna", at("PUT /api/v1/statuses/%d", mine), obj{"status": "Soup today, and cake"})
		c.wantTold(t, "ben", "", "update anna", "status anna")
		c.wantTold(t, "clara", "", "quoted_update anna")

		// What is taken back is told no more.
		c.ask(t, "ben", at("POST /api/v1/statuses/%d/unfavourite", mine), nil)
		c.ask(t, "ben", at("POST /api/v1/statuses/%d/unreblog", mine), nil)
		c.ask(t, "ben", at("DELETE /api/v1/statuses/%d", answer), nil)
		c.ask(t, "ben", at("POST /api/v1/accounts/%d/unfollow", anna), nil)
		c.wantTold(t, "anna", "", "quote clara")
		c.ask(t, "ben", at("POST /api/v1/statuses/%d/favourite", second), nil)
		c.post(t, "ben", "@anna @clara hello")
		c.wantTold(t, "anna", "", "mention ben", "favourite ben", "quote clara")

		// Muted: not shown, and shown again; blocked: gone.
		c.ask(t, "anna", at("POST /api/v1/accounts/%d/mute", ben), nil)
		c.wantTold(t, "anna", "", "quote clara")
		c.post(t, "ben", "@anna do you hear me?")
		c.settle(t) // what is told is decided a moment after the post
		c.ask(t, "anna", at("POST /api/v1/accounts/%d/unmute", ben), nil)
		c.wantTold(t, "anna", "", "mention ben", "favourite ben", "quote clara")
		c.ask(t, "anna", at("POST /api/v1/accounts/%d/block", ben), nil)
		c.wantTold(t, "anna", "", "quote clara")
		c.ask(t, "anna", at("POST /api/v1/accounts/%d/unblock", ben), nil)
		c.wantTold(t, "anna", "", "quote clara")
	})
}

func TestNothingIsToldOfAMutedConversationOrByAFilter(t *testing.T) {
	onBothCircles(t, "anna ben", func(t *testing.T, c *circle) {
		mine := c.post(t, "anna", "Who comes along?")
		c.ask(t, "anna", at("POST /api/v1/statuses/%d/mute", mine), nil)
		c.settle(t)
		c.post(t, "ben", "@anna I do", obj{"in_reply_to_id": mine.String()})
		c.wantTold(t, "anna", "")
		do[obj](t, c, "anna", "POST /api/v2/filters", obj{
			"title": "spoilers", "context": []string{"notifications"}, "filter_action": "hide", "keywords_attributes": []obj{{"keyword": "finale"}},
		})
		c.post(t, "ben", "@anna the finale was great")
		c.post(t, "ben", "@anna good morning")
		c.wantTold(t, "anna", "", "mention ben")
	})
}

func TestPollsTellThoseWhoVoted(t *testing.T) {
	onBothCircles(t, "anna ben clara", func(t *testing.T, c *circle) {
		st := do[struct{ Poll struct{ ID id.ID } }](t, c, "anna", "POST /api/v1/statuses", obj{
			"status": "Soup or bread?", "poll": obj{"options": []string{"soup", "bread"}, "expires_in": 3600},
		})
		do[obj](t, c, "ben", at("POST /api/v1/polls/%d/votes", st.Poll.ID), obj{"choices": []int{0}})
		c.clock.Advance(2 * time.Hour)
		until(t, "the poll ends", func() bool { return len(c.told(t, "ben", "")) > 0 })
		c.wantTold(t, "ben", "", "poll anna")
		c.wantTold(t, "anna", "", "poll anna")
		c.wantTold(t, "clara", "")
	})
}

func TestFollowRequestsAreToldUntilTheyAreAnswered(t *testing.T) {
	onBothCircles(t, "anna ben clara", func(t *testing.T, c *circle) {
		anna := c.people["anna"].ID
		do[obj](t, c, "anna", "PATCH /api/v1/accounts/update_credentials", obj{"locked": true})
		for _, who := range []string{"ben", "clara"} {
			c.ask(t, who, at("POST /api/v1/accounts/%d/follow", anna), nil)
		}
		c.wantTold(t, "anna", "", "follow_request clara", "follow_request ben")
		c.ask(t, "anna", at("POST /api/v1/follow_requests/%d/authorize", c.people["ben"].ID), nil)
		c.ask(t, "anna", at("POST /api/v1/follow_requests/%d/reject", c.people["clara"].ID), nil)
		c.wantTold(t, "anna", "", "follow ben")
	})
}

func TestGroupsShowSeveralAsOne(t *testing.T) {
	onBothCircles(t, "anna ben clara dora", func(t *testing.T, c *circle) {
		first, second := c.post(t, "anna", "one"), c.post(t, "anna", "two")
		for _, who := range []string{"ben", "clara", "dora"} {
			c.ask(t, who, at("POST /api/v1/statuses/%d/favourite", first), nil)
			c.settle(t)
		}
		c.ask(t, "ben", at("POST /api/v1/statuses/%d/favourite", second), nil)
		c.settle(t)
		c.post(t, "ben", "@anna both are good")
		c.settle(t)
		g := do[groups](t, c, "anna", "GET /api/v2/notifications", nil)
		if len(g.Groups) != 3 || len(g.Statuses) != 3 || len(g.Accounts) != 3 || g.Partial != nil {
			t.Fatalf("%+v; want three groups of three statuses by three", g)
		}
		favs := g.Groups[2]
		want := []id.ID{c.people["dora"].ID, c.people["clara"].ID, c.people["ben"].ID}
		if favs.Type != "favourite" || favs.Count != 3 || !slices.Equal(favs.Senders, want) || favs.Status != first || favs.MinID >= favs.MaxID || favs.Newest != int64(favs.MaxID) {
			t.Errorf("the favourites are %+v", favs)
		}
		if favs.Newest > 1<<53 {
			t.Errorf("%d does not fit into a number of JavaScript", favs.Newest)
		}
		if !strings.HasPrefix(g.Groups[0].Key, "ungrouped-") {
			t.Errorf("a mention is in the group %s", g.Groups[0].Key)
		}
		// A page holds groups: the next one begins below what was looked at.
		one := c.ask(t, "anna", "GET /api/v2/notifications?limit=2&grouped_types[]=favourite", nil)
		next := regexp.MustCompile(`<http://127.0.0.1:8080(/api/v2/notifications\?[^>]*max_id=\d+)>; rel="next", <[^>]*min_id=\d+>; rel="prev"`).FindStringSubmatch(one.header.Get("Link"))
		if next == nil {
			t.Fatalf("Link = %s", one.header.Get("Link"))
		}
		if g := do[groups](t, c, "anna", "GET "+next[1], nil); len(g.Groups) != 1 || g.Groups[0].Key != favs.Key {
			t.Errorf("the second page is %+v", g.Groups)
		}
		if g := do[groups](t, c, "anna", "GET /api/v2/notifications?expand_accounts=partial_avatars&types[]=favourite", nil); len(g.Accounts) != 2 || len(g.Partial) != 1 || g.Partial[0].Acct != "clara" {
			t.Errorf("with pictures alone: %d accounts, %+v", len(g.Accounts), g.Partial)
		}
		c.fail(t, http.StatusUnprocessableEntity, "anna", "GET /api/v2/notifications?expand_accounts=all", nil)
		if g := do[groups](t, c, "anna", "GET /api/v2/notifications?grouped_types[]=reblog", nil); len(g.Groups) != 5 {
			t.Errorf("%d groups where favourites are none; want 5", len(g.Groups))
		}
		if g := do[groups](t, c, "anna", at("GET /api/v2/notifications?min_id=%d&limit=1", favs.MaxID), nil); len(g.Groups) != 1 || g.Groups[0].Status != second {
			t.Errorf("directly above the favourites: %+v", g.Groups)
		}
		if g := do[groups](t, c, "anna", "GET /api/v2/notifications/"+favs.Key, nil); len(g.Groups) != 1 || g.Groups[0].Count != 3 {
			t.Errorf("the group alone: %+v", g.Groups)
		}
		if who := do[[]struct{ Username string }](t, c, "anna", "GET /api/v2/notifications/"+favs.Key+"/accounts", nil); len(who) != 3 || who[0].Username != "dora" {
			t.Errorf("its accounts: %+v", who)
		}
		type count struct{ Count int }
		if n := do[count](t, c, "anna", "GET /api/v2/notifications/unread_count", nil); n.Count != 3 {
			t.Errorf("%d groups are unread; want 3", n.Count)
		}
		if n := do[count](t, c, "anna", "GET /api/v1/notifications/unread_count?limit=4", nil); n.Count != 4 {
			t.Errorf("%d are unread; want 4, the limit", n.Count)
		}
		// Another's are not there.
		c.fail(t, http.StatusNotFound, "ben", "GET /api/v2/notifications/"+favs.Key, nil)
		c.fail(t, http.StatusNotFound, "ben", at("GET /api/v1/notifications/%d", favs.MaxID), nil)
		c.fail(t, http.StatusNotFound, "ben", at("POST /api/v1/notifications/%d/dismiss", favs.MaxID), nil)
		c.fail(t, http.StatusUnauthorized, "", "GET /api/v2/notifications", nil)
		do[obj](t, c, "ben", "POST /api/v2/notifications/"+favs.Key+"/dismiss", nil)
		if n := do[noticed](t, c, "anna", at("GET /api/v1/notifications/%d", favs.MaxID), nil); n.Account.Username != "dora" || n.GroupKey != favs.Key {
			t.Errorf("one alone: %+v", n)
		}
		do[obj](t, c, "anna", "POST /api/v2/notifications/"+favs.Key+"/dismiss", nil)
		c.wantTold(t, "anna", "", "mention ben", "favourite ben")
		do[obj](t, c, "anna", "POST /api/v1/notifications/clear", nil)
		c.wantTold(t, "anna", "")
		if r := c.ask(t, "anna", "GET /api/v2/notifications", nil); string(r.body) != `{"accounts":[],"statuses":[],"notification_groups":[]}` {
			t.Errorf("with none: %s", r.body)
		}
	})
}

func TestListsAreReadPageByPage(t *testing.T) {
	onBothCircles(t, "anna ben", func(t *testing.T, c *circle) {
		ben, anna := c.people["ben"].ID, c.people["anna"].ID
		const all = 450 // more than memory holds of a reader, and than one chunk
		err := c.DB.Write(t.Context(), func(tx *db.Tx) error {
			for i := range all {
				p := social.Marked{Status: id.ID(i + 1), Author: anna, By: ben, Mark: social.Favourite}
				if err := c.Events.Append(t.Context(), tx, c.clock.Now(), ben, p); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c.settle(t)
		var rows []id.ID
		if err := c.DB.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Each(t.Context(), func(s db.Scanner) error {
				var n id.ID
				err := s.Scan(&n)
				rows = append(rows, n)
				return err
			}, `SELECT id FROM notification WHERE account = $1 ORDER BY id DESC`, anna)
		}); err != nil {
			t.Fatal(err)
		}
		if len(rows) != all {
			t.Fatalf("%d rows; want %d", len(rows), all)
		}
		// Down by max_id, up by min_id: each once, whatever page sizes meet the ends of memory and chunks. The statuses are not there, so the
		// pages are empty, but they are walked through by Link all the same.
		link := regexp.MustCompile(`[?&](max_id|min_id)=(\d+)`)
		ends := func(query string) (down, up id.ID) {
			r := c.ask(t, "anna", "GET /api/v1/notifications"+query, nil)
			if string(r.body) != "[]" {
				t.Fatalf("%s shows %s", query, r.body)
			}
			for _, m := range link.FindAllStringSubmatch(r.header.Get("Link"), -1) {
				n, err := id.Parse(m[2])
				if err != nil {
					t.Fatal(err)
				}
				if m[1] == "max_id" {
					down = n
				} else {
					up = n
				}
			}
			return down, up
		}
		for below, i := id.ID(0), 0; i < all; i += 70 {
			down, up := ends(at("?limit=70&max_id=%d", below))
			if want := rows[min(i+69, all-1)]; down != want || up != rows[i] {
				t.Fatalf("page at %d ends at %d and begins at %d; want %d and %d", i, down, up, want, rows[i])
			}
			below = down
		}
		for above, i := rows[all-1], all-2; i >= 0; i -= 70 {
			down, up := ends(at("?limit=70&min_id=%d", above))
			if want := rows[max(i-69, 0)]; up != want || down != rows[i] {
				t.Fatalf("page up at %d goes from %d to %d; want %d to %d", i, down, up, rows[i], want)
			}
			above = up
		}
		if down, up := ends(at("?limit=70&since_id=%d", rows[10])); down != rows[9] || up != rows[0] {
			t.Errorf("since the eleventh: %d to %d", down, up)
		}
	})
}

func TestStrangersMessagesAreHeldUntilTheyAreLetIn(t *testing.T) {
	onBothCircles(t, "anna ben clara", func(t *testing.T, c *circle) {
		type policy struct {
			Private string `json:"for_private_mentions"`
			New     string `json:"for_new_accounts"`
			Old     *bool  `json:"filter_private_mentions"`
			Summary struct {
				Requests int `json:"pending_requests_count"`
				Held     int `json:"pending_notifications_count"`
			}
		}
		type talk struct {
			ID       id.ID
			Unread   bool
			Accounts []struct{ Username string }
			Last     *struct{ ID id.ID } `json:"last_status"`
		}
		p := do[policy](t, c, "anna", "GET /api/v2/notifications/policy", nil)
		if p.Private != "filter" || p.New != "accept" {
			t.Errorf("the usual policy is %+v", p)
		}
		hello := c.post(t, "ben", "@anna psst", obj{"visibility": "direct"})
		c.post(t, "ben", "@anna psst again", obj{"visibility": "direct", "in_reply_to_id": hello.String()})
		c.wantTold(t, "anna", "")
		if talks := do[[]talk](t, c, "anna", "GET /api/v1/conversations", nil); len(talks) != 0 {
			t.Errorf("what is held is a conversation: %+v", talks)
		}
		if talks := do[[]talk](t, c, "ben", "GET /api/v1/conversations", nil); len(talks) != 1 || talks[0].Unread {
			t.Errorf("the sender's conversations: %+v", talks)
		}
		type request struct {
			ID      id.ID
			Held    string `json:"notifications_count"`
			Account struct{ Username string }
			Last    *struct{ ID id.ID } `json:"last_status"`
		}
		list := do[[]request](t, c, "anna", "GET /api/v1/notifications/requests", nil)
		if len(list) != 1 || list[0].Held != "2" || list[0].Account.Username != "ben" || list[0].Last == nil {
			t.Fatalf("requests: %+v", list)
		}
		if p = do[policy](t, c, "anna", "GET /api/v1/notifications/policy", nil); p.Old == nil || !*p.Old || p.Summary.Requests != 1 || p.Summary.Held != 2 {
			t.Errorf("the policy in its first form: %+v", p)
		}
		c.wantTold(t, "anna", at("?include_filtered=true&account_id=%d", c.people["ben"].ID), "mention ben", "mention ben")
		c.fail(t, http.StatusNotFound, "clara", at("POST /api/v1/notifications/requests/%d/accept", list[0].ID), nil)
		do[obj](t, c, "anna", at("POST /api/v1/notifications/requests/%d/accept", list[0].ID), nil)
		c.wantTold(t, "anna", "", "mention ben", "mention ben")
		talks := do[[]talk](t, c, "anna", "GET /api/v1/conversations", nil)
		if len(talks) != 1 || !talks[0].Unread || talks[0].Accounts[0].Username != "ben" || talks[0].Last == nil {
			t.Fatalf("conversations once let in: %+v", talks)
		}
		if m := do[struct{ Merged bool }](t, c, "anna", "GET /api/v1/notifications/requests/merged", nil); !m.Merged {
			t.Error("what was accepted is not merged")
		}
		c.post(t, "ben", "@anna once more", obj{"visibility": "direct"})
		c.wantTold(t, "anna", "?limit=1", "mention ben")

		// An answer to the reader's own is no request; who is dropped is not even held.
		mine := c.post(t, "anna", "@clara hello", obj{"visibility": "direct"})
		c.post(t, "clara", "@anna hello to you", obj{"visibility": "direct", "in_reply_to_id": mine.String()})
		c.wantTold(t, "anna", "?limit=1", "mention clara")
		do[policy](t, c, "anna", "PATCH /api/v2/notifications/policy", obj{"for_not_following": "drop", "for_new_accounts": "filter"})
		c.post(t, "clara", "@anna are you there?")
		c.wantTold(t, "anna", "?limit=1", "mention clara")
		if list := do[[]request](t, c, "anna", "GET /api/v1/notifications/requests", nil); len(list) != 0 {
			t.Errorf("what is dropped is held: %+v", list)
		}
		do[policy](t, c, "anna", "PUT /api/v1/notifications/policy", obj{"filter_not_following": true})
		held := c.post(t, "clara", "@anna hello?")
		c.settle(t)
		if list = do[[]request](t, c, "anna", "GET /api/v1/notifications/requests", nil); len(list) != 1 {
			t.Fatalf("requests: %+v", list)
		}
		do[obj](t, c, "anna", "POST /api/v1/notifications/requests/dismiss", obj{"id": []string{list[0].ID.String()}})
		if list := do[[]request](t, c, "anna", "GET /api/v1/notifications/requests", nil); len(list) != 0 {
			t.Errorf("what was dismissed is shown: %+v", list)
		}
		if one := do[request](t, c, "anna", at("GET /api/v1/notifications/requests/%d", list[0].ID), nil); one.Account.Username != "clara" {
			t.Errorf("one alone: %+v", one)
		}
		c.ask(t, "clara", at("DELETE /api/v1/statuses/%d", held), nil)
		c.settle(t)
		c.fail(t, http.StatusNotFound, "anna", at("GET /api/v1/notifications/requests/%d", list[0].ID), nil)
		c.fail(t, http.StatusUnprocessableEntity, "anna", "PATCH /api/v2/notifications/policy", obj{"for_not_following": "maybe"})
		// A moderator's word comes through whatever the policy.
		c.post(t, "ada", "@anna welcome")
		c.wantTold(t, "anna", "?limit=1", "mention ada")
	})
}

func TestMarkersSayHowFarSomebodyHasRead(t *testing.T) {
	onBothCircles(t, "anna ben", func(t *testing.T, c *circle) {
		type mark struct {
			Last    id.ID     `json:"last_read_id"`
			Version int       `json:"version"`
			At      time.Time `json:"updated_at"`
		}
		type marks map[string]mark
		if m := do[marks](t, c, "anna", "GET /api/v1/markers?timeline[]=home&timeline[]=notifications", nil); len(m) != 0 {
			t.Errorf("markers at first: %v", m)
		}
		for range 3 {
			c.post(t, "ben", "@anna hello")
		}
		c.settle(t)
		list := do[[]noticed](t, c, "anna", "GET /api/v1/notifications", nil)
		m := do[marks](t, c, "anna", "POST /api/v1/markers", obj{"notifications": obj{"last_read_id": list[1].ID.String()}, "home": obj{"last_read_id": "12"}})
		if m["notifications"].Last != list[1].ID || m["notifications"].Version != 1 || m["home"].Last != 12 || m["home"].At.IsZero() {
			t.Errorf("POST gave %+v", m)
		}
		type count struct{ Count int }
		if n := do[count](t, c, "anna", "GET /api/v1/notifications/unread_count", nil); n.Count != 1 {
			t.Errorf("%d are unread; want 1", n.Count)
		}
		do[marks](t, c, "anna", "POST /api/v1/markers", obj{"home": obj{"last_read_id": "15"}})
		if m = do[marks](t, c, "anna", "GET /api/v1/markers?timeline[]=home", nil); len(m) != 1 || m["home"].Version != 2 || m["home"].Last != 15 {
			t.Errorf("GET gave %+v", m)
		}
		if n, err := c.Notices.Unread(t.Context(), c.people["anna"].ID); err != nil || n != 1 {
			t.Errorf("the bell shows %d, %v", n, err)
		}
		if err := c.Notices.MarkRead(t.Context(), c.people["anna"].ID, 0); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Notices.Unread(t.Context(), c.people["anna"].ID); err != nil || n != 0 {
			t.Errorf("the bell shows %d once all is read, %v", n, err)
		}
	})
}

// message is what a push message says.
type message struct {
	Token  string `json:"access_token"`
	Locale string `json:"preferred_locale"`
	ID     id.ID  `json:"-"`
	Number int64  `json:"notification_id"`
	Type   string `json:"notification_type"`
	Icon   string
	Title  string
	Body   string
	URL    string
}

func pushed(t *testing.T, r *pushtest.Receiver) (m message) {
	t.Helper()
	if err := json.Unmarshal(r.Wait(t).Plain, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPushReachesAppsThatAreClosed(t *testing.T) {
	onBothCircles(t, "anna ben clara", func(t *testing.T, c *circle) {
		far := pushtest.New(t)
		app := far.Receiver(t, "app")
		c.fail(t, http.StatusNotFound, "anna", "GET /api/v1/push/subscription", nil)
		keys := obj{"endpoint": app.Endpoint, "keys": obj{"p256dh": app.P256dh, "auth": app.Auth}}
		type sub struct {
			ID       int32
			Endpoint string
			Standard bool
			Alerts   map[string]bool
			Key      string `json:"server_key"`
			Policy   string
		}
		got := do[sub](t, c, "anna", "POST /api/v1/push/subscription", obj{"subscription": keys, "data": obj{"alerts": obj{"mention": true, "follow": "true", "poll": false}}})
		if got.ID <= 0 || got.Endpoint != app.Endpoint || got.Standard || !got.Alerts["mention"] || !got.Alerts["follow"] || got.Alerts["poll"] || got.Policy != "all" {
			t.Errorf("%+v", got)
		}
		inst := do[struct {
			Configuration struct {
				Vapid struct {
					Key string `json:"public_key"`
				}
			}
		}](t, c, "", "GET /api/v2/instance", nil)
		reg := do[struct {
			Key string `json:"vapid_key"`
		}](t, c, "", "POST /api/v1/apps", obj{"client_name": "x", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob"})
		if len(got.Key) != 87 || inst.Configuration.Vapid.Key != got.Key || reg.Key != got.Key {
			t.Errorf("the server's key is %s here, %s of the instance and %s for an app", got.Key, inst.Configuration.Vapid.Key, reg.Key)
		}
		c.post(t, "ben", "@anna are you *coming*?")
		m := pushed(t, app)
		list := do[[]noticed](t, c, "anna", "GET /api/v1/notifications", nil)
		if m.Token != c.tokens["anna"] || m.Type != "mention" || m.Title != "Ben mentioned you" || !strings.Contains(m.Body, "are you coming?") || m.Locale != "en" ||
			m.Number != int64(list[0].ID) || !strings.HasPrefix(m.Icon, "http://127.0.0.1:8080/") {
			t.Errorf("the message is %+v", m)
		}
		// Only what was asked for, from whom it was asked for.
		c.ask(t, "ben", at("POST /api/v1/statuses/%d/favourite", c.post(t, "anna", "x")), nil)
		got = do[sub](t, c, "anna", "PUT /api/v1/push/subscription", obj{"data": obj{"alerts": obj{"mention": true}, "policy": "followed"}})
		if got.Policy != "followed" || got.Alerts["follow"] {
			t.Errorf("%+v", got)
		}
		c.ask(t, "anna", at("POST /api/v1/accounts/%d/follow", c.people["clara"].ID), nil)
		c.settle(t)
		c.post(t, "ben", "@anna not this one")
		c.settle(t)
		c.post(t, "clara", "@anna but this one")
		if m = pushed(t, app); !strings.Contains(m.Body, "but this one") {
			t.Errorf("%+v; want Clara's alone", m)
		}
		// In the reader's language, by the RFC's encoding, retried while the push service is down; and over when it says so.
		german := "de"
		if _, err := c.Accounts.Update(t.Context(), c.people["anna"].ID, account.Profile{Lang: &german}); err != nil {
			t.Fatal(err)
		}
		keys["standard"] = true
		got = do[sub](t, c, "anna", "POST /api/v1/push/subscription", obj{"subscription": keys, "data": obj{"alerts": obj{"mention": true}, "policy": "all"}})
		if !got.Standard {
			t.Errorf("%+v", got)
		}
		app.Next(http.StatusBadGateway, "")
		c.post(t, "ben", "@anna in German")
		c.settle(t)
		until(t, "the message is tried again", func() bool {
			c.clock.Advance(time.Second)
			return len(app.Got) > 0
		})
		if m = pushed(t, app); m.Title != "Ben hat dich erwähnt" || m.Locale != "de" {
			t.Errorf("%+v; want German", m)
		}
		app.Next(http.StatusGone, "")
		c.post(t, "ben", "@anna nobody hears this")
		until(t, "the subscription ends", func() bool {
			return c.ask(t, "anna", "GET /api/v1/push/subscription", nil).status == http.StatusNotFound
		})
		do[sub](t, c, "anna", "POST /api/v1/push/subscription", obj{"subscription": keys, "data": obj{"alerts": obj{"mention": true}}})
		do[obj](t, c, "anna", "DELETE /api/v1/push/subscription", nil)
		c.fail(t, http.StatusNotFound, "anna", "PUT /api/v1/push/subscription", obj{"data": obj{"policy": "all"}})
		c.fail(t, http.StatusUnprocessableEntity, "anna", "POST /api/v1/push/subscription", obj{"subscription": keys, "data": obj{"policy": "some"}})
		c.fail(t, http.StatusUnprocessableEntity, "anna", "POST /api/v1/push/subscription", obj{"subscription": obj{"endpoint": "nowhere", "keys": keys["keys"]}})
		c.fail(t, http.StatusUnauthorized, "", "POST /api/v1/push/subscription", obj{"subscription": keys})
		// A subscription ends with its session.
		do[sub](t, c, "anna", "POST /api/v1/push/subscription", obj{"subscription": keys, "data": obj{"alerts": obj{"mention": true}}})
		session, err := c.Accounts.SessionOf(t.Context(), c.tokens["anna"])
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Accounts.EndSession(t.Context(), session.Account, session.ID); err != nil {
			t.Fatal(err)
		}
		c.settle(t)
		if err := c.DB.Read(t.Context(), func(tx *db.Tx) error {
			left, err := tx.Exists(t.Context(), `SELECT 1 FROM push_subscription`)
			if left {
				t.Error("the subscription outlives its session")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBrowsersOnStoasPagesAreTold(t *testing.T) {
	onBothCircles(t, "anna ben", func(t *testing.T, c *circle) {
		far := pushtest.New(t)
		browser := far.Receiver(t, "browser")
		session, err := c.Accounts.SignIn(t.Context(), "anna", password, account.Visit{})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(line, body string) (int, string) {
			method, path, _ := strings.Cut(line, " ")
			req, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.AddCookie(&http.Cookie{Name: "stoa", Value: session.Token})
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			b, _ := io.ReadAll(res.Body)
			return res.StatusCode, string(b)
		}
		if code, body := ask("GET /notifications/push", ""); code != 200 || !strings.Contains(body, `"worker":"/assets/sw`) || !strings.Contains(body, `"endpoint":""`) {
			t.Fatalf("%d %s", code, body)
		}
		sub := fmt.Sprintf(`{"endpoint":%q,"expirationTime":null,"keys":{"p256dh":%q,"auth":%q}}`, browser.Endpoint, browser.P256dh, browser.Auth)
		if code, body := ask("POST /notifications/push", sub); code != 200 {
			t.Fatalf("%d %s", code, body)
		}
		c.post(t, "ben", "@anna hello")
		if m := pushed(t, browser); m.Token != "" || m.Title != "Ben mentioned you" || !strings.Contains(m.URL, "/@ben/") {
			t.Errorf("%+v", m)
		}
		if code, body := ask("GET /account/notifications", ""); code != 200 || !strings.Contains(body, "data-push") || !strings.Contains(body, "Direct messages that you didn") {
			t.Errorf("the settings = %d %s", code, body)
		}
		if code, _ := ask("POST /notifications/push/stop", ""); code != 200 {
			t.Errorf("stop = %d", code)
		}
		if _, body := ask("GET /notifications/push", ""); !strings.Contains(body, `"endpoint":""`) {
			t.Errorf("after the stop: %s", body)
		}
	})
}

func TestLettersTellWhatWasMissedOnceADay(t *testing.T) {
	onBothCircles(t, "anna ben", func(t *testing.T, c *circle) {
		c.post(t, "ben", "@anna before the letters")
		c.settle(t)
		type every struct{ Every string }
		if e := do[every](t, c, "anna", "GET /api/stoa/v1/notifications/letters", nil); e.Every != "never" {
			t.Errorf("at first: %s", e.Every)
		}
		do[every](t, c, "anna", "PUT /api/stoa/v1/notifications/letters", every{"daily"})
		c.fail(t, http.StatusUnprocessableEntity, "anna", "PUT /api/stoa/v1/notifications/letters", every{"hourly"})
		c.post(t, "ben", "@anna come <over>?")
		c.ask(t, "ben", at("POST /api/v1/accounts/%d/follow", c.people["anna"].ID), nil)
		secret := c.post(t, "anna", "@ben psst", obj{"visibility": "direct"})
		c.post(t, "ben", "@anna the secret word is xyzzy", obj{"visibility": "direct", "in_reply_to_id": secret.String()})
		c.settle(t)
		letters := func() (out []mail.Letter) {
			list, err := c.Mail.List(t.Context(), "", 50)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list.Items {
				if r.Kind == "social.digest" {
					_, l, err := c.Mail.Shown(t.Context(), r.ID)
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, l)
				}
			}
			return out
		}
		look := func() {
			t.Helper()
			err := c.DB.Write(t.Context(), func(tx *db.Tx) error {
				_, err := c.Jobs.RunNow(t.Context(), tx, "notification.letters")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			until(t, "jobs are done", func() bool {
				s, err := c.Jobs.Stats(t.Context())
				return err == nil && s.Due == 0 && s.Running == 0
			})
		}
		look()
		if n := len(letters()); n != 0 {
			t.Fatalf("%d letters on the first evening; want none before the morning", n)
		}
		c.clock.Advance(24 * time.Hour)
		look()
		look()
		got := letters()
		if len(got) != 1 {
			t.Fatalf("%d letters after a day; want 1", len(got))
		}
		text, html := c.Mail.Render(got[0])
		for _, want := range []string{"Ben mentioned you", "come <over>?", "Ben follows you now", "Ben wrote to you", "http://127.0.0.1:8080/notifications"} {
			if !strings.Contains(text, want) {
				t.Errorf("the letter lacks %q:\n%s", want, text)
			}
		}
		if strings.Contains(text+html, "xyzzy") || strings.Contains(text, "before the letters") || strings.Contains(html, "<over>") || got[0].To != "anna@canary.example" {
			t.Errorf("the letter tells too much, or is for %s:\n%s", got[0].To, text)
		}
		c.clock.Advance(24 * time.Hour)
		look()
		if n := len(letters()); n != 1 {
			t.Errorf("%d letters where nothing is new; want 1", n)
		}
		// The link ends them, without a sign-in; to look at it does not.
		leave := strings.TrimPrefix(got[0].Leave, "http://127.0.0.1:8080")
		if r := c.ask(t, "", "GET "+leave, nil); r.status != 200 || !strings.Contains(string(r.body), "No more letters") {
			t.Errorf("the link's page = %d", r.status)
		}
		c.fail(t, http.StatusNotFound, "", "POST "+leave+"x", nil)
		if e := do[every](t, c, "anna", "GET /api/stoa/v1/notifications/letters", nil); e.Every != "daily" {
			t.Errorf("a look at the link ended the letters")
		}
		res, err := http.PostForm(c.url+leave, url.Values{"List-Unsubscribe": {"One-Click"}})
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("one click = %v, %v", res, err)
		}
		res.Body.Close()
		if e := do[every](t, c, "anna", "GET /api/stoa/v1/notifications/letters", nil); e.Every != "never" {
			t.Errorf("after one click: %s", e.Every)
		}
	})
}

func TestDirectMessagesAreConversations(t *testing.T) {
	onBothCircles(t, "anna ben clara", func(t *testing.T, c *circle) {
		for _, who := range []string{"ben", "clara"} {
			do[obj](t, c, who, "PATCH /api/v2/notifications/policy", obj{"for_private_mentions": "accept"})
		}
		type talk struct {
			ID       id.ID
			Unread   bool
			Accounts []struct{ Username string }
			Last     struct{ ID id.ID } `json:"last_status"`
		}
		talks := func(who string) []talk {
			t.Helper()
			c.settle(t)
			return do[[]talk](t, c, who, "GET /api/v1/conversations", nil)
		}
		direct := obj{"visibility": "direct"}
		first := c.post(t, "anna", "@ben lunch?", direct)
		both := c.post(t, "anna", "@ben @clara dinner?", direct)
		bens := talks("ben")
		if len(bens) != 2 || bens[0].Last.ID != both || len(bens[0].Accounts) != 2 || !bens[0].Unread || bens[1].Last.ID != first || bens[1].Accounts[0].Username != "anna" {
			t.Fatalf("Ben's: %+v", bens)
		}
		if annas := talks("anna"); len(annas) != 2 || annas[0].Unread || annas[1].Unread {
			t.Errorf("Anna's: %+v", annas)
		}
		answer := c.post(t, "ben", "@anna yes", direct, obj{"in_reply_to_id": first.String()})
		if annas := talks("anna"); len(annas) != 2 || annas[0].Last.ID != answer || !annas[0].Unread || annas[0].Accounts[0].Username != "ben" {
			t.Errorf("Anna's after the answer: %+v", annas)
		}
		bens = talks("ben")
		if bens[0].Unread || bens[0].Last.ID != answer {
			t.Errorf("Ben's after his answer: %+v", bens)
		}
		read := do[talk](t, c, "clara", at("POST /api/v1/conversations/%d/read", talks("clara")[0].ID), nil)
		if read.Unread || talks("clara")[0].Unread {
			t.Error("what was read is unread")
		}
		if un := do[talk](t, c, "clara", at("POST /api/v1/conversations/%d/unread", read.ID), nil); !un.Unread {
			t.Error("what was marked as unread is read")
		}
		c.fail(t, http.StatusNotFound, "clara", at("POST /api/v1/conversations/%d/read", bens[0].ID), nil)
		c.fail(t, http.StatusNotFound, "clara", at("DELETE /api/v1/conversations/%d", bens[0].ID), nil)
		one := c.ask(t, "ben", "GET /api/v1/conversations?limit=1", nil)
		if !strings.Contains(one.header.Get("Link"), at("max_id=%d>; rel=\"next\"", answer)) {
			t.Errorf("Link = %s", one.header.Get("Link"))
		}
		if l := do[[]talk](t, c, "ben", at("GET /api/v1/conversations?max_id=%d", answer), nil); len(l) != 1 || l[0].Last.ID != both {
			t.Errorf("the second page: %+v", l)
		}
		c.ask(t, "ben", at("DELETE /api/v1/statuses/%d", answer), nil)
		if annas := talks("anna"); len(annas) != 2 || annas[1].Last.ID != first {
			t.Errorf("without the answer: %+v", annas)
		}
		c.ask(t, "anna", at("DELETE /api/v1/statuses/%d", first), nil)
		if annas := talks("anna"); len(annas) != 1 || annas[0].Last.ID != both {
			t.Errorf("without the first: %+v", annas)
		}
		do[obj](t, c, "ben", at("DELETE /api/v1/conversations/%d", talks("ben")[0].ID), nil)
		if l := talks("ben"); len(l) != 0 {
			t.Errorf("what was removed is there: %+v", l)
		}
	})
}

func TestAnnouncementsAreShownInTheirTime(t *testing.T) {
	onBothCircles(t, "anna ben", func(t *testing.T, c *circle) {
		type ann struct {
			ID        id.ID
			Content   string
			StartsAt  *time.Time `json:"starts_at"`
			Read      *bool
			Reactions []struct {
				Name  string
				Count int
				Me    bool
			}
		}
		for _, who := range []string{"anna", ""} {
			want := map[string]int{"anna": http.StatusForbidden, "": http.StatusUnauthorized}[who]
			c.fail(t, want, who, "POST /api/stoa/v1/announcements", obj{"text": "I am the mayor"})
		}
		c.fail(t, http.StatusUnprocessableEntity, "ada", "POST /api/stoa/v1/announcements", obj{"text": " "})
		a := do[named](t, c, "ada", "POST /api/stoa/v1/announcements", obj{"text": "Market on *Saturday*: https://market.example/ <b>", "starts_at": "2026-11-28T08:00:00Z", "ends_at": "2026-11-28T14:00:00Z"})
		later := do[named](t, c, "ada", "POST /api/stoa/v1/announcements", obj{"text": "Much later", "publish_at": "2026-11-24T00:00:00Z"})
		list := do[[]ann](t, c, "anna", "GET /api/v1/announcements", nil)
		if len(list) != 1 || list[0].ID != a.ID || !strings.Contains(list[0].Content, "<em>Saturday</em>") || strings.Contains(list[0].Content, "<b>") || list[0].Read == nil || *list[0].Read || list[0].StartsAt == nil {
			t.Fatalf("%+v", list)
		}
		do[obj](t, c, "anna", at("PUT /api/v1/announcements/%d/reactions/%s", a.ID, url.PathEscape("🎉")), nil)
		do[obj](t, c, "anna", at("PUT /api/v1/announcements/%d/reactions/%s", a.ID, url.PathEscape("🎉")), nil)
		do[obj](t, c, "ben", at("PUT /api/v1/announcements/%d/reactions/%s", a.ID, url.PathEscape("🎉")), nil)
		do[obj](t, c, "ben", at("PUT /api/v1/announcements/%d/reactions/%s", a.ID, url.PathEscape("👍🏽")), nil)
		for _, bad := range []string{"hello", "12", "<b>", "nosuchemoji"} {
			c.fail(t, http.StatusUnprocessableEntity, "ben", at("PUT /api/v1/announcements/%d/reactions/%s", a.ID, url.PathEscape(bad)), nil)
		}
		list = do[[]ann](t, c, "anna", "GET /api/v1/announcements", nil)
		if r := list[0].Reactions; len(r) != 2 || r[0].Name != "🎉" || r[0].Count != 2 || !r[0].Me || r[1].Me {
			t.Errorf("reactions: %+v", r)
		}
		do[obj](t, c, "ben", at("DELETE /api/v1/announcements/%d/reactions/%s", a.ID, url.PathEscape("👍🏽")), nil)
		do[obj](t, c, "anna", at("POST /api/v1/announcements/%d/dismiss", a.ID), nil)
		if list = do[[]ann](t, c, "anna", "GET /api/v1/announcements", nil); len(list) != 0 {
			t.Errorf("what was put away is shown: %+v", list)
		}
		if list = do[[]ann](t, c, "anna", "GET /api/v1/announcements?with_dismissed=true", nil); len(list) != 1 || !*list[0].Read || len(list[0].Reactions) != 1 {
			t.Errorf("with what was put away: %+v", list)
		}
		c.fail(t, http.StatusNotFound, "anna", at("POST /api/v1/announcements/%d/dismiss", later.ID), nil)
		do[obj](t, c, "ada", at("PUT /api/stoa/v1/announcements/%d", a.ID), obj{"text": "Market is off"})
		if list = do[[]ann](t, c, "ben", "GET /api/v1/announcements", nil); len(list) != 1 || !strings.Contains(list[0].Content, "Market is off") || list[0].StartsAt != nil {
			t.Errorf("once changed: %+v", list)
		}
		c.clock.Advance(48 * time.Hour)
		if list = do[[]ann](t, c, "ben", "GET /api/v1/announcements", nil); len(list) != 2 || list[1].ID != later.ID {
			t.Errorf("two days later: %+v", list)
		}
		until(t, "pages hear of the later one", func() bool {
			es, err := c.Events.SinceOf(t.Context(), []string{"announcement:" + later.ID.String()}, 0, 10)
			return err == nil && len(es) == 1
		})
		if r := c.ask(t, "ada", at("DELETE /api/stoa/v1/announcements/%d", a.ID), nil); r.status != http.StatusNoContent {
			t.Errorf("remove = %d", r.status)
		}
		if list = do[[]ann](t, c, "ben", "GET /api/v1/announcements", nil); len(list) != 1 {
			t.Errorf("what was removed is shown: %+v", list)
		}
	})
}

func TestOrdersAreToldToThoseWhoAskForThem(t *testing.T) {
	onBothCircles(t, "olga", func(t *testing.T, c *circle) {
		ctx := as(c.admin)
		set := c.Restaurants.Defaults()
		set.Name, set.Street, set.City, set.Phone, set.Point, set.Hours = "Taj", "Markt 1", "Arkadia", "+49 30 1", here, "24/7"
		made, err := c.Restaurants.Create(ctx, restaurant.NewRestaurant{Settings: set, Owner: c.people["olga"].ID})
		if err != nil {
			t.Fatal(err)
		}
		c.shop = made.ID
		section, err := c.Menus.SaveSection(t.Context(), c.admin, c.shop, 0, menu.SectionInput{Name: "Mains"})
		if err != nil {
			t.Fatal(err)
		}
		if c.dish, err = c.Menus.AddItem(t.Context(), c.admin, c.shop, menu.ItemInput{Section: section, Name: "Dal", Price: 1050}); err != nil {
			t.Fatal(err)
		}
		customer := c.canary(t, "zoe")
		c.known(t, "zoe", customer.Actor)
		placed := c.order(t, customer, "k1")
		until(t, "the kitchen sees the order", func() bool {
			v, err := c.Orders.Get(ctx, placed.Order)
			return err == nil && !v.Awaiting
		})
		if _, err := c.Orders.Confirm(ctx, placed.Order, nil); err != nil {
			t.Fatal(err)
		}
		c.wantTold(t, "zoe", "")
		list := do[[]noticed](t, c, "zoe", "GET /api/v1/notifications?types[]=stoa.order", nil)
		if len(list) != 1 || list[0].Type != "stoa.order" || list[0].Stoa == nil || list[0].Stoa.Title != "Taj has taken your order" || list[0].Stoa.What != "confirmed" ||
			list[0].Stoa.URL != "/orders/"+placed.Code || list[0].Account.Username != "taj" {
			t.Fatalf("%+v", list)
		}
		if g := do[groups](t, c, "zoe", "GET /api/v2/notifications", nil); len(g.Groups) != 0 {
			t.Errorf("an app that didn't ask is given %+v", g.Groups)
		}
		if n := do[struct{ Count int }](t, c, "zoe", "GET /api/v1/notifications/unread_count", nil); n.Count != 0 {
			t.Errorf("an app that didn't ask counts %d", n.Count)
		}
		feed, _, err := c.Notices.Feed(t.Context(), customer.ID, nil, 0, 10)
		if err != nil || len(feed) != 1 || !feed[0].Unread || feed[0].Text != "Taj has taken your order" || feed[0].URL != "/orders/"+placed.Code {
			t.Errorf("the page shows %+v, %v", feed, err)
		}
		// An order of one's own doing tells nothing: who cancels knows.
		second := c.order(t, customer, "k2")
		if _, err := c.Orders.Cancel(as(customer.Actor), second.Order, order.Why{Reason: "CUSTOMER"}); err != nil {
			t.Fatal(err)
		}
		c.settle(t)
		if list = do[[]noticed](t, c, "zoe", "GET /api/v1/notifications?types[]=stoa", nil); len(list) != 1 {
			t.Errorf("Zoe is told of what she did: %+v", list)
		}
		// Nobody answers an order: the kitchen hears of it, until it is answered.
		third := c.order(t, customer, "k3")
		until(t, "the kitchen is reminded", func() bool {
			c.clock.Advance(20 * time.Second)
			time.Sleep(100 * time.Millisecond) // jobs look at the clock
			c.settle(t)
			list = do[[]noticed](t, c, "olga", "GET /api/v1/notifications?types[]=stoa.kitchen", nil)
			return len(list) > 0
		})
		if list[0].Stoa.URL != "/kitchen/taj" || !strings.Contains(list[0].Stoa.Title, "waits for your answer") {
			t.Errorf("%+v", list[0].Stoa)
		}
		if _, err := c.Orders.Confirm(ctx, third.Order, nil); err != nil {
			t.Fatal(err)
		}
		c.settle(t)
		if list = do[[]noticed](t, c, "olga", "GET /api/v1/notifications?types[]=stoa.kitchen", nil); len(list) != 0 {
			t.Errorf("the reminder outlives its answer: %+v", list)
		}
	})
}
