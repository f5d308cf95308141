package account

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// browser keeps cookies between requests to a server under test.
type browser struct {
	t       *testing.T
	h       http.Handler
	cookies map[string]*http.Cookie
	bearer  string
}

// newServer returns a browser at a server with nothing but accounts.
func newServer(t *testing.T, https bool) (*browser, *Service) {
	t.Helper()
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		w.WriteHeader(status)
		io.WriteString(w, sentence)
	})
	s, _ := newService(t, dbtest.SQLite(t, events.Schema, Schema), Options{HTTPS: https, Fail: rt.Error})
	s.Routes(rt)
	rt.Page("GET /whoami", httpx.Anyone, func(w http.ResponseWriter, r *http.Request) error {
		return httpx.JSON(w, http.StatusOK, access.From(r.Context()).Handle)
	})
	return &browser{t: t, h: s.Middleware(rt), cookies: map[string]*http.Cookie{}}, s
}

// do sends a request: body is a url.Values for a form, a string for JSON, or nil.
func (b *browser) do(method, path string, body any) *httptest.ResponseRecorder {
	b.t.Helper()
	var r *http.Request
	switch body := body.(type) {
	case url.Values:
		r = httptest.NewRequest(method, path, strings.NewReader(body.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case string:
		r = httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	default:
		r = httptest.NewRequest(method, path, nil)
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	if b.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+b.bearer)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
	}
	return w
}

func (b *browser) whoami() string {
	return strings.Trim(strings.TrimSpace(b.do("GET", "/whoami", nil).Body.String()), `"`)
}

func TestSignUpSignOutSignInInABrowser(t *testing.T) {
	b, _ := newServer(t, false)
	w := b.do("POST", "/sign-up", url.Values{"name": {"Anna"}, "email": {"anna@example.org"}, "password": {password}, "next": {"/cart"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/cart" || b.whoami() != "anna" {
		t.Fatalf("sign-up: %d to %s as %s", w.Code, w.Header().Get("Location"), b.whoami())
	}
	stolen := *b.cookies["stoa"]
	if w := b.do("POST", "/sign-out", nil); w.Code != http.StatusSeeOther || b.whoami() != "" {
		t.Fatalf("sign-out: %d, still %q", w.Code, b.whoami())
	}
	b.cookies["stoa"] = &stolen
	if b.whoami() != "" {
		t.Error("the cookie of a session that ended still works")
	}
	if w := b.do("POST", "/sign-in", url.Values{"login": {"ANNA"}, "password": {password}, "next": {"https://evil.example"}}); w.Header().Get("Location") != "/" || b.whoami() != "anna" {
		t.Errorf("sign-in: %d to %q as %q; want / as anna", w.Code, w.Header().Get("Location"), b.whoami())
	}
}

func TestCookiesAreBoundToTheHostUnderHTTPS(t *testing.T) {
	for https, name := range map[bool]string{true: "__Host-stoa", false: "stoa"} {
		b, _ := newServer(t, https)
		b.do("POST", "/sign-up", url.Values{"name": {"Anna"}, "email": {"anna@example.org"}, "password": {password}})
		c := b.cookies[name]
		if c == nil || c.Secure != https || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("https %v: cookie %v", https, c)
		}
	}
}

func TestARefusedFormComesBackWithWhatWasTyped(t *testing.T) {
	b, s := newServer(t, false)
	mustCreate(t, s, "anna")
	for name, tc := range map[string]struct {
		path   string
		form   url.Values
		status int
		want   []string
		not    []string
	}{
		"sign-up": {
			"/sign-up",
			url.Values{"name": {"<b>Berta"}, "email": {"no address"}, "password": {"secret-is-short"[:6]}, "handle": {"anna"}},
			422,
			[]string{`value="&lt;b&gt;Berta"`, `value="no address"`, `value="anna"`, "Write an e-mail address", "Use at least 8 characters."},
			[]string{"secret", "<b>Berta"},
		},
		"handle taken": {
			"/sign-up",
			url.Values{"name": {"Anna"}, "email": {"a2@example.org"}, "password": {password}, "handle": {"anna"}},
			422,
			[]string{"This handle is taken."},
			[]string{password},
		},
		"sign-in": {
			"/sign-in",
			url.Values{"login": {"anna"}, "password": {"not the one"}, "next": {"/cart"}},
			401,
			[]string{`value="anna"`, `value="/cart"`, "is not right"},
			[]string{"not the one"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := b.do("POST", tc.path, tc.form)
			if w.Code != tc.status {
				t.Errorf("status %d; want %d", w.Code, tc.status)
			}
			for _, s := range tc.want {
				if !strings.Contains(w.Body.String(), s) {
					t.Errorf("the page has no %q", s)
				}
			}
			for _, s := range tc.not {
				if strings.Contains(w.Body.String(), s) {
					t.Errorf("the page has %q", s)
				}
			}
		})
	}
}

func TestTheThrottleSaysWhenToTryAgain(t *testing.T) {
	b, _ := newServer(t, false)
	for range maxPerAccount {
		b.do("POST", "/sign-in", url.Values{"login": {"anna"}, "password": {"wrong password"}})
	}
	w := b.do("POST", "/sign-in", url.Values{"login": {"anna"}, "password": {"wrong password"}})
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "900" {
		t.Errorf("page: %d, Retry-After %q; want 429, 900", w.Code, w.Header().Get("Retry-After"))
	}
	w = b.do("POST", "/api/stoa/v1/session", `{"email":"anna","password":"wrong password"}`)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "900" {
		t.Errorf("API: %d, Retry-After %q; want 429, 900", w.Code, w.Header().Get("Retry-After"))
	}
}

func TestTheAccountPageChangesWhatItShows(t *testing.T) {
	b, s := newServer(t, false)
	if w := b.do("GET", "/account", nil); w.Header().Get("Location") != "/sign-in?next=%2Faccount" {
		t.Fatalf("as a guest: %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, path := range []string{"/account", "/account/password", "/account/sessions/1/end", "/account/sign-out-everywhere"} {
		if w := b.do("POST", path, url.Values{}); w.Code != http.StatusUnauthorized {
			t.Errorf("POST %s as a guest: %d; want 401", path, w.Code)
		}
	}
	b.do("POST", "/sign-up", url.Values{"name": {"Anna"}, "email": {"anna@example.org"}, "password": {password}})
	other, err := s.SignIn(t.Context(), "anna", password, Visit{Device: "Mozilla/5.0 (iPhone) Safari/1"})
	if err != nil {
		t.Fatal(err)
	}
	if w := b.do("GET", "/account?done=profile", nil); w.Code != 200 || !strings.Contains(w.Body.String(), "Safari on iPhone") || !strings.Contains(w.Body.String(), "Saved.") {
		t.Errorf("account page: %d", w.Code)
	}
	if w := b.do("POST", "/account", url.Values{"name": {"Anna B."}, "lang": {"de"}, "tz": {"Europe/Vienna"}}); w.Code != http.StatusSeeOther {
		t.Errorf("profile: %d", w.Code)
	}
	if w := b.do("POST", "/account", url.Values{"name": {""}, "lang": {"de"}}); w.Code != 422 || !strings.Contains(w.Body.String(), "Write the name") {
		t.Errorf("no name: %d", w.Code)
	}
	if w := b.do("GET", "/account", nil); !strings.Contains(w.Body.String(), `value="Anna B."`) {
		t.Error("the new name is not shown")
	}
	if w := b.do("POST", "/account/password", url.Values{"old": {"wrong password"}, "password": {"another good one"}}); w.Code != 422 || !strings.Contains(w.Body.String(), "not your present password") {
		t.Errorf("wrong old password: %d", w.Code)
	}
	b.do("POST", "/account/sessions/"+other.Session.ID.String()+"/end", url.Values{})
	if who(t, s, other.Token).SignedIn() || b.whoami() != "anna" {
		t.Error("the other session lives on, or this one ended")
	}
}

func TestTheAPISignsInByToken(t *testing.T) {
	b, _ := newServer(t, false)
	w := b.do("POST", "/api/stoa/v1/accounts", `{"name":"Anna","email":"anna@example.org","password":"`+password+`"}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("sign-up: %d %s", w.Code, w.Body)
	}
	var in struct{ Token string }
	w = b.do("POST", "/api/stoa/v1/session", `{"email":"anna@example.org","password":"`+password+`","device":"till"}`)
	if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil || w.Code != http.StatusCreated {
		t.Fatalf("sign-in: %d %s", w.Code, w.Body)
	}
	if w := b.do("GET", "/api/stoa/v1/me", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("GET /me without token: %d; want 401", w.Code)
	}
	b.bearer = in.Token
	if w := b.do("GET", "/api/stoa/v1/me", nil); w.Code != 200 || !strings.Contains(w.Body.String(), `"handle":"anna"`) || !strings.Contains(w.Body.String(), `"roles":[]`) {
		t.Errorf("GET /me: %d %s", w.Code, w.Body)
	}
	for body, want := range map[string]int{`{"name":"Berta","tz":"Europe/Rome"}`: 200, `{"name":""}`: 422, `{"tz":"Mars"}`: 422, `{"name":7}`: 422, `x`: 422, ``: 422, `{"king":1}`: 422} {
		w := b.do("PATCH", "/api/stoa/v1/me", body)
		if w.Code != want {
			t.Errorf("PATCH /me %s: %d %s; want %d", body, w.Code, w.Body, want)
		}
		if want == 422 && !strings.Contains(w.Body.String(), `"path":"body`) {
			t.Errorf("PATCH /me %s names no field: %s", body, w.Body)
		}
	}
	if w := b.do("DELETE", "/api/stoa/v1/session", nil); w.Code != http.StatusNoContent {
		t.Errorf("sign-out: %d %s", w.Code, w.Body)
	}
	if w := b.do("GET", "/api/stoa/v1/me", nil); w.Code != http.StatusUnauthorized || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("after sign-out: %d %v", w.Code, w.Header())
	}
}
