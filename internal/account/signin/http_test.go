package signin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/profile"
	"github.com/stoa-town/stoa/internal/account/signin"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

const password = "correct horse battery"

// mailbox keeps the letters that are sent.
type mailbox struct {
	off     bool
	mu      sync.Mutex
	letters []mail.Letter
}

func (m *mailbox) On() bool { return !m.off }

func (m *mailbox) Send(_ context.Context, tx *db.Tx, l mail.Letter) error {
	tx.AfterCommit(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.letters = append(m.letters, l)
	})
	return nil
}

// take returns the letters since it was last asked.
func (m *mailbox) take() []mail.Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.letters
	m.letters = nil
	return out
}

// town is a server with nothing but accounts.
type town struct {
	t       *testing.T
	h       http.Handler
	people  *account.Service
	signUps *signup.Service
	post    *mailbox
	now     *clock.Manual
	mode    signup.Mode
	rules   string
	second  bool // whether everybody has a second step
}

// browser keeps cookies between requests to a town.
type browser struct {
	*town
	cookies map[string]*http.Cookie
	bearer  string
	from    string // its address
}

func newTown(t *testing.T, d *db.DB, https bool) *town {
	t.Helper()
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		w.WriteHeader(status)
		io.WriteString(w, sentence)
	})
	out := &town{t: t, post: &mailbox{}, now: clock.NewManual(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)), mode: signup.Open}
	ids := id.NewSource(1)
	var in *signin.Service
	out.people = account.New(d, events.New(d, events.NewLocal()), ids, out.now.Now, account.Options{
		HTTPS: https, Fail: rt.Error,
		OnNewDevice: func(ctx context.Context, tx *db.Tx, a account.Account, s account.Session) error {
			return in.NewDevice(ctx, tx, a, s)
		},
		SecondStep: func(context.Context, *db.Tx, id.ID) (bool, error) { return out.second, nil },
	})
	address := func() string { return "https://eat.example.org" }
	in = signin.New(d, out.people, out.post, signin.Options{URL: address})
	out.signUps = signup.New(d, ids, out.now.Now, out.people, out.post, signup.Options{
		Mode: func() signup.Mode { return out.mode }, ByMail: out.post.On, Rules: func() string { return out.rules }, URL: address,
	})
	in.Routes(rt)
	out.signUps.Routes(rt)
	profile.New(d, out.people, out.post, profile.Options{URL: address}).Routes(rt)
	rt.Page("GET /whoami", httpx.Anyone, func(w http.ResponseWriter, r *http.Request) error {
		return httpx.JSON(w, http.StatusOK, access.From(r.Context()).Handle)
	})
	out.h = out.people.Middleware(rt)
	return out
}

func (t *town) browser() *browser {
	return &browser{town: t, cookies: map[string]*http.Cookie{}, from: "192.0.2.1:1234"}
}

// newServer returns a browser at a server that sends no letters.
func newServer(t *testing.T, https bool) (*browser, *account.Service) {
	t.Helper()
	s := newTown(t, dbtest.SQLite(t, events.Schema, account.Schema), https)
	s.post.off = true
	return s.browser(), s.people
}

// do sends a request: body is a url.Values for a form, a string for JSON, or nil.
func (b *browser) do(method, path string, body any, headers ...string) *httptest.ResponseRecorder {
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
	r.RemoteAddr = b.from
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
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
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
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
	create(t, s, "anna")
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
	for range 10 {
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

func TestTheAccountPagesChangeWhatTheyShow(t *testing.T) {
	b, s := newServer(t, false)
	for _, path := range []string{"/account", "/account/password", "/account/sessions/1/end", "/account/sign-out-everywhere", "/account/email"} {
		if w := b.do("POST", path, url.Values{}); w.Code != http.StatusUnauthorized {
			t.Errorf("POST %s as a guest: %d; want 401", path, w.Code)
		}
	}
	b.do("POST", "/sign-up", url.Values{"name": {"Anna"}, "email": {"anna@example.org"}, "password": {password}})
	other, err := s.SignIn(t.Context(), "anna", password, account.Visit{Device: "Mozilla/5.0 (iPhone) Safari/1", IP: "192.0.2.44"})
	if err != nil {
		t.Fatal(err)
	}
	page := b.do("GET", "/account/sessions?done=session", nil).Body.String()
	for _, want := range []string{"Safari on iPhone", "192.0.2.44", "This device", "That device is signed out."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of devices has no %q", want)
		}
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
	if alive(t, s, other.Token) || b.whoami() != "anna" {
		t.Error("the other session lives on, or this one ended")
	}
}

// alive reports whether a session's token still signs somebody in.
func alive(t *testing.T, s *account.Service, token string) bool {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "stoa", Value: token})
	actor, _, err := s.Authenticate(r)
	if err != nil {
		t.Fatal(err)
	}
	return actor.SignedIn()
}

