package profile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// api is the API over a fixture; whoever is named in X-Test acts.
type api struct {
	*fixture
	*httptest.Server
	actors   map[string]access.Actor
	rel      *social.Relations
	unlinked []string
}

func serve(t *testing.T, f *fixture) *api {
	t.Helper()
	a := &api{fixture: f, actors: map[string]access.Actor{
		"ada":    {ID: 1, Handle: "ada", Roles: []access.Grant{{Role: access.RoleAdmin}, {Role: access.RoleStaff, Place: 11}}},
		"reader": {ID: 1, Handle: "ada", App: 7, Scopes: []string{"read"}},
		"self":   {ID: 1, Handle: "ada", App: 7, Scopes: []string{"profile"}},
	}, rel: &social.Relations{}}
	dir, err := files.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	q := jobs.New(f.d, noBus{}, f.clock.Now, f.ids, jobs.Options{Log: slog.New(slog.DiscardHandler)})
	f.opt.Files, f.opt.Jobs, f.opt.Fetch = dir, q, fetch.New(fetch.Options{AllowLoopback: true})
	f.opt.Rename = func(ctx context.Context, tx *db.Tx, who id.ID, name string) error {
		return f.AccountChanged(ctx, tx, Person{ID: who, Name: name})
	}
	f.opt.Unlink = func(_ context.Context, _ *db.Tx, paths []string) error {
		a.unlinked = append(a.unlinked, paths...)
		return nil
	}
	f.opt.Relations = func(context.Context, id.ID) (*social.Relations, error) { return a.rel, nil }
	f.opt.Requests = func(context.Context, id.ID) (int, error) { return 3, nil }
	f.opt.Uses = func(context.Context, id.ID) ([]TagUse, error) {
		return []TagUse{{Tag: "bucher", Uses: 4, Last: f.clock.Now()}, {Tag: "pie", Uses: 2, Last: f.clock.Now()}}, nil
	}
	f.React(f.log, q)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) {
		w.WriteHeader(status)
	}, httpx.Address(f.opt.URL))
	f.Routes(rt)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), a.actors[r.Header.Get("X-Test")])))
	}))
	t.Cleanup(a.Close)
	return a
}

type noBus struct{}

func (noBus) Publish(string, []byte) error                   { return nil }
func (noBus) Subscribe(string, func([]byte)) (func(), error) { return func() {}, nil }

