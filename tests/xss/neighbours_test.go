package xss

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

// friends is what the payload is written to among neighbours.
type friends struct {
	event, eventPost, notice, list, filter, draft, post, profile string
	talked                                                       bool
}

// friend sends something to Mastodon's API as somebody: the payload in every hole of a form. What is refused is no fault: it can't be shown.
func (w *town) friend(c *harness.Client, method, path string, form url.Values) string {
	w.t.Helper()
	for _, values := range form {
		for i, v := range values {
			values[i] = strings.ReplaceAll(v, hole, w.payload)
		}
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.serial++
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.%d.%d", w.serial/250, w.serial%250))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode/100 != 2 && res.StatusCode != http.StatusUnprocessableEntity {
		w.t.Fatalf("%s %s = %d %s", method, path, res.StatusCode, body)
	}
	var out struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(body, &out) // what was refused has none
	return out.ID
}

// talk writes the payload wherever neighbours write something.
func (w *town) talk() {
	f := &w.friends
	profile := url.Values{"display_name": {hole}, "note": {hole}, "fields_attributes[0][name]": {hole}, "fields_attributes[0][value]": {hole}}
	w.friend(w.customer, "PATCH", "/api/v1/accounts/update_credentials", profile)
	f.post = w.friend(w.customer, "POST", "/api/v1/statuses", url.Values{"status": {hole + " #" + hole + " @" + hole}, "spoiler_text": {hole}, "language": {"en"}})
	w.friend(w.customer, "POST", "/api/v1/statuses", url.Values{"status": {hole}, "poll[options][]": {hole, hole + " 2"}, "poll[expires_in]": {"3600"}})
	w.friend(w.customer, "POST", "/api/v1/statuses", url.Values{"status": {hole + " @meera"}, "visibility": {"direct"}})
	group := map[string]any{"name": hole, "about": hole, "rules": hole}
	event := map[string]any{"title": hole, "place": hole}
	notice := map[string]any{"text": hole}
	draft := map[string]any{"draft": map[string]any{"text": hole}}
	if !f.talked {
		f.talked = true
		whole := map[string]any{"handle": "choir", "name": hole, "about": hole, "rules": hole}
		w.offer(w.customer, "POST", "/groups", "/groups", whole, nil)
		held := map[string]any{"title": hole, "place": hole, "text": hole, "starts_at": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)}
		var made struct {
			ID string `json:"id"`
		}
		w.offer(w.customer, "POST", "/events", "/events", held, &made)
		f.event = made.ID
		w.offer(w.admin, "POST", "/announcements", "/announcements", notice, &made)
		f.notice = made.ID
		f.list = w.friend(w.customer, "POST", "/api/v1/lists", url.Values{"title": {"plain"}})
		f.filter = w.friend(w.customer, "POST", "/api/v2/filters", url.Values{"title": {"plain"}, "context[]": {"home"}})
		w.offer(w.customer, "POST", "/drafts", "/drafts", draft, &made)
		f.draft = made.ID
	}
	w.offer(w.customer, "PATCH", "/groups/{handle}", "/groups/choir", group, nil)
	w.offer(w.customer, "PATCH", "/events/{id}", "/events/"+f.event, event, nil)
	w.offer(w.admin, "PUT", "/announcements/{id}", "/announcements/"+f.notice, notice, nil)
	w.offer(w.customer, "PUT", "/drafts/{id}", "/drafts/"+f.draft, draft, nil)
	w.friend(w.customer, "PUT", "/api/v1/lists/"+f.list, url.Values{"title": {hole}})
	w.friend(w.customer, "PUT", "/api/v2/filters/"+f.filter, url.Values{"title": {hole}, "context[]": {"home"}, "keywords_attributes[0][keyword]": {"quiet " + hole}})
	var me struct {
		ID string `json:"id"`
	}
	if f.profile == "" {
		w.customer.Want(w.t, 200, "GET", "/me", nil, &me)
		f.profile = me.ID
	}
	w.friend(w.owner, "POST", "/api/v1/reports", url.Values{"account_id": {f.profile}, "comment": {hole}, "status_ids[]": {f.post}})
	w.friend(w.owner, "POST", "/api/v1/accounts/"+f.profile+"/note", url.Values{"comment": {hole}})
	w.praise()
}

