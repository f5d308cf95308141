package follow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// api is the API over a fixture; whoever is named in X-Test acts.
type api struct {
	*fixture
	*httptest.Server
	actors map[string]access.Actor
}

func serve(t *testing.T, f *fixture) *api {
	t.Helper()
	a := &api{fixture: f, actors: map[string]access.Actor{}}
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil, httpx.Address(func() string { return "https://town.example" }))
	f.Routes(rt)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), a.actors[r.Header.Get("X-Test")])))
	}))
	t.Cleanup(a.Close)
	return a
}

// do sends a request: a body that begins with "{" as JSON, any other as a form. It returns status, body and the Link header.
func (a *api) do(t *testing.T, who, request, body string) (int, string, string) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequest(method, a.URL+path, strings.NewReader(body))
	must(t, err)
	req.Header.Set("X-Test", who)
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := a.Client().Do(req)
	must(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(b), res.Header.Get("Link")
}

// names returns the handles of a list of accounts.
func names(t *testing.T, body string) []string {
	t.Helper()
	var list []social.Account
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	out := []string{}
	for _, a := range list {
		out = append(out, a.Acct)
	}
	return out
}

func TestTheAPIDoesAndTellsWhatIsBetweenProfiles(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		a := serve(t, f)
		p := f.add(t, "ada", "bob", "cem")
		taj := f.shop(t, "taj")
		a.actors["ada"] = access.Actor{ID: p[0], Handle: "ada"}
		a.actors["bob"] = access.Actor{ID: p[1], Handle: "bob", Roles: []access.Grant{{Role: access.RoleStaff, Place: taj}}}
		a.actors["reader"] = access.Actor{ID: p[0], Handle: "ada", App: 5, Scopes: []string{"read"}}
		at := func(i id.ID, what string) string { return fmt.Sprintf("/api/v1/accounts/%d/%s", i, what) }
		for _, c := range []struct {
			who, request, body string
			status             int
			want, never        []string
		}{
			{"ada", "POST " + at(p[1], "follow"), "reblogs=False&notify=1&languages[]=de&languages[]=en", 200, []string{`"following":true`, `"showing_reblogs":false`, `"notifying":true`, `"languages":["de","en"]`, `"domain_blocking":false`}, nil},
			{"ada", "POST " + at(p[1], "follow"), `{"reblogs":true}`, 200, []string{`"showing_reblogs":true`, `"notifying":true`}, nil},
			{"ada", "POST " + at(taj, "follow"), "", 200, []string{`"following":true`, `"languages":[]`}, nil},
			{"ada", "POST " + at(p[0], "follow"), "", 403, []string{`"error"`}, nil},
			{"ada", "POST " + at(424242, "follow"), "", 404, []string{`"error":"Record not found"`}, nil},
			{"ada", "POST /api/v1/accounts/x/follow", "", 404, []string{`"error"`}, nil},
			{"ada", "POST " + at(p[1], "follow"), "reblogs=perhaps", 422, []string{`"error"`}, nil},
			{"ada", "POST " + at(p[1], "follow"), "languages[]=no-such-language-at-all", 422, []string{`"error"`}, nil},
			{"", "POST " + at(p[1], "follow"), "", 401, []string{`"error"`}, nil},
			{"reader", "POST " + at(p[1], "follow"), "", 403, []string{`"error"`}, nil},
			{"bob", "POST " + at(p[2], "follow") + "?as=taj", "", 200, []string{`"following":true`}, nil},
			{"ada", "POST " + at(p[2], "follow") + "?as=taj", "", 403, []string{`"error"`}, nil},
			{"ada", "POST " + at(p[2], "mute"), "duration=3600", 200, []string{`"muting":true`, `"muting_notifications":true`, `"muting_expires_at":"2026-11-24T19:00:00.000Z"`}, nil},
			{"ada", "POST " + at(p[2], "mute"), `{"notifications":false,"duration":0}`, 200, []string{`"muting_notifications":false`, `"muting_expires_at":null`}, nil},
			{"ada", "POST " + at(p[2], "mute"), "duration=-1", 422, []string{`"error"`}, nil},
			{"ada", "POST " + at(p[2], "mute"), "duration=999999999999", 422, []string{`"error"`}, nil},
			{"ada", "GET /api/v1/mutes", "", 200, []string{`"acct":"cem"`, `"mute_expires_at":null`}, []string{`"acct":"bob"`}},
			{"ada", "POST " + at(p[2], "unmute"), "", 200, []string{`"muting":false`}, nil},
			{"ada", "POST " + at(p[1], "note"), "comment=Owes+me+a+pie", 200, []string{`"note":"Owes me a pie"`}, nil},
			{"ada", "POST " + at(p[1], "note"), "comment=" + strings.Repeat("x", MaxNote+1), 422, []string{`"error"`}, nil},
			{"ada", "POST " + at(p[1], "pin"), "", 200, []string{`"endorsed":true`}, nil},
			{"ada", "POST " + at(p[2], "endorse"), "", 422, []string{`"error"`}, nil},
			{"", "GET " + at(p[0], "endorsements"), "", 200, []string{`"acct":"bob"`}, nil},
			{"ada", "GET /api/v1/endorsements", "", 200, []string{`"acct":"bob"`}, nil},
			{"ada", fmt.Sprintf("GET /api/v1/accounts/relationships?id[]=%d&id=%d&id[]=77", p[1], p[1]), "", 200, []string{fmt.Sprintf(`[{"id":"%d"`, p[1]), `"endorsed":true`}, []string{`"77"`}},
			{"ada", fmt.Sprintf("GET /api/v1/accounts/relationships?id=%d", taj), "", 200, []string{`"following":true`}, nil},
			{"ada", "GET /api/v1/accounts/relationships", "", 200, []string{`[]`}, nil},
			{"", "GET " + at(p[1], "followers"), "", 200, []string{`"acct":"ada"`}, nil},
			{"", "GET " + at(p[0], "following"), "", 200, []string{`"acct":"bob"`, `"acct":"taj"`}, nil},
			{"", "GET " + at(55, "following"), "", 404, []string{`"error"`}, nil},
			{"bob", "POST " + at(p[0], "remove_from_followers"), "", 200, []string{`"followed_by":false`}, nil},
			{"ada", "POST " + at(p[1], "block"), "", 200, []string{`"blocking":true`, `"endorsed":false`}, nil},
			{"ada", "GET /api/v1/blocks", "", 200, []string{`"acct":"bob"`}, nil},
			{"bob", "GET " + at(p[0], "followers"), "", 200, []string{`[]`}, nil},
			{"bob", "POST " + at(p[0], "follow"), "", 403, []string{`"error"`}, nil},
			{"ada", "POST " + at(p[1], "unblock"), "", 200, []string{`"blocking":false`}, nil},
			{"ada", "POST /api/v1/follow_requests/" + p[1].String() + "/authorize", "", 404, []string{`"error"`}, nil},
			{"ada", "POST /api/v1/domain_blocks", "domain=https://Bad.Example/x", 200, []string{`{}`}, nil},
			{"ada", "POST /api/v1/domain_blocks", "domain=b%C3%BCcher.example", 200, []string{`{}`}, nil},
			{"ada", "POST /api/v1/domain_blocks", "domain=no+domain", 422, []string{`"error"`}, nil},
			{"ada", "GET /api/v1/domain_blocks", "", 200, []string{`["xn--bcher-kva.example","bad.example"]`}, nil},
			{"ada", "DELETE /api/v1/domain_blocks", `{"domain":"bad.example"}`, 200, []string{`{}`}, nil},
			{"ada", "GET /api/v1/domain_blocks", "", 200, []string{`["xn--bcher-kva.example"]`}, nil},
			{"", "GET /api/v1/tags/B%C3%BCcher", "", 200, []string{`"name":"Bücher"`, `"url":"https://town.example/tags/bucher"`, `"history":[]`}, []string{"following"}},
			{"ada", "POST /api/v1/tags/B%C3%BCcher/follow", "", 200, []string{`"following":true`}, nil},
			{"ada", "GET /api/v1/tags/bucher", "", 200, []string{`"following":true`}, nil},
			{"ada", "GET /api/v1/followed_tags", "", 200, []string{`"name":"Bücher"`}, nil},
			{"ada", "POST /api/v1/tags/bucher/unfollow", "", 200, []string{`"following":false`}, nil},
			{"ada", "GET /api/v1/followed_tags", "", 200, []string{`[]`}, nil},
			{"ada", "GET /api/v1/tags/123", "", 404, []string{`"error"`}, nil},
			{"ada", "GET /api/v1/blocks?limit=x", "", 422, []string{`"error"`}, nil},
			{"", "GET /api/v1/blocks", "", 401, []string{`"error"`}, nil},
		} {
			status, body, _ := a.do(t, c.who, c.request, c.body)
			if status != c.status {
				t.Errorf("%s by %q with %.60q: %d, want %d: %.200s", c.request, c.who, c.body, status, c.status, body)
			}
			for _, w := range c.want {
				if !strings.Contains(body, w) {
					t.Errorf("%s by %q: no %s in %.400s", c.request, c.who, w, body)
				}
			}
			for _, n := range c.never {
				if strings.Contains(body, n) {
					t.Errorf("%s by %q: %s in %.400s", c.request, c.who, n, body)
				}
			}
		}
		f.whole(t, append(p, taj))
	})
}

