// Package apps is other people's apps, as a person with a phone lets them in and puts them out.
package apps

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// elephant is an app of others, on a server of its own.
type elephant struct {
	conf oauth2.Config
	back chan url.Values // what came back with the person
}

// newElephant registers the app at a town.
func newElephant(t *testing.T, town, scopes string) *elephant {
	t.Helper()
	a := &elephant{back: make(chan url.Values, 1)}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			a.back <- r.URL.Query()
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Elephant</title><p>Welcome back to Elephant"))
	}))
	t.Cleanup(site.Close)
	res, err := http.PostForm(town+"/api/v1/apps", url.Values{
		"client_name": {"Elephant"}, "website": {"https://elephant.example"}, "redirect_uris": {site.URL + "/back"}, "scopes": {scopes},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.ID == "" {
		t.Fatalf("register: %d %v", res.StatusCode, err)
	}
	a.conf = oauth2.Config{
		ClientID: made.ID, ClientSecret: made.Secret, RedirectURL: site.URL + "/back", Scopes: strings.Fields(scopes),
		Endpoint: oauth2.Endpoint{AuthURL: town + "/oauth/authorize", TokenURL: town + "/oauth/token"},
	}
	return a
}

// shot leaves a picture of the page where STOA_TEST_SHOTS says, for people to judge.
func shot(p *browser.Person, name string) {
	if dir := os.Getenv("STOA_TEST_SHOTS"); dir != "" {
		p.Whole(filepath.Join(dir, name+".png"))
	}
}

// sound fails the test for what is wrong with the page in itself.
func sound(t *testing.T, p *browser.Person, name string) {
	t.Helper()
	p.Settle()
	shot(p, name)
	for _, f := range p.Findings() {
		t.Errorf("%s: %s", name, f)
	}
}

// TestAPersonLetsAnAppInAndPutsItOut: the page asks, Chromium goes on to the app, the app listens, and is silent within five seconds after the
// person has put it out.
func TestAPersonLetsAnAppInAndPutsItOut(t *testing.T) {
	s, b := harness.Start(t, "serve"), browser.Open(t)
	app := newElephant(t, s.URL, "read stoa:courier:read")
	anna := b.Person(t, "anna", s.URL, 390, 844)
	anna.Go("/sign-up")
	anna.Fill("main input[name=name]", "Anna")
	anna.Fill("main input[name=email]", "anna@example.org")
	anna.Fill("main input[name=password]", "correct horse battery")
	anna.Click("main form[action='/sign-up'] button[type=submit]")
	anna.Await(`!location.pathname.startsWith("/sign-up")`, "sign up")
	s.Admin(t, "admin", "role", "add", "anna", "dispatcher")

	verifier := oauth2.GenerateVerifier()
	ask := strings.TrimPrefix(app.conf.AuthCodeURL("state 1", oauth2.S256ChallengeOption(verifier)), s.URL)
	anna.Go(ask)
	anna.See("Let Elephant in?")
	sound(t, anna, "let-in")
	anna.Look(true)
	anna.Size(1280, 800)
	sound(t, anna, "let-in-dark")
	anna.Look(false)
	anna.Size(390, 844)
	anna.Go(ask + "&lang=de")
	anna.See("Elephant hereinlassen?")
	sound(t, anna, "let-in-de")

	anna.Click("button[name=decision][value=deny]")
	if back := came(t, app); back.Get("error") != "access_denied" || back.Get("state") != "state 1" || back.Has("code") {
		t.Errorf("a no came back as %v", back)
	}
	anna.Go(ask)
	anna.Click("button[name=decision][value=allow]")
	back := came(t, app)
	anna.See("Welcome back to Elephant")
	if back.Get("iss") != s.URL+"/" {
		t.Errorf("iss %q", back.Get("iss"))
	}
	token, err := app.conf.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	ended := listen(t, s.URL+"/live?topic=dispatch", token.AccessToken)

	anna.Go("/account/apps")
	anna.See("Elephant")
	sound(t, anna, "apps")
	anna.Click("main form[action^='/account/apps/'] button")
	anna.See("The app is out.")
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the app still listens after five seconds")
	}
	if r := s.As(token.AccessToken).Do(t, "GET", "/me", nil); r.Status != http.StatusUnauthorized {
		t.Errorf("with the token of an app that is out: %d", r.Status)
	}

	anna.Go("/account/tokens/new")
	anna.Fill("main input[name=name]", "Kitchen printer")
	sound(t, anna, "new-token")
	anna.ClickText("Make the token")
	anna.See("shown this once")
	sound(t, anna, "made-token")
	own := anna.Eval(`document.querySelector("main [data-copy]").dataset.copy`)
	s.As(own).Want(t, http.StatusOK, "GET", "/me", nil, nil)
	s.As(own).Want(t, http.StatusForbidden, "PATCH", "/me", map[string]any{"name": "Ben"}, nil)
}

// came waits for the person to come back to the app.
func came(t *testing.T, app *elephant) url.Values {
	t.Helper()
	select {
	case q := <-app.back:
		return q
	case <-time.After(20 * time.Second):
		t.Fatal("nobody came back to the app")
		return nil
	}
}

// listen opens a stream with a token and waits for its greeting. The channel closes with the stream.
func listen(t *testing.T, address, token string) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(res.Body)
	if res.StatusCode != http.StatusOK || !in.Scan() {
		t.Fatalf("GET %s: %d", address, res.StatusCode)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer res.Body.Close()
		for in.Scan() {
		}
	}()
	return ended
}
