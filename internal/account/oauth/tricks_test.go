package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// pkce returns a verifier and its challenge.
func pkce() (verifier, challenge string) {
	verifier = id.Secret()
	sum := sha256.Sum256([]byte(verifier))
	return verifier, base64.RawURLEncoding.EncodeToString(sum[:])
}

// agreed reports whether a reply gives a code away, or a page on which one could be had.
func agreed(w *httptest.ResponseRecorder) bool {
	return strings.Contains(w.Header().Get("Location"), "code=") || strings.Contains(w.Body.String(), `value="allow"`) || strings.Contains(w.Body.String(), "data-copy")
}

// TestRedirectTricks: what is not the registered redirect URI letter by letter gets a page, and the browser is sent nowhere.
func TestRedirectTricks(t *testing.T) {
	k := lite(t)
	a, _ := k.register(false, "read", callback)
	for _, uri := range []string{
		"", "/callback", "//app.example/callback", "callback", "https:", "https:///callback", "https:app.example/callback",
		"https://app.example@evil.example/callback", "https://user@app.example/callback", "https://user:secret@app.example/callback", "https://@app.example/callback",
		"https://app.example:443/callback", "https://app.example:8443/callback", "https://app.example:/callback", "https://app.example./callback",
		"http://app.example/callback", "HTTPS://app.example/callback", "https://APP.example/callback", "https://app.example/Callback",
		"https://app.example/callback/", "https://app.example//callback", "https://app.example/", "https://app.example", "https://app.example/callback/x",
		"https://app.example/callback/../evil", "https://app.example/evil/../callback", "https://app.example/./callback", "https://app.example/callback/%2e%2e/evil",
		"https://app.example/callback?", "https://app.example/callback?x=1", "https://app.example/callback?redirect_uri=https://evil.example",
		"https://app.example/callback#", "https://app.example/callback#@evil.example", "https://app.example/callback;x=1", "https://app.example/callback&x=1",
		"https://evil.app.example/callback", "https://app.example.evil.example/callback", "https://evilapp.example/callback", "https://evil.example/app.example/callback",
		`https://app.example\@evil.example/callback`, `https://evil.example\.app.example/callback`, `https:\\app.example\callback`, `https://app.example\callback`,
		"https://app.example/%63allback", "https://app.example%2fcallback", "https://app.example/callback%00", "https://app.example/callback%0d%0aLocation:%20https://evil.example",
		"https://%61pp.example/callback", "https://аpp.example/callback", "https://app。example/callback", "https://app.example/callback\u200b",
		" https://app.example/callback", "https://app.example/callback ", "https://app.example/callback\n", "\thttps://app.example/callback",
		"https://app.example/callback https://evil.example/", "https://app.example/callback\nhttps://evil.example/", "https://app.example/callback,https://evil.example/",
		"javascript:alert(1)//https://app.example/callback", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "blob:https://app.example/callback",
		OOB, OOB + ":auto", "urn:ietf:wg:oauth:2.0:OOB", "https://127.0.0.1/callback", "https://[::1]/callback", "myapp://callback", "null", "*",
	} {
		for how, w := range map[string]*httptest.ResponseRecorder{
			"GET":  k.do("GET", "/oauth/authorize?"+ask(a, "redirect_uri", uri).Encode(), nil, k.asAnna()...),
			"POST": k.answer(ask(a, "redirect_uri", uri)),
		} {
			if w.Code < 400 || w.Code >= 500 || w.Header().Get("Location") != "" || agreed(w) {
				t.Errorf("%s with %q: %d to %q", how, uri, w.Code, w.Header().Get("Location"))
			}
		}
	}
}