func TestListsArePagedByIDsOfTheirOwn(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		a := serve(t, f)
		p := f.add(t, "ada", "p1", "p2", "p3", "p4", "p5")
		for _, other := range p[1:] {
			must(t, f.Follow(t.Context(), other, p[0], How{}))
		}
		var got []string
		next := fmt.Sprintf("/api/v1/accounts/%d/followers?limit=2", p[0])
		var prev string
		for next != "" {
			_, body, link := a.do(t, "", "GET "+next, "")
			got = append(got, names(t, body)...)
			next = ""
			for part := range strings.SplitSeq(link, ", ") {
				u, err := url.Parse(strings.TrimPrefix(strings.SplitN(part, ">", 2)[0], "<"))
				must(t, err)
				if strings.HasSuffix(part, `rel="next"`) {
					next = u.RequestURI()
				} else if prev == "" && strings.HasSuffix(part, `rel="prev"`) {
					prev = u.RequestURI()
				}
			}
		}
		if want := []string{"p5", "p4", "p3", "p2", "p1"}; !slices.Equal(got, want) {
			t.Errorf("pages give %v, want %v", got, want)
		}
		must(t, f.Follow(t.Context(), f.add(t, "p6")[0], p[0], How{}))
		if _, body, _ := a.do(t, "", "GET "+prev, ""); !slices.Equal(names(t, body), []string{"p6"}) {
			t.Errorf("the page before holds %v", names(t, body))
		}
	})
}

