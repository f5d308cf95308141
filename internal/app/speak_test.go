package app

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

// ask sends a request to the whole server and returns its reply.
func ask(h http.Handler, method, path string, form url.Values, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var pageLang = regexp.MustCompile(`<html lang="([^"]*)"`)

func TestGuestsReadTheirChoiceThenTheirBrowsersLanguageThenTheTowns(t *testing.T) {
	a := build(t)
	h := a.Handler()
	for _, c := range []struct{ cookie, accept, want string }{
		{"", "", "en"},
		{"", "de-AT,de;q=0.9", "de"},
		{"", "fr", "en"},
		{"", "fr,de;q=0.1", "de"},
		{"en", "de", "en"},
		{"de", "en", "de"},
		{"xx", "de", "de"},
		{"de", "", "de"},
	} {
		header := map[string]string{"Accept-Language": c.accept}
		if c.cookie != "" {
			header["Cookie"] = langCookie + "=" + c.cookie
		}
		w := ask(h, "GET", "/nowhere", nil, header)
		if m := pageLang.FindStringSubmatch(w.Body.String()); m == nil || m[1] != c.want {
			t.Errorf("chosen %q, browser %q: %v; want %s", c.cookie, c.accept, m, c.want)
		}
		if !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept-Language") {
			t.Error("the reply does not say that it varies")
		}
	}
}

func TestProgramsAreAnsweredInEnglishUnlessTheyAsk(t *testing.T) {
	h := build(t).Handler()
	for accept, want := range map[string]string{"": "Please sign in first.", "de": "Melde dich bitte zuerst an."} {
		w := ask(h, "GET", "/api/stoa/v1/orders", nil, map[string]string{"Accept-Language": accept, "Cookie": langCookie + "=de"})
		if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), want) {
			t.Errorf("asked for %q: %d %s; want %q", accept, w.Code, w.Body, want)
		}
	}
}

func TestTheChoiceAtTheFootOfThePageIsKept(t *testing.T) {
	a := build(t)
	h := a.Handler()
	w := ask(h, "POST", "/language", url.Values{"lang": {"de"}, "next": {"/orders?x=1"}}, nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/orders?x=1" || !strings.Contains(w.Header().Get("Set-Cookie"), "lang=de") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(h, "POST", "/language", url.Values{"lang": {"de"}, "next": {"//evil.example"}}, nil); w.Header().Get("Location") != "/" {
		t.Errorf("it leads to %q", w.Header().Get("Location"))
	}
	for _, bad := range []string{"", "xx", "fr", "de;q=1", strings.Repeat("a", 1000)} {
		if w := ask(h, "POST", "/language", url.Values{"lang": {bad}}, nil); w.Code != http.StatusUnprocessableEntity || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%q: %d %v", bad, w.Code, w.Header())
		}
	}
}

func TestAPersonsLanguageBeatsTheBrowsers(t *testing.T) {
	a := build(t)
	h := a.Handler()
	in, err := a.Accounts.Create(t.Context(), account.SignUp{Name: "Anna", Email: "anna@home.example", Handle: "anna", Password: "a long walk by the river", Lang: "de-AT"}, account.Visit{})
	if err != nil {
		t.Fatal(err)
	}
	session := map[string]string{"Cookie": "stoa=" + in.Token + "; " + langCookie + "=en", "Accept-Language": "en"}
	w := ask(h, "GET", "/nowhere", nil, session)
	if m := pageLang.FindStringSubmatch(w.Body.String()); m == nil || m[1] != "de" {
		t.Fatalf("the page is in %v", m)
	}
	if w := ask(h, "POST", "/language", url.Values{"lang": {"en"}}, session); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w = ask(h, "GET", "/nowhere", nil, session)
	if m := pageLang.FindStringSubmatch(w.Body.String()); m == nil || m[1] != "en" {
		t.Errorf("after the choice the page is in %v", m)
	}
	if got := i18n.Nearest("de-AT"); got != "de" {
		t.Errorf("de-AT is %q", got)
	}
}
