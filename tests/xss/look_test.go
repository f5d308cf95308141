package xss

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/stoa-town/stoa/tests/browser"
)

// page is one that somebody looks at; the pattern is the route's.
type page struct{ pattern, path string }

// look opens the pages that show the payload, as everybody who sees them, and every tenth time also those that show little of it.
func (w *town) look(round int) {
	code, shop := strings.ReplaceAll(w.order.Code, "-", ""), w.shop.Slug
	q := url.QueryEscape(w.payload)
	kitchen, settings, menu := "/kitchen/"+shop, "/restaurant/"+shop+"/settings", "/restaurant/"+shop+"/menu"
	tours := []tour{
		{w.stranger, []page{
			{"GET /{$}", "/?q=" + q}, {"GET /r/{slug}", "/r/" + shop}, {"GET /t/{token}", "/t/" + w.token}, {"GET /rules", "/rules"},
		}},
		{w.diner, []page{
			{"GET /{$}", "/"},
			{"GET /r/{slug}/i/{item}", "/r/" + shop + "/i/" + w.item},
			{"GET /checkout", "/checkout"},
			{"GET /orders/{code}", "/orders/" + code},
			{"GET /addresses", "/addresses"},
			{"GET /account", "/account"},
			{"GET /oauth/authorize", "/oauth/authorize?response_type=code&scope=read&redirect_uri=urn:ietf:wg:oauth:2.0:oob&client_id=" + w.app},
		}},
		{w.cook, []page{
			{"GET /kitchen/{slug}", kitchen},
			{"GET /kitchen/{slug}/orders/{code}", kitchen + "/orders/" + code},
			{"GET /restaurant/{slug}/menu", menu},
			{"GET /restaurant/{slug}/menu/items/{id}", menu + "/items/" + w.item},
			{"GET /restaurant/{slug}/settings", settings},
		}},
		{w.director, []page{{"GET /dispatch", "/dispatch"}}},
		{w.rider, []page{{"GET /courier", "/courier"}}},
		{w.boss, []page{{"GET /admin/people/{id}", "/admin/people/" + w.lens}}},
	}
	if round%10 == 0 {
		tours = append(tours, w.rare(kitchen, settings, menu, code, q)...)
	}
	var all sync.WaitGroup
	for who, list := range byPerson(tours) {
		all.Go(func() { w.see(who, list) })
	}
	all.Wait()
}

// tour is the pages that somebody looks at.
type tour struct {
	who   *browser.Person
	pages []page
}

// byPerson joins the tours of each person: one looks at one page at a time.
func byPerson(tours []tour) map[*browser.Person][]page {
	out := map[*browser.Person][]page{}
	for _, t := range tours {
		out[t.who] = append(out[t.who], t.pages...)
	}
	return out
}

