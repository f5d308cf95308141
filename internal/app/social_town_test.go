package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/status"
)

// neighbour asks the server with somebody's token, or as a stranger.
func (d *desk) neighbour(t *testing.T, who access.Actor) *desk {
	t.Helper()
	out := &desk{d.place, d.url, ""}
	if who.ID != 0 {
		out.token = d.newToken(t, who.ID)
	}
	return out
}

// want asks and fails where the answer is another.
func (d *desk) want(t *testing.T, method, path, body string, status int, parts ...string) string {
	t.Helper()
	got, text := d.ask(t, method, path, body)
	if got != status {
		t.Fatalf("%s %s = %d %s; want %d", method, path, got, text, status)
	}
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Fatalf("%s %s = %s; want %s in it", method, path, text, p)
		}
	}
	return text
}

// member returns a member of a JSON object that is text.
func member(t *testing.T, object, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(object), &m); err != nil {
		t.Fatalf("%v in %s", err, object)
	}
	s, _ := m[name].(string)
	return s
}

func TestADishOnAPostIsAsItIsInTheKitchen(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna := p.person(t, "anna", "Anna")
		stranger := newDesk(t, p).neighbour(t, access.Actor{})
		st, err := p.Statuses.Post(t.Context(), anna, status.Draft{Text: "Look at that.", Kind: "dish", Thing: p.dish, Visibility: social.Public})
		if err != nil {
			t.Fatal(err)
		}
		path := "/api/v1/statuses/" + st.String()
		stranger.want(t, "GET", path, "", 200, `"price":1050`, `"available":true`, `"simple":true`, `"title":"Dal · 10.50 EUR"`, `"type":"link"`, "/r/taj/i/"+p.dish.String())
		shown := func(part string) func() bool {
			return func() bool {
				_, text := stranger.ask(t, "GET", path, "")
				return strings.Contains(text, part)
			}
		}
		price := int64(1200)
		if err := p.Menus.EditItem(t.Context(), p.admin, p.shop, p.dish, menu.ItemPatch{Price: &price}); err != nil {
			t.Fatal(err)
		}
		until(t, "the post shows the new price", shown(`"price":1200`)) // the town's clock stands still: no card grows old
		until(t, "apps show the new price", shown(`"title":"Dal · 12.00 EUR"`))
		later := p.clock.Now().Add(time.Hour)
		if err := p.Menus.Set(t.Context(), p.admin, p.shop, p.dish, menu.Availability{SoldOut: &later}); err != nil {
			t.Fatal(err)
		}
		until(t, "the post shows that it is sold out", shown(`"available":false`))
		if err := p.Menus.Delete(t.Context(), p.admin, p.shop, menu.PartItem, p.dish); err != nil {
			t.Fatal(err)
		}
		until(t, "the dish is gone from the post", shown(`"card":null`))
		if _, err := p.Statuses.Post(t.Context(), anna, status.Draft{Kind: "dish", Thing: p.dish}); !errs.Is(err, errs.NotFound) {
			t.Errorf("posting what is not on the menu = %v; want not found", err)
		}
		if _, err := p.Statuses.Post(t.Context(), anna, status.Draft{Kind: "restaurant", Thing: p.shop, Visibility: social.Public}); err != nil {
			t.Errorf("posting a restaurant = %v", err)
		}
	})
}

func TestAReviewIsAPostAndCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna, courier := p.canary(t, "annareview"), p.canary(t, "kurtkurier", access.Grant{Role: access.RoleCourier})
		bert := p.person(t, "bert", "Bert")
		desk := newDesk(t, p)
		her, him, stranger := desk.neighbour(t, anna.Actor), desk.neighbour(t, bert), desk.neighbour(t, access.Actor{})
		o := p.order(t, anna, "dinner")
		path := "/api/stoa/v1/orders/" + o.Order.String() + "/review"
		body := `{"stars":4,"text":"Warm and quick.","dishes":[{"item":"` + p.dish.String() + `","stars":5}]}`
		her.want(t, "POST", path, body, 409, "not_delivered")
		p.bring(t, o.Order, courier)
		him.want(t, "POST", path, body, 404)
		// What its post can't carry leaves no review behind: the first try to store one succeeds.
		her.want(t, "POST", path, strings.Replace(body, `{`, `{"media_ids":["77"],`, 1), 422, "is not yours")
		stranger.want(t, "GET", "/api/stoa/v1/restaurants/taj/reviews", "", 200, `"count":0`)
		made := her.want(t, "POST", path, body, 201, `"verified":true`)
		review, st := member(t, made, "id"), member(t, made, "status_id")
		her.want(t, "POST", path, body, 409, "reviewed")
		stranger.want(t, "GET", "/api/v1/statuses/"+st, "", 200, "Warm and quick.", `"stars":4`, `"title":"★★★★☆ Taj"`, `"verified":true`)
		stranger.want(t, "GET", "/api/stoa/v1/restaurants/taj/reviews", "", 200, `"count":1`, `"stars":4`)
		stranger.want(t, "GET", "/api/stoa/v1/restaurants?mode=pickup", "", 200, `"stars":4,"reviews":1`)
		stranger.want(t, "GET", "/r/taj", "", 200, "AggregateRating", "/r/taj/reviews")
		stranger.want(t, "GET", "/r/taj/reviews", "", 200, "Warm and quick.")
		number, err := id.Parse(review)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Statuses.Post(t.Context(), bert, status.Draft{Text: "Mine, too", Kind: "review", Thing: number}); !errs.Is(err, errs.NotFound) {
			t.Errorf("another's review on a post = %v; want not found", err)
		}
		her.want(t, "PATCH", "/api/stoa/v1/reviews/"+review, `{"stars":2,"text":"Cold, after all."}`, 200)
		until(t, "the post follows", func() bool {
			_, text := stranger.ask(t, "GET", "/api/v1/statuses/"+st, "")
			return strings.Contains(text, "Cold, after all.") && strings.Contains(text, `"title":"★★☆☆☆ Taj"`)
		})
		if err := p.Accounts.Grant(t.Context(), bert.ID, access.Grant{Role: access.RoleStaff, Place: p.shop}); err != nil {
			t.Fatal(err)
		}
		until(t, "the restaurant answers", func() bool {
			code, _ := him.ask(t, "PUT", "/api/stoa/v1/reviews/"+review+"/answer", `{"text":"We are sorry."}`)
			return code == http.StatusOK
		})
		her.want(t, "GET", "/api/v1/statuses/"+st+"/context", "", 200, "We are sorry.", `"username":"taj"`)
		if err := p.Statuses.Delete(t.Context(), anna.Actor, must(id.Parse(st)), true); err != nil {
			t.Fatal(err)
		}
		until(t, "the review goes with its post", func() bool {
			_, text := stranger.ask(t, "GET", "/api/stoa/v1/restaurants/taj/reviews", "")
			return strings.Contains(text, `"items":[]`) && strings.Contains(text, `"count":0`)
		})
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAClosedGroupReadsAloneAndAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna, bert := p.person(t, "anna", "Anna"), p.person(t, "bert", "Bert")
		desk := newDesk(t, p)
		her, him, stranger := desk.neighbour(t, anna), desk.neighbour(t, bert), desk.neighbour(t, access.Actor{})
		made := her.want(t, "POST", "/api/stoa/v1/groups", `{"handle":"choir","name":"Choir","closed":true,"joining":"ask"}`, 201)
		group := must(id.Parse(member(t, made, "id")))
		her.want(t, "POST", "/api/stoa/v1/groups", `{"handle":"bert","name":"Not his"}`, 422)
		stranger.want(t, "GET", "/api/v1/accounts/lookup?acct=choir", "", 200, `"group":true`)
		st, err := p.Statuses.Post(t.Context(), anna, status.Draft{Text: "Rehearsal at eight", Visibility: social.Group, Group: group})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Statuses.Post(t.Context(), bert, status.Draft{Text: "May I?", Visibility: social.Group, Group: group}); !errs.Is(err, errs.Forbidden) {
			t.Errorf("who is no member writes = %v; want forbidden", err)
		}
		path := "/api/v1/statuses/" + st.String()
		her.want(t, "GET", path, "", 200, `"handle":"choir"`)
		stranger.want(t, "GET", path, "", 404)
		him.want(t, "GET", path, "", 404)
		him.want(t, "POST", "/api/stoa/v1/groups/choir/join", "", 200, `"role":"asked"`)
		him.want(t, "GET", path, "", 404)
		her.want(t, "PUT", "/api/stoa/v1/groups/choir/people/"+bert.ID.String(), `{"role":"member"}`, 200)
		him.want(t, "GET", path, "", 200, "Rehearsal at eight")
		him.want(t, "DELETE", "/api/stoa/v1/groups/choir/statuses/"+st.String(), "", 403)
		him.want(t, "POST", "/api/stoa/v1/groups/choir/leave", "", 204)
		him.want(t, "GET", path, "", 404)
		her.want(t, "DELETE", "/api/stoa/v1/groups/choir/statuses/"+st.String(), "", 204)
		her.want(t, "GET", path, "", 404)
	})
}

func TestAnEventIsAPostThatCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, p *place) {
		anna, bert := p.person(t, "anna", "Anna"), p.person(t, "bert", "Bert")
		desk := newDesk(t, p)
		her, him, stranger := desk.neighbour(t, anna), desk.neighbour(t, bert), desk.neighbour(t, access.Actor{})
		starts := p.clock.Now().Add(48 * time.Hour).Format(time.RFC3339)
		her.want(t, "POST", "/api/stoa/v1/events", `{"title":"Concert","media_ids":["77"],"starts_at":"`+starts+`"}`, 422, "is not yours")
		if text := her.want(t, "GET", "/api/stoa/v1/events", "", 200); strings.Contains(text, "Concert") {
			t.Errorf("what its post can't carry is an event: %s", text)
		}
		made := her.want(t, "POST", "/api/stoa/v1/events", `{"title":"Concert","starts_at":"`+starts+`","text":"Come all!","place":"Town hall","capacity":1}`, 201)
		event, st := "/api/stoa/v1/events/"+member(t, made, "id"), "/api/v1/statuses/"+member(t, made, "status_id")
		stranger.want(t, "GET", st, "", 200, "Come all!", `"title":"Concert"`, `"place":"Town hall"`, `"coming":0`)
		him.want(t, "PUT", event+"/answer", `{"answer":"coming"}`, 200, `"answer":"coming"`)
		her.want(t, "PUT", event+"/answer", `{"answer":"coming"}`, 200, `"answer":"waiting"`)
		stranger.want(t, "GET", st, "", 200, `"coming":1`)
		stranger.want(t, "GET", "/events.ics", "", 200, "SUMMARY:Concert")
		him.want(t, "DELETE", event+"/answer", "", 200)
		her.want(t, "GET", event, "", 200, `"answer":"coming"`)
		until(t, "who moved up is told", func() bool {
			_, text := her.ask(t, "GET", "/api/v1/notifications?types[]=stoa.event.place", "")
			return strings.Contains(text, "stoa.event.place")
		})
		her.want(t, "DELETE", event, "", 204)
		until(t, "the event goes with its post", func() bool {
			code, _ := stranger.ask(t, "GET", event, "")
			return code == http.StatusNotFound
		})
	})
}
