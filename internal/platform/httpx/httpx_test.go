package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
)

type thing struct {
	Body struct {
		Qty  int    `json:"qty" minimum:"1" maximum:"9"`
		Name string `json:"name" maxLength:"5"`
	}
}

type thingReply struct {
	Body struct {
		OK bool `json:"ok"`
	}
}

// router has one operation whose outcome the body's name chooses, a page that fails with err, and one that panics.
func router(err error) *Router {
	rt := NewRouter(slog.New(slog.NewTextHandler(io.Discard, nil)), "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<h1>%s</h1>", sentence)
	})
	Operation(rt, huma.Operation{Method: http.MethodPost, Path: "/things"}, Anyone, func(context.Context, *thing) (*thingReply, error) {
		if err != nil {
			return nil, err
		}
		return &thingReply{}, nil
	})
	rt.Page("GET /page", Anyone, func(http.ResponseWriter, *http.Request) error { return err })
	rt.Page("GET /boom", Anyone, func(http.ResponseWriter, *http.Request) error { panic("boom") })
	return rt
}

func do(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEveryKindHasItsStatusForProgramsAndForPeople(t *testing.T) {
	for kind, want := range map[errs.Kind]int{
		errs.Invalid: 422, errs.Unauthenticated: 401, errs.Forbidden: 403, errs.NotFound: 404, errs.Conflict: 409,
		errs.TooMany: 429, errs.Unavailable: 503, errs.Internal: 500, errs.TooLarge: 413,
	} {
		rt := router(fmt.Errorf("somewhere: %w", errs.New(kind, "This is what happened.").WithRetry(90*time.Second)))
		api := do(rt, "POST", Prefix+"/things", `{"qty":1,"name":"a"}`)
		if api.Code != want || api.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(api.Body.String(), "This is what happened.") {
			t.Errorf("%v: %d %s %s; want %d", kind, api.Code, api.Header(), api.Body, want)
		}
		if api.Header().Get("Retry-After") != "90" {
			t.Errorf("%v: Retry-After %q", kind, api.Header().Get("Retry-After"))
		}
		if page := do(rt, "GET", "/page", ""); page.Code != want || !strings.Contains(page.Body.String(), "<h1>This is what happened.") {
			t.Errorf("%v: page %d %s", kind, page.Code, page.Body)
		}
	}
}

func TestInternalErrorsTellNothing(t *testing.T) {
	rt := router(errors.New("password of the database is hunter2"))
	for _, w := range []*httptest.ResponseRecorder{do(rt, "POST", Prefix+"/things", `{"qty":1,"name":"a"}`), do(rt, "GET", "/page", "")} {
		if w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestFieldsAreNamedByTheirPlace(t *testing.T) {
	rt := router(errs.InvalidFields([]errs.Field{{Path: "lines[2].qty", Message: "Too many."}, {Path: "query.lat", Message: "No."}}))
	body := do(rt, "POST", Prefix+"/things", `{"qty":1,"name":"a"}`).Body.String()
	for _, want := range []string{`"body.lines[2].qty"`, `"query.lat"`, `"Too many."`, `"code":"invalid"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
}

func TestBadBodiesAreProblemsWithPathsNeverServerErrors(t *testing.T) {
	rt := router(nil)
	for name, body := range map[string]string{
		"too small": `{"qty":0,"name":"a"}`, "huge": `{"qty":1e309,"name":"a"}`, "wrong type": `{"qty":"x","name":"a"}`, "missing": `{}`,
		"unknown field": `{"qty":1,"name":"a","price":1}`, "no JSON": `{`, "array": `[]`, "null": `null`, "deep": strings.Repeat("[", 20_000),
		"trailing": `{"qty":1,"name":"a"} x`, "long": `{"qty":1,"name":"abcdefgh"}`, "empty": ` `,
	} {
		w := do(rt, "POST", Prefix+"/things", body)
		if w.Code < 400 || w.Code > 499 || !strings.Contains(w.Body.String(), `"path":"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := do(rt, "POST", Prefix+"/things", `{"qty":1,"name":"a"}`); w.Code != 200 {
		t.Errorf("a good body: %d %s", w.Code, w.Body)
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	rt := router(nil)
	if w := do(rt, "GET", Prefix+"/nothing", ""); w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s", w.Code, w.Header())
	}
	if w := do(rt, "DELETE", Prefix+"/things", ""); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("%d %s", w.Code, w.Header())
	}
}

func TestPanicBecomesAnErrorPage(t *testing.T) {
	if w := do(router(nil), "GET", "/boom", ""); w.Code != 500 || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestCrossSiteWritesAreRefused(t *testing.T) {
	h := Harden(router(nil), HardenOptions{Timeout: time.Second, MaxBody: 1 << 20, Stream: func(*http.Request) bool { return false }})
	if w := do(h, "POST", Prefix+"/things", `{"qty":1,"name":"a"}`, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("cross-site: %d", w.Code)
	}
	if w := do(h, "POST", Prefix+"/things", `{"qty":1,"name":"a"}`, "Origin", "https://evil.example"); w.Code != 403 {
		t.Errorf("foreign origin: %d", w.Code)
	}
	if w := do(h, "POST", Prefix+"/things", `{"qty":1,"name":"a"}`); w.Code != 200 {
		t.Errorf("a program: %d", w.Code)
	}
}

func TestLocalPathKeepsPeopleOnThisServer(t *testing.T) {
	for in, want := range map[string]string{
		"/orders?x=1": "/orders?x=1", "https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "javascript:alert(1)": "/",
		"": "/", "orders": "/", "/a\nb": "/",
	} {
		if got := LocalPath(in); got != want {
			t.Errorf("LocalPath(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestDecodeValuesReadsEachKindAndNamesWhatIsWrong(t *testing.T) {
	var in struct {
		Name string   `form:"name"`
		Qty  int      `form:"qty"`
		Lat  float64  `form:"lat"`
		On   bool     `form:"on"`
		Tags []string `form:"tag"`
	}
	if err := DecodeValues(url.Values{"name": {" a "}, "qty": {"3"}, "lat": {"50.5"}, "on": {"on"}, "tag": {"x", "y"}}, &in); err != nil {
		t.Fatal(err)
	}
	if in.Name != " a " || in.Qty != 3 || in.Lat != 50.5 || !in.On || len(in.Tags) != 2 {
		t.Fatalf("%+v", in)
	}
	err := DecodeValues(url.Values{"qty": {"three"}, "lat": {"NaN"}}, &in)
	if e, ok := errors.AsType[*errs.Error](err); !ok || len(e.Fields) != 2 {
		t.Fatalf("DecodeValues = %v; want two fields", err)
	}
}

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	o := HardenOptions{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:99", "", "192.0.2.1:99"},
		{"192.0.2.1:99", "198.51.100.1", "192.0.2.1:99"},
		{"127.0.0.1:99", "198.51.100.1", "127.0.0.1:99"},
		{"10.0.0.7:99", "", "10.0.0.7:99"},
		{"10.0.0.7:99", "6.6.6.6, 198.51.100.1", "198.51.100.1:0"},
		{"10.0.0.7:99", "6.6.6.6, 198.51.100.1, 10.0.0.8", "198.51.100.1:0"},
		{"10.0.0.7:99", "rubbish", "10.0.0.7:99"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := o.client(r); got != c.want {
			t.Errorf("client(%s, %q) = %s; want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestShutdownLetsARunningRequestFinish(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	srv, err := Listen("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "done")
	}), slog.New(slog.NewTextHandler(io.Discard, nil)), ServerOptions{ConnsPerIP: 2})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	got := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + srv.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		got <- string(b)
	}()
	<-begun
	down := make(chan error, 1)
	go func() { down <- srv.Shutdown(context.Background()) }()
	close(finish)
	if s := <-got; s != "done" {
		t.Errorf("the running request got %q", s)
	}
	if err := errors.Join(<-down, <-served); err != nil {
		t.Error(err)
	}
}

func TestBodiesAreAsLargeAsTheOperatorAllows(t *testing.T) {
	rt := NewRouter(slog.New(slog.DiscardHandler), "test", func(w http.ResponseWriter, _ *http.Request, status int, _ string) { w.WriteHeader(status) }, JSONBody(2000))
	type body struct {
		Body struct {
			Text string `json:"text"`
		}
	}
	Operation(rt, huma.Operation{Method: "POST", Path: "/echo"}, Anyone, func(context.Context, *body) (*struct{}, error) { return nil, nil })
	rt.Page("POST /form", Anyone, func(w http.ResponseWriter, r *http.Request) error {
		var f struct {
			Text string `form:"text"`
		}
		if err := DecodeForm(w, r, &f); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	never := func(*http.Request) bool { return false }
	h := Harden(rt, HardenOptions{Timeout: time.Second, MaxBody: 1 << 20, FormBody: 3000, Stream: never})
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, c := range []struct {
		path, body string
		headers    []string
		want       int
	}{
		{Prefix + "/echo", `{"text":"` + strings.Repeat("x", 1900) + `"}`, nil, 204},
		{Prefix + "/echo", `{"text":"` + strings.Repeat("x", 2000) + `"}`, nil, 413},
		{"/form", "text=" + strings.Repeat("x", 2900), form, 204},
		{"/form", "text=" + strings.Repeat("x", 3000), form, 413},
	} {
		if w := do(h, "POST", c.path, c.body, c.headers...); w.Code != c.want {
			t.Errorf("POST %s with %d bytes = %d; want %d", c.path, len(c.body), w.Code, c.want)
		}
	}
}
