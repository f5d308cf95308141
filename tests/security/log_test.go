package security

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/tests/harness"
)

// TestTheLogTellsWhatHappenedAndNoSecret does with known secrets whatever takes one, at the log's finest level, and looks for them in it.
func TestTheLogTellsWhatHappenedAndNoSecret(t *testing.T) {
	const (
		password, wrong, token = "canary-Of-Passw0rds-1", "canary-of-wrong-ones-2", "canary-of-tokens-3-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		code, key              = "canary-of-codes-4", "canary-of-keys-5"
	)
	w := newTown(t, "--log-level", "debug")
	form := func(path string, v url.Values, headers ...string) reply {
		return w.ask(t, "POST", path, strings.NewReader(v.Encode()), append([]string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html"}, headers...)...)
	}
	secrets := []string{"canary", w.admin.Token, harness.Password}
	up := form("/sign-up", url.Values{"name": {"Cleo"}, "email": {"cleo@example.org"}, "password": {password}})
	for _, c := range up.Cookies() {
		if len(c.Value) >= 40 {
			secrets = append(secrets, c.Value)
		}
	}
	in := form("/sign-in", url.Values{"login": {"cleo@example.org"}, "password": {password}})
	signed := ""
	for _, c := range in.Cookies() {
		if c.Name == "__Host-stoa" {
			signed = c.Value
			secrets = append(secrets, c.Value)
		}
	}
	if signed == "" {
		t.Fatalf("signing in = %d %v", in.StatusCode, in.Cookies())
	}
	form("/sign-in", url.Values{"login": {"cleo@example.org"}, "password": {wrong}})
	form("/sign-in", url.Values{"login": {wrong}, "password": {wrong}})
	form("/sign-in/second", url.Values{"code": {code}}, "Cookie", "__Host-stoa_pending="+token)
	form("/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {"1"}, "client_secret": {key}, "code_verifier": {key}})
	form("/account/password", url.Values{"old": {wrong}, "password": {wrong}, "new": {wrong}}, "Cookie", "__Host-stoa="+signed)
	var out struct {
		Token string `json:"token"`
	}
	w.As("").Want(t, 201, "POST", "/session", map[string]string{"email": "cleo@example.org", "password": password}, &out)
	secrets = append(secrets, out.Token)
	for _, path := range []string{"/account", "/api/stoa/v1/me", "/admin", "/nowhere", "/reset/" + token, "/sign-in/link/" + token, "/t/" + token, "/setup?token=" + token, "/invite/" + token} {
		for _, h := range [][]string{
			{"Authorization", "Bearer " + token},
			{"Cookie", "__Host-stoa=" + token},
			{"Authorization", "Bearer " + out.Token},
			{"Cookie", "__Host-stoa=" + signed},
			{"Authorization", "Basic " + token},
		} {
			w.ask(t, "GET", path, nil, append(h, "Accept", "text/html")...)
		}
	}
	w.ask(t, "POST", "/api/stoa/v1/session", strings.NewReader(`{"email":"x","password":"`+wrong+`","password":"`+wrong+`"}`), "Content-Type", "application/json")
	w.ask(t, "POST", "/api/stoa/v1/session", strings.NewReader(`{"password":`+wrong), "Content-Type", "application/json")
	w.Stop(t)
	for _, s := range secrets {
		for line := range strings.Lines(w.Log()) {
			if strings.Contains(line, s) {
				t.Errorf("the log shows %q: %.300s", s, line)
				break
			}
		}
	}
	if !strings.Contains(w.Log(), "request failed") {
		t.Error("at its finest level the log does not tell of requests that failed")
	}
}

// TestNobodyWritesLinesIntoTheLog sends line ends and colours wherever text goes in. Each line must still be one JSON document.
func TestNobodyWritesLinesIntoTheLog(t *testing.T) {
	w := newTown(t, "--log-level", "debug")
	const forged = "x\r\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\n\x1b[31mred"
	for _, path := range []string{"/" + url.PathEscape(forged), "/r/" + url.PathEscape(forged), "/?q=" + url.QueryEscape(forged), "/api/stoa/v1/orders/" + url.PathEscape(forged), "/media/" + url.PathEscape(forged)} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			w.ask(t, method, path, nil, "User-Agent", "forged\tagent", "X-Request-Id", "forged", "Traceparent", "forged", "X-Forwarded-For", "forged")
		}
	}
	for _, body := range []any{
		map[string]any{"name": forged, "email": "forged@example.org", "password": harness.Password},
		map[string]any{"name": "x", "email": forged, "password": forged},
	} {
		w.As("").Do(t, "POST", "/accounts", body)
	}
	w.Stop(t)
	lines := 0
	for line := range strings.Lines(w.Log()) {
		if !strings.HasPrefix(line, "{") {
			if strings.Contains(line, "forged") || strings.ContainsAny(line, "\x1b\r") {
				t.Errorf("a line of somebody else's: %q", line)
			}
			continue
		}
		var v struct {
			Msg string `json:"msg"`
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Msg == "forged" {
			t.Errorf("a line that is not ours: %v %q", err, line)
		}
		lines++
	}
	if lines < 10 {
		t.Errorf("only %d lines", lines)
	}
}

// TestAFailedStepTellsNothingOfItsCause asks for what fails in many ways: no answer shows a trace, a path of the source or a statement.
func TestAFailedStepTellsNothingOfItsCause(t *testing.T) {
	w := newTown(t)
	for _, rt := range routes(t) {
		if rt[0] != http.MethodPost && rt[0] != http.MethodPatch && rt[0] != http.MethodPut {
			continue
		}
		for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			res := w.ask(t, rt[0], w.fill(rt[1]), strings.NewReader("{\"x\":\x00\xff&=%zz"), "Content-Type", kind, "Authorization", "Bearer "+w.admin.Token, "Idempotency-Key", "x")
			if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable { // which says that no letters can be sent
				t.Errorf("%s %s as %s = %d %.200s", rt[0], rt[1], kind, res.StatusCode, res.text)
			}
			for _, word := range []string{"goroutine ", ".go:", "SELECT ", "INSERT INTO", "sqlite", "pgx", "panic", "/internal/"} {
				if strings.Contains(string(res.text), word) {
					t.Errorf("%s %s as %s shows %q: %.200s", rt[0], rt[1], kind, word, res.text)
				}
			}
		}
	}
}
