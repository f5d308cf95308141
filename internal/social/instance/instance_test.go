package instance

import (
	"context"
	"encoding/json"
	"image/jpeg"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	account "github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// town is a Service with the people and posts that a test gives it.
type town struct {
	*Service
	clock *clock.Manual
	conf  config.Config
	rt    *httpx.Router
	here  []id.ID // who was here lately
	posts map[id.ID]*social.Status
}

// The people of the test's town; it has no other slices.
func (w *town) Resolve(_ context.Context, acct string) (id.ID, error) {
	if acct == "anna" {
		return 7, nil
	}
	return 0, errs.New(errs.NotFound, "Record not found")
}

func (w *town) Entity(_ context.Context, profile id.ID) (*social.Account, error) {
	if profile != 7 {
		return nil, errs.New(errs.NotFound, "Record not found")
	}
	return &social.Account{ID: 7, Username: "anna", Acct: "anna", DisplayName: "Anna <3", URL: "https://town.example/@anna", URI: "https://town.example/users/anna"}, nil
}

func (w *town) Statuses(_ context.Context, _ *social.Relations, ids []id.ID, _ string) (out []*social.Status, err error) {
	for _, n := range ids {
		if st := w.posts[n]; st != nil {
			out = append(out, st)
		}
	}
	return out, nil
}

func newTown(t testing.TB, d *db.DB, url string) *town {
	t.Helper()
	conf, err := config.Load(config.Overrides{"town.name": "Arkadia", "signup.rules": "Be kind.\n\nNo spam,\nplease."}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := files.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &town{clock: clock.NewManual(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)), conf: conf, posts: map[id.ID]*social.Status{}}
	w.Service = New(Deps{
		DB: d, Log: events.New(d, events.NewLocal()), Files: dir, Now: w.clock.Now, URL: func() string { return url }, Config: func() *config.Config { return &w.conf },
		Version: "1.2.3", Limits: Limits{Characters: func() int { return 2000 }, Attachments: 8, Link: 23, Types: []string{"image/png"}},
		Profiles: w, Statuses: w, Contact: func(context.Context) (id.ID, error) { return 7, nil },
		Seen: func(context.Context, time.Time) ([]id.ID, error) { return w.here, nil },
		Policy: func(context.Context) []personal.About {
			return []personal.About{{Title: "Orders & more", What: "What you ate."}}
		},
	})
	w.rt = httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil)
	w.Routes(w.rt)
	return w
}

func onBoth(t *testing.T, test func(t *testing.T, w *town)) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newTown(t, d, "https://town.example")) }, events.Schema, Schema)
}

func (w *town) get(t testing.TB, path string, want int, out any) http.Header {
	t.Helper()
	rec := httptest.NewRecorder()
	w.rt.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	if rec.Code != want {
		t.Fatalf("GET %s = %d: %s", path, rec.Code, rec.Body)
	}
	if out != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
			t.Fatalf("GET %s: %v in %s", path, err, rec.Body)
		}
	}
	return rec.Header()
}

// at returns what stands in a document at a path such as "configuration.urls.streaming".
func at(doc any, path string) any {
	for _, name := range strings.Split(path, ".") {
		m, ok := doc.(map[string]any)
		if !ok {
			return "no " + path
		}
		doc = m[name]
	}
	return doc
}