func create(t *testing.T, s *account.Service, name string) account.SignedIn {
	t.Helper()
	out, err := s.Create(t.Context(), account.SignUp{Name: name, Email: name + "@example.org", Password: password, Handle: name}, account.Visit{IP: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	return out
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

var ticketIn = regexp.MustCompile(`ticket=([A-Za-z0-9_-]{43})`)

// letter returns the only letter that was sent since the last, to an address, and the ticket in its link.
func (t *town) letter(to, kind string) (l mail.Letter, ticket string) {
	t.t.Helper()
	list := t.post.take()
	if len(list) != 1 || list[0].To != to || list[0].Kind != kind {
		t.t.Fatalf("letters: %v; want one %s to %s", list, kind, to)
	}
	if m := ticketIn.FindStringSubmatch(fmt.Sprint(list[0].Action)); m != nil {
		ticket = m[1]
	}
	return list[0], ticket
}

// want fails unless a reply has a status and leads to a place.
func want(t *testing.T, what string, w *httptest.ResponseRecorder, status int, to string) {
	t.Helper()
	if w.Code != status || w.Header().Get("Location") != to {
		t.Fatalf("%s: %d to %q; want %d to %q\n%s", what, w.Code, w.Header().Get("Location"), status, to, w.Body)
	}
}

func TestAnAccountBeginsWithALetter(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := newTown(t, d, false)
		s.rules = "Be kind.\n\nPay your courier."
		b := s.browser()
		want(t, "asking", b.do("POST", "/sign-up", url.Values{"email": {"Anna@Example.org"}, "next": {"/cart"}}), 303, "/sign-up/sent")
		_, ticket := s.letter("anna@example.org", "signup.welcome")
		if w := b.do("GET", "/sign-up/finish?ticket="+ticket, nil); w.Code != 200 || !strings.Contains(w.Body.String(), "anna@example.org") {
			t.Fatalf("the second step: %d %s", w.Code, w.Body)
		}
		in := url.Values{"ticket": {ticket}, "name": {"Anna"}, "password": {password}, "email": {"other@example.org"}, "lang": {"de"}, "tz": {"Europe/Vienna"}}
		if w := b.do("POST", "/sign-up/finish", in); w.Code != 422 || !strings.Contains(w.Body.String(), "rules of the town") {
			t.Errorf("without agreeing to the rules: %d", w.Code)
		}
		in.Set("agreed", "true")
		want(t, "the second step", b.do("POST", "/sign-up/finish", in), 303, "/cart")
		a, err := s.people.Find(t.Context(), "anna")
		if err != nil || a.Email != "anna@example.org" || a.Lang != "de" || a.TZ != "Europe/Vienna" || b.whoami() != "anna" {
			t.Errorf("account %+v, %v as %q", a, err, b.whoami())
		}
		if w := s.browser().do("POST", "/sign-up/finish", in); w.Code != 404 {
			t.Errorf("the link a second time: %d; want 404", w.Code)
		}
		if w := b.do("GET", "/rules", nil); !strings.Contains(w.Body.String(), "Pay your courier.") {
			t.Errorf("rules: %d", w.Code)
		}
	}, events.Schema, account.Schema)
}

func TestWithoutAPasswordOneIsLedToPasskeys(t *testing.T) {
	s := newTown(t, dbtest.SQLite(t, events.Schema, account.Schema), false)
	b := s.browser()
	b.do("POST", "/sign-up", url.Values{"email": {"anna@example.org"}})
	_, ticket := s.letter("anna@example.org", "signup.welcome")
	want(t, "the second step", b.do("POST", "/sign-up/finish", url.Values{"ticket": {ticket}, "name": {"Anna"}}), 303, "/account/passkeys?welcome=1&next=%2F")
	if w := b.do("POST", "/sign-in", url.Values{"login": {"anna"}, "password": {""}}); w.Code != 401 {
		t.Errorf("with no password at all: %d; want 401", w.Code)
	}
}

func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	s := newTown(t, dbtest.SQLite(t, events.Schema, account.Schema), false)
	create(t, s.people, "anna")
	for name, tc := range map[string]struct {
		path, field string
		kinds       [2]string // of the letters to a known and an unknown address
	}{
		"sign-up":  {"/sign-up", "email", [2]string{"signup.known", "signup.welcome"}},
		"link":     {"/sign-in/link", "login", [2]string{"signin.link", "signin.unknown"}},
		"password": {"/sign-in/forgot", "login", [2]string{"signin.reset", "signin.unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			var replies [2]*httptest.ResponseRecorder
			for i, address := range []string{"anna@example.org", "nobody@example.org"} {
				replies[i] = s.browser().do("POST", tc.path, url.Values{tc.field: {address}})
				s.letter(address, tc.kinds[i])
			}
			if replies[0].Code != replies[1].Code || replies[0].Body.String() != replies[1].Body.String() || replies[0].Header().Get("Location") != replies[1].Header().Get("Location") {
				t.Errorf("known: %d %v; unknown: %d %v", replies[0].Code, replies[0].Header(), replies[1].Code, replies[1].Header())
			}
		})
	}
	known := s.browser().do("POST", "/api/stoa/v1/accounts", `{"email":"anna@example.org","name":"A","password":"`+password+`"}`)
	unknown := s.browser().do("POST", "/api/stoa/v1/accounts", `{"email":"b@example.org","name":"A","password":"`+password+`"}`)
	if known.Code != 202 || unknown.Code != 202 || known.Body.String() != unknown.Body.String() {
		t.Errorf("API: %d %s and %d %s; want the same 202", known.Code, known.Body, unknown.Code, unknown.Body)
	}
}