func (a *api) do(t *testing.T, who, request, kind string, body io.Reader) (int, string, http.Header) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequest(method, a.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Test", who)
	req.Header.Set("Content-Type", kind)
	res, err := a.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

func TestTheAPIShowsAndChangesProfiles(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		if err := f.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		a := serve(t, f)
		const form, doc = "application/x-www-form-urlencoded", "application/json"
		for _, c := range []struct {
			who, request, kind, body string
			status                   int
			want, never              []string
		}{
			{"ada", "GET /api/v1/accounts/verify_credentials", "", "", 200, []string{`"acct":"ada"`, `"source":{"privacy":"public"`, `"follow_requests_count":0`, `"role":{"id":"3"`, `"language":"de"`, `"fields":[]`, `"emojis":[]`, `"last_status_at":null`}, nil},
			{"self", "GET /api/v1/accounts/verify_credentials", "", "", 200, []string{`"acct":"ada"`}, nil},
			{"ada", "GET /api/v1/accounts/verify_credentials?as=trattoria_da_luigi", "", "", 200, []string{`"acct":"trattoria_da_luigi"`, `"stoa":{"kind":"restaurant"`}, nil},
			{"reader", "GET /api/v1/accounts/verify_credentials?as=taj", "", "", 403, []string{`"error"`}, nil},
			{"", "GET /api/v1/accounts/verify_credentials", "", "", 401, []string{`"error"`}, nil},
			{"reader", "PATCH /api/v1/accounts/update_credentials", form, "note=x", 403, []string{`"error"`}, nil},
			{
				"ada", "PATCH /api/v1/accounts/update_credentials", form,
				"display_name=Ada+%E2%AD%90&note=Hello+%3Cb%3E&locked=True&bot=1&hide_collections=0&source[privacy]=private&source[sensitive]=on&source[language]=de-AT&source[quote_policy]=nobody" +
					"&fields_attributes[0][name]=Pie&fields_attributes[0][value]=rhubarb&fields_attributes[1][name]=&fields_attributes[1][value]=", 200,
				[]string{`"display_name":"Ada ⭐"`, `"follow_requests_count":3`, `"locked":true`, `"bot":true`, `"privacy":"private"`, `"sensitive":true`, `"language":"de-AT"`, `"quote_policy":"nobody"`, `"note":"Hello \u003cb\u003e"`, `"name":"Pie","value":"rhubarb","verified_at":null`},
				[]string{"\u003cb\u003e\u003c/p"},
			},
			{"ada", "PATCH /api/v1/accounts/update_credentials", doc, `{"fields_attributes":[{"name":"Tea","value":"green"}],"locked":false,"source":{"privacy":"town"}}`, 200, []string{`"name":"Tea"`, `"locked":false`, `"privacy":"public"`}, []string{"rhubarb"}},
			{"ada", "PATCH /api/v1/accounts/update_credentials", doc, `{"fields_attributes":{"5":{"name":"One","value":"1"},"7":{"name":"Two","value":"2"}}}`, 200, []string{`"name":"One"`, `"name":"Two"`}, nil},
			{"ada", "PATCH /api/v1/accounts/update_credentials", form, "note=" + strings.Repeat("x", MaxNote+1), 422, []string{`"error"`}, nil},
			{"ada", "PATCH /api/v1/accounts/update_credentials", form, "display_name=" + strings.Repeat("x", MaxName+1), 422, []string{`"error"`}, nil},
			{"ada", "PATCH /api/v1/accounts/update_credentials", form, "source[privacy]=secret", 422, []string{`"error"`}, nil},
			{"ada", "PATCH /api/v1/accounts/update_credentials", form, "source[language]=nonsense-language-tag-x", 422, []string{`"error"`}, nil},
			{"ada", "PATCH /api/v1/accounts/update_credentials", form, "locked=perhaps", 422, []string{`"error"`}, nil},
			{"ada", "PATCH /api/v1/accounts/update_credentials?as=trattoria_da_luigi", form, "note=Pasta&display_name=Other", 422, []string{`"error"`}, nil},
			{"ada", "PATCH /api/v1/accounts/update_credentials", doc, `{"as":"trattoria_da_luigi","note":"Pasta since 1980"}`, 200, []string{`Pasta since 1980`, `"acct":"trattoria_da_luigi"`}, nil},
			{"ada", "GET /api/v1/preferences", "", "", 200, []string{`"posting:default:visibility":"public"`, `"posting:default:sensitive":true`, `"posting:default:language":"de-AT"`, `"reading:expand:media":"default"`}, nil},
			{"", "GET /api/v1/accounts/1", "", "", 200, []string{`"acct":"ada"`, `"display_name":"Ada ⭐"`, `"created_at":"1970-01-01T00:00:00.000Z"`}, []string{`"source"`}},
			{"", "GET /api/v1/accounts/2", "", "", 200, []string{`"suspended":true`, `"note":""`}, nil},
			{"", "GET /api/v1/accounts/3", "", "", 404, []string{`{"error":"Record not found"`}, nil},
			{"", "GET /api/v1/accounts/99", "", "", 404, []string{`"error"`}, nil},
			{"", "GET /api/v1/accounts/-1", "", "", 404, []string{`"error"`}, nil},
			{"", "GET /api/v1/accounts/lookup?acct=@ADA@town.example", "", "", 200, []string{`"id":"1"`}, nil},
			{"", "GET /api/v1/accounts/lookup?acct=nobody", "", "", 404, []string{`"error"`}, nil},
			{"", "GET /api/v1/accounts?id[]=11&id[]=1&id[]=3&id=1", "", "", 200, []string{`"id":"11"`, `"id":"1"`}, []string{`"id":"3"`}},
			{"ada", "GET /api/v1/accounts/search?q=LUIG&resolve=False", "", "", 200, []string{`"acct":"trattoria_da_luigi"`}, []string{`"acct":"ada"`}},
			{"ada", "GET /api/v1/accounts/search?q=@ada@town.ex", "", "", 200, []string{`"acct":"ada"`}, nil},
			{"ada", "GET /api/v1/accounts/search?q=ada@elsewhere.example", "", "", 200, []string{`[]`}, nil},
			{"ada", "GET /api/v1/accounts/search?q=", "", "", 200, []string{`[]`}, nil},
			{"ada", "GET /api/v1/accounts/search?q=a&following=true", "", "", 200, []string{`[]`}, nil},
			{"ada", "GET /api/v1/accounts/search?q=%25_&limit=x", "", "", 422, []string{`"error"`}, nil},
			{"ada", "POST /api/v1/featured_tags", form, "name=%23B%C3%BCcher", 200, []string{`"name":"Bücher"`, `"statuses_count":"4"`, `"last_status_at":"2026-11-24"`, `/@ada/tagged/bucher`}, nil},
			{"ada", "POST /api/v1/featured_tags", form, "name=bucher", 422, []string{`"error"`}, nil},
			{"ada", "POST /api/v1/featured_tags", form, "name=two+words", 422, []string{`"error"`}, nil},
			{"ada", "GET /api/v1/featured_tags", "", "", 200, []string{`"name":"Bücher"`}, nil},
			{"", "GET /api/v1/accounts/1/featured_tags", "", "", 200, []string{`"name":"Bücher"`}, nil},
			{"ada", "GET /api/v1/featured_tags/suggestions", "", "", 200, []string{`"name":"pie"`}, []string{"bucher"}},
			{"ada", "POST /api/v1/tags/Pie/feature", "", "", 200, []string{`"name":"pie"`, `"featuring":true`}, nil},
			{"ada", "POST /api/v1/tags/pie/unfeature", "", "", 200, []string{`"featuring":false`}, nil},
			{"ada", "POST /api/v1/tags/pie/unfeature", "", "", 404, []string{`"error"`}, nil},
			{"ada", "DELETE /api/v1/featured_tags/77", "", "", 404, []string{`"error"`}, nil},
			{"ada", "DELETE /api/v1/featured_tags/0", "", "", 404, []string{`"error"`}, nil},
		} {
			status, body, _ := a.do(t, c.who, c.request, c.kind, strings.NewReader(c.body))
			if status != c.status {
				t.Errorf("%s by %q with %.60q: %d, want %d: %.300s", c.request, c.who, c.body, status, c.status, body)
			}
			for _, w := range c.want {
				if !strings.Contains(body, w) {
					t.Errorf("%s by %q: no %s in %.1200s", c.request, c.who, w, body)
				}
			}
			for _, n := range c.never {
				if strings.Contains(body, n) {
					t.Errorf("%s by %q: %s in %.600s", c.request, c.who, n, body)
				}
			}
		}
		if d, err := f.Defaults(t.Context(), 1); err != nil || d.Visibility != social.Town || !d.Sensitive {
			t.Errorf("Defaults = %+v, %v", d, err)
		}
		a.rel = &social.Relations{Viewer: 1, Follows: map[id.ID]social.Follow{11: {}}, BlockedBy: map[id.ID]bool{13: true}}
		if _, body, _ := a.do(t, "ada", "GET /api/v1/accounts/search?q=tratt&following=1", "", nil); !strings.Contains(body, "luigi") {
			t.Errorf("search among follows: %s", body)
		}
		if _, body, _ := a.do(t, "ada", "GET /api/v1/accounts/search?q=long", "", nil); body != "[]" {
			t.Errorf("somebody who blocks is found: %s", body)
		}
	})
}

