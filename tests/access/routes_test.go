package access

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/harness"
)

const api = "/api/stoa/v1"

// public are the routes that serve strangers. Every other answers them with 401, or leads to where one signs in.
var public = lines(`
	GET /{$}
	GET /assets/
	GET /docs/api
	GET /media/{name}
	GET /town.geojson
	GET /healthz
	GET /readyz
	GET /live shop
	GET /place
	GET /place/suggest
	POST /place
	GET /r/{slug}
	GET /r/{slug}/i/{item}
	GET /.well-known/oauth-authorization-server
	GET /account/email/move
	POST /account/email/move
	GET /account/email/undo
	POST /account/email/undo
	POST /api/v1/apps
	POST /language
	GET /oauth/authorize
	GET /privacy
	GET /rules
	GET /setup
	POST /setup
	GET /sign-in/forgot
	POST /sign-in/forgot
	GET /sign-in/link
	POST /sign-in/link
	POST /sign-in/link/enter
	GET /sign-in/not-me
	POST /sign-in/not-me
	POST /sign-in/passkey
	POST /sign-in/passkey/options
	GET /sign-in/reset
	POST /sign-in/reset
	GET /sign-in/sent
	POST /sign-in/with/{provider}
	GET /sign-in/with/{provider}/callback
	GET /sign-up/finish
	POST /sign-up/finish
	GET /sign-up/handle
	GET /sign-up/sent
	GET /sign-up/waiting
	GET /sign-up/with
	POST /sign-up/with
	GET /sign-in
	POST /sign-in
	GET /sign-up
	POST /sign-up
	POST /sign-out
	GET /cart
	POST /cart/lines
	POST /cart/lines/{n}
	POST /cart/lines/{n}/fix
	POST /cart/mode
	POST /cart/clear
	POST /cart/undo
	GET /checkout
	POST /checkout/update
	POST /checkout/code
	GET /g/{token}
	POST /g/{token}/add
	POST /g/{token}/join
	POST /g/{token}/lines/{line}/delete
	GET /api/stoa/v1/group-orders/{token}/events
	GET /sandbox/3ds/{ref}
	POST /sandbox/3ds/{ref}
	POST /webhooks/stripe
	GET /t/{token}
	GET /t/{token}/live
	GET /t/{token}/events
	GET /api/stoa/v1/openapi.json
	GET /api/stoa/v1/schemas/{schema}
	POST /api/stoa/v1/accounts
	POST /api/stoa/v1/session
	POST /api/stoa/v1/quotes
	GET /api/stoa/v1/cart
	PUT /api/stoa/v1/cart
	DELETE /api/stoa/v1/cart
	POST /api/stoa/v1/cart/undo
	POST /api/stoa/v1/cart/lines
	PATCH /api/stoa/v1/cart/lines/{n}
	DELETE /api/stoa/v1/cart/lines/{n}
	GET /api/stoa/v1/geocode
	GET /api/stoa/v1/geocode/reverse
	GET /api/stoa/v1/restaurants
	GET /api/stoa/v1/restaurants/{slug}
	GET /api/stoa/v1/restaurants/{slug}/menu
	GET /api/stoa/v1/restaurants/{slug}/slots
	GET /api/stoa/v1/track/{token}
	GET /api/v1/streaming
	GET /api/v1/streaming/{stream...}
	GET /oauth/authorize/{$}
	GET /account/strikes/{id}
	POST /account/strikes/{id}/appeal
	GET /.well-known/host-meta
	GET /.well-known/nodeinfo
	GET /.well-known/webfinger
	GET /@/{handle}
	GET /@/{handle}/followers
	GET /@/{handle}/following
	GET /@/{handle}/{id}
	GET /@/{handle}/{id}/live
	GET /api/oembed
	GET /api/stoa/v1/events
	GET /api/stoa/v1/events/{id}
	GET /api/stoa/v1/groups
	GET /api/stoa/v1/groups/{handle}
	GET /api/stoa/v1/groups/{handle}/people
	GET /api/stoa/v1/restaurants/{slug}/reviews
	GET /api/stoa/v1/reviews/{id}
	GET /api/stoa/v1/suggestions
	GET /api/v1/accounts
	GET /api/v1/accounts/lookup
	GET /api/v1/accounts/search
	GET /api/v1/accounts/{id}
	GET /api/v1/accounts/{id}/endorsements
	GET /api/v1/accounts/{id}/featured_tags
	GET /api/v1/accounts/{id}/followers
	GET /api/v1/accounts/{id}/following
	GET /api/v1/accounts/{id}/statuses
	GET /api/v1/custom_emojis
	GET /api/v1/directory
	GET /api/v1/instance
	GET /api/v1/instance/activity
	GET /api/v1/instance/domain_blocks
	GET /api/v1/instance/extended_description
	GET /api/v1/instance/languages
	GET /api/v1/instance/peers
	GET /api/v1/instance/privacy_policy
	GET /api/v1/instance/rules
	GET /api/v1/instance/terms_of_service
	GET /api/v1/instance/translation_languages
	GET /api/v1/polls/{id}
	GET /api/v1/search
	GET /api/v1/statuses
	GET /api/v1/statuses/{id}
	GET /api/v1/statuses/{id}/card
	GET /api/v1/statuses/{id}/context
	GET /api/v1/statuses/{id}/favourited_by
	GET /api/v1/statuses/{id}/history
	GET /api/v1/statuses/{id}/quotes
	GET /api/v1/statuses/{id}/reblogged_by
	GET /api/v1/streaming/health
	GET /api/v1/tags/{name}
	GET /api/v1/timelines/group/{id}
	GET /api/v1/timelines/link
	GET /api/v1/timelines/public
	GET /api/v1/timelines/tag/{tag}
	GET /api/v1/trends
	GET /api/v1/trends/links
	GET /api/v1/trends/statuses
	GET /api/v1/trends/tags
	GET /api/v2/instance
	GET /api/v2/search
	GET /avatars/{file}
	GET /calendar/{token}
	GET /events
	GET /events.ics
	GET /events/{id}
	GET /events/{id}/calendar.ics
	GET /groups
	GET /groups/{handle}
	GET /headers/{file}
	GET /letters/stop/{account}/{sig}
	GET /nodeinfo/2.0
	GET /nodeinfo/2.1
	GET /r/{slug}/reviews
	GET /search
	GET /statuses/{id}/boosts
	GET /statuses/{id}/card
	GET /statuses/{id}/favourites
	GET /statuses/{id}/history
	GET /statuses/{id}/menu
	GET /tags/{tag}
	GET /town
	GET /town/newer
	GET /town/news
	POST /letters/stop/{account}/{sig}
`)

