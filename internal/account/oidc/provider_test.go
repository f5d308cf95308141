package oidc

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// fake is a provider on a socket: it describes itself, hands out codes for whoever is at its page, and gives an ID token for each code
// once, to who shows the client's secret and the verifier. Its fields are where a test makes it lie.
type fake struct {
	*httptest.Server
	key    *rsa.PrivateKey
	secret string
	now    func() time.Time

	mu     sync.Mutex
	codes  map[string]url.Values   // what was asked for, by code
	users  map[string]claimSet     // by code
	lie    func(c claimSet)        // changes the claims of a token
	forge  func(c claimSet) string // signs it in another way
	about  map[string]any          // more of its description
	down   bool
	tokens int // how many were given
}

type claimSet map[string]any

// keys are those of the two providers, and of a stranger: made once, for it takes long.
var keys = [3]func() *rsa.PrivateKey{sync.OnceValue(newKey), sync.OnceValue(newKey), sync.OnceValue(newKey)}

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newFake(t testing.TB, which int, now func() time.Time) *fake {
	t.Helper()
	f := &fake{key: keys[which](), secret: "s3cret", now: now, codes: map[string]url.Values{}, users: map[string]claimSet{}, about: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", f.describe)
	mux.HandleFunc("GET /keys", f.jwks)
	mux.HandleFunc("POST /token", f.token)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func (f *fake) describe(w http.ResponseWriter, _ *http.Request) {
	d := map[string]any{
		"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token", "jwks_uri": f.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256"}, "response_types_supported": []string{"code"},
	}
	maps.Copy(d, f.about)
	reply(w, d)
}

func (f *fake) jwks(w http.ResponseWriter, _ *http.Request) {
	e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(f.key.E)).Bytes())
	reply(w, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": base64.RawURLEncoding.EncodeToString(f.key.N.Bytes()), "e": e}}})
}

// arrive is somebody who comes to the provider's page by an address, and is sent back with an answer for the person with the claims.
func (f *fake) arrive(t testing.TB, address string, who claimSet) answer {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != "stoa" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("state") == "" {
		t.Fatalf("the browser comes with %v", q)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	code := rand.Text()
	f.codes[code], f.users[code] = q, who
	return answer{State: q.Get("state"), Code: code}
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	q, ok := f.codes[r.FormValue("code")]
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || id != "stoa" || secret != f.secret || r.FormValue("redirect_uri") != q.Get("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		w.WriteHeader(http.StatusBadRequest)
		reply(w, map[string]any{"error": "invalid_grant"})
		return
	}
	c := claimSet{"iss": f.URL, "aud": "stoa", "exp": f.now().Add(time.Minute).Unix(), "iat": f.now().Unix(), "nonce": q.Get("nonce")}
	maps.Copy(c, f.users[r.FormValue("code")])
	delete(f.codes, r.FormValue("code"))
	if f.lie != nil {
		f.lie(c)
	}
	sign := f.sign
	if f.forge != nil {
		sign = f.forge
	}
	f.tokens++
	reply(w, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": sign(c)})
}

func part(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

// sign returns the claims as a token of the provider's key.
func (f *fake) sign(c claimSet) string { return signWith(f.key, c) }

func signWith(key *rsa.PrivateKey, c claimSet) string {
	text := part(map[string]any{"alg": "RS256", "kid": "1"}) + "." + part(c)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// unsigned returns the claims as a token that says it needs no signature.
func unsigned(c claimSet) string { return part(map[string]any{"alg": "none"}) + "." + part(c) + "." }

// symmetric returns the claims signed by what everybody knows, the public key.
func (f *fake) symmetric(c claimSet) string {
	text := part(map[string]any{"alg": "HS256", "kid": "1"}) + "." + part(c)
	mac := hmac.New(sha256.New, f.key.N.Bytes())
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
