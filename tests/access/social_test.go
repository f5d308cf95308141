package access

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

// friends are the parts of the REST API that apps for friends may use.
var friends = []string{"/drafts", "/groups", "/events", "/reviews", "/notifications", "/suggestions", "/announcements", "/orders/{id}/review", "/restaurants/{slug}/reviews"}

// forFriends reports whether a line is of the social network.
func forFriends(line string) bool {
	_, path, _ := strings.Cut(line, " ")
	for _, p := range []string{"/api/v1/", "/api/v2/", "/@/", "/statuses/", "/lists", "/tags/", "/avatars/", "/headers/", "/calendar/", "/events", "/letters/", "/groups", "/moderation", "/people/", "/account/strikes", "/settings/filters", "/settings/notifications", "/settings/carry", "/settings/archive", "/notifications/requests/", "/waiting", "/drafts/"} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	if rest, ok := strings.CutPrefix(path, api); ok {
		return slices.ContainsFunc(append([]string{"/emojis"}, friends...), func(p string) bool { return strings.HasPrefix(rest, p) })
	}
	return false
}

// peoples are the things of the social network that are somebody's own, by what stands before them in a path.
var peoples = map[string]string{
	"statuses/{id}": "status", "lists/{id}": "list", "filters/{id}": "filter", "drafts/{id}": "draft", "scheduled_statuses/{id}": "later", "polls/{id}": "poll",
	"list/{id}": "list", "waiting/{id}": "later", "{handle}/{id}": "status",
}

// socialKind returns which thing a part of a path of the social network is: one of peoples, else "town": then only what is nowhere is
// asked for, and who may read which status is for the tests of statuses.
func socialKind(line, before, part string) string {
	kind := peoples[before+"/"+part]
	if kind == "status" && strings.Contains(line, "/admin/") || kind == "" || kind == "status" && strings.Contains(line, "{handle}") {
		return "town"
	}
	return kind
}

// social makes a thing of somebody's: a status is for followers only, and nobody follows.
func (w *world) social(kind string, c *harness.Client) string {
	key := kind + " " + c.Token
	if w.friends[key] == "" {
		w.friends[key] = w.makeSocial(kind, c)
	}
	return w.friends[key]
}

func (w *world) makeSocial(kind string, c *harness.Client) string {
	post := func(path string, body map[string]any) string {
		a := w.send("POST", path, body, c.Token, "")
		var out struct {
			ID   string              `json:"id"`
			Poll struct{ ID string } `json:"poll"`
		}
		if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status/100 != 2 || out.ID == "" {
			w.t.Fatalf("POST %s = %d %s", path, a.status, a.body)
		}
		if kind == "poll" {
			return out.Poll.ID
		}
		return out.ID
	}
	switch kind {
	case "status":
		return post("/api/v1/statuses", map[string]any{"status": "Among friends " + w.key(), "visibility": "private"})
	case "poll":
		return post("/api/v1/statuses", map[string]any{"status": "Which? " + w.key(), "visibility": "private", "poll": map[string]any{"options": []string{"a", "b"}, "expires_in": 3600}})
	case "later":
		return post("/api/v1/statuses", map[string]any{"status": "Later " + w.key(), "scheduled_at": w.soon()})
	case "list":
		return post("/api/v1/lists", map[string]any{"title": w.key()})
	case "filter":
		return post("/api/v2/filters", map[string]any{"title": w.key(), "context": []string{"home"}})
	case "draft":
		return post(api+"/drafts", map[string]any{"draft": map[string]any{"text": w.key()}})
	}
	w.t.Fatalf("nobody knows how to make a %s", kind)
	return ""
}

// soon returns a time to post at: another day each time, since a day has room for a few only.
func (w *world) soon() string {
	w.serial++
	return time.Now().AddDate(0, 0, 1+w.serial%360).Format(time.RFC3339)
}

// socialForm is what every form of the social network's pages is sent: all of them read what they need of it.
var socialForm = url.Values{"on": {"1"}, "choice": {"0"}, "text": {"Hello"}, "title": {"Street"}, "at": {time.Now().AddDate(0, 1, 0).Format("2006-01-02T15:04")}, "comment": {"Why"}, "reason": {"Why"}}

// socialBody returns what a route of the social network is sent; the others get nothing, and say so.
func socialBody(line string) map[string]any {
	switch line {
	case "POST /api/v1/statuses", "PUT /api/v1/statuses/{id}":
		return map[string]any{"status": "Hello"}
	case "POST /api/v1/lists", "PUT /api/v1/lists/{id}":
		return map[string]any{"title": "Street"}
	case "POST /api/v2/filters", "PUT /api/v2/filters/{id}":
		return map[string]any{"title": "Quiet", "context": []string{"home"}}
	case "POST " + api + "/drafts", "PUT " + api + "/drafts/{id}":
		return map[string]any{"draft": map[string]any{"text": "x"}}
	case "PUT /api/v1/scheduled_statuses/{id}":
		return map[string]any{"scheduled_at": time.Now().AddDate(0, 0, 2).Format(time.RFC3339)}
	case "POST /api/v1/polls/{id}/votes":
		return map[string]any{"choices": []int{0}}
	}
	return map[string]any{}
}