func TestWhatIsKeptToOneselfIsNotListed(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		a := serve(t, f)
		p := f.add(t, "ada", "bob", "cem")
		a.actors["ada"], a.actors["cem"] = access.Actor{ID: p[0]}, access.Actor{ID: p[2]}
		must(t, f.Follow(t.Context(), p[0], p[1], How{}))
		must(t, f.Follow(t.Context(), p[2], p[0], How{}))
		path := fmt.Sprintf("GET /api/v1/accounts/%d/following", p[0])
		familiar := fmt.Sprintf("GET /api/v1/accounts/familiar_followers?id[]=%d", p[1])
		if _, body, _ := a.do(t, "cem", familiar, ""); !strings.Contains(body, `"acct":"ada"`) {
			t.Errorf("familiar followers: %s", body)
		}
		yes := true
		must(t, f.people.Update(t.Context(), p[0], profileChange(&yes)))
		for who, want := range map[string]string{"": "[]", "cem": "[]"} {
			if status, body, _ := a.do(t, who, path, ""); status != 200 || body != want {
				t.Errorf("%q reads %d %s", who, status, body)
			}
		}
		if _, body, _ := a.do(t, "ada", path, ""); !slices.Equal(names(t, body), []string{"bob"}) {
			t.Errorf("ada reads %s", body)
		}
		if _, body, _ := a.do(t, "cem", familiar, ""); strings.Contains(body, `"acct":"ada"`) {
			t.Errorf("familiar followers tell what ada keeps to herself: %s", body)
		}
	})
}

// csvOf returns a file as it is downloaded.
func (a *api) csvOf(t *testing.T, who string, f File) string {
	t.Helper()
	status, body, _ := a.do(t, who, "GET /api/v1/exports/"+string(f)+".csv", "")
	if status != 200 {
		t.Fatalf("%s: %d %s", f, status, body)
	}
	return body
}

// bring uploads a file and waits until it is taken in.
func (a *api) bring(t *testing.T, who string, fields map[string]string, data string) Import {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for k, v := range fields {
		must(t, w.WriteField(k, v))
	}
	part, err := w.CreateFormFile("data", "file.csv")
	must(t, err)
	_, err = part.Write([]byte(data))
	must(t, err)
	must(t, w.Close())
	req, err := http.NewRequest("POST", a.URL+"/api/v1/import", &form)
	must(t, err)
	req.Header.Set("X-Test", who)
	req.Header.Set("Content-Type", w.FormDataContentType())
	res, err := a.Client().Do(req)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != http.StatusAccepted {
		t.Fatalf("import: %d %s", res.StatusCode, body)
	}
	var made struct{ ID id.ID }
	must(t, json.Unmarshal(body, &made))
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		_, text, _ := a.do(t, who, "GET /api/v1/imports", "")
		var all []Import
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		for _, im := range all {
			if im.ID == made.ID && im.State == "done" {
				return im
			}
		}
	}
	t.Fatal("the file was never taken in")
	return Import{}
}