// picture returns a PNG.
func picture(t *testing.T, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 20, 20))
	for i := range 400 {
		img.Set(i%20, i/20, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPicturesAreSentReplacedAndTakenAway(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		a := serve(t, f)
		send := func(name string, body []byte) (int, string) {
			var form bytes.Buffer
			w := multipart.NewWriter(&form)
			part, err := w.CreateFormFile(name, "p.png")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := part.Write(body); err != nil {
				t.Fatal(err)
			}
			if err := errorsOf(w.WriteField("avatar_description", "Me"), w.Close()); err != nil {
				t.Fatal(err)
			}
			status, reply, _ := a.do(t, "ada", "PATCH /api/v1/accounts/update_credentials", w.FormDataContentType(), &form)
			return status, reply
		}
		status, body := send("avatar", picture(t, color.Black))
		var got Credentials
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		first := got.Avatar
		if !strings.HasPrefix(first, "https://town.example/media/") || got.AvatarStatic != first || got.AvatarAlt != "Me" || !strings.HasSuffix(got.Header, "/headers/ada.png") {
			t.Errorf("after the upload: %+v", got.Account)
		}
		if status, body = send("avatar", []byte("no picture")); status != 422 || !strings.Contains(body, "error") {
			t.Errorf("what is no picture: %d %s", status, body)
		}
		if status, body = send("avatar", picture(t, color.White)); status != 200 || strings.Contains(body, first) {
			t.Errorf("another picture: %d %s", status, body)
		}
		if len(a.unlinked) != 1 || !strings.HasSuffix(first, a.unlinked[0]) {
			t.Errorf("unlinked %v, want %s", a.unlinked, first)
		}
		if status, body, _ = a.do(t, "ada", "DELETE /api/v1/profile/avatar", "", nil); status != 200 || !strings.Contains(body, `"avatar":"https://town.example/avatars/ada.png"`) {
			t.Errorf("taken away: %d %s", status, body)
		}
		if len(a.unlinked) != 2 {
			t.Errorf("unlinked %v", a.unlinked)
		}
		for path, want := range map[string]int{"/avatars/ada.png": 200, "/headers/trattoria_da_luigi.png": 200, "/avatars/nobody.png": 404, "/avatars/ada.svg": 404, "/avatars/..png": 404} {
			status, _, h := a.do(t, "", "GET "+path, "", nil)
			if status != want || want == 200 && (h.Get("Content-Type") != "image/png" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin") {
				t.Errorf("%s: %d %v", path, status, h)
			}
		}
	})
}

func errorsOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestPagesThatLinkBackAreVerified(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		serve(t, f)
		pages := map[string]string{
			"/good":  `<!doctype html><a href="https://town.example/@Ada" rel="nofollow ME">me</a>`,
			"/head":  `<link rel=me href="https://TOWN.example/users/ada/">`,
			"/other": `<a href="https://town.example/@bob" rel="me">me</a>`,
			"/plain": `<a href="https://town.example/@ada">me</a>`,
			"/quote": `<pre>&lt;a rel="me" href="https://town.example/@ada"></pre><!-- <a rel="me" href="https://town.example/@ada"> -->`,
		}
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pages[r.URL.Path] == "" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, pages[r.URL.Path])
		}))
		defer web.Close()
		var fields []FieldText
		for _, p := range []string{"/good", "/head", "/other", "/plain", "/quote", "/gone"} {
			fields = append(fields, FieldText{Name: p, Value: web.URL + p})
		}
		if err := f.Update(t.Context(), 1, Change{Fields: &fields}); err != nil {
			t.Fatal(err)
		}
		verified := func() (out []string) {
			e, err := f.Entity(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range e.Fields {
				if !line.VerifiedAt.IsZero() {
					out = append(out, line.Name)
				}
			}
			return out
		}
		for deadline := time.Now().Add(20 * time.Second); len(verified()) == 0 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			continue
		}
		if got := fmt.Sprint(verified()); got != "[/good /head]" {
			t.Errorf("verified: %s", got)
		}
		// Another value under the same name is not verified by what stood there; the same value stays so.
		fields = []FieldText{{Name: "/good", Value: web.URL + "/plain"}, {Name: "renamed", Value: web.URL + "/head"}}
		if err := f.Update(t.Context(), 1, Change{Fields: &fields}); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(verified()); got != "[renamed]" {
			t.Errorf("verified after a change: %s", got)
		}
	})
}

func TestChangesAtOnceDoNotUndoEachOther(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		serve(t, f)
		yes, note, fields := true, "Hello", []FieldText{{Name: "Pie", Value: "rhubarb"}}
		var wg sync.WaitGroup
		for _, c := range []Change{{Note: &note}, {Locked: &yes}, {Bot: &yes}, {Fields: &fields}, {Secretive: &yes}, {Sensitive: &yes}} {
			wg.Go(func() {
				if err := f.Update(context.Background(), 1, c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		r, err := f.row(t.Context(), 1)
		if err != nil || r.Note != note || !r.Locked || !r.Bot || len(r.Fields) != 1 || !r.Secretive || !r.Defaults.Sensitive {
			t.Errorf("after six changes at once: %+v, %v", r, err)
		}
	})
}