// TestRequestTricks: a request that is not sound comes to nothing, whoever answers yes.
func TestRequestTricks(t *testing.T) {
	k := lite(t)
	a, _ := k.register(false, "read write:statuses", callback)
	public, _ := k.register(true, "read", callback)
	verifier, challenge := pkce()
	for name, q := range map[string]url.Values{
		"no app":                       ask(a, "client_id", ""),
		"an unknown app":               ask(a, "client_id", id.Secret()),
		"an app by its row's id":       ask(a, "client_id", a.ID.String()),
		"an app's id with a wildcard":  ask(a, "client_id", "%"),
		"an app's id with a quote":     ask(a, "client_id", a.ClientID+"' OR '1'='1"),
		"no response type":             ask(a, "response_type", ""),
		"implicit":                     ask(a, "response_type", "token"),
		"hybrid":                       ask(a, "response_type", "code token"),
		"id_token":                     ask(a, "response_type", "id_token"),
		"CODE":                         ask(a, "response_type", "CODE"),
		"answer in the fragment":       ask(a, "response_mode", "fragment"),
		"answer by form":               ask(a, "response_mode", "form_post"),
		"a request object":             ask(a, "request", "eyJhbGciOiJub25lIn0.e30."),
		"a request to fetch":           ask(a, "request_uri", "https://evil.example/request"),
		"a wider scope":                ask(a, "scope", "read write"),
		"a scope of food":              ask(a, "scope", "read stoa:orders"),
		"a scope of food by read":      ask(a, "scope", "stoa:orders:read"),
		"a scope of admins":            ask(a, "scope", "admin:read"),
		"an unknown scope":             ask(a, "scope", "read everything"),
		"a scope with a wildcard":      ask(a, "scope", "*"),
		"a scope in capitals":          ask(a, "scope", "READ"),
		"plain PKCE":                   ask(a, "code_challenge", verifier, "code_challenge_method", "plain"),
		"PKCE without method":          ask(a, "code_challenge", challenge),
		"PKCE, method in small":        ask(a, "code_challenge", challenge, "code_challenge_method", "s256"),
		"PKCE, method without value":   ask(a, "code_challenge_method", "S256"),
		"PKCE, empty value":            ask(a, "code_challenge", "", "code_challenge_method", "S256"),
		"PKCE, short value":            ask(a, "code_challenge", challenge[:42], "code_challenge_method", "S256"),
		"PKCE, long value":             ask(a, "code_challenge", challenge+"A", "code_challenge_method", "S256"),
		"PKCE, padded value":           ask(a, "code_challenge", challenge+"=", "code_challenge_method", "S256"),
		"PKCE, no base64url":           ask(a, "code_challenge", challenge[:42]+"+", "code_challenge_method", "S256"),
		"a public app without PKCE":    ask(public),
		"a public app, empty PKCE":     ask(public, "code_challenge", "", "code_challenge_method", ""),
		"a public app with plain PKCE": ask(public, "code_challenge", verifier, "code_challenge_method", "plain"),
		"a state without end":          ask(a, "state", strings.Repeat("x", maxState+1)),
		"two apps":                     {"response_type": {"code"}, "client_id": {a.ClientID, public.ClientID}, "redirect_uri": {callback}, "scope": {"read"}},
		"two redirect URIs":            {"response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {callback, "https://evil.example/"}, "scope": {"read"}},
		"two redirect URIs, as a list": {"response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {callback}, "redirect_uri[]": {"https://evil.example/"}, "scope": {"read"}},
		"two scopes":                   {"response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {callback}, "scope": {"read", "write"}},
		"two states":                   {"response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {callback}, "scope": {"read"}, "state": {"a", "b"}},
		"two challenges":               {"response_type": {"code"}, "client_id": {public.ClientID}, "redirect_uri": {callback}, "scope": {"read"}, "code_challenge": {challenge, challenge}, "code_challenge_method": {"S256"}},
		"a zero byte":                  ask(a, "state", "a\x00b"),
		"no text":                      ask(a, "state", "\xff\xfe"),
	} {
		for how, w := range map[string]*httptest.ResponseRecorder{
			"GET": k.do("GET", "/oauth/authorize?"+q.Encode(), nil, k.asAnna()...), "POST": k.answer(q),
		} {
			to := w.Header().Get("Location")
			if agreed(w) || w.Code >= 500 || to != "" && !strings.HasPrefix(to, callback+"?") || to != "" && !strings.Contains(to, "error=") {
				t.Errorf("%s %s: %d to %q %s", how, name, w.Code, to, w.Body)
			}
		}
	}
}

// TestAnswerTricks: only the person, by the form of the page, says yes.
func TestAnswerTricks(t *testing.T) {
	k := lite(t)
	a, secret := k.register(false, "read write", callback)
	token := k.token(a, secret, k.code(ask(a)))
	yes := ask(a, "decision", "allow", "account", k.anna.String())
	for name, w := range map[string]*httptest.ResponseRecorder{
		"by GET":                       k.do("GET", "/oauth/authorize?"+ask(a, "decision", "allow", "account", k.anna.String()).Encode(), nil, "Authorization", "Bearer "+token),
		"by an app's token":            k.do("POST", "/oauth/authorize", yes, "Authorization", "Bearer "+token),
		"by nobody":                    k.do("POST", "/oauth/authorize", yes),
		"by the cookie of a token":     k.do("POST", "/oauth/authorize", yes, "Cookie", "stoa="+token),
		"from another site":            k.do("POST", "/oauth/authorize", yes, append(k.asAnna(), "Sec-Fetch-Site", "cross-site")...),
		"from a sibling site":          k.do("POST", "/oauth/authorize", yes, append(k.asAnna(), "Sec-Fetch-Site", "same-site")...),
		"from an old browser":          k.do("POST", "/oauth/authorize", yes, append(k.asAnna(), "Origin", "https://evil.example")...),
		"from a frame without origin":  k.do("POST", "/oauth/authorize", yes, append(k.asAnna(), "Origin", "null")...),
		"without a decision":           k.answer(ask(a, "decision", "")),
		"with a decision of its own":   k.answer(ask(a, "decision", "yes")),
		"with two decisions":           k.answer(url.Values{"decision": {"allow", "deny"}, "response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {callback}}),
		"mixed with the address":       k.do("POST", "/oauth/authorize?scope=write", yes, k.asAnna()...),
		"wholly in the address":        k.do("POST", "/oauth/authorize?"+yes.Encode(), url.Values{}, k.asAnna()...),
		"without the account it is of": k.answer(ask(a, "account", "")),
	} {
		if strings.Contains(w.Header().Get("Location"), "code=") || strings.Contains(w.Body.String(), "data-copy") || w.Code >= 500 {
			t.Errorf("%s: %d to %q", name, w.Code, w.Header().Get("Location"))
		}
	}
	if w := k.do("GET", "/oauth/authorize?"+yes.Encode(), nil, k.asAnna()...); strings.Contains(w.Header().Get("Location"), "code=") {
		t.Error("a GET of the form's parameters agrees")
	}
}

// TestTokenTricks: a code gives a token to the app it is for, once, in time, with what it was bound to; nothing else does.
func TestTokenTricks(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a, secret := k.register(false, "read write", callback, "https://app.example/second")
		b, secretB := k.register(false, "read write", callback)
		public, _ := k.register(true, "read", callback)
		verifier, challenge := pkce()
		plain := func() string { return k.code(ask(a, "scope", "read")) }
		proof := func() string { return k.code(ask(a, "code_challenge", challenge, "code_challenge_method", "S256")) }
		open := func() string {
			return k.code(ask(public, "code_challenge", challenge, "code_challenge_method", "S256"))
		}
		without := func(f url.Values, name string) url.Values { f.Del(name); return f }
		twice := func(f url.Values, name, value string) url.Values { f.Add(name, value); return f }
		for name, f := range map[string]url.Values{
			"no code":                                  exchangeForm(a, secret, ""),
			"a made-up code":                           exchangeForm(a, secret, id.Secret()),
			"a code with a wildcard":                   exchangeForm(a, secret, "%"),
			"a code cut short":                         exchangeForm(a, secret, plain()[:42]),
			"a code with a space":                      exchangeForm(a, secret, plain()+" "),
			"a code of another app":                    exchangeForm(b, secretB, plain()),
			"a code of another app, public":            exchangeForm(public, "", plain()),
			"a public app's code, by another":          exchangeForm(a, secret, open(), "code_verifier", verifier),
			"another redirect URI of the app":          exchangeForm(a, secret, plain(), "redirect_uri", "https://app.example/second"),
			"another redirect URI":                     exchangeForm(a, secret, plain(), "redirect_uri", "https://evil.example/"),
			"redirect URI with a slash more":           exchangeForm(a, secret, plain(), "redirect_uri", callback+"/"),
			"no redirect URI":                          without(exchangeForm(a, secret, plain()), "redirect_uri"),
			"no secret":                                exchangeForm(a, "", plain()),
			"a wrong secret":                           exchangeForm(a, secretB, plain()),
			"an empty secret":                          exchangeForm(a, "", plain(), "client_secret", ""),
			"the secret's digest as secret":            exchangeForm(a, base64.RawURLEncoding.EncodeToString(digest(secret)), plain()),
			"a public app with a secret":               exchangeForm(public, "secret", open(), "code_verifier", verifier),
			"no app":                                   without(exchangeForm(a, secret, plain()), "client_id"),
			"no verifier":                              exchangeForm(a, secret, proof()),
			"no verifier, public":                      exchangeForm(public, "", open()),
			"an empty verifier, public":                exchangeForm(public, "", open(), "code_verifier", ""),
			"a wrong verifier":                         exchangeForm(a, secret, proof(), "code_verifier", id.Secret()),
			"the challenge as verifier":                exchangeForm(a, secret, proof(), "code_verifier", challenge),
			"a short verifier":                         exchangeForm(a, secret, proof(), "code_verifier", verifier[:42]),
			"a long verifier":                          exchangeForm(a, secret, proof(), "code_verifier", strings.Repeat("a", 129)),
			"a verifier with a space":                  exchangeForm(a, secret, proof(), "code_verifier", verifier+" "),
			"a verifier without a challenge":           exchangeForm(a, secret, plain(), "code_verifier", verifier),
			"two verifiers":                            twice(exchangeForm(a, secret, proof(), "code_verifier", id.Secret()), "code_verifier", verifier),
			"two codes":                                twice(exchangeForm(a, secret, plain()), "code", plain()),
			"two apps":                                 twice(exchangeForm(a, secret, plain()), "client_id", b.ClientID),
			"two secrets":                              twice(exchangeForm(a, "wrong", plain()), "client_secret", secret),
			"two redirect URIs":                        twice(exchangeForm(a, secret, plain()), "redirect_uri", callback),
			"two redirect URIs, as a list":             twice(exchangeForm(a, secret, plain()), "redirect_uri[]", callback),
			"two grants":                               twice(exchangeForm(a, secret, plain()), "grant_type", "client_credentials"),
			"no grant":                                 exchangeForm(a, secret, plain(), "grant_type", ""),
			"password":                                 {"grant_type": {"password"}, "username": {"anna"}, "password": {"secret"}, "client_id": {a.ClientID}, "client_secret": {secret}},
			"refresh":                                  {"grant_type": {"refresh_token"}, "refresh_token": {id.Secret()}, "client_id": {a.ClientID}, "client_secret": {secret}},
			"implicit":                                 exchangeForm(a, secret, plain(), "grant_type", "__implicit"),
			"device":                                   exchangeForm(a, secret, plain(), "grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
			"own token, wrong secret":                  {"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {secretB}},
			"own token, no secret":                     {"grant_type": {"client_credentials"}, "client_id": {a.ClientID}},
			"own token of a public app":                {"grant_type": {"client_credentials"}, "client_id": {public.ClientID}},
			"own token with a wider scope":             {"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {secret}, "scope": {"read admin:write"}},
			"own token with a scope that there is not": {"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {secret}, "scope": {"root"}},
			"a zero byte in the code":                  exchangeForm(a, secret, "a\x00b"),
			"no text in the code":                      exchangeForm(a, secret, "\xff\xfe"),
		} {
			w := k.do("POST", "/oauth/token", f)
			got := decode[errorReply](t, w)
			if w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized || got.Error == "" || got.Description == "" || strings.Contains(w.Body.String(), "access_token") {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		k.tokenInOtherWays(a, secret, plain)

		code := plain()
		k.now.Advance(CodeLasts)
		if w := k.do("POST", "/oauth/token", exchangeForm(a, secret, code)); w.Code != http.StatusBadRequest {
			t.Errorf("an old code: %d %s", w.Code, w.Body)
		}
		code = plain()
		token := k.token(a, secret, code)
		if w := k.do("POST", "/oauth/token", exchangeForm(b, secretB, code)); w.Code != http.StatusBadRequest || k.lives(token) {
			t.Errorf("a used code by another app: %d, the token lives: %v", w.Code, k.lives(token))
		}
		code = plain()
		if err := k.s.EndGrant(t.Context(), k.anna, a.ID); err != nil {
			t.Fatal(err)
		}
		if w := k.do("POST", "/oauth/token", exchangeForm(a, secret, code)); w.Code != http.StatusBadRequest {
			t.Errorf("a code of an app that is out: %d %s", w.Code, w.Body)
		}
	})
}

// tokenInOtherWays sends a sound exchange by ways that are not taken.
func (k *kit) tokenInOtherWays(a App, secret string, code func() string) {
	k.t.Helper()
	raw := func(method, path, kind, body string, more ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		for i := 0; i+1 < len(more); i += 2 {
			r.Header.Set(more[i], more[i+1])
		}
		return k.send(r)
	}
	const form = "application/x-www-form-urlencoded"
	whole := func() string { return exchangeForm(a, secret, code()).Encode() }
	noSecret := func() string { return exchangeForm(a, "", code()).Encode() }
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(a.ClientID+":"+secret))
	for name, w := range map[string]*httptest.ResponseRecorder{
		"by GET":                        raw("GET", "/oauth/token?"+whole(), form, ""),
		"something in the address":      raw("POST", "/oauth/token?x=1", form, whole()),
		"all in the address":            raw("POST", "/oauth/token?"+whole(), form, ""),
		"the secret in the address":     raw("POST", "/oauth/token?client_secret="+secret, form, noSecret()),
		"as text":                       raw("POST", "/oauth/token", "text/plain", whole()),
		"without a type":                raw("POST", "/oauth/token", "", whole()),
		"two ways to authenticate":      raw("POST", "/oauth/token", form, whole(), "Authorization", basic),
		"Basic for another app":         raw("POST", "/oauth/token", form, noSecret(), "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("x:"+secret))),
		"JSON with a name twice":        raw("POST", "/oauth/token", "application/json", `{"grant_type":"authorization_code","client_id":"x","client_id":"`+a.ClientID+`","client_secret":"`+secret+`","code":"`+code()+`","redirect_uri":"`+callback+`"}`),
		"JSON with a list":              raw("POST", "/oauth/token", "application/json", `{"grant_type":"authorization_code","client_id":"`+a.ClientID+`","client_secret":["x","`+secret+`"],"code":"`+code()+`","redirect_uri":"`+callback+`"}`),
		"JSON with an object":           raw("POST", "/oauth/token", "application/json", `{"grant_type":"authorization_code","client_id":{"$ne":""},"client_secret":{"$ne":""},"code":"`+code()+`"}`),
		"two JSON documents":            raw("POST", "/oauth/token", "application/json", `{"grant_type":"authorization_code","client_id":"`+a.ClientID+`","client_secret":"`+secret+`","code":"`+code()+`","redirect_uri":"`+callback+`"}{}`),
		"JSON that goes deep":           raw("POST", "/oauth/token", "application/json", `{"code":`+strings.Repeat("[", 12_000)+`}`),
		"a list of JSON":                raw("POST", "/oauth/token", "application/json", `[]`),
		"a part that is no form":        raw("POST", "/oauth/token", "multipart/form-data; boundary=x", "--y\r\n"),
		"a body without end":            raw("POST", "/oauth/token", form, "code="+strings.Repeat("x", maxBody)),
		"a form with a broken encoding": raw("POST", "/oauth/token", form, "code=%zz"),
	} {
		if w.Code < 400 || w.Code >= 500 || strings.Contains(w.Body.String(), "access_token") {
			k.t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// TestRegistrationTricks: an app can't register what a code must not be carried to.
func TestRegistrationTricks(t *testing.T) {
	k := lite(t)
	for _, uri := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://a.example/x", "about:blank",
		"view-source:https://a.example/", "intent://scan/#Intent;end", "mailto:a@example.org", "ws://a.example/", "urn:ietf:wg:oauth:2.0:oob:auto",
		"/callback", "callback", "//a.example/cb", "https://", "https:///cb", "https:a.example", "https://a.example/cb#x", "https://a.example/cb#", "https://u@a.example/cb",
		"https://u:p@a.example/cb", "http://a.example/cb", "http://127.0.0.1.evil.example/", "http://localhost.evil.example/", "http://169.254.169.254/", "https://*.a.example/cb",
		"https://a.example/x/../cb", "https://a.example/%2e%2E/cb", "https://a.example/.", `https://a.example\@b.example/`, `https:\\a.example\cb`, "https://a.example/c b",
		"https://a.example/\u202ecb", "https://ä.example/cb", "https://a.example/<b>", "https://a.example/\"", "https://a.example/cb?code=1", "https://a.example/cb?state=x&y",
		"https://a.example/cb?iss=x", "https://a.example:port/cb", "https://[::1/cb", "https://" + strings.Repeat("a", maxURI), "myapp://u@host/cb",
	} {
		_, _, err := k.s.Register(t.Context(), Registration{Name: "x", RedirectURIs: []string{callback, uri}})
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is taken: %v", uri, err)
		}
	}
	for _, uri := range []string{callback, OOB, "myapp://callback", "com.example.app:/request/x", "myapp:callback", "http://localhost:8080/cb", "http://127.0.0.1:1/", "http://[::1]/cb", "https://a.example", "https://a.example/cb?x=1"} {
		if _, _, err := k.s.Register(t.Context(), Registration{Name: "x", RedirectURIs: []string{uri}}); err != nil {
			t.Errorf("%q: %v", uri, err)
		}
	}
	for name, in := range map[string]Registration{
		"no name":            {RedirectURIs: []string{callback}},
		"a long name":        {Name: strings.Repeat("x", maxName+1), RedirectURIs: []string{callback}},
		"no redirect URI":    {Name: "x"},
		"blank redirect URI": {Name: "x", RedirectURIs: []string{" ", "\n"}},
		"many":               {Name: "x", RedirectURIs: many(maxRedirects + 1)},
		"unknown scope":      {Name: "x", RedirectURIs: []string{callback}, Scopes: "read root"},
		"a website to run":   {Name: "x", RedirectURIs: []string{callback}, Website: "javascript:alert(1)"},
		"a website's name":   {Name: "x", RedirectURIs: []string{callback}, Website: "https://bank.example@evil.example"},
	} {
		if _, _, err := k.s.Register(t.Context(), in); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func many(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = callback + "/" + id.Code(5)
	}
	return out
}

// TestATokenIsNoWiderThanWhatWasAgreed: what the app sends as scope with a code changes nothing.
func TestATokenIsNoWiderThanWhatWasAgreed(t *testing.T) {
	k := lite(t)
	a, secret := k.register(false, "read write", callback)
	w := k.do("POST", "/oauth/token", exchangeForm(a, secret, k.code(ask(a, "scope", "read")), "scope", "read write admin:write"))
	if got := decode[tokenReply](t, w).Scope; got != "read" {
		t.Errorf("scope %q; want read", got)
	}
}

func TestOpenPathsKnowNobodyByCookies(t *testing.T) {
	k := lite(t)
	preflight := k.do("OPTIONS", "/oauth/token", nil, "Origin", "https://elk.example", "Access-Control-Request-Method", "POST")
	if h := preflight.Header(); preflight.Code != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", preflight.Code, h)
	}
	a, secret := k.register(false, "read", callback)
	w := k.do("POST", "/oauth/token", exchangeForm(a, secret, k.code(ask(a))), "Origin", "https://elk.example", "Sec-Fetch-Site", "cross-site")
	if w.Code != http.StatusOK || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("an app in a browser: %d %s", w.Code, w.Body)
	}
	if w := k.do("POST", "/oauth/authorize", ask(a), "Origin", "https://elk.example", "Sec-Fetch-Site", "cross-site"); w.Header().Get("Access-Control-Allow-Origin") != "" || w.Code != http.StatusForbidden {
		t.Errorf("the page is open to other sites: %d", w.Code)
	}
}

func TestAnErrorOfTheServerIsNoErrorOfTheApp(t *testing.T) {
	k := lite(t)
	a, secret := k.register(false, "read", callback)
	f := exchangeForm(a, secret, k.code(ask(a)))
	ctx, cancel := contextThatEnded(t)
	defer cancel()
	r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(f.Encode())).WithContext(ctx)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := k.send(r)
	if w.Code < 499 {
		t.Errorf("%d %s; want 499 or more", w.Code, w.Body)
	}
	if body, _ := io.ReadAll(w.Body); strings.Contains(string(body), invalidGrant) {
		t.Errorf("the app is blamed: %s", body)
	}
	k.now.Advance(time.Second)
	if w := k.do("POST", "/oauth/token", f); w.Code != http.StatusOK {
		t.Errorf("the code is gone: %d %s", w.Code, w.Body)
	}
}
