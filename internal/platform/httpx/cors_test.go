package httpx

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestOpenPathsTakeRequestsOfOtherSitesWithoutCookies holds that a page of another site may call what is open to it, as nobody but who its
// token says, and nothing else.
func TestOpenPathsTakeRequestsOfOtherSitesWithoutCookies(t *testing.T) {
	h := Harden(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Cookie", r.Header.Get("Cookie"))
	}), HardenOptions{
		Timeout: time.Minute, MaxBody: 1 << 10, Stream: func(*http.Request) bool { return false },
		Open: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/open") },
	})
	for name, c := range map[string]struct {
		path, site, origin string
		status             int
		cookie             string
	}{
		"another site's page":           {"/open", "cross-site", "https://elk.example", 200, ""},
		"a sibling's page":              {"/open", "same-site", "https://a.example.com", 200, ""},
		"an old browser, another site":  {"/open", "", "https://elk.example", 200, ""},
		"a frame without an origin":     {"/open", "", "null", 200, ""},
		"our own page":                  {"/open", "same-origin", "https://example.com", 200, "stoa=x"},
		"an old browser, our own page":  {"/open", "", "https://example.com", 200, "stoa=x"},
		"a program":                     {"/open", "", "", 200, "stoa=x"},
		"another site's page, not open": {"/shut", "cross-site", "https://elk.example", 403, ""},
		"an old browser, not open":      {"/shut", "", "https://elk.example", 403, ""},
	} {
		w := do(h, "POST", c.path, "", "Cookie", "stoa=x", "Sec-Fetch-Site", c.site, "Origin", c.origin)
		if w.Code != c.status || w.Header().Get("X-Cookie") != c.cookie {
			t.Errorf("%s: %d with the cookie %q; want %d, %q", name, w.Code, w.Header().Get("X-Cookie"), c.status, c.cookie)
		}
		if open := w.Header().Get("Access-Control-Allow-Origin") == "*"; open != (c.path == "/open") {
			t.Errorf("%s: open to all: %v", name, open)
		}
		if w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials are allowed", name)
		}
	}
	w := do(h, "OPTIONS", "/open", "", "Origin", "https://elk.example", "Access-Control-Request-Method", "POST")
	if w.Code != http.StatusNoContent || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
}

func TestMastodonsAppsGetErrorsInTheirShape(t *testing.T) {
	rt := router(nil)
	const want = `{"error":"There is nothing at this address."}`
	for _, path := range []string{"/api/v1/none", "/api/v2/none", "/oauth/token"} {
		if w := do(rt, "GET", path, ""); w.Code != http.StatusNotFound || strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: %d %s; want %s", path, w.Code, w.Body, want)
		}
	}
	if w := do(rt, "GET", Prefix+"/none", ""); w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("our own API: %v", w.Header())
	}
}
