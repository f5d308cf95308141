package xss

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// page is one that somebody looks at; the pattern is the route's.
type page struct{ pattern, path string }

// look opens the pages that show the payload, as everybody who sees them. What shows little of it, or what others show as well, or the
// payloads of all rounds at once, is opened when its number's turn comes.
func (w *town) look(turn func(n int) bool) {
	often, rare := w.often(), w.rare()
	for who, pages := range w.amongNeighbours() {
		often[who] = append(often[who], pages...)
	}
	for who, pages := range w.aroundTown() {
		rare[who] = append(rare[who], pages...)
	}
	for who, pages := range w.aroundPurse() {
		rare[who] = append(rare[who], pages...)
	}
	for who, pages := range rare {
		for n, p := range pages {
			if turn(n) {
				often[who] = append(often[who], p)
			}
		}
	}
	var all sync.WaitGroup
	for who, pages := range often {
		all.Go(func() { w.see(w.people[who], pages) })
	}
	all.Wait()
}

// often returns what is looked at with each payload, by who does.
func (w *town) often() map[string][]page {
	shop, q := w.shop.Slug, url.QueryEscape(w.payload)
	kitchen, settings, menu := "/kitchen/"+shop, "/restaurant/"+shop+"/settings", "/restaurant/"+shop+"/menu"
	return map[string][]page{
		"": {
			{"GET /{$}", "/?q=" + q}, {"GET /r/{slug}", "/r/" + shop}, {"GET /t/{token}", "/t/" + w.token}, {"GET /rules", "/rules"},
		},
		"otto": {
			{"GET /{$}", "/"},
			{"GET /r/{slug}/i/{item}", "/r/" + shop + "/i/" + w.item},
			{"GET /checkout", "/checkout"},
			{"GET /orders/{code}", "/orders/" + plainCode(w.order)},
			{"GET /orders/{code}", "/orders/" + plainCode(w.refused)},
			{"GET /orders/{code}", "/orders/" + plainCode(w.failed)},
			{"GET /addresses", "/addresses"},
			{"GET /account", "/account"},
			{"GET /account/passkeys", "/account/passkeys"},
			{"GET /oauth/authorize", "/oauth/authorize?response_type=code&scope=read&redirect_uri=urn:ietf:wg:oauth:2.0:oob&client_id=" + w.app},
		},
		"meera": {
			{"GET /restaurant/{slug}/menu", menu},
			{"GET /restaurant/{slug}/menu/items/{id}", menu + "/items/" + w.item},
			{"GET /restaurant/{slug}/settings", settings},
		},
		"sven": {
			{"GET /kitchen/{slug}", kitchen},
			{"GET /kitchen/{slug}/orders/{code}", kitchen + "/orders/" + plainCode(w.order)},
		},
		"dana": {{"GET /dispatch", "/dispatch"}},
		"kofi": {{"GET /courier", "/courier"}},
		"mona": {{"GET /account", "/account"}},
		"boss": {{"GET /admin/people/{id}", "/admin/people/" + w.lens}},
	}
}

// plainCode is an order's code as it stands in addresses.
func plainCode(o harness.Order) string { return strings.ReplaceAll(o.Code, "-", "") }

// rare returns the pages that are looked at now and then, by who does.
func (w *town) rare() map[string][]page {
	shop, code, q := w.shop.Slug, plainCode(w.order), url.QueryEscape(w.payload)
	kitchen, settings, menu := "/kitchen/"+shop, "/restaurant/"+shop+"/settings", "/restaurant/"+shop+"/menu"
	return map[string][]page{
		"": {
			{"GET /sign-in", "/sign-in?next=" + q},
			{"GET /sign-up", "/sign-up?next=" + q},
			{"GET /place", "/place?next=" + q},
			{"GET /docs/api", "/docs/api"},
			{"", "/" + url.PathEscape(w.payload)},
			{"GET /r/{slug}", "/r/" + shop + "?q=" + q},
			{"GET /r/{slug}", "/r/" + w.far.Slug},
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
		},
		"boss": {
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
		},
		"otto": {
			{"GET /account/access", "/account/access?verb=" + q + "&thing=" + q},
			{"GET /account/apps", "/account/apps"},
			{"GET /account/confirm", "/account/confirm?next=" + q},
			{"GET /account/connected", "/account/connected"},
			{"GET /account/privacy", "/account/privacy"},
			{"GET /account/privacy/leave", "/account/privacy/leave"},
			{"GET /account/security", "/account/security"},
			{"GET /account/sessions", "/account/sessions"},
			{"GET /account/tokens/new", "/account/tokens/new"},
			{"GET /account/two-step", "/account/two-step"},
			{"GET /privacy", "/privacy"},
			{"GET /cart", "/cart"},
			{"GET /orders", "/orders"},
			{"GET /orders/{code}", "/orders/" + plainCode(w.cancelled)},
			{"GET /orders/active", "/orders/active"},
			{"GET /orders/{code}/cancel", "/orders/" + code + "/cancel"},
			{"GET /addresses/{id}", "/addresses/" + w.address},
			{"GET /addresses/new", "/addresses/new?next=" + q},
		},
		"meera": {
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
		},
	}
}