// harmless are the writes that change nothing of anybody's, so that an app without "write" may send them.
var harmless = lines(`
	POST /sign-in
	POST /sign-in/forgot
	POST /sign-in/link
	POST /sign-in/passkey
	POST /sign-in/passkey/options
	POST /sign-up
	POST /sign-up/with
	POST /sign-out
	POST /language
	POST /place
	POST /api/v1/apps
	POST /api/stoa/v1/accounts
	POST /api/stoa/v1/session
	POST /api/stoa/v1/quotes
	DELETE /api/stoa/v1/session
	POST /api/v1/admin/canonical_email_blocks/test
	POST /api/v1/admin/dimensions
	POST /api/v1/admin/measures
	POST /api/v1/admin/retention
`)

// letters are the routes that answer 503 where the town sends no letters, as here.
var letters = lines(`
	POST /sign-in/forgot
	POST /sign-in/link
`)

// last are the routes after which somebody's sessions are gone.
var last = lines(`
	POST /account/sign-out-everywhere
	DELETE /api/stoa/v1/session
`)

func lines(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\t' })
}

// words are what stands for parts of a path that name no object but what is to be done, or what is to be heard.
var words = map[string][]string{
	"GET /kitchen/{slug}/orders/{code}/{verb}":  {"cancel", "collect", "delay", "refuse"},
	"POST /kitchen/{slug}/orders/{code}/{verb}": {"cancel", "collect", "confirm", "delay", "prepare", "ready", "refuse", "restore"},
	"POST /courier/offers/{order}/{answer}":     {"accept", "decline"},
	"POST /courier/tasks/{id}/{action}":         {"arrive", "complete", "fail", "start"},
	"POST /dispatch/orders/{id}/{what}":         {"dismiss", "retry"},
	"GET /live":                                 {"courier", "dispatch", "order", "restaurant", "shop"},
}

