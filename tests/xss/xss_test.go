// Package xss writes what others' pages once took for script into every text that people can write here, and looks at it in a real
// Chromium as everybody who gets to see it: nothing may run, nothing may become an element, and the content security policy may have
// nothing to refuse.
package xss

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// hole stands where a payload is to be written.
const hole = "\x00hole"

// town is a restaurant with everybody around it, and the browsers that they use.
type town struct {
	friends
	purse                                        purse
	t                                            *testing.T
	s                                            *harness.Server
	admin, owner, courier, dispatcher, customer  *harness.Client
	shop, far                                    harness.Shop // far is where nobody on these pages orders
	item, section, group, menu, address, closure string
	rider, passkey                               string // the courier's account; the address that names the customer's key
	order, refused, failed, cancelled, brought   harness.Order
	token, lens, app                             string
	cookies                                      map[string]string // sessions, by who
	payload                                      string
	written                                      map[string]bool // "POST /orders note": where payloads were stored or refused
	visited                                      map[string]bool // patterns of pages that were looked at
	people                                       map[string]*browser.Person
	mu                                           sync.Mutex // of visited
	serial                                       int
}

func TestNothingThatPeopleWriteRunsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: looks at some thousand pages")
	}
	if n := len(corpus); n < 100 {
		t.Fatalf("%d payloads; want at least 100", n)
	}
	w := open(t)
	for first := 0; first < len(corpus); first += oneBrowser {
		some := corpus[first:min(first+oneBrowser, len(corpus))]
		ok := t.Run(fmt.Sprintf("payloads from %d on", first), func(t *testing.T) {
			w.t = t
			w.come()
			for i, p := range some {
				w.payload = p
				w.write()
				w.look(func(n int) bool { return n%20 == (first+i)%20 || first+i == len(corpus)-1 })
				if t.Failed() {
					t.Fatalf("with payload %q", p)
				}
			}
			if first+len(some) == len(corpus) {
				w.read()
			}
		})
		if !ok {
			return
		}
	}
	w.t = t
	w.checkFields()
	w.checkPages()
}

// oneBrowser is how many payloads one browser shows: it keeps something of every page, and becomes slow.
const oneBrowser = 15

// open makes the town.
func open(t *testing.T) *town {
	s := harness.Start(t, "serve", "--set", fmt.Sprintf("town.lat=%.6f", harness.HereLat), "--set", fmt.Sprintf("town.lon=%.6f", harness.HereLon),
		"--set", "trusted_proxies=127.0.0.1") // what is refused counts as a try of an address, so each request has one of its own
	w := &town{t: t, s: s, written: map[string]bool{}, visited: map[string]bool{}, cookies: map[string]string{}, people: map[string]*browser.Person{}}
	w.admin = s.Account(t, "boss", "admin")
	w.shop = w.admin.Restaurant(t, "Taj", nil)
	w.admin.Want(t, 200, "PATCH", "/admin/settings", map[string]any{"signup.mode": "approval"}, nil)
	w.owner = s.Account(t, "meera", "owner:"+w.shop.Slug)
	w.courier, w.dispatcher, w.customer = s.Account(t, "kofi", "courier"), s.Account(t, "dana", "dispatcher"), s.Account(t, "otto")
	s.Account(t, "sven", "staff:"+w.shop.Slug)
	s.Account(t, "mona", "moderator")
	var work struct{ Courier string }
	w.courier.Want(t, 200, "POST", "/courier/duty", map[string]any{"on": true}, &work)
	w.courier.Want(t, 204, "POST", "/courier/position", map[string]any{"lat": harness.HereLat, "lon": harness.HereLon}, nil)
	w.rider = work.Courier
	t.Run("passkey", func(t *testing.T) { w.passkey = key(t, browser.Open(t), s) })
	return w
}

// come opens a browser in which everybody has signed in.
func (w *town) come() {
	t, s := w.t, w.s
	b := browser.Open(t, browser.Anew...)
	for _, name := range []string{"", "otto", "meera", "sven", "kofi", "dana", "mona", "boss"} {
		p := b.Person(t, cmp.Or(name, "stranger"), s.URL, 400, 300)
		p.Look(false) // without motion
		p.Before(`window.print = () => {}; window.x = window.alert = window.confirm = window.prompt = () => { window.__ran = (window.__ran || 0) + 1 };`)
		if name != "" {
			p.SignIn(name+"@example.org", harness.Password)
		}
		w.people[name] = p
	}
}

