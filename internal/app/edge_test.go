package app

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/platform/config"
)

func TestEveryKindOfRequestCountsAsWhatItIs(t *testing.T) {
	a := build(t)
	for _, c := range []struct {
		method, path, kind string
		size               int
		want               string
	}{
		{"GET", "/", "", 0, "pages"},
		{"GET", "/sign-up", "", 0, "pages"},
		{"POST", "/sign-up", "", 10, "sign-ups"},
		{"POST", "/api/stoa/v1/accounts", "", 10, "sign-ups"},
		{"POST", "/sign-in", "", 10, "pages"},
		{"GET", "/api/stoa/v1/orders", "", 0, "api"},
		{"GET", "/api/v1/timelines/home", "", 0, "api"},
		{"POST", "/api/v1/accounts", "", 10, "sign-ups"},
		{"POST", "/api/stoa/v1/orders", "", 10, "orders"},
		{"POST", "/api/stoa/v1/orders/12/confirm", "", 10, "api"},
		{"POST", "/checkout", "", 10, "orders"},
		{"GET", "/checkout", "", 0, "pages"},
		{"POST", "/checkout/update", "", 10, "quotes"},
		{"POST", "/api/stoa/v1/quotes", "", 10, "quotes"},
		{"PATCH", "/api/stoa/v1/cart/lines/1", "", 10, "quotes"},
		{"POST", "/cart/lines", "", 10, "quotes"},
		{"POST", "/restaurant/taj/menu/items/1", "multipart/form-data; boundary=x", 1000, "pages"},
		{"POST", "/restaurant/taj/menu/items/1", "multipart/form-data; boundary=x", 1 << 20, "uploads"},
		{"POST", "/api/stoa/v1/x", "multipart/form-data; boundary=x", -1, "uploads"},
		{"GET", "/live", "", 0, ""},
		{"GET", "/t/abc/events", "", 0, ""},
		{"GET", "/api/stoa/v1/orders/1/events", "", 0, ""},
		{"GET", "/assets/app.js", "", 0, ""},
		{"GET", "/media/x.webp", "", 0, ""},
		{"POST", "/live", "", 0, "pages"},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(""))
		r.ContentLength = int64(c.size)
		r.Header.Set("Content-Type", c.kind)
		got := ""
		if class := a.limits.Class(r); class != nil {
			got = class.Name
		}
		if got != c.want {
			t.Errorf("%s %s of %d bytes counts as %q; want %q", c.method, c.path, c.size, got, c.want)
		}
	}
}

func TestTheOwnCertificateNamesWhatTheSettingsTell(t *testing.T) {
	for _, c := range []struct {
		url, listen string
		want        []string
	}{
		{"https://eat.example:8443", ":8443", []string{"eat.example", "localhost", "127.0.0.1", "::1"}},
		{"", "192.0.2.7:8443", []string{"192.0.2.7", "localhost", "127.0.0.1", "::1"}},
		{"https://localhost", "0.0.0.0:1", []string{"localhost", "127.0.0.1", "::1"}},
		{"", "[::]:1", []string{"localhost", "127.0.0.1", "::1"}},
	} {
		if d := cmp.Diff(c.want, ownHosts(config.Config{URL: c.url, Listen: c.listen})); d != "" {
			t.Errorf("%q at %q (-want +got):\n%s", c.url, c.listen, d)
		}
	}
}

func TestABadTokenIsNotLedInCircles(t *testing.T) {
	h := build(t).Handler()
	for path, want := range map[string]int{"/orders": 303, "/sign-in": 401} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer no-such-token")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("GET %s with a bad token = %d; want %d", path, w.Code, want)
		}
	}
}

func TestABrowserThatOpensTheStreamSeesAPageOfTheTown(t *testing.T) {
	a := build(t)
	got := ask(a.Handler(), "GET", "/live", nil, map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
	page := got.Body.String()
	if got.Code != 422 || !strings.Contains(page, a.Settings.Config().Town.Name) || strings.Contains(page, `nonce=""`) {
		t.Errorf("GET /live as a browser = %d %.300q; want 422 and a whole page whose scripts run", got.Code, page)
	}
}
