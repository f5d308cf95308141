package oauth

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

const callback = "https://app.example/callback"

// kit is a server with nothing but accounts and apps, and a person before a browser.
type kit struct {
	t        testing.TB
	s        *Service
	accounts *account.Service
	now      *clock.Manual
	h        http.Handler
	anna     id.ID
	cookie   string // anna's session

	mu    sync.Mutex
	audit []string // the verbs noted
}

func both(t *testing.T, test func(t *testing.T, d *db.DB)) {
	dbtest.Run(t, test, events.Schema, account.Schema, Schema)
}

func lite(t testing.TB) *kit {
	return newKit(t, dbtest.SQLite(t, events.Schema, account.Schema, Schema))
}

func newKit(t testing.TB, d *db.DB) *kit {
	t.Helper()
	k := &kit{t: t, now: clock.NewManual(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC))}
	rt := httpx.NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		w.WriteHeader(status)
		io.WriteString(w, sentence)
	})
	ids := id.NewSource(1)
	note := func(_ context.Context, _ *db.Tx, verb, _ string, _ map[string]any) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.audit = append(k.audit, verb)
		return nil
	}
	k.accounts = account.New(d, events.New(d, events.NewLocal()), ids, k.now.Now, account.Options{
		Fail: rt.Error, Audit: note, App: func(ctx context.Context, token string) (access.Actor, error) { return k.s.Own(ctx, token) },
	})
	k.s = New(d, ids, k.now.Now, k.accounts, Options{Base: func(*http.Request) string { return "https://town.example" }, Audit: note})
	k.s.Routes(rt)
	rt.Raw("GET /whoami", httpx.Anyone, func(w http.ResponseWriter, r *http.Request) error {
		a := access.From(r.Context())
		return httpx.JSON(w, http.StatusOK, map[string]any{"handle": a.Handle, "app": a.App, "scopes": a.Scopes})
	})
	rt.Raw("POST /write", httpx.May("person.write"), func(w http.ResponseWriter, _ *http.Request) error {
		return httpx.JSON(w, http.StatusOK, "written")
	})
	k.h = httpx.Harden(k.accounts.Middleware(rt), httpx.HardenOptions{
		Timeout: time.Minute, MaxBody: 1 << 20, Open: Open, Stream: func(*http.Request) bool { return false },
	})
	k.anna = k.person("anna")
	k.cookie = k.signIn(k.anna)
	return k
}

func (k *kit) person(handle string) id.ID {
	k.t.Helper()
	out, err := k.accounts.Add(k.t.Context(), account.Person{Handle: handle, Name: handle, Email: handle + "@example.org"})
	if err != nil {
		k.t.Fatal(err)
	}
	return out[0]
}

func (k *kit) signIn(person id.ID) string {
	k.t.Helper()
	in, err := k.accounts.Enter(k.t.Context(), person, account.ByPasskey, account.Visit{IP: "192.0.2.1"})
	if err != nil {
		k.t.Fatal(err)
	}
	return in.Token
}

// register stores an app and returns it with its secret.
func (k *kit) register(public bool, scopes string, uris ...string) (App, string) {
	k.t.Helper()
	a, secret, err := k.s.Register(k.t.Context(), Registration{Name: "Test App", RedirectURIs: uris, Scopes: scopes, Public: public})
	if err != nil {
		k.t.Fatal(err)
	}
	return a, secret
}

// do sends a request: a form in the body where form is not nil. The headers come in pairs.
func (k *kit) do(method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	k.t.Helper()
	var r *http.Request
	if form != nil {
		r = httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = httptest.NewRequest(method, path, nil)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return k.send(r)
}

func (k *kit) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	k.h.ServeHTTP(w, r)
	return w
}

// asAnna is the header by which anna's browser is known.
func (k *kit) asAnna() []string { return []string{"Cookie", "stoa=" + k.cookie} }