// key makes a passkey for the customer and returns the address that names it. Browsers know no passkeys for a bare address.
func key(t *testing.T, b *browser.Browser, s *harness.Server) string {
	p := b.Person(t, "otto's device", strings.Replace(s.URL, "127.0.0.1", "localhost", 1), 1280, 900)
	p.Authenticator().Touch(true)
	p.SignIn("otto@example.org", harness.Password)
	p.Go("/account/passkeys")
	p.Click("[data-passkey=create]")
	p.See("The passkey is kept")
	return p.Eval(`document.querySelector("main form[action$='/name']").getAttribute("action")`)
}

// offer sends a body in which the payload stands in every hole. Where the server refuses it in a field, that field is left as it was: what
// is not taken can't be shown. It returns the reply.
func (w *town) offer(c *harness.Client, method, pattern, path string, body map[string]any, out any) {
	w.t.Helper()
	filled, _ := w.fill(method+" "+pattern, "", body).(map[string]any)
	w.serial++
	for range 12 {
		r := c.Do(w.t, method, path, filled, "Idempotency-Key", fmt.Sprintf("key-%d", w.serial), "X-Forwarded-For", fmt.Sprintf("192.0.%d.%d", w.serial/250, w.serial%250))
		if r.Status/100 == 2 {
			if out != nil {
				if err := json.Unmarshal(r.Body, out); err != nil {
					w.t.Fatalf("%s %s: %v", method, path, err)
				}
			}
			return
		}
		var problem struct {
			Errors []struct{ Path string } `json:"errors"`
		}
		if r.Status != 422 || json.Unmarshal(r.Body, &problem) != nil || len(problem.Errors) == 0 {
			w.t.Fatalf("%s %s = %d %s\nwith %v", method, path, r.Status, r.Body, filled)
		}
		for _, e := range problem.Errors {
			if !drop(filled, strings.TrimPrefix(e.Path, "body.")) {
				w.t.Fatalf("%s %s refuses %s, which holds no payload: %s", method, path, e.Path, r.Body)
			}
		}
		w.serial++
	}
	w.t.Fatalf("%s %s refuses everything", method, path)
}

// fill returns v with the payload in its holes, and notes where those are.
func (w *town) fill(op, path string, v any) any {
	switch v := v.(type) {
	case string:
		if !strings.Contains(v, hole) {
			return v
		}
		w.written[op+" "+path] = true
		return strings.ReplaceAll(v, hole, w.payload)
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = w.fill(op, strings.TrimPrefix(path+"."+k, "."), e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = w.fill(op, path+"[]", e)
		}
		return out
	}
	return v
}

// plain is what a required field gets where the payload is refused.
const plain = "plain"

// drop puts plain text where a path such as "to.phone" or "zones[0].name" leads, or takes a list away, and reports whether there was a text.
func drop(body map[string]any, path string) bool {
	if _, ok := body[path]; ok { // a setting's name has a dot in it
		delete(body, path)
		return true
	}
	first, rest, deeper := strings.Cut(path, ".")
	name, index, isList := strings.Cut(first, "[")
	switch v := body[name].(type) {
	case string:
		if v == plain || slices.Contains([]string{"lang", "tz", "photo", "invite", "hours", "code"}, name) {
			delete(body, name)
			return v != plain
		}
		body[name] = plain
		if name == "phone" {
			body[name] = "+49 30 1"
		}
		return true
	case map[string]any:
		return deeper && drop(v, rest)
	case []any:
		var i int
		if _, err := fmt.Sscanf(strings.TrimSuffix(index, "]"), "%d", &i); isList && deeper && err == nil && i < len(v) {
			if m, ok := v[i].(map[string]any); ok {
				return drop(m, rest)
			}
		}
		delete(body, name)
		return true
	}
	return false
}

