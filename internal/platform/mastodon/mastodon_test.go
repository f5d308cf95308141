package mastodon

import (
	"bytes"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// input is a body with everything that the API asks for somewhere.
type input struct {
	Status    string    `json:"status"`
	Sensitive *bool     `json:"sensitive"`
	ReplyTo   id.ID     `json:"in_reply_to_id"`
	Media     []id.ID   `json:"media_ids"`
	At        time.Time `json:"scheduled_at"`
	Poll      *poll     `json:"poll"`
	Fields    []field   `json:"fields_attributes"`
	Types     []string  `json:"types"`
	Resolve   bool      `json:"resolve"`
	Focus     string    `json:"focus"`
}

type poll struct {
	Options   []string `json:"options"`
	ExpiresIn int      `json:"expires_in"`
	Multiple  bool     `json:"multiple"`
}

type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// server has one route that decodes what it gets into out.
func server(t *testing.T, out *input, fail *error) *httptest.Server {
	t.Helper()
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil, httpx.Address(func() string { return "https://town.example" }))
	h := func(r *Request) (any, error) {
		*out = input{}
		*fail = r.Decode(out)
		return nil, *fail
	}
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		Handle(rt, m+" /api/v1/echo", httpx.Anyone, h)
	}
	Handle(rt, "GET /api/v1/list/{id}", httpx.Anyone, func(r *Request) (any, error) {
		p, err := r.Page(20, 40)
		if err != nil {
			return nil, err
		}
		if _, err := r.ID("id"); err != nil {
			return nil, err
		}
		r.Link(p.MaxID, p.MinID)
		return []int{p.Limit}, nil
	})
	s := httptest.NewServer(rt)
	t.Cleanup(s.Close)
	return s
}

func send(t *testing.T, s *httptest.Server, method, path, kind, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestOneInputInEveryFormIsTheSame(t *testing.T) {
	yes := true
	want := input{
		Status: "Hello", Sensitive: &yes, ReplyTo: 42, Media: []id.ID{7, 8}, At: time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC),
		Poll: &poll{Options: []string{"a", "b"}, ExpiresIn: 300, Multiple: true}, Fields: []field{{"Street", "Main"}, {"Web", "x"}}, Types: []string{"mention"}, Focus: "0.1,-0.2",
	}
	form := "status=Hello&sensitive=True&in_reply_to_id=42&media_ids[]=7&media_ids[]=8&scheduled_at=2026-12-01T18:00:00.000Z&poll[options][]=a&poll[options][]=b" +
		"&poll[expires_in]=300&poll[multiple]=on&fields_attributes[1][name]=Web&fields_attributes[1][value]=x&fields_attributes[0][name]=Street&fields_attributes[0][value]=Main&types=mention&focus=0.1,-0.2&resolve=False"
	const json = `{"status":"Hello","sensitive":true,"in_reply_to_id":"42","media_ids":["7",8],"scheduled_at":"2026-12-01T19:00:00+01:00","poll":{"options":["a","b"],"expires_in":"300","multiple":1},
		"fields_attributes":{"0":{"name":"Street","value":"Main"},"1":{"name":"Web","value":"x"}},"types":"mention","focus":"0.1,-0.2","unknown":{"x":[1]}}`
	var parts bytes.Buffer
	mw := multipart.NewWriter(&parts)
	for _, pair := range strings.Split(form, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if err := mw.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := mw.Close(); err != nil {
		t.Fatal(err)
	}
	var got input
	var fail error
	s := server(t, &got, &fail)
	for name, c := range map[string]struct{ method, path, kind, body string }{
		"json":         {"POST", "/api/v1/echo", "application/json; charset=utf-8", json},
		"no type":      {"PUT", "/api/v1/echo", "text/plain", json},
		"form":         {"PATCH", "/api/v1/echo", "application/x-www-form-urlencoded", form},
		"delete, form": {"DELETE", "/api/v1/echo", "application/x-www-form-urlencoded", form},
		"delete, json": {"DELETE", "/api/v1/echo", "application/json", json},
		"parts":        {"POST", "/api/v1/echo", mw.FormDataContentType(), parts.String()},
		"query":        {"GET", "/api/v1/echo?" + strings.ReplaceAll(form, "+", "%2B"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			res := send(t, s, c.method, c.path, c.kind, c.body)
			if res.StatusCode != 200 || fail != nil {
				t.Fatalf("status %d, %v", res.StatusCode, fail)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWhatCantBeReadIsNamed(t *testing.T) {
	var got input
	var fail error
	s := server(t, &got, &fail)
	for body, name := range map[string]string{
		"sensitive=perhaps":                        "sensitive",
		"in_reply_to_id=x":                         "in_reply_to_id",
		"poll[expires_in]=soon":                    "poll.expires_in",
		"scheduled_at=tomorrow":                    "scheduled_at",
		"fields_attributes[x][name]=a":             "fields_attributes",
		"poll[options][]=a&poll[options][][x][]=1": "poll.options",
		`{"poll":"x"}`:                             "poll",
		`{"media_ids":["a"]}`:                      "media_ids[0]",
		`{"status":`:                               "",
		`{"status":"x"}{}`:                         "",
		"a[b][c][d][e][f][g]=1":                    "",
	} {
		t.Run(body, func(t *testing.T) {
			kind := "application/x-www-form-urlencoded"
			if body[0] == '{' {
				kind = "application/json"
			}
			res := send(t, s, "POST", "/api/v1/echo", kind, body)
			if res.StatusCode != 422 || !errs.Is(fail, errs.Invalid) {
				t.Fatalf("status %d, %v; want 422", res.StatusCode, fail)
			}
			text, _ := io.ReadAll(res.Body)
			if !strings.HasPrefix(string(text), `{"error":"`) || !strings.Contains(string(text), name) {
				t.Errorf("the reply %s does not name %q", text, name)
			}
		})
	}
}

func TestTextIsWhatEveryDatabaseTakes(t *testing.T) {
	var got input
	var fail error
	s := server(t, &got, &fail)
	send(t, s, "POST", "/api/v1/echo", "application/x-www-form-urlencoded", "status=a%00b%ff&types[]=x%00")
	if got.Status != "ab\uFFFD" || got.Types[0] != "x" {
		t.Errorf("got %q and %q", got.Status, got.Types)
	}
}

func TestPagesAreNamedNextFirst(t *testing.T) {
	var got input
	var fail error
	s := server(t, &got, &fail)
	for path, c := range map[string]struct {
		status     int
		link, body string
	}{
		"/api/v1/list/1?max_id=9&min_id=3&limit=100&only_media=true": {200, `<https://town.example/api/v1/list/1?limit=100&only_media=true&max_id=9>; rel="next", <https://town.example/api/v1/list/1?limit=100&only_media=true&min_id=3>; rel="prev"`, "[40]"},
		"/api/v1/list/1":            {200, "", "[20]"},
		"/api/v1/list/1?max_id=abc": {200, "", "[20]"},
		"/api/v1/list/1?limit=0":    {200, "", "[1]"},
		"/api/v1/list/1?limit=few":  {422, "", `{"error":"The limit is a whole number."}`},
		"/api/v1/list/x":            {404, "", `{"error":"Record not found"}`},
		"/api/v1/nothing":           {404, "", `{"error":"There is nothing at this address."}`},
	} {
		res := send(t, s, "GET", path, "", "")
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != c.status || res.Header.Get("Link") != c.link || string(body) != c.body || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
			t.Errorf("GET %s = %d, Link %q, %s", path, res.StatusCode, res.Header.Get("Link"), body)
		}
	}
}
