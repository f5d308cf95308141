// Package social is apps of other people, at work in a town: go-mastodon and toot as they are, and what their makers' issue trackers say that
// breaks apps.
package social

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

const (
	oob       = "urn:ietf:wg:oauth:2.0:oob"
	allScopes = "read write follow push"
)

// town is a running server.
type town struct{ *harness.Server }

func open(t *testing.T, args ...string) *town {
	t.Helper()
	return &town{harness.Start(t, "serve", args...)}
}

// onBoth runs test in a town of each database. What never asks the database, or waits half a minute for a ping, is tried in one.
func onBoth(t *testing.T, test func(t *testing.T, w *town), args ...string) {
	t.Helper()
	harness.Databases(t, func(t *testing.T, database ...string) { test(t, open(t, append(database, args...)...)) })
}

// person is somebody with an account, a token of an app, and a browser.
type person struct {
	t     *testing.T
	town  *town
	name  string
	id    string
	token string
}

// person makes an account and has it let an app in.
func (w *town) person(t *testing.T, name string, roles ...string) *person {
	t.Helper()
	w.account(t, name, roles...)
	app := w.register(t)
	p := &person{t: t, town: w, name: name, token: app.token(t, w, w.consent(t, name, app.ask(w, allScopes)), allScopes)}
	var me struct {
		ID string `json:"id"`
	}
	p.want(200, "GET", "/api/v1/accounts/verify_credentials", nil, &me)
	p.id = me.ID
	return p
}

func (w *town) account(t *testing.T, name string, roles ...string) {
	t.Helper()
	args := []string{"admin", "account", "create", "--name", name, "--email", name + "@example.org", "--password", harness.Password}
	for _, r := range roles {
		args = append(args, "--role", r)
	}
	w.Admin(t, args...)
}

// app is an app that a town knows.
type app struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

func (w *town) register(t *testing.T) *app {
	t.Helper()
	res, err := http.PostForm(w.URL+"/api/v1/apps", url.Values{"client_name": {"Elephant"}, "redirect_uris": {oob}, "scopes": {allScopes}, "website": {"https://elephant.example"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	a := &app{}
	if err := json.NewDecoder(res.Body).Decode(a); err != nil || res.StatusCode != 200 || a.ID == "" {
		t.Fatalf("register: %d, %v", res.StatusCode, err)
	}
	return a
}

// ask returns where a person is asked whether the app may come in.
func (a *app) ask(w *town, scopes string) string {
	return w.URL + "/oauth/authorize?" + url.Values{"response_type": {"code"}, "client_id": {a.ID}, "redirect_uri": {oob}, "scope": {scopes}}.Encode()
}

// token gets a token for a code.
func (a *app) token(t *testing.T, w *town, code, scopes string) string {
	t.Helper()
	res, err := http.PostForm(w.URL+"/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {a.ID}, "client_secret": {a.Secret}, "redirect_uri": {oob}, "scope": {scopes},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		Token string `json:"access_token"`
		Type  string `json:"token_type"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Token == "" || got.Type != "Bearer" {
		t.Fatalf("token: %d, %+v, %v", res.StatusCode, got, err)
	}
	return got.Token
}

var (
	hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"`)
	shown  = regexp.MustCompile(`data-copy="([^"]+)"`)
)

// consent has a person sign in with a browser and say yes on the page at an address. It returns the code that the page shows.
func (w *town) consent(t *testing.T, name, address string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	send := func(res *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %d, %v\n%.2000s", res.Request.URL, res.StatusCode, err, b)
		}
		return string(b)
	}
	send(browser.PostForm(w.URL+"/sign-in", url.Values{"login": {name}, "password": {harness.Password}, "next": {"/account/apps"}}))
	page := send(browser.Get(address))
	form := url.Values{"decision": {"allow"}}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	page = send(browser.PostForm(w.URL+"/oauth/authorize", form))
	m := shown.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no code on the page:\n%.3000s", page)
	}
	return html.UnescapeString(m[1])
}

// reply is an answer.
type reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// send sends a request with a body of some type. headers are names and values.
func (w *town) send(t *testing.T, token, method, path, kind, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := (&http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, b}
}

const (
	formKind = "application/x-www-form-urlencoded"
	jsonKind = "application/json"
)

// want sends a form (nil: none), fails the test unless the status is as wanted, and reads the reply into out unless that is nil.
func (p *person) want(status int, method, path string, form url.Values, out any) reply {
	p.t.Helper()
	kind, body := "", ""
	if form != nil {
		kind, body = formKind, form.Encode()
	}
	r := p.town.send(p.t, p.token, method, path, kind, body)
	return r.read(p.t, status, method+" "+path, out)
}

func (r reply) read(t *testing.T, status int, what string, out any) reply {
	t.Helper()
	if r.Status != status {
		t.Fatalf("%s = %d; want %d\n%.2000s", what, r.Status, status, r.Body)
	}
	if out != nil {
		if err := json.Unmarshal(r.Body, out); err != nil {
			t.Fatalf("%s: %v in %.2000s", what, err, r.Body)
		}
	}
	return r
}

// status is what tests look at of one.
type status struct {
	ID         string  `json:"id"`
	Content    string  `json:"content"`
	Visibility string  `json:"visibility"`
	ReplyTo    *string `json:"in_reply_to_id"`
	Favourited bool    `json:"favourited"`
	Bookmarked bool    `json:"bookmarked"`
	Media      []media `json:"media_attachments"`
	Reblog     *status `json:"reblog"`
	URL        string  `json:"url"`
	Account    struct {
		ID       string `json:"id"`
		Username string `json:"username"`
	} `json:"account"`
	Poll *struct {
		ID string `json:"id"`
	} `json:"poll"`
}

type media struct {
	ID   string  `json:"id"`
	Type string  `json:"type"`
	URL  string  `json:"url"`
	Hash string  `json:"blurhash"`
	Text *string `json:"description"`
	Meta struct {
		Original struct{ Width, Height int }
		Small    struct{ Width, Height int }
	} `json:"meta"`
}

// post posts a text; more are further names and values of the form.
func (p *person) post(text string, more ...string) status {
	p.t.Helper()
	form := url.Values{"status": {text}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	var s status
	p.want(200, "POST", "/api/v1/statuses", form, &s)
	return s
}

// await tries until something is so: other parts of the server hear of it by the log of events.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after 20 s: %s", what)
		}
	}
}

// picture is a PNG with something to see.
func picture(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{R: uint8(255 * x / w), G: uint8(255 * y / h), B: 120, A: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parts makes a form in parts with files, by their names in it.
func parts(t *testing.T, fields map[string]string, files map[string][]byte) (kind, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		f, err := w.CreateFormFile(name, "upload")
		if err == nil {
			_, err = f.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

// ids returns the ids of statuses.
func ids(list []status) string {
	var out []string
	for _, s := range list {
		out = append(out, s.ID)
	}
	return fmt.Sprint(out)
}