func TestALinkSignsInOnceInTheBrowserThatAsked(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := newTown(t, d, false)
		create(t, s.people, "anna")
		b := s.browser()
		want(t, "asking", b.do("POST", "/sign-in/link", url.Values{"login": {"@Anna"}, "next": {"/cart"}}), 303, "/sign-in/sent")
		_, ticket := s.letter("anna@example.org", "signin.link")
		if w := s.browser().do("GET", "/sign-in/link?ticket="+ticket, nil); !strings.Contains(w.Body.String(), "another browser") {
			t.Error("another browser is not asked whether it was that person")
		}
		if w := b.do("GET", "/sign-in/link?ticket="+ticket, nil); strings.Contains(w.Body.String(), "another browser") || b.whoami() != "" {
			t.Error("the browser that asked is asked again, or was signed in by looking")
		}
		want(t, "the link", b.do("POST", "/sign-in/link/enter", url.Values{"ticket": {ticket}, "next": {"/cart"}}), 303, "/cart")
		if b.whoami() != "anna" {
			t.Fatalf("signed in as %q", b.whoami())
		}
		if w := b.do("POST", "/sign-in/link/enter", url.Values{"ticket": {ticket}}); w.Code != 404 {
			t.Errorf("the link a second time: %d; want 404", w.Code)
		}
		s.letter("anna@example.org", "signin.device")
		b.do("POST", "/sign-in/link", url.Values{"login": {"anna"}})
		_, ticket = s.letter("anna@example.org", "signin.link")
		s.now.Advance(15 * time.Minute)
		if w := b.do("POST", "/sign-in/link/enter", url.Values{"ticket": {ticket}}); w.Code != 404 {
			t.Errorf("the link after 15 minutes: %d; want 404", w.Code)
		}
		if w := b.do("POST", "/sign-in/reset", url.Values{"ticket": {ticket}, "password": {"another good one"}}); w.Code != 404 {
			t.Errorf("the link as one to a password: %d; want 404", w.Code)
		}
	}, events.Schema, account.Schema)
}

