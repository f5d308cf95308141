package oauth

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/stoa-town/stoa/internal/platform/access"
)

// TestAnAppOfOthersSignsInOverHTTP has golang.org/x/oauth2 be the app: it registers, sends the person to the page, whose form is sent as it
// is, catches the code at its own address, gets its token and uses it until it is revoked.
func TestAnAppOfOthersSignsInOverHTTP(t *testing.T) {
	k := lite(t)
	town := httptest.NewServer(k.h)
	defer town.Close()
	codes := make(chan url.Values, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { codes <- r.URL.Query() }))
	defer app.Close()

	reply, err := http.PostForm(town.URL+"/api/v1/apps", url.Values{"client_name": {"Elephant"}, "redirect_uris": {app.URL + "/back"}, "scopes": {"read write follow push"}, "website": {"https://elephant.example"}})
	if err != nil {
		t.Fatal(err)
	}
	var made appReply
	if err := json.NewDecoder(reply.Body).Decode(&made); err != nil || reply.Body.Close() != nil {
		t.Fatal(err)
	}
	cfg := &oauth2.Config{
		ClientID: made.ClientID, ClientSecret: made.ClientSecret, RedirectURL: app.URL + "/back", Scopes: []string{"read", "push"},
		Endpoint: oauth2.Endpoint{AuthURL: town.URL + "/oauth/authorize", TokenURL: town.URL + "/oauth/token"},
	}
	verifier := oauth2.GenerateVerifier()

	// The person's browser.
	visit := func(method, to string, form url.Values) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", "stoa="+k.cookie)
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		b, err := io.ReadAll(w.Body)
		if err != nil || w.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %s %v", method, to, w.StatusCode, b, err)
		}
		return string(b)
	}
	page := visit("GET", cfg.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier)), nil)
	form := url.Values{"decision": {"allow"}}
	_, page, _ = strings.Cut(page, `action="/oauth/authorize"`)
	page, _, _ = strings.Cut(page, "</form>")
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	visit("POST", town.URL+"/oauth/authorize", form)

	back := <-codes
	if back.Get("state") != "state-1" {
		t.Errorf("state %q", back.Get("state"))
	}
	token, err := cfg.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if token.TokenType != "Bearer" || !token.Expiry.IsZero() || token.RefreshToken != "" || token.Extra("scope") != "read push" {
		t.Errorf("token = %+v", token)
	}
	client := cfg.Client(t.Context(), token)
	who := func() int {
		t.Helper()
		w, err := client.Get(town.URL + "/oauth/userinfo")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		return w.StatusCode
	}
	if got := who(); got != http.StatusOK {
		t.Errorf("with the token: %d", got)
	}
	if err := k.s.EndGrant(t.Context(), k.anna, 1); err != nil {
		t.Fatal(err)
	}
	if got := who(); got != http.StatusOK {
		t.Errorf("after another app was put out: %d", got)
	}
	apps, _, err := k.s.Granted(t.Context(), k.anna)
	if err != nil || len(apps) != 1 || apps[0].App.Name != "Elephant" {
		t.Fatalf("let in: %+v %v", apps, err)
	}
	visit("POST", town.URL+"/account/apps/"+apps[0].App.ID.String()+"/end", nil)
	if got := who(); got != http.StatusUnauthorized {
		t.Errorf("after the app was put out: %d", got)
	}
}

// TestAppsRegisterInEveryWayThatMastodonsAppsDo: a form, a form with parts, JSON, the address alone; redirect URIs as lines or a list.
func TestAppsRegisterInEveryWayThatMastodonsAppsDo(t *testing.T) {
	k := lite(t)
	const second = "myapp://back"
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	for _, p := range [][2]string{{"client_name", "X"}, {"redirect_uris", callback + "\r\n" + second}, {"scopes", "read write"}} {
		if err := m.WriteField(p[0], p[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	const form = "application/x-www-form-urlencoded"
	lines := url.Values{"client_name": {"X"}, "redirect_uris": {callback + "\n" + second}, "scopes": {"write read"}}
	list := url.Values{"client_name": {"X"}, "redirect_uris[]": {callback, second}, "scopes": {"read write"}}
	for name, c := range map[string]struct{ query, kind, body string }{
		"a form with lines":    {"", form, lines.Encode()},
		"a form with a list":   {"", form, list.Encode()},
		"a form with parts":    {"", m.FormDataContentType(), parts.String()},
		"JSON with a list":     {"", "application/json; charset=utf-8", `{"client_name":"X","redirect_uris":["` + callback + `","` + second + `"],"scopes":"read write","website":null}`},
		"JSON with lines":      {"", "application/json", `{"client_name":"X","redirect_uris":"` + callback + `\n` + second + `","scopes":"read write"}`},
		"the address":          {"?" + lines.Encode(), "", ""},
		"the address, a type":  {"?" + lines.Encode(), form, ""},
		"the address, a space": {"?" + strings.ReplaceAll(lines.Encode(), "%0A", "+"), "", ""},
	} {
		r := httptest.NewRequest("POST", "/api/v1/apps"+c.query, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		w := k.send(r)
		got := decode[map[string]any](t, w)
		id, _ := got["client_id"].(string)
		secret, _ := got["client_secret"].(string)
		if w.Code != http.StatusOK || len(id) != 43 || len(secret) != 43 || got["client_secret_expires_at"] != 0.0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		for _, field := range []string{"id", "client_id", "client_secret", "client_secret_expires_at"} {
			delete(got, field)
		}
		want := map[string]any{
			"name": "X", "website": nil, "scopes": []any{"read", "write"}, "redirect_uri": callback + "\n" + second, "redirect_uris": []any{callback, second}, "vapid_key": "",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	w := k.do("POST", "/api/v1/apps", url.Values{"client_name": {""}, "redirect_uris": {"callback"}, "scopes": {"root"}})
	got := decode[errorReply](t, w)
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Error, "Redirect URI must be an absolute URI.") || len(got.Details) != 3 {
		t.Errorf("a bad registration: %d %s", w.Code, w.Body)
	}
	for _, body := range []string{`{`, `[]`, `"x"`, `{"client_name":{"a":1}}`, `{"client_name":"\u0000"}`} {
		r := httptest.NewRequest("POST", "/api/v1/apps", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if w := k.send(r); w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestMetadataNamesWhatThereIs(t *testing.T) {
	k := lite(t)
	got := decode[metadata](t, k.do("GET", "/.well-known/oauth-authorization-server", nil))
	if got.Issuer != "https://town.example/" || got.Token != "https://town.example/oauth/token" || !cmp.Equal(got.Challenges, []string{"S256"}) ||
		!cmp.Equal(got.ResponseTypes, []string{"code"}) || len(got.Scopes) != len(access.Scopes) {
		t.Errorf("metadata = %+v", got)
	}
}