// routes returns every line of the matrix: the routes of api/routes.txt, which a test of internal/app holds to the registered ones, the
// operations of the served document, and the few addresses that no router knows.
func routes(t *testing.T, s *harness.Server) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "api", "routes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		pattern, _, found := strings.Cut(line, "  ") // behind it: who may come
		if !found {
			t.Fatalf("api/routes.txt: no guard in %q", line)
		}
		all = append(all, pattern)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	s.As("").Want(t, 200, "GET", "/openapi.json", nil, &doc)
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	all = append(all, "GET /healthz", "GET /readyz", "GET "+api+"/openapi.json", "GET "+api+"/schemas/{schema}")
	slices.Sort(all)
	var out []string
	for _, line := range slices.Compact(all) {
		if _, ok := words[line]; !ok {
			out = append(out, line)
			continue
		}
		for _, word := range words[line] {
			before, _, found := strings.Cut(line, "{"+wordName(line)+"}")
			if !found { // topics of /live
				word = " " + word
			}
			out = append(out, before+word)
		}
	}
	return out
}

// wordName is the name of the part that words fill.
func wordName(line string) string {
	i := strings.LastIndex(line, "{")
	if i < 0 {
		return "?"
	}
	return strings.TrimSuffix(line[i+1:], "}")
}

// kinds says which object a part of a path is, by what stands before it.
var kinds = map[string]string{
	"orders/{id}": "order", "offers/{order}": "order", "tasks/{id}": "task", "addresses/{id}": "address", "closures/{id}": "closure", "items/{id}": "item",
	"groups/{id}": "group", "sections/{id}": "section", "menus/{id}": "menu", "options/{id}": "option", "availability/{id}": "item", "menu/{id}": "item",
	"sessions/{id}": "session", "lines/{n}": "line", "zones/{n}": "n", "i/{item}": "dish", "again/{code}": "code", "orders/{code}": "code",
	"special/{date}": "date", "people/{id}": "person", "sign-ups/{id}": "person", "schedules/{name}": "schedule", "settings/{key}": "key", "roles/{role}": "role",
	"people/{id}/grant": "person", "sessions/{session}": "town", "invites/{id}": "town", "jobs/{id}": "town", "mail/{id}": "town", "history/{id}": "town",
	"samples/{kind}": "town", "copies/{id}": "town", "passkeys/{id}": "town", "connected/{id}": "town", "connected/{provider}": "town", "apps/{id}": "town",
	"tokens/{id}": "town", "cash/{courier}": "rider", "with/{provider}": "town",
	"promotions/{id}": "promotion", "gifts/{id}": "town", "payouts/{id}": "town", "finance/{id}": "town", "accounts/{id}": "town", "incidents/{id}": "town",
	"payment-incidents/{id}": "town", "statements/{id}": "town", "statements/{file}": "town", "receipt/{file}": "town", "cards/{card}": "town",
	"g/{token}": "town", "3ds/{ref}": "town", "group-orders/{token}": "town", "lines/{line}": "town", "members/{member}": "town",
}

// inBody are the routes that name their object in the body or the query.
var inBody = map[string]string{
	"POST /dispatch/assign": "order", "POST " + api + "/dispatch/assignments": "order",
	"POST /restaurant/{slug}/menu/delete": "item", "POST /restaurant/{slug}/menu/move": "item", "POST /restaurant/{slug}/menu/restore": "item",
	"POST /place": "address", "POST /checkout/update": "address",
	"GET /live order": "order", "GET /live courier": "courier", "GET /live restaurant": "slug", "GET /live shop": "slug",
	"POST " + api + "/orders": "slug", "POST " + api + "/cart/lines": "dish", "PUT " + api + "/cart": "dish",
}

// params returns the kinds of object that a line's path names.
func params(line string) []string {
	_, path, _ := strings.Cut(line, " ")
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var out []string
	for i, p := range parts {
		if !strings.HasPrefix(p, "{") || p == "{$}" {
			continue
		}
		kind := strings.Trim(p, "{}")
		if forFriends(line) {
			out = append(out, socialKind(line, parts[max(i-1, 0)], p))
			continue
		}
		if i > 0 {
			if k, ok := kinds[parts[i-1]+"/"+p]; ok {
				kind = k
			}
		}
		out = append(out, kind)
	}
	return out
}