func TestAForgottenPasswordIsReplacedAndEverybodyElseSignedOut(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := newTown(t, d, false)
		thief := create(t, s.people, "anna")
		token, err := s.people.CreateToken(t.Context(), thief.Account.ID, "till", []string{"read"})
		if err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		want(t, "asking", b.do("POST", "/sign-in/forgot", url.Values{"login": {"anna@example.org"}}), 303, "/sign-in/sent")
		_, ticket := s.letter("anna@example.org", "signin.reset")
		if w := b.do("POST", "/sign-in/reset", url.Values{"ticket": {ticket}, "password": {"password"}}); w.Code != 422 {
			t.Errorf("a password that thieves try first: %d; want 422", w.Code)
		}
		want(t, "the new password", b.do("POST", "/sign-in/reset", url.Values{"ticket": {ticket}, "password": {"another good one"}}), 303, "/account/security?done=password")
		if alive(t, s.people, thief.Token) || b.whoami() != "anna" {
			t.Errorf("the old session lives on, or this is %q", b.whoami())
		}
		app := s.browser()
		app.bearer = token
		if w := app.do("GET", "/api/stoa/v1/me", nil); w.Code != 401 {
			t.Errorf("the old token: %d; want 401", w.Code)
		}
	}, events.Schema, account.Schema)
}

func TestASecondStepStandsBeforeEverySessionButAPasskeys(t *testing.T) {
	s := newTown(t, dbtest.SQLite(t, events.Schema, account.Schema), false)
	anna := create(t, s.people, "anna")
	s.second = true
	b := s.browser()
	want(t, "password", b.do("POST", "/sign-in", url.Values{"login": {"anna"}, "password": {password}, "next": {"/cart"}}), 303, "/sign-in/second?next=%2Fcart")
	if b.whoami() != "" || b.cookies["stoa_pending"] == nil {
		t.Fatalf("before the second step: %q", b.whoami())
	}
	b.do("POST", "/sign-in/link", url.Values{"login": {"anna"}})
	_, ticket := s.letter("anna@example.org", "signin.link")
	want(t, "link", b.do("POST", "/sign-in/link/enter", url.Values{"ticket": {ticket}}), 303, "/sign-in/second?next=%2F")
	if w := b.do("POST", "/api/stoa/v1/session", `{"email":"anna","password":"`+password+`"}`); w.Code != 403 || !strings.Contains(w.Body.String(), "second_step") {
		t.Errorf("API: %d %s", w.Code, w.Body)
	}
	if out, err := s.people.Enter(t.Context(), anna.Account.ID, account.ByPasskey, account.Visit{}); err != nil || out.Token == "" {
		t.Errorf("passkey: %v", err)
	}
	pending := b.cookies["stoa_pending"].Value
	for range 5 {
		if _, err := s.people.TryCode(t.Context(), pending); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.people.TryCode(t.Context(), pending); err == nil {
		t.Error("a sixth code is looked at")
	}
	out, err := s.people.Complete(t.Context(), pending, account.Visit{})
	if err != nil || !alive(t, s.people, out.Token) {
		t.Errorf("the second step: %v", err)
	}
	if _, err := s.people.Complete(t.Context(), pending, account.Visit{}); err == nil {
		t.Error("the second step can be done twice")
	}
}

func TestANewDeviceIsToldOfAndLockedOutByOneLetter(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := newTown(t, d, false)
		b, thief := s.browser(), s.browser()
		create(t, s.people, "anna")
		in := url.Values{"login": {"anna"}, "password": {password}}
		b.do("POST", "/sign-in", in)
		s.post.take()
		b.do("POST", "/sign-out", nil)
		b.do("POST", "/sign-in", in)
		if got := s.post.take(); len(got) != 0 {
			t.Fatalf("a device that is known is told of: %v", got)
		}
		thief.do("POST", "/sign-in", in, "User-Agent", "Mozilla/5.0 (Android 14) Firefox/130")
		l, ticket := s.letter("anna@example.org", "signin.device")
		if !strings.Contains(strings.Join(l.Lines, " "), "Firefox on Android, from the address 192.0.2.1") {
			t.Errorf("the letter says %v", l.Lines)
		}
		if w := b.do("GET", "/sign-in/not-me?ticket="+ticket, nil); w.Code != 200 || thief.whoami() != "anna" {
			t.Errorf("looking at the link: %d, and the thief is %q", w.Code, thief.whoami())
		}
		want(t, "not me", b.do("POST", "/sign-in/not-me", url.Values{"ticket": {ticket}}), 303, "/sign-in/sent")
		if thief.whoami() != "" {
			t.Error("the thief is still in")
		}
		_, reset := s.letter("anna@example.org", "signin.reset")
		want(t, "reset", b.do("POST", "/sign-in/reset", url.Values{"ticket": {reset}, "password": {"another good one"}}), 303, "/account/security?done=password")
	}, events.Schema, account.Schema)
}