// write puts the payload everywhere.
func (w *town) write() {
	shop := "/restaurants/" + w.shop.Slug
	for _, c := range []*harness.Client{w.customer, w.owner, w.courier, w.dispatcher, w.admin} {
		w.offer(c, "PATCH", "/me", "/me", map[string]any{"name": hole, "lang": hole, "tz": hole}, nil)
	}
	w.offer(w.owner, "PATCH", "/restaurants/{slug}", shop, map[string]any{
		"name": hole, "legal_name": hole, "tax_id": hole, "blurb": hole, "street": hole, "city": hole, "phone": hole, "cuisines": []any{hole}, "hours": "Mo-Su 00:00-24:00",
		"zones":        []any{map[string]any{"name": hole, "radius_m": 3000, "fee": 250}},
		"price_rules":  []any{map[string]any{"zone": hole, "fee": 250}},
		"special_days": []any{map[string]any{"date": "2030-01-01", "reason": hole, "spans": []any{}}},
	}, nil)
	w.offer(w.owner, "PUT", "/restaurants/{slug}/zones", shop+"/zones", map[string]any{"zones": []any{map[string]any{"name": hole, "radius_m": 3000, "fee": 250}}}, nil)
	w.offer(w.owner, "PUT", "/restaurants/{slug}/hours", shop+"/hours", map[string]any{"hours": "Mo-Su 00:00-24:00", "special_days": []any{map[string]any{"date": "2030-01-01", "reason": hole, "spans": []any{}}}}, nil)
	w.offer(w.admin, "POST", "/restaurants", "/restaurants", map[string]any{
		"slug": fmt.Sprintf("far-%d", w.serial),
		"name": hole, "legal_name": hole, "tax_id": hole, "blurb": hole, "street": hole, "city": hole, "phone": hole, "cuisines": []any{hole}, "hours": "Mo-Su 00:00-24:00", "time_zone": "Europe/Lisbon", "picks_up": true, "delivers": true,
		"zones": []any{map[string]any{"name": hole, "radius_m": 3000, "fee": 250}}, "price_rules": []any{map[string]any{"zone": hole, "fee": 250}},
		"point": map[string]any{"lat": 38.7, "lon": -9.1}, "special_days": []any{map[string]any{"date": "2030-01-01", "reason": hole, "spans": []any{}}},
	}, &w.far)
	w.close(shop)
	w.card(shop + "/menu")
	w.offer(w.s.As(""), "POST", "/session", "/session", map[string]any{"email": "otto@example.org", "password": harness.Password, "device": hole}, nil)
	address := map[string]any{"label": hole, "street": hole, "detail": hole, "city": hole, "name": hole, "phone": hole, "notes": hole, "point": map[string]any{"lat": harness.HereLat, "lon": harness.HereLon}}
	var made struct {
		ID string `json:"id"`
	}
	if w.address == "" {
		w.offer(w.customer, "POST", "/addresses", "/addresses", address, &made)
		w.address = made.ID
	}
	w.offer(w.customer, "PATCH", "/addresses/{id}", "/addresses/"+w.address, address, nil)
	w.eat()
	w.writePurse()
	w.fillCart() // at last: who orders has an empty cart
	w.govern()
	w.join()
	w.talk()
}

// govern writes the payload where admins, and the apps of others, write something.
func (w *town) govern() {
	w.offer(w.admin, "PATCH", "/admin/settings", "/admin/settings", map[string]any{"town.name": hole, "signup.rules": hole}, nil)
	if w.lens == "" {
		var me struct {
			ID string `json:"id"`
		}
		w.s.Account(w.t, "lens").Want(w.t, 200, "GET", "/me", nil, &me)
		w.lens = me.ID
	}
	w.offer(w.admin, "PATCH", "/admin/people/{id}", "/admin/people/"+w.lens, map[string]any{"state": "suspended", "reason": hole}, nil)
	w.offer(w.admin, "PATCH", "/admin/people/{id}", "/admin/people/"+w.lens, map[string]any{"state": "active"}, nil)
	w.post("boss", "/admin/people/"+w.lens+"/note", url.Values{"note": {w.payload}})
	w.post("boss", "/admin/invites", url.Values{"uses": {"1"}, "days": {"7"}, "note": {w.payload}})
	w.post("otto", w.passkey, url.Values{"name": {w.payload}})
	w.post("otto", "/account/tokens", url.Values{"name": {w.payload}, "scopes": {"read"}, "days": {"7"}})
	var app struct {
		ID string `json:"client_id"`
	}
	w.offer(w.s.As(""), "POST", "/api/v1/apps", "/api/v1/apps", map[string]any{"client_name": hole, "redirect_uris": "urn:ietf:wg:oauth:2.0:oob", "scopes": "read"}, &app)
	w.app = app.ID
}

