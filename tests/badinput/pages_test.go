package badinput

import (
	"html"
	"maps"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/harness"
)

// A page's links, and its forms with their fields, are found in its text: what is missed by so simple a reading is in the list below.
var (
	linkAt  = regexp.MustCompile(`\s(?:href|hx-get|data-live-src)="(/[^"]*)"`)
	formAt  = regexp.MustCompile(`(?s)<form\b[^>]*>.*?</form>`)
	openTag = regexp.MustCompile(`<form\b[^>]*>`)
	postAt  = regexp.MustCompile(`\s(?:action|hx-post|formaction)="(/[^"]*)"`)
	nameAt  = regexp.MustCompile(`\sname="([^"]+)"`)
	numbers = regexp.MustCompile(`\d{6,}`)
)

// addresses are those that a crawl from the first page may not come upon. Braces stand for what world.known has, or for "1".
var addresses = []string{
	"GET /", "GET /account", "GET /addresses", "GET /addresses/new", "GET /addresses/{id}", "GET /cart", "GET /checkout", "GET /courier", "GET /courier/live",
	"GET /dispatch", "GET /dispatch/live", "GET /docs/api", "GET /kitchen/{slug}", "GET /kitchen/{slug}/ended", "GET /kitchen/{slug}/live", "GET /kitchen/{slug}/today",
	"GET /kitchen/{slug}/orders/{code}", "GET /kitchen/{slug}/orders/{code}/print", "GET /kitchen/{slug}/orders/{code}/refuse", "GET /live", "GET /media/{name}",
	"GET /orders", "GET /orders/active", "GET /orders/{code}", "GET /orders/{code}/cancel", "GET /orders/{code}/live", "GET /place", "GET /place/suggest",
	"GET /r/{slug}", "GET /r/{slug}/i/{item}", "GET /restaurant/{slug}/settings", "GET /restaurant/{slug}/menu", "GET /sign-in", "GET /sign-up", "GET /t/{token}",
	"GET /t/{token}/events", "GET /t/{token}/live", "GET /demo", "GET /demo/pulse", "POST /demo/step", "GET /assets/{name}", "GET /no/such/page", "GET /api/stoa/v1/no/such",
	"POST /cart/again/{code}", "POST /cart/clear", "POST /cart/lines", "POST /cart/lines/{n}", "POST /cart/lines/{n}/fix", "POST /cart/mode", "POST /cart/undo",
	"POST /checkout", "POST /checkout/update", "POST /courier/duty", "POST /courier/offers/{order}/accept", "POST /courier/tasks/{id}/start", "POST /courier/tasks/{id}/complete",
	"POST /dispatch/assign", "POST /dispatch/orders/{id}/retry", "POST /kitchen/{slug}/orders/{code}/confirm", "POST /kitchen/{slug}/orders/{code}/delay",
	"POST /kitchen/{slug}/orders/{code}/collect", "POST /orders/{code}/cancel", "POST /place", "POST /addresses", "POST /addresses/{id}", "POST /account/sessions/{id}/end",
}

// form is where a page sends something, and by what names; a link is a form without fields.
type form struct {
	method string
	path   string
	fields []string
}

// kind is what a form is the same as: the ids in it do not matter.
func (f form) kind() string {
	p, _, _ := strings.Cut(f.path, "?")
	return f.method + " " + numbers.ReplaceAllString(p, "N")
}

// read finds the links and forms of a page.
func read(page string) []form {
	var out []form
	for _, m := range linkAt.FindAllStringSubmatch(page, -1) {
		out = append(out, form{"GET", html.UnescapeString(m[1]), nil})
	}
	for _, f := range formAt.FindAllString(page, -1) {
		var fields []string
		for _, m := range nameAt.FindAllStringSubmatch(f, -1) {
			if !slices.Contains(fields, m[1]) {
				fields = append(fields, m[1])
			}
		}
		method := "POST"
		if strings.Contains(strings.ToLower(openTag.FindString(f)), `method="get"`) {
			method = "GET"
		}
		for _, m := range postAt.FindAllStringSubmatch(f, -1) {
			out = append(out, form{method, html.UnescapeString(m[1]), fields})
		}
	}
	for _, m := range postAt.FindAllStringSubmatch(page, -1) { // buttons that post without a form
		out = append(out, form{"POST", html.UnescapeString(m[1]), nil})
	}
	return out
}

