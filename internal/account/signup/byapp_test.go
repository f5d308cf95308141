package signup

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

func TestAnAppMakesAnAccountByTheRulesOfTheTown(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s := newTown(d, Open)
		rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil)
		s.AppRoutes(rt, func(context.Context, id.ID) (string, error) { return "Tusky", nil })
		var actor access.Actor
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rt.ServeHTTP(w, r.WithContext(access.With(r.Context(), actor)))
		})
		ask := func(body string) (int, string) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("POST", "/api/v1/accounts", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			s.people.Middleware(h).ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		const good = "username=anna&email=anna@example.org&password=correct+horse+battery&agreement=true&locale=de_AT"
		if status, body := ask(good); status != 401 {
			t.Errorf("without a token: %d %s", status, body)
		}
		actor = access.Actor{ID: 5, App: 7, Scopes: []string{"read", "write"}}
		if status, body := ask(good); status != 401 {
			t.Errorf("with a person's token: %d %s", status, body)
		}
		actor = access.Actor{App: 7, Scopes: []string{"read"}}
		if status, body := ask(good); status != 403 {
			t.Errorf("without the scope: %d %s", status, body)
		}
		actor = access.Actor{App: 7, Scopes: []string{"read", "write"}}
		for body, want := range map[string]string{
			"username=anna&email=anna@example.org&password=correct+horse+battery&locale=en":             `"agreement":[{"error":"ERR_ACCEPTED"`,
			"username=An-na&email=anna&password=x&agreement=1&locale=en":                                `"username":[{"error":"ERR_INVALID"`,
			"username=anna&email=anna@example.org&password=short&agreement=1&locale=en":                 `"password":[{"error":"ERR_INVALID"`,
			"username=anna&email=anna@example.org&password=correct+horse+battery&agreement=1&locale=??": `"locale":[{"error":"ERR_INVALID"`,
		} {
			if status, reply := ask(body); status != 422 || !strings.Contains(reply, want) || !strings.Contains(reply, `"error":"Validation failed: `) {
				t.Errorf("%s: %d %s", body, status, reply)
			}
		}
		status, body := ask(good)
		var got appToken
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || got.Type != "Bearer" || got.Scope != "read write" || got.Created == 0 {
			t.Fatalf("%d %s", status, body)
		}
		session, err := s.people.SessionOf(t.Context(), got.Token)
		if err != nil || session.App != 7 || session.Device != "Tusky" {
			t.Errorf("the token is %+v, %v", session, err)
		}
		all, err := s.people.Sessions(t.Context(), session.Account)
		if err != nil || len(all) != 1 {
			t.Errorf("%d sessions, %v: want the app's token alone", len(all), err)
		}
		if status, body := ask(good); status != 422 || !strings.Contains(body, `"username"`) || !strings.Contains(body, `"email"`) {
			t.Errorf("a second time: %d %s", status, body)
		}
		s.mode = ByInvite
		if status, body := ask(strings.ReplaceAll(good, "anna", "bea")); status != 422 || !strings.Contains(body, `"invite_code"`) {
			t.Errorf("without an invitation: %d %s", status, body)
		}
		s.mode = Approval
		if status, body = ask(strings.ReplaceAll(good, "anna", "bea") + "&reason=I+live+here"); status != 200 {
			t.Fatalf("where admins decide: %d %s", status, body)
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if _, err := s.people.SessionOf(t.Context(), got.Token); err == nil {
			t.Error("the token works before an admin said yes")
		}
		s.mode, s.opt.ByMail = Open, func() bool { return true }
		if status, body := ask(strings.ReplaceAll(good, "anna", "cleo")); status != 422 || !strings.Contains(body, "letter") || len(s.post.letters) != 1 {
			t.Errorf("where letters confirm: %d %s, %d letters", status, body, len(s.post.letters))
		}
	})
}