func (w *town) happened(t *testing.T, when time.Time, list ...events.Payload) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(tx *db.Tx) error {
		for _, p := range list {
			if err := w.Log.Append(t.Context(), tx, when, 0, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAppsLearnWhatTheServerCan(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, Schema), "https://town.example")
	var v2, v1 map[string]any
	h := w.get(t, "/api/v2/instance", 200, &v2)
	w.get(t, "/api/v1/instance", 200, &v1)
	for path, want := range map[string]any{
		"domain": "town.example", "title": "Arkadia", "version": "4.5.0 (compatible; Stoa 1.2.3)", "configuration.urls.streaming": "wss://town.example",
		"api_versions.mastodon": 7.0, "configuration.statuses.max_characters": 2000.0, "registrations.enabled": true, "registrations.approval_required": false,
		"contact.account.username": "anna", "configuration.translation.enabled": false, "configuration.timelines_access.live_feeds.local": "public",
		"usage.users.active_month": 0.0, "configuration.vapid.public_key": "",
	} {
		if got := at(v2, path); got != want {
			t.Errorf("v2: %s is %v; want %v", path, got, want)
		}
	}
	for path, want := range map[string]any{
		"uri": "town.example", "version": "4.5.0 (compatible; Stoa 1.2.3)", "urls.streaming_api": "wss://town.example", "stats.user_count": 0.0, "contact_account.username": "anna",
	} {
		if got := at(v1, path); got != want {
			t.Errorf("v1: %s is %v; want %v", path, got, want)
		}
	}
	if h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", h)
	}
	rules, _ := v2["rules"].([]any)
	if len(rules) != 2 || at(rules[1], "text") != "No spam,\nplease." || at(rules[1], "id") != "2" {
		t.Errorf("rules %v", rules)
	}
	// The pictures are there, and are pictures.
	for _, url := range []any{at(v2, "thumbnail.url"), at(v2["icon"].([]any)[1], "src")} {
		path := strings.TrimPrefix(url.(string), "https://town.example")
		f, err := w.Files.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := jpeg.DecodeConfig(f); err != nil || c.Width < 512 {
			t.Errorf("%s is %d wide, %v", path, c.Width, err)
		}
		f.Close()
	}
	// Another town by plain http, without rules and for invited people only.
	w.conf.Signup.Mode, w.conf.Signup.Rules = "invite", ""
	w.Deps.URL = func() string { return "http://127.0.0.1:8080" }
	var again map[string]any
	w.get(t, "/api/v2/instance", 200, &again)
	if at(again, "configuration.urls.streaming") != "ws://127.0.0.1:8080" || at(again, "registrations.enabled") != false || len(again["rules"].([]any)) != 0 {
		t.Errorf("%v %v", again["configuration"], again["registrations"])
	}
	w.get(t, "/api/v1/instance/terms_of_service", 404, nil)
}

func TestSmallDocumentsHaveTheirShapes(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, Schema), "https://town.example")
	for path, want := range map[string]string{"peers": "[]", "domain_blocks": "[]"} {
		rec := httptest.NewRecorder()
		w.rt.ServeHTTP(rec, httptest.NewRequest("GET", "/api/v1/instance/"+path, nil))
		if got := rec.Body.String(); got != want {
			t.Errorf("%s is %s", path, got)
		}
	}
	var policy, about, terms map[string]any
	w.get(t, "/api/v1/instance/privacy_policy", 200, &policy)
	w.get(t, "/api/v1/instance/extended_description", 200, &about)
	w.get(t, "/api/v1/instance/terms_of_service", 200, &terms)
	if !strings.Contains(policy["content"].(string), "<h2>Orders &amp; more</h2><p>What you ate.</p>") || !strings.Contains(about["content"].(string), "Arkadia") || policy["updated_at"] != "2026-11-25T12:00:00.000Z" {
		t.Errorf("%v\n%v", policy, about)
	}
	if terms["content"] != "<p>Be kind.</p><p>No spam,\nplease.</p>" {
		t.Errorf("%v", terms)
	}
	var langs []map[string]string
	if w.get(t, "/api/v1/instance/languages", 200, &langs); len(langs) < 50 || langs[12]["name"] == "" {
		t.Errorf("%v", langs)
	}
}

