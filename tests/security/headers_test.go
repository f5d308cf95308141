package security

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/stoa-town/stoa/tests/harness"
)

// directives reads a Content-Security-Policy.
func directives(policy string) map[string]string {
	out := map[string]string{}
	for d := range strings.SplitSeq(policy, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), " ")
		out[name] = value
	}
	return out
}

var nonceOf = regexp.MustCompile(`'nonce-([^']+)'`)

// TestEveryPageForbidsWhatItDoesNotNeed asks for every page of api/routes.txt as an admin and as a stranger, for what is there and for what is not.
func TestEveryPageForbidsWhatItDoesNotNeed(t *testing.T) {
	w := newTown(t)
	nonces, whole, asked := map[string]string{}, 0, 0
	for _, rt := range routes(t) {
		method, path := rt[0], rt[1]
		if method != http.MethodGet || strings.HasSuffix(path, "/events") || path == "/live" {
			continue
		}
		for _, headers := range [][]string{as(w.admin), {"Accept", "text/html"}} {
			res := w.ask(t, "GET", w.fill(path), nil, headers...)
			asked++
			common(t, path, res.Header)
			if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
				continue
			}
			if res.StatusCode == 200 {
				whole++
			}
			nonce := page(t, path, res)
			if first, twice := nonces[nonce]; twice {
				t.Errorf("%s and %s have the same nonce", path, first)
			}
			nonces[nonce] = path
		}
	}
	if whole < 25 || asked < 150 {
		t.Errorf("only %d pages of %d were there", whole, asked)
	}
	for _, path := range []string{"/nowhere", "/r/nowhere", "/sign-in?next=//evil.example"} {
		res := w.ask(t, "GET", path, nil, "Accept", "text/html")
		common(t, path, res.Header)
		page(t, path, res)
	}
}

// common holds every answer to what all have.
func common(t *testing.T, path string, h http.Header) {
	t.Helper()
	if h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: browsers may guess its type", path)
	}
	if _, after, ok := strings.Cut(h.Get("Strict-Transport-Security"), "max-age="); !ok || number(after) < 365*24*3600 {
		t.Errorf("%s: Strict-Transport-Security is %q; want a year", path, h.Get("Strict-Transport-Security"))
	}
	if p := h.Get("Referrer-Policy"); p != "same-origin" && p != "no-referrer" && p != "strict-origin" {
		t.Errorf("%s: Referrer-Policy is %q", path, p)
	}
	for _, c := range (&http.Response{Header: h}).Cookies() {
		cookie(t, path, c)
	}
}

func number(s string) int {
	digits := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if digits >= 0 {
		s = s[:digits]
	}
	n, _ := strconv.Atoi(s)
	return n
}

// page holds a page to what only pages have, and returns its nonce.
func page(t *testing.T, path string, res reply) string {
	t.Helper()
	d := directives(res.Header.Get("Content-Security-Policy"))
	for name, want := range map[string]string{
		"default-src": "'none'", "object-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'", "require-trusted-types-for": "'script'",
	} {
		if d[name] != want {
			t.Errorf("%s: %s is %q; want %s", path, name, d[name], want)
		}
	}
	if !strings.HasPrefix(d["form-action"], "'self'") || d["trusted-types"] == "" {
		t.Errorf("%s: form-action %q, trusted-types %q", path, d["form-action"], d["trusted-types"])
	}
	for name, v := range d {
		if strings.Contains(v, "unsafe-") || strings.Contains(v, "*") || strings.HasSuffix(name, "-src") && strings.Contains(v, "http:") || name == "script-src" && strings.Contains(v, "data:") {
			t.Errorf("%s: %s %s", path, name, v)
		}
	}
	m := nonceOf.FindStringSubmatch(d["script-src"])
	if m == nil || len(m[1]) < 16 {
		t.Errorf("%s: no nonce in script-src %q", path, d["script-src"])
		return path
	}
	for name, want := range map[string]string{"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q; want %s", path, name, got, want)
		}
	}
	if res.Header.Get("Permissions-Policy") == "" {
		t.Errorf("%s: no Permissions-Policy", path)
	}
	tags(t, path, m[1], res.text)
	return m[1]
}

// tags reads the page: nothing in it may need more than the policy gives.
func tags(t *testing.T, path, nonce string, text []byte) {
	t.Helper()
	for z := html.NewTokenizer(bytes.NewReader(text)); z.Next() != html.ErrorToken; {
		tag := z.Token()
		attr := map[string]string{}
		for _, a := range tag.Attr {
			attr[a.Key] = a.Val
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				t.Errorf("%s: <%s %s=%q>", path, tag.Data, a.Key, a.Val)
			}
		}
		if tag.Type != html.StartTagToken && tag.Type != html.SelfClosingTagToken {
			continue
		}
		data := attr["type"] == "application/json" || attr["type"] == "application/ld+json"
		if tag.Data == "script" && !data && attr["nonce"] != nonce || tag.Data == "style" && attr["nonce"] != nonce {
			t.Errorf("%s: a %s without the nonce", path, tag.Data)
		}
		if tag.Data == "base" || tag.Data == "object" || tag.Data == "embed" {
			t.Errorf("%s: <%s>", path, tag.Data)
		}
		for _, key := range []string{"src", "href", "action"} {
			if u, err := url.Parse(attr[key]); tag.Data != "a" && err == nil && u.Host != "" && u.Host != "eat.example.org" && key != "href" {
				t.Errorf("%s: <%s %s=%q> is of another host", path, tag.Data, key, attr[key])
			}
		}
	}
}

// cookie holds a cookie to what all have.
func cookie(t *testing.T, path string, c *http.Cookie) {
	t.Helper()
	// A place, a language and a guest's cart know nobody: a neighbouring host that sets one gains nothing.
	known := map[string]bool{"stoa_place": true, "stoa_lang": true, "stoa_guest": true}[c.Name]
	if !known && !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
		t.Errorf("%s sets %s", path, c.Raw)
	}
}

// TestEveryCookieIsBoundToTheHost goes through what sets cookies: signing up, in, wrongly and out, a cart, a place, a language.
func TestEveryCookieIsBoundToTheHost(t *testing.T) {
	w := newTown(t)
	post := func(path string, form url.Values) []*http.Cookie {
		res := w.ask(t, "POST", path, strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
		common(t, path, res.Header)
		return res.Cookies()
	}
	seen := map[string]bool{}
	for _, c := range [][]*http.Cookie{
		post("/sign-in", url.Values{"login": {"boss@example.org"}, "password": {harness.Password}}),
		post("/sign-in", url.Values{"login": {"boss@example.org"}, "password": {"wrong one"}}),
		post("/sign-up", url.Values{"name": {"Cleo"}, "email": {"cleo@example.org"}, "password": {harness.Password}}),
		post("/sign-out", nil),
		post("/place", url.Values{"lat": {"52.52"}, "lon": {"13.38"}, "mode": {"delivery"}}),
		post("/cart/lines", url.Values{"restaurant": {w.known["slug"]}, "item": {w.known["item"]}, "qty": {"1"}}),
		w.ask(t, "GET", "/r/"+w.known["slug"], nil, "Accept", "text/html").Cookies(),
		w.ask(t, "GET", "/?lang=de", nil, "Accept", "text/html", "Accept-Language", "de").Cookies(),
	} {
		for _, one := range c {
			seen[one.Name] = true
			cookie(t, "…", one)
		}
	}
	if !seen["__Host-stoa"] {
		t.Errorf("no session began: %v", seen)
	}
}