// marks is true where the payload became more than text: something ran, or there is an element or attribute that only it could have brought.
// What was written as an address may be a link that says where it leads.
const marks = `(() => {
	const foreign = [...document.querySelectorAll("base, meta[http-equiv=refresh i], object, embed, portal, frameset, marquee, [srcdoc], [href^='javascript:' i], [href^='data:' i], [href^='vbscript:' i], [action^='javascript:' i], [formaction^='javascript:' i]")];
	const wanted = e => e.localName === "a" && /^https?:$/.test(e.protocol) && e.matches("[rel~=nofollow][rel~=noopener]") && e.href.includes(e.textContent);
	const away = [...document.querySelectorAll("[src], [href], [action], [poster], [data], [formaction]")].find(e => !wanted(e) && ["src", "href", "action", "poster", "data", "formaction"].some(n => { const v = e.getAttribute(n); return v !== null && URL.canParse(v, document.baseURI) && new URL(v, document.baseURI).host.endsWith("evil.example") }));
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
		at, _, _ := strings.Cut(v.path, "?")
		if at != "/account/confirm" && p.Path() == "/account/confirm" { // the sign-in was a while ago
			p.Fill("main form[action='/account/confirm'] input[name=password]", harness.Password)
			p.Click("main form[action='/account/confirm'] button[type=submit]")
			p.Await(`location.pathname === "`+at+`" && document.readyState === "complete"`, "go on to "+at)
		}
		if p.Path() != at && !slices.Contains(led, v.pattern) {
			w.t.Errorf("%s looked at %s, and saw %s", p.Name, at, p.Path())
		}
		w.judge(p)
	}
}

// judge fails the test where the page that somebody looks at took the payload for anything but text.
func (w *town) judge(p *browser.Person) {
	w.t.Helper()
	where, bad, _ := strings.Cut(p.Eval(marks), "\n")
	if bad != "" {
		w.t.Errorf("%s at %s: %s", p.Name, where, bad)
	}
	for _, f := range p.Faults() {
		w.t.Errorf("%s at %s: %s", p.Name, where, f)
	}
}

// read has the owner look at what the server says of files with every payload in every column. It comes into the page by script.
func (w *town) read() {
	p, columns := w.people["meera"], []string{"section", "item", "price", "description", "allergens", "diets", "group", "option", "option_price"}
	for some := range slices.Chunk(corpus, 15) { // of one file, no more than 200 things are said
		rows := [][]string{columns}
		for _, payload := range some {
			all := slices.Repeat([]string{payload}, len(columns))
			priced := slices.Clone(all)
			priced[2], priced[8] = "1", "1" // what is no price keeps the rest from being read
			rows = append(rows, all, priced)
		}
		var file bytes.Buffer
		if err := csv.NewWriter(&file).WriteAll(rows); err != nil {
			w.t.Fatal(err)
		}
		text, err := json.Marshal(file.String())
		if err != nil {
			w.t.Fatal(err)
		}
		p.Go("/restaurant/" + w.shop.Slug + "/menu/import")
		p.Eval(`(() => {
			const list = new DataTransfer();
			list.items.add(new File([` + string(text) + `], "card.csv", {type: "text/csv"}));
			document.querySelector("main input[name=file]").files = list.files;
			return "";
		})()`)
		p.Click("main form button[value=check]")
		p.Await(`document.querySelectorAll("#report tr").length > 20`, "see what is wrong with the file")
		w.judge(p)
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