func TestFiguresAreCountedFromTheLog(t *testing.T) {
	onBoth(t, func(t *testing.T, w *town) {
		now := w.clock.Now()
		post := func(n, boost id.ID) social.Posted {
			return social.Posted{Head: social.Head{ID: n, Account: 7, BoostOf: boost}}
		}
		w.happened(t, now.Add(-15*24*time.Hour), account.Created{Account: 7}, account.Created{Account: 8}, post(1, 0))
		w.happened(t, now, post(2, 0), post(3, 0), post(4, 2), account.Created{Account: 9}, account.Erased{Account: 8})
		w.happened(t, now, social.Deleted{Head: social.Head{ID: 3, Account: 7}}, social.Deleted{Head: social.Head{ID: 4, Account: 7, BoostOf: 2}})
		w.here = []id.ID{7, 9}
		for range 2 { // counting again counts nothing twice
			if err := w.Count(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(2 * time.Minute)
		}
		f, err := w.Figures(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := Figures{Users: 2, ActiveMonth: 2, ActiveHalfYear: 2, Statuses: 2, Monday: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
		want.Weeks[0], want.Weeks[2] = Week{Statuses: 2, Logins: 2, Registrations: 1}, Week{Statuses: 1, Registrations: 2}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		var activity []map[string]string
		w.get(t, "/api/v1/instance/activity", 200, &activity)
		if len(activity) != 12 || cmp.Diff(map[string]string{"week": "1795392000", "statuses": "2", "logins": "2", "registrations": "1"}, activity[0]) != "" {
			t.Errorf("activity %v", activity[:1])
		}
		var node map[string]any
		w.get(t, "/nodeinfo/2.1", 200, &node)
		if at(node, "usage.users.total") != 2.0 || at(node, "usage.localPosts") != 2.0 || at(node, "software.name") != "stoa" || at(node, "openRegistrations") != true {
			t.Errorf("%v", node)
		}
		// In another month only who came again is active; who left is forgotten.
		w.clock.Advance(40 * 24 * time.Hour)
		w.here = []id.ID{7}
		if err := w.Count(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f, err := w.Figures(t.Context()); err != nil || f.ActiveMonth != 1 || f.ActiveHalfYear != 2 || f.Weeks[0].Logins != 1 {
			t.Errorf("%+v, %v", f, err)
		}
		if err := w.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := w.Personal().Erase(t.Context(), tx, 7); return err }); err != nil {
			t.Fatal(err)
		}
		if f, err := w.Figures(t.Context()); err != nil || f.ActiveHalfYear != 1 {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

func TestOthersFindAccountsByTheirNames(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, Schema), "https://town.example:8443")
	for _, resource := range []string{"acct:anna@town.example:8443", "acct:anna@town.example", "anna@TOWN.example", "https://town.example:8443/@anna", "https://town.example:8443/users/anna"} {
		var doc map[string]any
		h := w.get(t, "/.well-known/webfinger?resource="+resource, 200, &doc)
		if doc["subject"] != "acct:anna@town.example:8443" || !strings.HasPrefix(h.Get("Content-Type"), "application/jrd+json") || h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v, %v", resource, doc, h)
		}
		if links := doc["links"].([]any); at(links[1], "rel") != "self" || at(links[1], "href") != "https://town.example/users/anna" {
			t.Errorf("%s: %v", resource, links)
		}
	}
	for resource, want := range map[string]int{"": 400, "acct:ben@town.example": 404, "acct:anna@elsewhere.example": 404, "https://town.example:8443/@anna/1": 404, "https://elsewhere.example/@anna": 404, "anna": 404} {
		var doc map[string]any
		if w.get(t, "/.well-known/webfinger?resource="+resource, want, &doc); doc["error"] == nil {
			t.Errorf("%q: %v", resource, doc)
		}
	}
	var nodes map[string]any
	w.get(t, "/.well-known/nodeinfo", 200, &nodes)
	if at(nodes["links"].([]any)[0], "href") != "https://town.example:8443/nodeinfo/2.1" {
		t.Errorf("%v", nodes)
	}
	if h := w.get(t, "/.well-known/host-meta", 200, nil); !strings.HasPrefix(h.Get("Content-Type"), "application/xrd+xml") {
		t.Errorf("%v", h)
	}
}

func TestPostsAreEmbeddedOnlyWhereEverybodyReadsThem(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, events.Schema, Schema), "https://town.example")
	link := "https://town.example/@anna/11"
	a, _ := w.Entity(t.Context(), 7)
	w.posts[11] = &social.Status{ID: 11, URL: &link, Visibility: "public", Content: "<p>Hello</p>", Account: *a, CreatedAt: w.clock.Now()}
	w.posts[12] = &social.Status{ID: 12, URL: &link, Visibility: "private", Content: "<p>Secret</p>", Account: *a}
	for _, url := range []string{link, "https://town.example/users/anna/statuses/11"} {
		var doc map[string]any
		w.get(t, "/api/oembed?maxwidth=300&url="+url, 200, &doc)
		if text, _ := doc["html"].(string); doc["type"] != "rich" || doc["width"] != 300.0 || !strings.Contains(text, "<p>Hello</p>") || strings.Contains(text, "Anna <3") || strings.Contains(text, "<script") {
			t.Errorf("%v", doc)
		}
	}
	for _, url := range []string{"https://town.example/@anna/12", "https://town.example/@anna/13", "https://elsewhere.example/@anna/11", "https://town.example.evil.example/@anna/11", "https://town.example/@anna", ""} {
		w.get(t, "/api/oembed?url="+url, 404, nil)
	}
}

func BenchmarkInstance(b *testing.B) {
	w := newTown(b, dbtest.SQLite(b, events.Schema, Schema), "https://town.example")
	s := httptest.NewServer(w.rt)
	defer s.Close()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			res, err := http.Get(s.URL + "/api/v2/instance")
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	})
}