// post sends a form as somebody does in their browser.
func (w *town) post(who, path string, form url.Values) {
	w.t.Helper()
	if w.cookies[who] == "" {
		var in struct{ Token string }
		w.s.As("").Want(w.t, 201, "POST", "/session", map[string]string{"email": who + "@example.org", "password": harness.Password}, &in)
		w.cookies[who] = in.Token
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.AddCookie(&http.Cookie{Name: "stoa", Value: w.cookies[who]})
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		body, _ := io.ReadAll(res.Body)
		w.t.Fatalf("POST %s = %d\n%.2000s", path, res.StatusCode, body)
	}
}

// close announces a closure, in place of the last one.
func (w *town) close(shop string) {
	if w.closure != "" {
		w.owner.Want(w.t, 200, "DELETE", shop+"/closures/"+w.closure, nil, nil)
	}
	var out struct {
		Closures []struct{ ID string } `json:"closures"`
	}
	w.offer(w.owner, "POST", "/restaurants/{slug}/closures", shop+"/closures", map[string]any{
		"from": time.Now().AddDate(0, 2, 0).Format(time.RFC3339), "to": time.Now().AddDate(0, 2, 1).Format(time.RFC3339), "reason": hole,
	}, &out)
	w.closure = out.Closures[len(out.Closures)-1].ID
}

// card writes the payload into the menu.
func (w *town) card(menu string) {
	var made struct {
		ID string `json:"id"`
	}
	each := func(kind string, id *string, body map[string]any) {
		if *id == "" {
			w.offer(w.owner, "POST", "/restaurants/{slug}/menu/"+kind, menu+"/"+kind, body, &made)
			*id = made.ID
		}
		method := "PUT"
		if kind == "items" {
			method = "PATCH"
		}
		w.offer(w.owner, method, "/restaurants/{slug}/menu/"+kind+"/{id}", menu+"/"+kind+"/"+*id, body, nil)
	}
	each("menus", &w.menu, map[string]any{"name": hole})
	each("sections", &w.section, map[string]any{"name": hole, "note": hole})
	each("groups", &w.group, map[string]any{"name": hole, "min": 0, "max": 1, "options": []any{map[string]any{"name": hole, "price": 10}}})
	each("items", &w.item, map[string]any{
		"name": hole, "description": hole, "price": 500, "section": w.section, "option_groups": []any{w.group}, "allergens": []any{hole}, "diets": []any{hole}, "photo": hole,
	})
}

// join asks to become one of the town, which an admin decides.
func (w *town) join() {
	w.offer(w.s.As(""), "POST", "/accounts", "/accounts", map[string]any{
		"name": hole, "about": hole, "invite": hole, "lang": hole, "tz": hole, "agreed": true, "handle": fmt.Sprintf("guest%d", w.serial), "email": fmt.Sprintf("guest%d@example.org", w.serial), "password": harness.Password,
	}, nil)
}

// wish is a quote's request with the payload in every note.
func (w *town) wish() map[string]any {
	return map[string]any{
		"restaurant": w.shop.ID, "mode": "delivery", "note": hole, "lines": []any{map[string]any{"item": w.item, "qty": 1, "note": hole}},
		"to": map[string]any{"point": map[string]any{"lat": harness.HereLat + 0.005, "lon": harness.HereLon + 0.005}, "street": hole, "detail": hole, "city": hole, "name": hole, "phone": hole, "notes": hole},
	}
}