// cells returns which objects a line is asked for: none where it is about no object.
func cells(line string) []string {
	ps := params(line)
	if k, ok := inBody[line]; ok {
		ps = append(ps, k)
	}
	switch {
	case len(ps) == 0, len(ps) == 1 && (ps[0] == "name" || ps[0] == "schema"):
		return []string{own}
	case ps[0] == "town":
		return []string{absent} // there is none yet, and no side to it
	case ps[0] == "person", ps[0] == "schedule", ps[0] == "key":
		return []string{own, absent} // of the town: nobody's own, but for admins
	case ps[0] == "line":
		return []string{own, absent} // a cart is never named: it is the asker's
	case len(ps) > 1 && ps[0] == "slug" && ps[1] != "n" && ps[1] != "date":
		return []string{own, foreign, absent, cross}
	}
	return []string{own, foreign, absent}
}

// address returns the method and path of a request.
func (q request) address() (method, path string) {
	method, pattern, _ := strings.Cut(q.line, " ")
	if topic, ok := strings.CutPrefix(pattern, "/live "); ok {
		return method, "/live?topic=" + q.topic(topic)
	}
	path = strings.Replace(pattern, "{$}", "", 1)
	ps := params(q.line)
	for i, kind := range ps {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		var value string
		switch {
		case kind == "name" || kind == "schema":
			value = "none"
		case kind == "slug" && len(ps) > 1 && i == 0 && q.at == absent:
			value = request{q.w, q.who, own, q.line}.get("slug") // only the thing in it is not there
		case q.at == absent:
			value = nowhere[kind]
		default:
			value = q.get(kind)
		}
		path = before + value + after
	}
	switch q.line {
	case "GET " + api + "/geocode", "GET /place/suggest":
		path += "?q=gasse"
	case "GET " + api + "/geocode/reverse", "GET " + api + "/restaurants":
		path += "?lat=52.5206&lon=13.3862"
	case "GET /restaurant/{slug}/settings/hours/preview":
		path += "?hours=Mo-Su+10:00-20:00"
	}
	return method, path
}

func (q request) topic(prefix string) string {
	switch {
	case prefix == "dispatch":
		return prefix
	case q.at == absent:
		return prefix + ":999999999999999"
	case prefix == "courier":
		return prefix + ":" + q.thing().rider
	case prefix == "order":
		return prefix + ":" + q.get("order")
	}
	return prefix + ":" + q.thing().shop.ID
}

// body returns what a route is sent: valid, so that the answer says who may, and not what was wrong.
func (q request) body() any {
	method, path, _ := strings.Cut(q.line, " ")
	if method == "GET" || method == "DELETE" {
		return nil
	}
	if forFriends(q.line) && !strings.HasPrefix(path, "/api/") {
		return socialForm
	}
	if forFriends(q.line) {
		return socialBody(q.line)
	}
	if strings.HasPrefix(path, api) {
		return q.json(method + strings.TrimPrefix(path, api))
	}
	if form := q.peopleForm(path); form != nil {
		return form
	}
	return q.form(path)
}

// at10 is a place on the map that restaurants deliver to.
var at10 = map[string]any{"lat": harness.HereLat, "lon": harness.HereLon}