// ask returns the parameters of a sound request of an app.
func ask(a App, more ...string) url.Values {
	q := url.Values{"response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {a.RedirectURIs[0]}, "scope": {strings.Join(a.Scopes, " ")}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

// answer sends the form of the page on which anna agrees.
func (k *kit) answer(q url.Values) *httptest.ResponseRecorder {
	k.t.Helper()
	form := url.Values{}
	for name, v := range q {
		form[name] = v
	}
	if !form.Has("account") {
		form.Set("account", k.anna.String())
	}
	if !form.Has("decision") {
		form.Set("decision", "allow")
	}
	return k.do("POST", "/oauth/authorize", form, k.asAnna()...)
}

// code has anna agree, and returns the code that the app gets.
func (k *kit) code(q url.Values) string {
	k.t.Helper()
	w := k.answer(q)
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther || u.Query().Get("code") == "" {
		k.t.Fatalf("agreeing: %d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	return u.Query().Get("code")
}

// exchange returns the form that an app sends with a code.
func exchangeForm(a App, secret, code string, more ...string) url.Values {
	f := url.Values{"grant_type": {"authorization_code"}, "client_id": {a.ClientID}, "code": {code}, "redirect_uri": {a.RedirectURIs[0]}}
	if secret != "" {
		f.Set("client_secret", secret)
	}
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// token exchanges a code.
func (k *kit) token(a App, secret, code string, more ...string) string {
	k.t.Helper()
	w := k.do("POST", "/oauth/token", exchangeForm(a, secret, code, more...))
	if w.Code != http.StatusOK {
		k.t.Fatalf("exchange: %d %s", w.Code, w.Body)
	}
	return decode[tokenReply](k.t, w).AccessToken
}

func decode[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var out T
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return out
}

// lives reports whether a token still acts for somebody.
func (k *kit) lives(token string) bool {
	k.t.Helper()
	return k.do("GET", "/whoami", nil, "Authorization", "Bearer "+token).Code == http.StatusOK
}

func TestAnAppIsLetInAndGetsATokenInMastodonsShape(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a, secret := k.register(false, "read write follow push", callback, OOB)
		code := k.code(ask(a, "scope", "read write", "state", "s&t=1"))
		w := k.do("POST", "/oauth/token", exchangeForm(a, secret, code))
		got := decode[map[string]any](t, w)
		token, _ := got["access_token"].(string)
		delete(got, "access_token")
		want := map[string]any{"token_type": "Bearer", "scope": "read write", "created_at": float64(k.now.Now().Unix())}
		if diff := cmp.Diff(want, got); diff != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("token (-want +got):\n%s\n%v", diff, w.Header())
		}
		who := decode[map[string]any](t, k.do("GET", "/whoami", nil, "Authorization", "Bearer "+token))
		if diff := cmp.Diff(map[string]any{"handle": "anna", "app": a.ID.String(), "scopes": []any{"read", "write"}}, who); diff != "" {
			t.Errorf("who the token acts for (-want +got):\n%s", diff)
		}
		if !cmp.Equal(k.audit, []string{"account.sign_in", "app.authorize", "token.create"}) {
			t.Errorf("noted: %v", k.audit)
		}
	})
}

func TestTheAnswerGoesBackWithStateAndIssuerToTheLetterOfTheAddress(t *testing.T) {
	k := lite(t)
	const uri = "https://app.example/cb?tenant=a%20b&x=1"
	a, _ := k.register(false, "read", uri)
	to := k.answer(ask(a, "state", "a b&c=%")).Header().Get("Location")
	rest, ok := strings.CutPrefix(to, uri+"&")
	q, err := url.ParseQuery(rest)
	if !ok || err != nil || q.Get("state") != "a b&c=%" || q.Get("iss") != "https://town.example/" || len(q.Get("code")) != 43 {
		t.Errorf("sent back to %q", to)
	}
}

func TestThePageSaysWhoAsksForWhatAndWhereItLeads(t *testing.T) {
	k := lite(t)
	a, _, err := k.s.Register(t.Context(), Registration{Name: "Elephant <b>", Website: "https://elephant.example", RedirectURIs: []string{callback}, Scopes: "read write:statuses stoa:orders"})
	if err != nil {
		t.Fatal(err)
	}
	w := k.do("GET", "/oauth/authorize?"+ask(a, "scope", "read write:statuses").Encode(), nil, k.asAnna()...)
	for _, want := range []string{"Elephant &lt;b&gt;", "@anna", "app.example", "Write and delete posts.", "https://elephant.example", `name="decision" value="allow"`, `value="deny"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(w.Body.String(), "Order food") {
		t.Error("the page speaks of a scope that was not asked for")
	}
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self' https://app.example;") || w.Header().Get("X-Frame-Options") != "DENY" {
		t.Errorf("headers: %v", w.Header())
	}
	if w := k.do("GET", "/oauth/authorize?"+ask(a, "scope", "read", "lang", "de").Encode(), nil, k.asAnna()...); !strings.Contains(w.Body.String(), `lang="de"`) {
		t.Error("lang=de does not make the page German")
	}
}

func TestWhoIsNotSignedInIsLedThereAndBack(t *testing.T) {
	k := lite(t)
	a, _ := k.register(false, "read", callback)
	for _, force := range []string{"", "true"} {
		w := k.do("GET", "/oauth/authorize?"+ask(a, "state", "x", "force_login", force).Encode(), nil)
		u, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusSeeOther || u.Path != "/sign-in" {
			t.Fatalf("%d to %s", w.Code, w.Header().Get("Location"))
		}
		back, err := url.Parse(u.Query().Get("next"))
		if err != nil || back.Path != "/oauth/authorize" || back.Query().Get("state") != "x" || back.Query().Has("force_login") {
			t.Errorf("leads back to %s", u.Query().Get("next"))
		}
	}
}

func TestForceLoginHasThePersonSignInAnew(t *testing.T) {
	k := lite(t)
	a, _ := k.register(false, "read", callback)
	w := k.do("GET", "/oauth/authorize?"+ask(a, "force_login", "true").Encode(), nil, k.asAnna()...)
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `value="allow"`) || !strings.Contains(w.Body.String(), "/oauth/authorize/other") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w = k.do("POST", "/oauth/authorize/other", ask(a), k.asAnna()...)
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/sign-in?next=%2Foauth%2Fauthorize%3F") {
		t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
	}
	if _, err := k.accounts.SessionOf(t.Context(), k.cookie); !errs.Is(err, errs.NotFound) {
		t.Errorf("the old session: %v; want it over", err)
	}
}

func TestAnswerForSomebodyElseIsAskedAgain(t *testing.T) {
	k := lite(t)
	a, _ := k.register(false, "read", callback)
	w := k.answer(ask(a, "account", k.person("ben").String()))
	if w.Code != http.StatusConflict || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), "@anna") {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestNoIsToldToTheApp(t *testing.T) {
	k := lite(t)
	a, _ := k.register(false, "read", callback)
	to := k.answer(ask(a, "decision", "deny", "state", "7")).Header().Get("Location")
	if !strings.HasPrefix(to, callback+"?") || !strings.Contains(to, "error=access_denied") || !strings.Contains(to, "state=7") || strings.Contains(to, "code=") {
		t.Errorf("sent back to %s", to)
	}
}

func TestACodeOutOfBandIsShown(t *testing.T) {
	k := lite(t)
	a, secret := k.register(false, "read", OOB)
	w := k.answer(ask(a))
	_, rest, _ := strings.Cut(w.Body.String(), `data-copy="`)
	code, _, _ := strings.Cut(rest, `"`)
	if w.Code != http.StatusOK || len(code) != 43 || w.Header().Get("Location") != "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	k.now.Advance(OOBCodeLasts - time.Second) // a person has to carry it over
	if !k.lives(k.token(a, secret, code)) {
		t.Error("the token does not live")
	}
}

func TestPublicAppWithPKCE(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a, secret := k.register(true, "read", "myapp://callback")
		if secret != "" {
			t.Errorf("a public app got a secret")
		}
		verifier, challenge := pkce()
		code := k.code(ask(a, "code_challenge", challenge, "code_challenge_method", "S256"))
		if !k.lives(k.token(a, "", code, "code_verifier", verifier)) {
			t.Error("the token does not live")
		}
	})
}

func TestAppsAuthenticateByBodyOrBasic(t *testing.T) {
	k := lite(t)
	a, secret := k.register(false, "read", callback)
	f := exchangeForm(a, "", k.code(ask(a)))
	f.Del("client_id")
	r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(a.ClientID, secret)
	if w := k.send(r); w.Code != http.StatusOK {
		t.Errorf("Basic: %d %s", w.Code, w.Body)
	}
	body, _ := json.Marshal(map[string]string{"grant_type": "authorization_code", "client_id": a.ClientID, "client_secret": secret, "code": k.code(ask(a)), "redirect_uri": callback})
	r = httptest.NewRequest("POST", "/oauth/token", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	if w := k.send(r); w.Code != http.StatusOK {
		t.Errorf("JSON: %d %s", w.Code, w.Body)
	}
}

func TestAnAppsOwnTokenIsAnAppAndNobody(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a, secret := k.register(false, "read write", callback)
		w := k.do("POST", "/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {secret}, "scope": {"read"}})
		token := decode[tokenReply](t, w)
		if w.Code != http.StatusOK || token.Scope != "read" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		bearer := []string{"Authorization", "Bearer " + token.AccessToken}
		got := decode[appReply](t, k.do("GET", "/api/v1/apps/verify_credentials", nil, bearer...))
		if got.ID != a.ID.String() || got.Name != "Test App" || got.ClientSecret != "" || got.ClientID != "" {
			t.Errorf("verify_credentials = %+v", got)
		}
		if w := k.do("POST", "/write", nil, bearer...); w.Code != http.StatusUnauthorized {
			t.Errorf("an app's own token writes: %d %s", w.Code, w.Body)
		}
		if w := k.do("GET", "/oauth/userinfo", nil, bearer...); w.Code != http.StatusUnauthorized {
			t.Errorf("an app's own token has a person: %d %s", w.Code, w.Body)
		}
		if w := k.do("POST", "/oauth/revoke", url.Values{"client_id": {a.ClientID}, "client_secret": {secret}, "token": {token.AccessToken}}); w.Code != http.StatusOK {
			t.Errorf("revoke: %d %s", w.Code, w.Body)
		}
		if w := k.do("GET", "/api/v1/apps/verify_credentials", nil, bearer...); w.Code != http.StatusUnauthorized {
			t.Errorf("after revoking: %d %s", w.Code, w.Body)
		}
		for range maxAppTokens + 5 {
			if _, err := k.s.Exchange(t.Context(), TokenRequest{Grant: "client_credentials", ClientID: a.ClientID, ClientSecret: secret}); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.Row(t.Context(), `SELECT COUNT(*) FROM oauth_app_token WHERE app = $1`, a.ID).Scan(&n)
		}); err != nil || n != maxAppTokens {
			t.Errorf("%d tokens of an app's own are kept, %v; want %d", n, err, maxAppTokens)
		}
	})
}