func TestAnAddressMovesWithALetterAndCanBeBroughtBack(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := newTown(t, d, false)
		create(t, s.people, "anna")
		create(t, s.people, "berta")
		b := s.browser()
		b.do("POST", "/sign-in", url.Values{"login": {"anna"}, "password": {password}})
		s.post.take()
		s.now.Advance(account.FreshFor)
		if w := b.do("POST", "/account/email", url.Values{"email": {"new@example.org"}}); w.Code != 403 {
			t.Fatalf("without a fresh proof: %d; want 403", w.Code)
		}
		before := b.cookies["stoa"].Value
		if w := b.do("POST", "/account/confirm", url.Values{"password": {"wrong password"}, "next": {"/account/security"}}); w.Code != 422 {
			t.Errorf("a wrong password: %d; want 422", w.Code)
		}
		want(t, "confirm", b.do("POST", "/account/confirm", url.Values{"password": {password}, "next": {"/account/security"}}), 303, "/account/security")
		if alive(t, s.people, before) || b.whoami() != "anna" {
			t.Error("the secret of the session is the same after the proof")
		}
		want(t, "taken", b.do("POST", "/account/email", url.Values{"email": {"berta@example.org"}}), 303, "/account/security?done=email")
		s.letter("berta@example.org", "account.email_taken")
		want(t, "asking", b.do("POST", "/account/email", url.Values{"email": {"new@example.org"}}), 303, "/account/security?done=email")
		_, ticket := s.letter("new@example.org", "account.email")
		if w := b.do("POST", "/account/email/move", url.Values{"ticket": {ticket}}); w.Code != 200 {
			t.Fatalf("moving: %d %s", w.Code, w.Body)
		}
		if _, err := s.people.Find(t.Context(), "new@example.org"); err != nil {
			t.Fatal(err)
		}
		_, undo := s.letter("anna@example.org", "account.email_moved")
		if w := s.browser().do("POST", "/account/email/undo", url.Values{"ticket": {undo}}); w.Code != 200 || b.whoami() != "" {
			t.Errorf("undoing: %d, still in as %q", w.Code, b.whoami())
		}
		if _, err := s.people.Find(t.Context(), "anna@example.org"); err != nil {
			t.Error(err)
		}
	}, events.Schema, account.Schema)
}

func TestAProofByLetterHoldsForTheSessionThatAsked(t *testing.T) {
	s := newTown(t, dbtest.SQLite(t, events.Schema, account.Schema), false)
	create(t, s.people, "anna")
	b, other := s.browser(), s.browser()
	for _, x := range []*browser{b, other} {
		x.do("POST", "/sign-in", url.Values{"login": {"anna"}, "password": {password}})
	}
	s.post.take()
	s.now.Advance(account.FreshFor)
	want(t, "asking", b.do("POST", "/account/confirm/letter", url.Values{"next": {"/account/security"}}), 303, "/account/confirm?sent=1&next=%2Faccount%2Fsecurity")
	_, ticket := s.letter("anna@example.org", "signin.confirm")
	if w := other.do("POST", "/account/confirm/link", url.Values{"ticket": {ticket}}); w.Code != 403 {
		t.Errorf("in another session: %d; want 403", w.Code)
	}
	b.do("POST", "/account/confirm/letter", url.Values{"next": {"/account/security"}})
	_, ticket = s.letter("anna@example.org", "signin.confirm")
	want(t, "the link", b.do("POST", "/account/confirm/link", url.Values{"ticket": {ticket}, "next": {"/account/security"}}), 303, "/account/security")
	if w := b.do("POST", "/account/email", url.Values{"email": {"new@example.org"}}); w.Code != 303 {
		t.Errorf("after the proof: %d; want 303", w.Code)
	}
}