func (q request) json(line string) any {
	s := q.thing()
	type m = map[string]any
	switch line {
	case "PATCH/admin/people/{id}":
		return m{"state": "suspended", "reason": "Why not"}
	case "POST/admin/people/{id}/roles":
		return m{"role": "courier"}
	case "PATCH/admin/settings":
		return m{"values": m{}}
	case "POST/accounts":
		name := "visitor" + strings.ReplaceAll(q.w.key(), "-", "")
		return m{"name": name, "email": name + "@example.org", "password": harness.Password}
	case "POST/session":
		return m{"email": "door@example.org", "password": harness.Password}
	case "POST/addresses":
		return m{"street": "Marktplatz 2", "point": at10}
	case "PATCH/me", "PATCH/addresses/{id}", "POST/courier/tasks/{id}/start", "POST/courier/tasks/{id}/arrive", "POST/courier/tasks/{id}/complete":
		return m{}
	case "PUT/cart", "POST/quotes":
		return m{"restaurant": s.shop.ID, "mode": "pickup", "lines": []m{{"item": q.dish(), "qty": 1}}}
	case "POST/cart/lines":
		return m{"restaurant": s.shop.ID, "item": q.dish(), "qty": 1}
	case "PATCH/cart/lines/{n}":
		return m{"qty": 2}
	case "POST/courier/duty":
		return m{"on": true}
	case "POST/courier/position":
		return at10
	case "POST/courier/tasks/{id}/fail":
		return m{"reason": "OTHER"}
	case "POST/courier/tasks/{id}/photo":
		return upload{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\nno picture\r\n--x--\r\n"}
	case "POST/orders/{id}/refunds":
		return m{"amount": 1, "reason": "OTHER", "liable": "restaurant"}
	case "POST/dispatch/cash/{courier}/hand-in":
		return m{"expected": 100, "counted": 100}
	case "POST/dispatch/assignments":
		order := nowhere["order"]
		if q.at != absent {
			order = q.get("order")
		}
		return m{"order": order, "courier": s.rider}
	case "POST/orders":
		if q.at == absent {
			body := q.w.purchase(s, secret{street: "Marktplatz 4", phone: "+49 30 4"})
			body["restaurant"] = nowhere["order"]
			return body
		}
		return q.w.purchase(s, secret{street: "Marktplatz 4", phone: "+49 30 4"})
	case "POST/orders/{id}/refuse":
		return m{"reason": "OTHER"}
	case "POST/orders/{id}/cancel":
		return m{"reason": "OTHER"}
	case "POST/orders/{id}/collect":
		return m{"code": "0000"}
	case "POST/orders/{id}/delay":
		return m{"minutes": 5}
	case "POST/restaurants":
		return m{
			"name": "New " + q.w.key(), "street": "Marktplatz 1", "city": "Berlin", "point": at10, "phone": "+49 30 1", "hours": "Mo-Su 00:00-24:00",
			"time_zone": "Europe/Berlin", "picks_up": true,
		}
	case "PATCH/restaurants/{slug}":
		return m{"blurb": "x"}
	case "POST/restaurants/{slug}/closures":
		return m{"from": nextYear("T00:00:00Z", 3), "to": nextYear("T00:00:00Z", 4)}
	case "PUT/restaurants/{slug}/deal":
		deal := m{"commission": 1000, "commission_flat": 0, "card_fee": "platform", "fee_to": "platform"}
		return m{"delivery": deal, "pickup": deal}
	case "PUT/restaurants/{slug}/hours":
		return m{"hours": "Mo-Su 00:00-24:00"}
	case "PUT/restaurants/{slug}/zones":
		return m{"zones": baseline()["zones"]}
	case "POST/restaurants/{slug}/menu/import":
		return upload{"text/csv", card}
	case "POST/restaurants/{slug}/menu/groups", "PUT/restaurants/{slug}/menu/groups/{id}":
		return m{"name": "Heat", "min": 0, "max": 1, "options": []m{{"name": "Hot"}}}
	case "POST/restaurants/{slug}/menu/items":
		section := request{q.w, q.who, map[bool]string{true: own, false: q.at}[q.at == absent], q.line}.get("section")
		return m{"name": "Soup", "price": 100, "section": section}
	case "POST/restaurants/{slug}/menu/sections", "PUT/restaurants/{slug}/menu/sections/{id}", "POST/restaurants/{slug}/menu/menus", "PUT/restaurants/{slug}/menu/menus/{id}":
		return m{"name": "Later"}
	case "PUT/restaurants/{slug}/menu/items/{id}/availability", "PUT/restaurants/{slug}/menu/options/{id}/availability":
		return m{"stock": 5}
	case "POST/restaurants/{slug}/menu/items/{id}/move", "POST/restaurants/{slug}/menu/menus/{id}/move", "POST/restaurants/{slug}/menu/sections/{id}/move":
		return m{"step": -1}
	}
	return m{}
}

func (q request) dish() string {
	if q.at == absent {
		return nowhere["dish"]
	}
	return q.thing().dish
}

func (q request) form(path string) url.Values {
	s := q.thing()
	f := func(pairs ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Add(pairs[i], pairs[i+1])
		}
		return v
	}
	named := func(kind string) string {
		if q.at == absent {
			return nowhere[kind]
		}
		return q.get(kind)
	}
	switch path {
	case "/account":
		return f("name", "Somebody", "lang", "en")
	case "/account/password":
		return f("old", "wrong-wrong-wrong", "password", harness.Password)
	case "/sign-in":
		return f("login", "door@example.org", "password", harness.Password)
	case "/sign-up":
		name := "guest" + strings.ReplaceAll(q.w.key(), "-", "")
		return f("name", name, "email", name+"@example.org", "password", harness.Password)
	case "/place":
		if q.who.token == "" { // a stranger has no address to choose, but a map
			return f("lat", "52.5206", "lon", "13.3862", "label", "Here")
		}
		return f("address", named("address"))
	case "/addresses", "/addresses/{id}":
		return f("street", "Marktplatz 2", "lat", "52.5206", "lon", "13.3862")
	case "/checkout/update":
		saved := "0"
		if q.who.token != "" {
			saved = named("address")
		}
		return f("restaurant", s.shop.ID, "saved", saved, "mode", "delivery", "lines", `[{"item":"`+s.dish+`","qty":1}]`)
	case "/checkout":
		return f("restaurant", s.shop.ID, "mode", "pickup", "when", "asap", "name", "N", "phone", "+49 30 3", "method", "on_delivery", "idempotency_key", q.w.key(), "lines", `[{"item":"`+s.dish+`","qty":1}]`)
	case "/cart/lines":
		return f("restaurant", s.shop.ID, "item", s.dish, "qty", "1")
	case "/cart/lines/{n}", "/cart/lines/{n}/fix":
		return f("qty", "2")
	case "/cart/mode":
		return f("mode", "pickup")
	case "/courier/duty":
		return f("on", "true")
	case "/dispatch/cash/{courier}/hand-in":
		return f("idempotency_key", q.w.key(), "expected", "100", "counted", "1.00")
	case "/dispatch/assign":
		return f("order", named("order"), "courier", s.rider)
	case "/restaurant/{slug}/menu/delete", "/restaurant/{slug}/menu/restore":
		return f("what", "item:"+named("item"))
	case "/restaurant/{slug}/menu/move":
		return f("what", "item:"+named("item"), "step", "-1")
	case "/restaurant/{slug}/menu/availability/{id}", "/kitchen/{slug}/menu/{id}":
		return f("until", "now")
	case "/restaurant/{slug}/menu/items/{id}":
		mine := q
		if q.at == absent {
			mine.at = own
		}
		return f("name", "Soup", "price", "1.00", "tax", "food", "section", mine.get("section"))
	case "/restaurant/{slug}/menu/items/{id}/price":
		return f("price", "1.00")
	case "/restaurant/{slug}/menu/groups/{id}":
		return f("name", "Heat", "min", "0", "max", "1", "rule", "SUM", "option_id", "", "option_name", "Hot", "option_price", "0", "option_stock", "")
	case "/restaurant/{slug}/menu/menus/{id}", "/restaurant/{slug}/menu/sections/{id}":
		return f("name", "Later")
	case "/restaurant/{slug}/settings":
		return f("name", "Place", "street", "Marktplatz 1", "city", "Berlin", "lat", "52.5206", "lon", "13.3862", "phone", "+49 30 1", "time_zone", "Europe/Berlin", "cuisines", "indian", "price", "1", "active", "true")
	case "/restaurant/{slug}/settings/hours":
		return f("hours", "Mo-Su 00:00-24:00")
	case "/restaurant/{slug}/settings/closures":
		return f("from", nextYear("T00:00", 3), "to", nextYear("T00:00", 4))
	case "/restaurant/{slug}/settings/special":
		return f("date", nextYear("", 3))
	case "/restaurant/{slug}/settings/zones/{n}":
		return f("name", "Nearer", "radius_m", "2000", "fee", "2.00")
	case "/restaurant/{slug}/settings/prices":
		return f("do", "save")
	case "/admin/restaurants/{slug}":
		return f("commission", "10", "pickup_commission", "0", "card_fee", "platform", "fee_to", "platform")
	case "/restaurant/{slug}/settings/kitchen":
		return f("delivers", "true", "picks_up", "true", "minutes", "20", "up_to", "", "rush_minutes", "30", "minimum", "0", "slot_minutes", "15", "days_ahead", "3", "cap_minutes", "15", "tax_food", "0", "tax_drink", "0", "tax_alcohol", "0", "fee_tax", "0")
	}
	if strings.HasPrefix(path, "/kitchen/") || strings.HasPrefix(path, "/orders/") || strings.HasPrefix(path, "/courier/tasks/") {
		return f("reason", "OTHER", "minutes", "5", "code", "0000")
	}
	return url.Values{}
}
