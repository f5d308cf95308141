package filter

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

func TestWordsAreFoundWhateverTheirCaseAndAccents(t *testing.T) {
	for _, c := range []struct {
		word  string
		whole bool
		in    string
		want  bool
	}{
		{"Café", true, "wir gehen ins CAFE heute", true},
		{"cafe", true, "cafeteria", false},
		{"cafe", false, "Cafétéria", true},
		{"art", true, "start, art!", true},
		{"art", true, "start arts", false},
		{"#town", true, "hello #town.", true},
		{"#town", true, "hello #townhall", false},
		{"#town", true, "my#town", true}, // a boundary is asked for where a letter is only
		{"über alles", true, "das geht Über  alles", false},
		{"straße", true, "die STRASSE", true},
		{"日本", true, "日本語", false},
		{"日本", false, "日本語", true},
		{"aa", true, "aaa aa", true},
	} {
		m := compile([]Filter{{FilterHead: social.FilterHead{Context: []string{"home"}}, Keywords: []Keyword{{Word: c.word, Whole: c.whole}}}}, time.Now)
		if found, _ := m.Match("home", text.Fold(c.in)); (len(found) > 0) != c.want {
			t.Errorf("%q (whole word %v) in %q = %v; want %v", c.word, c.whole, c.in, !c.want, c.want)
		}
	}
}

func TestFiltersHoldInTheirContextsUntilTheyEnd(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m := compile([]Filter{
		{FilterHead: social.FilterHead{ID: 1, Context: []string{"home"}, Action: "hide", Expires: social.Time{Time: now.Add(time.Hour)}}, Keywords: []Keyword{{Word: "ball"}}},
		{FilterHead: social.FilterHead{ID: 2, Context: []string{"home", "public"}, Action: "warn"}, Statuses: []Single{{Status: 77}}},
		{FilterHead: social.FilterHead{ID: 3, Context: []string{"home"}, Action: "hide"}},
	}, func() time.Time { return now })
	match := func(context string, ids ...id.ID) string {
		found, hide := m.Match(context, "football", ids...)
		s := ""
		for _, f := range found {
			s += fmt.Sprintf("%v%v%v ", f.Filter.ID, f.Keywords, f.Statuses)
		}
		return s + fmt.Sprint(hide)
	}
	for _, c := range [][2]string{
		{match("home"), "1[ball][] true"}, {match("public"), "false"}, {match("home", 5, 77), "1[ball][] 2[][77] true"}, {match("public", 77), "2[][77] false"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q; want %q", c[0], c[1])
		}
	}
	now = now.Add(2 * time.Hour)
	if got := match("home", 77); got != "2[][77] false" {
		t.Errorf("after the end: %q", got)
	}
	if compile([]Filter{{FilterHead: social.FilterHead{ID: 3}}}, time.Now) != nil {
		t.Error("a filter without words costs every reader a match")
	}
}

// readable lets everybody read every status below 1000.
type readable struct{}

func (readable) MayRead(_ context.Context, _, status id.ID) error {
	if status == 0 || status >= 1000 {
		return errs.New(errs.NotFound, "Record not found")
	}
	return nil
}

// server is the slice behind HTTP; the header X-As says who asks.
func server(t *testing.T, d *db.DB) (*Service, func(as, method, path, body string) (int, string)) {
	log := events.New(d, events.NewLocal())
	s := New(d, log, id.NewSource(1), time.Now, readable{})
	s.React(log)
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) })
	s.Routes(rt)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := id.Parse(r.Header.Get("X-As"))
		rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), access.Actor{ID: who})))
	}))
	t.Cleanup(srv.Close)
	return s, func(as, method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-As", as)
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
}

func decode[T any](t *testing.T, s string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

type wire struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Context  []string `json:"context"`
	Expires  *string  `json:"expires_at"`
	Action   string   `json:"filter_action"`
	Keywords []struct {
		ID    string `json:"id"`
		Word  string `json:"keyword"`
		Whole bool   `json:"whole_word"`
	} `json:"keywords"`
	Statuses []struct {
		ID     string `json:"id"`
		Status string `json:"status_id"`
	} `json:"statuses"`
}