// rare returns the pages that are looked at now and then: they show little of what is written, or what others show as well.
func (w *town) rare(kitchen, settings, menu, code, q string) []tour {
	shop := w.shop.Slug
	return []tour{
		{w.stranger, []page{
			{"GET /sign-in", "/sign-in?next=" + q},
			{"GET /sign-up", "/sign-up?next=" + q},
			{"GET /place", "/place?next=" + q},
			{"GET /docs/api", "/docs/api"},
			{"", "/" + url.PathEscape(w.payload)},
			{"GET /r/{slug}", "/r/" + shop + "?q=" + q},
			{"GET /place/suggest", "/place/suggest?q=" + q},
			{"GET /sign-in/forgot", "/sign-in/forgot"},
			{"GET /sign-in/link", "/sign-in/link?ticket=" + q + "&next=" + q},
			{"GET /sign-in/not-me", "/sign-in/not-me?ticket=" + q},
			{"GET /sign-in/reset", "/sign-in/reset?ticket=" + q},
			{"GET /sign-in/second", "/sign-in/second?next=" + q},
			{"GET /sign-in/sent", "/sign-in/sent"},
			{"GET /sign-in/with/{provider}/callback", "/sign-in/with/" + url.PathEscape(w.payload) + "/callback?error=" + q + "&state=" + q},
			{"GET /sign-up/finish", "/sign-up/finish?ticket=" + q},
			{"GET /sign-up/handle", "/sign-up/handle?handle=" + q},
			{"GET /sign-up/sent", "/sign-up/sent"},
			{"GET /sign-up/waiting", "/sign-up/waiting"},
			{"GET /sign-up/with", "/sign-up/with?ticket=" + q},
			{"GET /account/email/move", "/account/email/move?ticket=" + q},
			{"GET /account/email/undo", "/account/email/undo?ticket=" + q},
			{"GET /setup", "/setup?token=" + q},
			{"GET /oauth/authorize", "/oauth/authorize?client_id=" + q + "&redirect_uri=" + q + "&state=" + q},
		}},
		{w.boss, []page{
			{"GET /admin", "/admin"},
			{"GET /admin/people", "/admin/people"},
			{"GET /admin/people", "/admin/people?q=" + q},
			{"GET /admin/sign-ups", "/admin/sign-ups"},
			{"GET /admin/settings", "/admin/settings"},
			{"GET /admin/settings/history", "/admin/settings/history"},
			{"GET /admin/audit", "/admin/audit"},
			{"GET /admin/audit", "/admin/audit?handle=" + q + "&verb=" + q + "&thing=" + q},
			{"GET /admin/mail", "/admin/mail"},
			{"GET /admin/jobs", "/admin/jobs"},
			{"GET /admin/mail/samples/{kind}", "/admin/mail/samples/signup.welcome"},
			{"GET /admin/access", "/admin/access?as=lens&verb=" + q + "&thing=" + q},
		}},
		{w.diner, []page{
			{"GET /account/access", "/account/access?verb=" + q + "&thing=" + q},
			{"GET /account/apps", "/account/apps"},
			{"GET /account/confirm", "/account/confirm?next=" + q},
			{"GET /account/connected", "/account/connected"},
			{"GET /account/passkeys", "/account/passkeys"},
			{"GET /account/privacy", "/account/privacy"},
			{"GET /account/privacy/leave", "/account/privacy/leave"},
			{"GET /account/security", "/account/security"},
			{"GET /account/sessions", "/account/sessions"},
			{"GET /account/tokens/new", "/account/tokens/new"},
			{"GET /account/two-step", "/account/two-step"},
			{"GET /privacy", "/privacy"},
			{"GET /cart", "/cart"},
			{"GET /orders", "/orders"},
			{"GET /orders/active", "/orders/active"},
			{"GET /orders/{code}/cancel", "/orders/" + code + "/cancel"},
			{"GET /addresses/{id}", "/addresses/" + w.address},
			{"GET /addresses/new", "/addresses/new?next=" + q},
		}},
		{w.cook, []page{
			{"GET /kitchen/{slug}/ended", kitchen + "/ended"},
			{"GET /kitchen/{slug}/menu", kitchen + "/menu"},
			{"GET /kitchen/{slug}/today", kitchen + "/today"},
			{"GET /kitchen/{slug}/orders/{code}/print", kitchen + "/orders/" + code + "/print"},
			{"GET /kitchen/{slug}/orders/{code}/{verb}", kitchen + "/orders/" + code + "/cancel"},
			{"GET /restaurant/{slug}/menu/groups", menu + "/groups"},
			{"GET /restaurant/{slug}/menu/groups/{id}", menu + "/groups/" + w.group},
			{"GET /restaurant/{slug}/menu/import", menu + "/import"},
			{"GET /restaurant/{slug}/menu/menus/{id}", menu + "/menus/" + w.menu},
			{"GET /restaurant/{slug}/menu/sections/{id}", menu + "/sections/" + w.section},
			{"GET /restaurant/{slug}/settings/hours", settings + "/hours"},
			{"GET /restaurant/{slug}/settings/hours/preview", settings + "/hours/preview?hours=" + q},
			{"GET /restaurant/{slug}/settings/kitchen", settings + "/kitchen"},
			{"GET /restaurant/{slug}/settings/zones", settings + "/zones"},
			{"GET /restaurant/{slug}/settings/zones/{n}", settings + "/zones/1"},
		}},
	}
}