// crawl follows the links of every page as one of the people and returns what there is to be sent, once of each kind.
func (w *world) crawl(token string, found map[string]form) {
	queue := []form{{"GET", "/", nil}}
	for _, a := range addresses {
		method, path, _ := strings.Cut(a, " ")
		queue = append(queue, form{method, w.fill(path), nil})
	}
	seen := map[string]bool{}
	for pages := 0; len(queue) > 0 && pages < 300; {
		f := queue[0]
		queue = queue[1:]
		if old := found[f.kind()]; len(f.fields) >= len(old.fields) {
			found[f.kind()] = f
		}
		if f.method != "GET" || seen[f.kind()] || strings.Contains(f.path, "sign-out") {
			continue
		}
		seen[f.kind()] = true
		pages++
		a := w.send(input{method: "GET", path: f.path, header: map[string]string{"Accept": "text/html"}}, token)
		if strings.HasPrefix(a.kind, "text/html") {
			queue = append(queue, read(string(a.body))...)
		}
	}
}

// fill puts what exists in place of braces.
func (w *world) fill(path string) string {
	for {
		before, rest, ok := strings.Cut(path, "{")
		if !ok {
			return path
		}
		name, after, _ := strings.Cut(rest, "}")
		v, known := w.known[name].(string)
		if !known {
			v = "1"
		}
		path = before + v + after
	}
}

// bad returns inputs of which nearly all are wrong for a form or link.
func (f form) bad(r *rand.Rand, n int) []input {
	path, query, _ := strings.Cut(f.path, "?")
	had, _ := url.ParseQuery(query)
	names := f.fields
	if len(names) == 0 {
		names = []string{"id", "q", "cursor", "qty", "item", "lat", "lon", "minutes", "reason", "name"}
	}
	for name := range had {
		names = append(names, name)
	}
	kind := "application/x-www-form-urlencoded"
	var out []input
	add := func(what, path, body, kind string, header ...string) {
		h := map[string]string{"Accept": "text/html"}
		for i := 0; i+1 < len(header); i += 2 {
			h[header[i]] = header[i+1]
		}
		in := input{what, f.method, path, h, nil}
		if f.method != "GET" {
			h["Content-Type"] = kind
			in.body = []byte(body)
		} else if body != "" {
			in.path += "?" + body
		}
		out = append(out, in)
	}
	parts := strings.Split(path, "/")
	for i := 1; i < len(parts); i++ { // each part of the path in turn
		for _, v := range badTexts {
			p := slices.Clone(parts)
			p[i] = url.PathEscape(v)
			add("a wrong path", strings.Join(p, "/"), "", kind)
		}
	}
	for _, name := range names {
		for _, v := range badTexts {
			add("field "+name, path, url.Values{name: {v}}.Encode(), kind)
		}
		add("field "+name+" twice", path, name+"=a&"+name+"=b", kind)
	}
	for range n { // everything at once
		v := url.Values{}
		for _, name := range names {
			if r.IntN(3) > 0 {
				v.Add(name, badTexts[r.IntN(len(badTexts))])
			}
		}
		add("many wrong fields", path, v.Encode(), kind, "HX-Request", "true")
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	out = out[:min(len(out), n)]
	if f.method == "GET" {
		return out
	}
	add("nothing", path, "", kind)
	add("bad escapes", path, "a=%zz&%=%&&;", kind)
	add("2 MB", path, "name="+strings.Repeat("a", 2<<20), kind)
	add("100,000 fields", path, strings.Repeat("a=1&", 100_000), kind)
	add("JSON", path, `{"a":1}`, "application/json")
	add("no form at all", path, "\xff\xfe\x00", "multipart/form-data; boundary=x")
	add("half a file", path, "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../a.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG", "multipart/form-data; boundary=x")
	add("no type", path, "a=1", "")
	return out
}

// broken returns what is wrong with an answer for people, or "".
func broken(a answer) string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case a.status >= 500:
		return "a server error"
	case strings.Contains(string(a.body), "goroutine ") || strings.Contains(string(a.body), "sql:"):
		return "a page that shows what is inside"
	}
	return ""
}

func TestNoPageFailsOnBadInput(t *testing.T) {
	each := 40
	if longRun() {
		each = 1000
	}
	harness.Databases(t, func(t *testing.T, args ...string) {
		w := newWorld(t, args...)
		found := map[string]form{}
		for _, c := range w.people {
			w.crawl(c.Token, found)
		}
		r := newReport()
		seed := rand.New(rand.NewPCG(2, 2))
		sent := 0
		for _, kind := range slices.Sorted(maps.Keys(found)) {
			f := found[kind]
			if strings.HasPrefix(f.path, "/sign-out") || strings.HasPrefix(f.path, "/account/sign-out") || strings.HasPrefix(f.path, "/assets/") {
				continue
			}
			n := len(w.people)
			inputs := f.bad(seed, each)
			if f.method == "POST" && (strings.HasPrefix(f.path, "/sign-") || strings.HasPrefix(f.path, "/account/password")) { // hashing passwords is slow on purpose
				n = 2
			}
			w.all(r, inputs, n, broken)
			sent++
		}
		if sent < len(addresses) {
			t.Errorf("only %d kinds of address were found; the list alone has %d", sent, len(addresses))
		}
		t.Logf("%d kinds of address", sent)
		r.fail(t, w)
	})
}