func TestFiltersAreKeptAsAppsSendThem(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, call := server(t, d)
		status, body := call("7", "POST", "/api/v2/filters",
			"title=Football&context[]=home&context[]=public&filter_action=hide&expires_in=3600&keywords_attributes[0][keyword]=ball&keywords_attributes[0][whole_word]=true&keywords_attributes[1][keyword]=goal")
		f := decode[wire](t, body)
		if status != 200 || f.Title != "Football" || f.Action != "hide" || f.Expires == nil || len(f.Keywords) != 2 || !f.Keywords[0].Whole || f.Keywords[1].Whole || f.Statuses == nil {
			t.Fatalf("POST = %d %s", status, body)
		}
		if diff := cmp.Diff([]string{"home", "public"}, f.Context); diff != "" {
			t.Error(diff)
		}
		m, err := s.For(t.Context(), 7)
		if err != nil || m == nil {
			t.Fatalf("For = %v, %v", m, err)
		}
		if _, hide := m.Match("home", "a ball"); !hide {
			t.Error("the new filter hides nothing")
		}
		if _, body = call("7", "PUT", "/api/v2/filters/"+f.ID, "title=Sport&expires_in=&keywords_attributes[][id]="+f.Keywords[0].ID+"&keywords_attributes[][_destroy]=true"); decode[wire](t, body).Expires != nil || len(decode[wire](t, body).Keywords) != 1 {
			t.Errorf("PUT = %s", body)
		}
		m, _ = s.For(t.Context(), 7)
		if _, hide := m.Match("home", "a ball"); hide {
			t.Error("the deleted keyword still hides")
		}
		status, body = call("7", "POST", "/api/v2/filters/"+f.ID+"/statuses", "status_id=99")
		single := decode[map[string]string](t, body)
		if status != 200 || single["status_id"] != "99" {
			t.Fatalf("POST statuses = %d %s", status, body)
		}
		for _, c := range []struct {
			as, method, path, body string
			status                 int
			part                   string
		}{
			{"7", "GET", "/api/v2/filters", "", 200, `"title":"Sport"`},
			{"8", "GET", "/api/v2/filters", "", 200, `[]`},
			{"8", "GET", "/api/v2/filters/" + f.ID, "", 404, "not found"},
			{"8", "PUT", "/api/v2/filters/" + f.ID, "title=x", 404, "not found"},
			{"8", "DELETE", "/api/v2/filters/" + f.ID, "", 404, "not found"},
			{"8", "GET", "/api/v2/filters/keywords/" + f.Keywords[1].ID, "", 404, "not found"},
			{"8", "DELETE", "/api/v2/filters/statuses/" + single["id"], "", 404, "not found"},
			{"7", "GET", "/api/v2/filters/" + f.ID + "/keywords", "", 200, `"keyword":"goal"`},
			{"7", "GET", "/api/v2/filters/keywords/" + f.Keywords[1].ID, "", 200, `"keyword":"goal"`},
			{"7", "GET", "/api/v2/filters/" + f.ID + "/statuses", "", 200, `"status_id":"99"`},
			{"7", "GET", "/api/v2/filters/statuses/" + single["id"], "", 200, `"status_id":"99"`},
			{"7", "POST", "/api/v2/filters/" + f.ID + "/statuses", "status_id=1234", 404, "not found"},
			{"7", "POST", "/api/v2/filters/" + f.ID + "/keywords", "keyword=cup&whole_word=True", 200, `"whole_word":true`},
			{"7", "PUT", "/api/v2/filters/keywords/" + f.Keywords[1].ID, "keyword=goals", 200, `"keyword":"goals"`},
			{"7", "DELETE", "/api/v2/filters/statuses/" + single["id"], "", 200, `{}`},
			{"7", "POST", "/api/v2/filters", "title=&context[]=home", 422, "error"},
			{"7", "POST", "/api/v2/filters", "title=a", 422, "error"},
			{"7", "POST", "/api/v2/filters", "title=a&context[]=kitchen", 422, "error"},
			{"7", "POST", "/api/v2/filters", "title=a&context[]=home&filter_action=burn", 422, "error"},
			{"7", "POST", "/api/v2/filters", "title=a&context[]=home&keywords_attributes[][keyword]=", 422, "error"},
			{"7", "POST", "/api/v2/filters", "title=a&context[]=home&expires_in=soon", 422, "error"},
			{"7", "DELETE", "/api/v2/filters/" + f.ID, "", 200, `{}`},
			{"7", "GET", "/api/v2/filters/" + f.ID, "", 404, "not found"},
			{"0", "GET", "/api/v2/filters", "", 401, "error"},
		} {
			if status, body := call(c.as, c.method, c.path, c.body); status != c.status || !strings.Contains(body, c.part) {
				t.Errorf("%s %s as %s = %d %s; want %d with %s", c.method, c.path, c.as, status, body, c.status, c.part)
			}
		}
		if m, err := s.For(t.Context(), 7); m != nil || err != nil {
			t.Errorf("For after the last filter = %v, %v; want none", m, err)
		}
	}, events.Schema, Schema)
}

func TestTheOlderFormOfFiltersIsTheSameFilters(t *testing.T) {
	_, call := server(t, dbtest.SQLite(t, events.Schema, Schema))
	status, body := call("7", "POST", "/api/v1/filters", "phrase=ball&context[]=home&irreversible=1&whole_word=0")
	f := decode[map[string]any](t, body)
	if status != 200 || f["phrase"] != "ball" || f["irreversible"] != true || f["whole_word"] != false || f["expires_at"] != nil {
		t.Fatalf("POST = %d %s", status, body)
	}
	path := "/api/v1/filters/" + f["id"].(string)
	if _, body = call("7", "PUT", path, "phrase=balls&context[]=thread&irreversible=false"); !strings.Contains(body, `"phrase":"balls","context":["thread"]`) || !strings.Contains(body, `"irreversible":false`) {
		t.Errorf("PUT = %s", body)
	}
	if _, body = call("7", "GET", "/api/v2/filters", ""); !strings.Contains(body, `"filter_action":"warn"`) || !strings.Contains(body, `"keyword":"balls"`) {
		t.Errorf("as version 2: %s", body)
	}
	if status, _ = call("8", "DELETE", path, ""); status != 404 {
		t.Errorf("another's DELETE = %d; want 404", status)
	}
	if status, body = call("7", "DELETE", path, ""); status != 200 {
		t.Errorf("DELETE = %d %s", status, body)
	}
	if _, body = call("7", "GET", "/api/v2/filters", ""); body != "[]" {
		t.Errorf("after the only keyword was deleted: %s", body)
	}
}
