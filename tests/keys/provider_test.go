package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// campus is a provider with a page: whoever comes presses a button and is the person whose claims it holds.
type campus struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu    sync.Mutex
	who   map[string]any
	codes map[string]url.Values
}

func newCampus(t testing.TB) *campus {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &campus{key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{
			"issuer": c.URL, "authorization_endpoint": c.URL + "/authorize", "token_endpoint": c.URL + "/token", "jwks_uri": c.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		b64 := base64.RawURLEncoding.EncodeToString
		reply(w, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "1", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("GET /authorize", c.authorize)
	mux.HandleFunc("POST /token", c.token)
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	return c
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func (c *campus) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	code := rand.Text()
	c.mu.Lock()
	c.codes[code] = q
	c.mu.Unlock()
	back := q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<!doctype html><title>Campus</title><p>This is the campus.</p><a id="yes" href="%s">It is me</a>`, html.EscapeString(back))
}

func (c *campus) token(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, ok := c.codes[r.FormValue("code")]
	delete(c.codes, r.FormValue("code"))
	if _, secret, _ := r.BasicAuth(); !ok || secret != "s3cret" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	claims := map[string]any{"iss": c.URL, "aud": "stoa", "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(), "nonce": q.Get("nonce")}
	for k, v := range c.who {
		claims[k] = v
	}
	part := func(v any) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]any{"alg": "RS256", "kid": "1"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, c.key, crypto.SHA256, sum[:])
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	reply(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": text + "." + base64.RawURLEncoding.EncodeToString(sig)})
}

// is says who comes next.
func (c *campus) is(claims map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.who = claims
}

// through goes by way of the campus, from the button that has just been pressed.
func through(p *browser.Person) {
	p.See("This is the campus.")
	p.Click("#yes")
	p.Await(`!document.body.innerText.includes("This is the campus.")`, "come back from the campus")
}

func TestPeopleComeInByTheWordOfTheirCampus(t *testing.T) {
	c, dir := newCampus(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "stoa.toml")
	text := fmt.Sprintf("fetch_allow = ['127.0.0.1']\n[[oidc]]\nname = 'Riverside Campus'\nissuer = '%s'\nclient_id = 'stoa'\nclient_secret_file = '%s'\n", c.URL, filepath.Join(dir, "secret"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, b := harness.Start(t, "serve", "--config", file), browser.Open(t)

	// Zoë is new here.
	c.is(map[string]any{"sub": "z-1", "name": "Zoë Müller", "email": "zoe@example.org", "email_verified": true})
	zoe := b.Person(t, "zoe", s.URL, 390, 844)
	zoe.Go("/sign-in?next=/account")
	zoe.ClickText("Sign in with Riverside Campus")
	through(zoe)
	zoe.See("Is this your first time here?")
	shot(zoe, "sign-up-with")
	for _, f := range zoe.Findings() {
		t.Errorf("the form after the campus: %s", f)
	}
	zoe.ClickText("Create account")
	zoe.Await(`location.pathname === "/account"`, "join by the word of the campus")
	zoe.See("Zoë Müller")
	leave(zoe)
	zoe.Go("/sign-in?next=/account/connected")
	zoe.ClickText("Sign in with Riverside Campus")
	through(zoe)
	zoe.Await(`location.pathname === "/account/connected"`, "come in again")
	zoe.SeeIn("main", "Riverside Campus")
	zoe.Click("main form[action$='/remove'] button")
	zoe.See("This is your only way in.")

	// Anna has an account with a password. The campus knows her address, which alone opens nothing.
	anna := b.Person(t, "anna", s.URL, 1280, 800)
	join(anna, "anna")
	leave(anna)
	c.is(map[string]any{"sub": "a-1", "name": "Anna", "email": "anna@example.org", "email_verified": true})
	anna.Go("/sign-in")
	anna.ClickText("Sign in with Riverside Campus")
	through(anna)
	anna.See("Is this your first time here?")
	anna.ClickText("Create account")
	anna.See("This address has an account already.")
	anna.Click("main a[href^='/sign-in?next=']")
	anna.Fill("main input[name=login]", "anna")
	anna.Fill("main input[name=password]", password)
	anna.Click("main form[action='/sign-in'] button[type=submit]")
	anna.See("Connect Riverside Campus")
	shot(anna, "connect")
	anna.Click("main form[action='/account/connected/join'] button")
	anna.See("Connected. Next time you can sign in that way.")
	shot(anna, "connected")
	leave(anna)
	anna.Go("/sign-in?next=/account")
	anna.ClickText("Sign in with Riverside Campus")
	through(anna)
	anna.Await(`location.pathname === "/account"`, "come in by the campus")
	anna.See("anna@example.org")

	// Signed in, she removes it and connects it again from her account.
	anna.Go("/account/connected")
	anna.Click("main form[action$='/remove'] button")
	anna.See("The connection is removed.")
	anna.ClickText("Connect Riverside Campus")
	through(anna)
	anna.See("Connected. Next time you can sign in that way.")
}