// praise writes the payload about what was brought, and has the restaurant answer with it.
func (w *town) praise() {
	var made struct {
		ID string `json:"id"`
	}
	dishes := []any{map[string]any{"item": w.item, "stars": 4, "name": hole}}
	w.offer(w.customer, "POST", "/orders/{id}/review", "/orders/"+w.brought.ID+"/review", map[string]any{"stars": 5, "text": hole, "dishes": dishes}, &made)
	w.offer(w.customer, "PATCH", "/reviews/{id}", "/reviews/"+made.ID, map[string]any{"text": hole + " after all", "dishes": dishes}, nil)
	w.offer(w.owner, "PUT", "/reviews/{id}/answer", "/reviews/"+made.ID+"/answer", map[string]any{"text": hole}, nil)
}

// amongNeighbours returns the pages of the social network that are looked at with each payload, by who does.
func (w *town) amongNeighbours() map[string][]page {
	f := w.friends
	return map[string][]page{
		"":      {{"GET /@/{handle}/{id}", "/@otto/" + f.post}, {"GET /r/{slug}/reviews", "/r/" + w.shop.Slug + "/reviews"}},
		"otto":  {{"GET /groups/{handle}", "/groups/choir"}, {"GET /lists", "/lists"}},
		"meera": {{"GET /@/{handle}", "/@otto"}},
	}
}

// aroundTown returns those that are looked at now and then.
func (w *town) aroundTown() map[string][]page {
	f, q := w.friends, url.QueryEscape(w.payload)
	return map[string][]page{
		"": {
			{"GET /@/{handle}", "/@otto"},
			{"GET /town", "/town"},
			{"GET /groups", "/groups"},
			{"GET /events", "/events"},
			{"GET /search", "/search?q=" + q},
			{"GET /statuses/{id}/history", "/statuses/" + f.post + "/history"},
			{"GET /account/strikes/{id}", "/account/strikes/1?ticket=" + q},
			{"GET /letters/stop/{account}/{sig}", "/letters/stop/1/" + url.PathEscape(w.payload)},
		},
		"otto": {
			{"GET /home", "/home"},
			{"GET /notifications", "/notifications"},
			{"GET /conversations", "/conversations"},
			{"GET /bookmarks", "/bookmarks"},
			{"GET /favourites", "/favourites"},
			{"GET /follow-requests", "/follow-requests"},
			{"GET /lists/{id}", "/lists/" + f.list},
			{"GET /settings/filters", "/settings/filters"},
			{"GET /settings/profile", "/settings/profile"},
			{"GET /compose", "/compose?text=" + q},
			{"GET /events/new", "/events/new"},
			{"GET /groups/new", "/groups/new"},
			{"GET /events/{id}", "/events/" + f.event},
			{"GET /search", "/search?q=" + q},
			{"GET /account/notifications", "/account/notifications"},
			{"GET /account/strikes", "/account/strikes"},
			{"GET /orders/{code}/review", "/orders/" + plainCode(w.brought) + "/review"},
			{"GET /@/{handle}/followers", "/@otto/followers"},
			{"GET /@/{handle}/following", "/@otto/following"},
			{"GET /people/blocked", "/people/blocked"},
			{"GET /people/muted", "/people/muted"},
		},
		"meera": {
			{"GET /conversations", "/conversations"},
			{"GET /notifications", "/notifications"},
			{"GET /report", "/report?status=" + f.post},
			{"GET /statuses/{id}/boosts", "/statuses/" + f.post + "/boosts"},
			{"GET /statuses/{id}/favourites", "/statuses/" + f.post + "/favourites"},
		},
		"mona": {
			{"GET /moderation", "/moderation"},
			{"GET /moderation/accounts", "/moderation/accounts?q=" + q},
			{"GET /moderation/accounts/{id}", "/moderation/accounts/" + f.profile},
			{"GET /moderation/appeals", "/moderation/appeals"},
			{"GET /moderation/blocks", "/moderation/blocks"},
			{"GET /moderation/trends", "/moderation/trends"},
		},
	}
}