// marks is true where the payload became more than text: something ran, or there is an element or attribute that only it could have brought.
const marks = `(() => {
	const foreign = [...document.querySelectorAll("base, meta[http-equiv=refresh i], object, embed, portal, frameset, marquee, [srcdoc], [href^='javascript:' i], [href^='data:' i], [href^='vbscript:' i], [action^='javascript:' i], [formaction^='javascript:' i]")];
	const away = [...document.querySelectorAll("[src], [href], [action], [poster], [data], [formaction]")].find(e => ["src", "href", "action", "poster", "data", "formaction"].some(n => { const v = e.getAttribute(n); return v !== null && URL.canParse(v, document.baseURI) && new URL(v, document.baseURI).host.endsWith("evil.example") }));
	const handler = [...document.querySelectorAll("*")].find(e => [...e.attributes].some(a => /^(on|hx-on)/i.test(a.name)) || (e.localName === "a" && /^(javascript|data|vbscript):$/.test(e.protocol)));
	const script = [...document.scripts].find(s => !s.src.startsWith(location.origin) && !s.nonce && s.type !== "application/ld+json");
	const bad = window.__ran ? "ran " + window.__ran + " times" : foreign.length ? foreign[0].outerHTML : away ? away.outerHTML : handler ? handler.outerHTML : script ? script.outerHTML : "";
	return location.pathname + "\n" + bad.slice(0, 300);
})()`

// see opens pages as somebody and checks what became of the payload there.
func (w *town) see(p *browser.Person, pages []page) {
	w.t.Helper()
	for _, v := range pages {
		w.mu.Lock()
		w.visited[v.pattern] = true
		w.mu.Unlock()
		p.Go(v.path)
		where, bad, _ := strings.Cut(p.Eval(marks), "\n")
		if bad != "" {
			w.t.Errorf("%s at %s: %s", p.Name, where, bad)
		}
		for _, f := range p.Faults() {
			w.t.Errorf("%s at %s: %s", p.Name, where, f)
		}
	}
}

// checkFields fails where the API takes a text that no payload was written to: a new field is written in write, or said why not in unwritten.
func (w *town) checkFields() {
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			} `json:"requestBody"`
		}
		Components struct{ Schemas map[string]schema }
	}
	w.s.As("").Want(w.t, 200, "GET", "/openapi.json", nil, &doc)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			name := strings.ToUpper(method) + " " + strings.TrimPrefix(path, "/api/stoa/v1")
			for _, field := range op.RequestBody.Content["application/json"].Schema.texts("", doc.Components.Schemas) {
				if !w.written[name+" "+field] && !excused(name, field) {
					w.t.Errorf("no payload was written to %s of %s", field, name)
				}
			}
		}
	}
}

// schema is as much of a JSON schema as tells where texts are.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Format     string            `json:"format"`
	Enum       []any             `json:"enum"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
}

// texts returns the paths of the free texts in a body, such as "lines[].note".
func (s schema) texts(path string, all map[string]schema) []string {
	if s.Ref != "" {
		s = all[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	var out []string
	for name, p := range s.Properties {
		out = append(out, p.texts(strings.TrimPrefix(path+"."+name, "."), all)...)
	}
	if s.Items != nil {
		out = append(out, s.Items.texts(path+"[]", all)...)
	}
	isText := s.Type == "string"
	if list, ok := s.Type.([]any); ok {
		isText = slices.Contains(list, "string")
	}
	if isText && s.Format == "" && len(s.Enum) == 0 {
		out = append(out, path)
	}
	return out
}

// checkPages fails where there is a page that nobody looked at.
func (w *town) checkPages() {
	text, err := os.ReadFile(filepath.Join("..", "..", "api", "routes.txt"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		words := strings.Fields(line)
		pattern := strings.Join(words[:2], " ")
		if words[0] != "GET" || strings.HasPrefix(words[1], "/api/") || slices.Contains(nopages, pattern) || w.visited[pattern] {
			continue
		}
		w.t.Errorf("nobody looked at %s", pattern)
	}
}
