package keys

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/stoa-town/stoa/tests/browser"
	"github.com/stoa-town/stoa/tests/harness"
)

// app is a program of somebody else, with a page of its own to which people come back.
type app struct {
	t    *testing.T
	town string
	conf oauth2.Config
	came chan url.Values
	http *http.Client
}

// newApp registers the program as those for Mastodon do.
func newApp(t *testing.T, town string) *app {
	a := &app{t: t, town: town, came: make(chan url.Values, 1), http: &http.Client{Timeout: 20 * time.Second}}
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			a.came <- r.URL.Query()
		}
		_, _ = io.WriteString(w, "<!doctype html><title>Walk</title><p>Thank you, go on walking.</p>")
	}))
	t.Cleanup(home.Close)
	res, err := a.http.PostForm(town+"/api/v1/apps", url.Values{"client_name": {"Walk"}, "redirect_uris": {home.URL + "/back"}, "scopes": {"read stoa:orders"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || out.ID == "" {
		t.Fatalf("register an app = %d, %v, %+v", res.StatusCode, err, out)
	}
	a.conf = oauth2.Config{
		ClientID: out.ID, ClientSecret: out.Secret, RedirectURL: home.URL + "/back", Scopes: []string{"read", "stoa:orders"},
		Endpoint: oauth2.Endpoint{AuthURL: town + "/oauth/authorize", TokenURL: town + "/oauth/token"},
	}
	return a
}

// status returns what the app is answered at an address.
func (a *app) status(token, path string) int {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.town+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := a.http.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// letter opens the newest letter with a subject and follows its link.
func letter(p *browser.Person, subject, link string) {
	p.Go("/dev/mail")
	p.Await(`document.body.innerText.includes("`+subject+`") || (location.reload(), false)`, "get the letter “"+subject+"”")
	p.ClickText(subject)
	p.Await(`location.pathname.startsWith("/dev/mail/")`, "open the letter")
	p.Await(`!!document.querySelector("main a[href*='`+link+`']")`, "see the letter's link")
	// The letter names the server by its bare address, at which browsers know no passkeys.
	p.Go(p.Eval(`(u => u.pathname + u.search)(new URL(document.querySelector("main a[href*='` + link + `']").href))`))
}

// TestALifeInTown is somebody with a phone from their first letter to the last: they join, add a passkey, come back with it, let an app in and
// out again, take a copy of everything along and leave for good.
func TestALifeInTown(t *testing.T) {
	s, b := harness.Start(t, "serve", "--set", "mail.mode=dev", "--set", "retention.leaving=1s"), browser.Open(t)
	anna := b.Person(t, "anna", byName(s), 390, 844)
	device := anna.Authenticator()

	// Joins by letter.
	anna.Go("/sign-up")
	anna.Fill("main input[name=email]", "anna@example.org")
	anna.Click("main form[action='/sign-up'] button[type=submit]")
	anna.See("Look into your mailbox")
	letter(anna, "Your account: one more step", "/sign-up/finish")
	anna.See("Who are you?")
	anna.Fill("main input[name=name]", "Anna Wanderer")
	anna.Fill("main input[name=handle]", "anna_w")
	anna.See("This handle is free.")
	device.Touch(true)
	anna.Click("main form[action='/sign-up/finish'] button[type=submit]")

	// Without a password: a passkey it is.
	anna.Await(`location.pathname === "/account/passkeys"`, "be asked for a passkey")
	anna.Click("[data-passkey=create]")
	anna.See("The passkey is kept")
	device.Touch(false)
	leave(anna)
	anna.Go("/sign-in?next=/account")
	anna.See("Sign in with a passkey")
	device.Touch(true)
	anna.Click("[data-passkey=get]")
	anna.Await(`location.pathname === "/account"`, "sign in with the passkey")
	anna.See("anna_w")

	// Lets an app in.
	walk := newApp(t, byName(s))
	verifier := oauth2.GenerateVerifier()
	ask, err := url.Parse(walk.conf.AuthCodeURL("a state", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		t.Fatal(err)
	}
	anna.Go(ask.RequestURI())
	anna.See("Let Walk in?")
	for _, f := range anna.Findings() {
		t.Errorf("the page that asks for consent: %s", f)
	}
	shot(anna, "consent")
	anna.ClickText("Allow")
	var back url.Values
	select {
	case back = <-walk.came:
	case <-time.After(20 * time.Second):
		t.Fatal("Anna did not come back to the app")
	}
	if back.Get("state") != "a state" {
		t.Errorf("the app got its state back as %q", back.Get("state"))
	}
	token, err := walk.conf.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("exchange the code: %v", err)
	}
	if got := walk.status(token.AccessToken, "/api/stoa/v1/orders"); got != 200 {
		t.Errorf("the app reads Anna's orders = %d; want 200", got)
	}
	if got := walk.status(token.AccessToken, "/api/stoa/v1/dispatch/board"); got != 403 {
		t.Errorf("the app looks at the board = %d; want 403", got)
	}

	// And out again.
	anna.Go("/account/apps")
	anna.SeeIn("main", "Walk")
	shot(anna, "apps")
	anna.ClickText("Revoke")
	anna.See("The app is out.")
	if got := walk.status(token.AccessToken, "/api/stoa/v1/orders"); got != 401 {
		t.Errorf("the app reads Anna's orders after she revoked it = %d; want 401", got)
	}

	// Takes a copy along.
	anna.Go("/account/privacy")
	anna.ClickText("Get a copy of everything")
	anna.See("Your copy is ready")
	shot(anna, "privacy")
	checkCopy(t, anna.Fetch(anna.Eval(`[...document.querySelectorAll("main a")].find(a => a.innerText.includes("Fetch the copy")).getAttribute("href")`)))

	// And leaves.
	anna.Go("/account/privacy")
	anna.Click("main a.button-danger")
	anna.See("Your handle, to be sure")
	anna.Fill("main input[name=handle]", "anna_w")
	anna.ClickText("Delete my account")
	anna.See("You are signed out everywhere")
	boss := s.Account(t, "boss", "admin")
	var found struct {
		Items []struct{ Handle string } `json:"items"`
	}
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		boss.Want(t, 200, "GET", "/admin/people?q=anna_w", nil, &found)
		if len(found.Items) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("Anna is still there: %+v", found)
		}
	}
	anna.Go("/sign-in")
	anna.Click("[data-passkey=get]")
	anna.See("This server does not know that passkey.")
}

// checkCopy fails unless an archive holds a page to begin with and, in some JSON file, who Anna is.
func checkCopy(t *testing.T, archive []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatalf("the copy of %d bytes is no archive: %v", len(archive), err)
	}
	var names []string
	known := false
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Name)
		if strings.HasSuffix(f.Name, ".json") {
			if !json.Valid(body) {
				t.Errorf("%s of the copy is no JSON: %.200s", f.Name, body)
			}
			known = known || bytes.Contains(body, []byte("anna@example.org"))
		}
	}
	if !slices.Contains(names, "index.html") || !known {
		t.Errorf("the copy holds %v, and Anna's address in JSON: %t", names, known)
	}
}