func TestFilesGoAndComeAsMastodonWritesThem(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.jobs.Run(ctx) }()
		defer func() { cancel(); <-done }()
		a := serve(t, f)
		p := f.add(t, "ada", "bob", "cem", "dot")
		a.actors["ada"] = access.Actor{ID: p[0]}
		no, yes := false, true
		must(t, f.Follow(t.Context(), p[0], p[1], How{Boosts: &no, Notify: &yes, Langs: &[]string{"en", "de"}}))
		must(t, f.Follow(t.Context(), p[0], p[2], How{}))
		must(t, f.Mute(t.Context(), p[0], p[2], false, 0))
		must(t, f.Block(t.Context(), p[0], p[3]))
		must(t, f.BlockDomain(t.Context(), p[0], "bad.example"))
		for file, want := range map[File]string{
			FileFollowing: "Account address,Show boosts,Notify on new posts,Languages\ncem@town.example,true,false,\nbob@town.example,false,true,\"de, en\"\n",
			FileMutes:     "Account address,Hide notifications\ncem@town.example,false\n",
			FileBlocks:    "dot@town.example\n",
			FileDomains:   "bad.example\n",
			FileLists:     "", FileBookmarks: "",
		} {
			if diff := cmp.Diff(want, a.csvOf(t, "ada", file)); diff != "" {
				t.Errorf("%s.csv:\n%s", file, diff)
			}
		}

		// Merging adds; a stranger of elsewhere is a problem of its own line.
		got := a.bring(t, "ada", map[string]string{"type": "following", "mode": "merge"}, "\ufeffAccount address,Show boosts\r\n@BOB@town.example,true\r\nnobody@elsewhere.example,true\r\n")
		if got.Total != 2 || got.Done != 2 || got.Failed != 1 || len(got.Problems) != 1 || got.Problems[0].Line != "nobody@elsewhere.example" {
			t.Errorf("merged: %+v", got)
		}
		if want := "Account address,Show boosts,Notify on new posts,Languages\ncem@town.example,true,false,\nbob@town.example,true,true,\"de, en\"\n"; a.csvOf(t, "ada", FileFollowing) != want {
			t.Errorf("after merging: %s", a.csvOf(t, "ada", FileFollowing))
		}
		// Overwriting takes away what is not in the file.
		a.bring(t, "ada", map[string]string{"type": "following_accounts", "mode": "overwrite"}, "cem\n")
		if want := "Account address,Show boosts,Notify on new posts,Languages\ncem@town.example,true,false,\n"; a.csvOf(t, "ada", FileFollowing) != want {
			t.Errorf("after overwriting: %s", a.csvOf(t, "ada", FileFollowing))
		}
		a.bring(t, "ada", map[string]string{"type": "domain_blocks", "mode": "overwrite"}, "#domain,#severity\nworse.example,x\n")
		a.bring(t, "ada", map[string]string{"type": "blocks", "mode": "overwrite"}, "bob@town.example\n")
		a.bring(t, "ada", map[string]string{"type": "mutes"}, a.csvOf(t, "ada", FileMutes)+"bob@town.example,true\n")
		for file, want := range map[File]string{FileDomains: "worse.example\n", FileBlocks: "bob@town.example\n", FileMutes: "Account address,Hide notifications\nbob@town.example,true\ncem@town.example,false\n"} {
			if got := a.csvOf(t, "ada", file); got != want {
				t.Errorf("%s.csv after importing: %q", file, got)
			}
		}
		f.whole(t, p)

		// One file of a kind at a time; one that was never finished stands in nobody's way for long.
		cancel()
		<-done
		done <- nil
		if status, body, _ := a.do(t, "ada", "POST /api/v1/import", "type=following&data=bob"); status != 202 {
			t.Errorf("first: %d %s", status, body)
		}
		if status, body, _ := a.do(t, "ada", "POST /api/v1/import", "type=following&data=bob"); status != 409 {
			t.Errorf("second: %d %s", status, body)
		}
		f.clock.Advance(importFor + time.Hour)
		if status, body, _ := a.do(t, "ada", "POST /api/v1/import", "type=following&data=bob"); status != 202 {
			t.Errorf("a day later: %d %s", status, body)
		}
		for _, c := range []struct {
			who, body string
			status    int
		}{
			{"ada", "type=nonsense&data=x", 422},
			{"ada", "type=following&mode=perhaps&data=bob", 422},
			{"ada", "type=following", 422},
			{"ada", "type=following&data=%22", 422},
			{"", "type=following&data=bob", 401},
		} {
			if status, body, _ := a.do(t, c.who, "POST /api/v1/import", c.body); status != c.status {
				t.Errorf("import %q by %q: %d %s", c.body, c.who, status, body)
			}
		}
		if _, err := FileFollowing.parse([]byte(strings.Repeat("bob\n", MaxLines+1))); err == nil {
			t.Error("a file with too many lines was read")
		}
	})
}