// fillCart leaves the payload in each line of the cart.
func (w *town) fillCart() {
	w.offer(w.customer, "PUT", "/cart", "/cart", w.wish(), nil)
	w.offer(w.customer, "POST", "/cart/lines", "/cart/lines", map[string]any{"restaurant": w.shop.ID, "item": w.item, "qty": 1, "note": hole}, nil)
	w.offer(w.customer, "PATCH", "/cart/lines/{n}", "/cart/lines/1", map[string]any{"note": hole}, nil)
}

// place orders, and returns the order and the token of its tracking link.
func (w *town) place() (harness.Order, string) {
	var quote harness.Quote
	w.offer(w.customer, "POST", "/quotes", "/quotes", w.wish(), &quote)
	body := w.wish()
	body["fingerprint"], body["method"], body["name"], body["phone"] = quote.Fingerprint, "on_delivery", hole, hole
	var placed struct {
		harness.Order
		Token string `json:"token"`
	}
	w.offer(w.customer, "POST", "/orders", "/orders", body, &placed)
	return placed.Order, placed.Token
}

// eat orders: what is refused, what the courier brings, what they can't, and what is on its way when everybody looks.
func (w *town) eat() {
	if w.order.ID != "" { // the last one ends: the courier has few things to do at a time
		w.dispatcher.Want(w.t, 200, "POST", "/orders/"+w.order.ID+"/cancel", map[string]any{"reason": "OTHER"}, nil)
		w.dispatcher.Want(w.t, 204, "POST", "/dispatch/orders/"+w.failed.ID+"/dismiss", nil, nil)
	}
	w.refused, _ = w.place()
	w.offer(w.owner, "POST", "/orders/{id}/refuse", "/orders/"+w.refused.ID+"/refuse", map[string]any{"reason": "OTHER", "note": hole}, nil)
	w.cancelled, _ = w.place()
	w.offer(w.dispatcher, "POST", "/orders/{id}/cancel", "/orders/"+w.cancelled.ID+"/cancel", map[string]any{"reason": "OTHER", "note": hole}, nil)
	w.brought, _ = w.place()
	w.offer(w.courier, "POST", "/courier/tasks/{id}/complete", w.door(w.brought)+"/complete", map[string]any{"code": w.brought.Handover, "note": hole}, nil)
	w.failed, _ = w.place()
	w.offer(w.courier, "POST", "/courier/tasks/{id}/fail", w.door(w.failed)+"/fail", map[string]any{"reason": "REFUSED", "note": hole}, nil)
	w.order, w.token = w.place()
	w.owner.Want(w.t, 200, "POST", "/orders/"+w.order.ID+"/confirm", map[string]any{"minutes": 60}, nil)
	w.offer(w.owner, "POST", "/orders/{id}/delay", "/orders/"+w.order.ID+"/delay", map[string]any{"minutes": 10, "note": hole}, nil)
}

// door has the courier carry an order to its door, and returns the address of what is to be done there.
func (w *town) door(o harness.Order) string {
	for _, verb := range []string{"confirm", "prepare", "ready"} {
		w.owner.Want(w.t, 200, "POST", "/orders/"+o.ID+"/"+verb, map[string]any{}, nil)
	}
	until := time.Now().Add(10 * time.Second)
	for w.dispatcher.Do(w.t, "POST", "/dispatch/assignments", map[string]any{"order": o.ID, "courier": w.rider}).Status != 200 { // it hears of the order a moment later
		if time.Now().After(until) {
			w.t.Fatalf("%s can't be given to the courier", o.Code)
		}
		time.Sleep(5 * time.Millisecond)
	}
	var work struct {
		Tasks []struct{ ID, Order, Stop string }
	}
	w.courier.Want(w.t, 200, "GET", "/courier/tasks", nil, &work)
	for _, stop := range []string{"pickup", "dropoff"} {
		for _, k := range work.Tasks {
			switch {
			case k.Order != o.ID || k.Stop != stop:
			case stop == "pickup":
				w.offer(w.courier, "POST", "/courier/tasks/{id}/complete", "/courier/tasks/"+k.ID+"/complete", map[string]any{"note": hole}, nil)
			default:
				return "/courier/tasks/" + k.ID
			}
		}
	}
	w.t.Fatalf("%s is not among the courier's tasks: %+v", o.Code, work)
	return ""
}