func TestATokenThatReadsDoesNotWrite(t *testing.T) {
	k := lite(t)
	a, secret := k.register(false, "read write", callback)
	token := k.token(a, secret, k.code(ask(a, "scope", "read")))
	if w := k.do("POST", "/write", nil, "Authorization", "Bearer "+token); w.Code != http.StatusForbidden {
		t.Errorf("%d %s; want 403", w.Code, w.Body)
	}
}

func TestRevokeEndsATokenAtOnceAndOnlyForItsApp(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a, secret := k.register(false, "read", callback)
		other, otherSecret := k.register(false, "read", callback)
		token := k.token(a, secret, k.code(ask(a)))
		revoke := func(a App, secret string) *httptest.ResponseRecorder {
			return k.do("POST", "/oauth/revoke", url.Values{"client_id": {a.ClientID}, "client_secret": {secret}, "token": {token}})
		}
		if w := revoke(other, otherSecret); w.Code != http.StatusForbidden || !k.lives(token) {
			t.Errorf("another app: %d %s", w.Code, w.Body)
		}
		if w := revoke(a, otherSecret); w.Code != http.StatusUnauthorized || !k.lives(token) {
			t.Errorf("wrong secret: %d %s", w.Code, w.Body)
		}
		for range 2 { // a second time is no error
			if w := revoke(a, secret); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != "{}" || k.lives(token) {
				t.Errorf("revoke: %d %s", w.Code, w.Body)
			}
		}
	})
}

