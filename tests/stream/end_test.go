package stream

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/tests/harness"
)

const secret = "a horse that is correct"

// signIn begins a session of somebody and returns its token.
func signIn(t *testing.T, s *harness.Server, who, password string) string {
	t.Helper()
	var out struct {
		Token string `json:"token"`
	}
	s.As("").Want(t, 201, "POST", "/session", map[string]any{"email": who, "password": password}, &out)
	return out.Token
}

// submit sends a form of a page as a browser does that holds a session.
func submit(t *testing.T, s *harness.Server, token, path string, pairs ...string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: "stoa", Value: token})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || strings.HasPrefix(res.Header.Get("Location"), "/sign-in") {
		t.Fatalf("POST %s = %d to %s", path, res.StatusCode, res.Header.Get("Location"))
	}
}

// ended fails unless a stream ends within five seconds, and its token opens no other.
func ended(t *testing.T, s *harness.Server, what, token string, live <-chan message) {
	t.Helper()
	late := time.After(5 * time.Second)
	for {
		select {
		case _, open := <-live:
			if open {
				continue
			}
			if r := s.As(token).Do(t, "GET", "///live?topic=dispatch", nil, "Accept", "text/event-stream"); r.Status != 401 {
				t.Errorf("%s: the token opens another stream: %d; want 401", what, r.Status)
			}
			return
		case <-late:
			t.Errorf("%s: the stream is still open after 5 s", what)
			return
		}
	}
}

// end ends sessions and tokens at node a in every way while their streams are open at node b.
func end(t *testing.T, a, b *harness.Server) {
	t.Helper()
	for what, act := range map[string]func(who, ending, other string){
		"signing out":        func(_, ending, _ string) { a.As(ending).Want(t, 204, "DELETE", "/session", nil, nil) },
		"signing out others": func(_, _, other string) { submit(t, a, other, "/account/sign-out-everywhere") },
		"another password": func(_, _, other string) {
			submit(t, a, other, "/account/password", "old", secret, "password", secret+"!")
		},
		"suspension":           func(who, _, _ string) { a.Admin(t, "admin", "account", "suspend", "--name", who) },
		"a role that is taken": func(who, _, _ string) { a.Admin(t, "admin", "role", "revoke", "dispatcher", "--account", who) },
	} {
		who := strings.ReplaceAll(what, " ", "_")
		a.Admin(t, "admin", "account", "create", "--name", who, "--email", who+"@example.org", "--password", secret, "--role", "dispatcher")
		ending, other := signIn(t, a, who, secret), signIn(t, a, who, secret)
		live, _ := listen(t, b, ending, "/live?topic=dispatch", "")
		if m := next(t, live); m.kind != "hello" {
			t.Fatalf("the stream begins with %q", m.kind)
		}
		act(who, ending, other)
		if what == "a role that is taken" {
			refused(t, b, ending, live)
			continue
		}
		ended(t, b, what, ending, live)
	}
	tokens(t, a, b)
}

// refused fails unless a stream ends within five seconds for somebody who is still signed in, but no dispatcher any more.
func refused(t *testing.T, s *harness.Server, token string, live <-chan message) {
	t.Helper()
	late := time.After(5 * time.Second)
	for {
		select {
		case _, open := <-live:
			if open {
				continue
			}
			if r := s.As(token).Do(t, "GET", "///live?topic=dispatch", nil, "Accept", "text/event-stream"); r.Status != 403 && r.Status != 404 {
				t.Errorf("who is no dispatcher any more listens: %d", r.Status)
			}
			return
		case <-late:
			t.Error("the stream of who is no dispatcher any more is still open after 5 s")
			return
		}
	}
}

// tokens ends an app's token by another password of its owner.
func tokens(t *testing.T, a, b *harness.Server) {
	t.Helper()
	c := a.Account(t, "till", "dispatcher")
	a.Admin(t, "admin", "account", "create", "--name", "tess", "--email", "tess@example.org", "--password", secret, "--role", "dispatcher")
	out := a.Admin(t, "admin", "token", "create", "--account", "tess", "--scopes", "read write")
	token := strings.Fields(out)[len(strings.Fields(out))-1]
	live, _ := listen(t, b, token, "/live?topic=dispatch", "")
	others, _ := listen(t, b, c.Token, "/live?topic=dispatch", "")
	for _, in := range []<-chan message{live, others} {
		if m := next(t, in); m.kind != "hello" {
			t.Fatalf("the stream begins with %q", m.kind)
		}
	}
	submit(t, a, signIn(t, a, "tess", secret), "/account/password", "old", secret, "password", secret+"!")
	ended(t, b, "another password, for a token", token, live)
	select {
	case _, open := <-others:
		if !open {
			t.Error("the stream of somebody else has ended")
		}
	default:
	}
}

func TestStreamsEndWithTheirSession(t *testing.T) {
	s := harness.Start(t, "serve")
	end(t, s, s)
}

func TestStreamsEndWithTheirSessionAtAnotherNode(t *testing.T) {
	bus, _ := harness.NATS(t)
	args := []string{"--database", harness.Postgres(t), "--nats", bus}
	a := harness.Start(t, "serve", args...)
	end(t, a, harness.Start(t, "serve", args...))
}
