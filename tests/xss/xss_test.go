// Package xss writes what others' pages once took for script into every text that people can write here, and looks at it in a real
// Chromium as everybody who gets to see it: nothing may run, nothing may become an element, and the content security policy may have
// nothing to refuse.
package xss

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// hole stands where a payload is to be written.
const hole = "\x00hole"

// town is a restaurant with everybody around it, and the browsers that they use.
type town struct {
	t                                            *testing.T
	s                                            *harness.Server
	admin, owner, courier, dispatcher, customer  *harness.Client
	shop                                         harness.Shop
	item, section, group, menu, address          string
	order                                        harness.Order
	token, lens, app                             string
	cookies                                      map[string]string // sessions, by who
	payload                                      string
	written                                      map[string]bool // "POST /orders note": where payloads were stored or refused
	visited                                      map[string]bool // patterns of pages that were looked at
	stranger, diner, cook, rider, director, boss *browser.Person
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
	for i, p := range corpus {
		w.payload = p
		w.write()
		w.look(i)
		if t.Failed() {
			t.Fatalf("with payload %q", p)
		}
	}
	w.checkFields()
	w.checkPages()
}

// open makes the town and signs everybody in.
func open(t *testing.T) *town {
	s := harness.Start(t, "serve", "--set", fmt.Sprintf("town.lat=%.6f", harness.HereLat), "--set", fmt.Sprintf("town.lon=%.6f", harness.HereLon))
	w := &town{t: t, s: s, written: map[string]bool{}, visited: map[string]bool{}, cookies: map[string]string{}}
	w.admin = s.Account(t, "boss", "admin")
	w.shop = w.admin.Restaurant(t, "Taj", nil)
	w.owner = s.Account(t, "meera", "owner:"+w.shop.Slug)
	w.courier, w.dispatcher, w.customer = s.Account(t, "kofi", "courier"), s.Account(t, "dana", "dispatcher"), s.Account(t, "otto")
	b := browser.Open(t)
	person := func(name string) *browser.Person {
		p := b.Person(t, name, s.URL, 1280, 900)
		p.Before(`window.print = () => {}; window.x = window.alert = window.confirm = window.prompt = () => { window.__ran = (window.__ran || 0) + 1 };`)
		if name != "stranger" {
			p.SignIn(name+"@example.org", harness.Password)
		}
		return p
	}
	w.stranger, w.diner, w.cook, w.rider = person("stranger"), person("otto"), person("meera"), person("kofi")
	w.director, w.boss = person("dana"), person("boss")
	return w
}

// offer sends a body in which the payload stands in every hole. Where the server refuses it in a field, that field is left as it was: what
// is not taken can't be shown. It returns the reply.
func (w *town) offer(c *harness.Client, method, pattern, path string, body map[string]any, out any) {
	w.t.Helper()
	filled, _ := w.fill(method+" "+pattern, "", body).(map[string]any)
	w.serial++
	for range 12 {
		r := c.Do(w.t, method, path, filled, "Idempotency-Key", fmt.Sprintf("key-%d", w.serial))
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
		if v == plain || slices.Contains([]string{"lang", "tz", "photo"}, name) {
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
		"name": hole, "blurb": hole, "street": hole, "city": hole, "phone": hole, "cuisines": []any{hole}, "hours": "Mo-Su 00:00-24:00",
		"zones":        []any{map[string]any{"name": hole, "radius_m": 3000, "fee": 250}},
		"special_days": []any{map[string]any{"date": "2030-01-01", "reason": hole, "spans": []any{}}},
	}, nil)
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
	w.govern()
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

// eat orders with the payload in every note and brings the order to where most people see it.
func (w *town) eat() {
	t := w.t
	if w.order.ID != "" { // the last one ends: the courier has few things to do at a time
		w.offer(w.dispatcher, "POST", "/orders/{id}/cancel", "/orders/"+w.order.ID+"/cancel", map[string]any{"reason": "OTHER", "note": hole}, nil)
	}
	line := map[string]any{"item": w.item, "qty": 1, "note": hole}
	wish := map[string]any{
		"restaurant": w.shop.ID, "mode": "delivery", "note": hole, "lines": []any{line},
		"to": map[string]any{"point": map[string]any{"lat": harness.HereLat + 0.005, "lon": harness.HereLon + 0.005}, "street": hole, "detail": hole, "city": hole, "name": hole, "phone": hole, "notes": hole},
	}
	cart := maps.Clone(wish)
	w.offer(w.customer, "PUT", "/cart", "/cart", cart, nil)
	var quote harness.Quote
	w.offer(w.customer, "POST", "/quotes", "/quotes", wish, &quote)
	body := maps.Clone(wish)
	body["fingerprint"], body["method"], body["name"], body["phone"] = quote.Fingerprint, "on_delivery", hole, hole
	var placed struct {
		harness.Order
		Token string `json:"token"`
	}
	w.offer(w.customer, "POST", "/orders", "/orders", body, &placed)
	w.order, w.token = placed.Order, placed.Token
	w.owner.Want(t, 200, "POST", "/orders/"+w.order.ID+"/confirm", map[string]any{"minutes": 60}, nil)
	w.offer(w.owner, "POST", "/orders/{id}/delay", "/orders/"+w.order.ID+"/delay", map[string]any{"minutes": 10, "note": hole}, nil)
}