func TestUserInfoIsForTokensWithProfile(t *testing.T) {
	k := lite(t)
	a, secret := k.register(false, "profile write", callback)
	got := decode[userInfo](t, k.do("GET", "/oauth/userinfo", nil, "Authorization", "Bearer "+k.token(a, secret, k.code(ask(a, "scope", "profile")))))
	want := userInfo{Issuer: "https://town.example/", Subject: k.anna.String(), Name: "anna", Handle: "anna", Profile: "https://town.example/@anna", Locale: "en"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("userinfo (-want +got):\n%s", diff)
	}
	if w := k.do("GET", "/oauth/userinfo", nil, "Authorization", "Bearer "+k.token(a, secret, k.code(ask(a, "scope", "write")))); w.Code != http.StatusForbidden {
		t.Errorf("without profile: %d %s", w.Code, w.Body)
	}
	if w := k.do("GET", "/oauth/userinfo", nil, k.asAnna()...); w.Code != http.StatusUnauthorized {
		t.Errorf("by cookie: %d %s", w.Code, w.Body)
	}
}

func TestSecretsAreStoredAsDigestsAlone(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a, secret := k.register(false, "read", callback)
		code := k.code(ask(a))
		token := k.token(a, secret, code)
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			for _, q := range []string{
				`SELECT client_id || name || website || redirect_uris || scopes FROM oauth_app`,
				`SELECT redirect_uri || scopes || challenge FROM oauth_code`, `SELECT device || scopes FROM account_session`,
			} {
				if err := tx.Each(t.Context(), func(row db.Scanner) error {
					var text *string
					if err := row.Scan(&text); err != nil || text == nil {
						return err
					}
					for _, s := range []string{secret, code, token} {
						if strings.Contains(*text, s) {
							t.Errorf("%s holds a secret", q)
						}
					}
					return nil
				}, q); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestSweepLeavesAppsThatSomebodyLetIn(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		unused, _ := k.register(false, "read", callback)
		used, secret := k.register(false, "read", callback)
		token := k.token(used, secret, k.code(ask(used)))
		k.now.Advance(sweepAfter - time.Hour)
		fresh, _ := k.register(false, "read", callback)
		k.now.Advance(time.Hour)
		if err := k.s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := k.s.App(t.Context(), unused.ID); !errs.Is(err, errs.NotFound) {
			t.Errorf("the unused app: %v; want it gone", err)
		}
		for _, a := range []App{used, fresh} {
			if _, err := k.s.App(t.Context(), a.ID); err != nil {
				t.Error(err)
			}
		}
		if !k.lives(token) {
			t.Error("a token went with the sweep")
		}
	})
}

// contextThatEnded returns a context whose request has gone away.
func contextThatEnded(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}
