package devmail

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

// town returns the pages of a town with one letter, and its id.
func town(t *testing.T) (http.Handler, string) {
	t.Helper()
	d := dbtest.SQLite(t, jobs.Schema, mail.Schema)
	quiet := slog.New(slog.DiscardHandler)
	q := jobs.New(d, events.NewLocal(), time.Now, id.NewSource(1), jobs.Options{Log: quiet})
	m := mail.New(d, q, time.Now, mail.Options{Mode: mail.Dev, Log: quiet})
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		return m.Send(t.Context(), tx, mail.Letter{
			Kind: "account.confirm", To: "anna@home.example", Subject: "Confirm <your> address", Lines: []string{"Hello & welcome."},
			Action: &mail.Action{Label: "Confirm", URL: "http://127.0.0.1/confirm/abc"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	rt := httpx.NewRouter(quiet, "test", func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		http.Error(w, sentence, status)
	})
	Routes(rt, m, time.UTC)
	list, err := m.List(context.Background(), "", 1)
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("list = %v, %v", list, err)
	}
	return httpx.Harden(rt, httpx.HardenOptions{Timeout: time.Minute, MaxBody: 1 << 20, Stream: func(*http.Request) bool { return false }}), list.Items[0].ID.String()
}

func TestLettersAreListedAndShown(t *testing.T) {
	pages, letter := town(t)
	for path, c := range map[string]struct {
		status int
		want   []string
		not    []string
	}{
		"/dev/mail":                     {200, []string{"Confirm &lt;your&gt; address", "anna@home.example", "/dev/mail/" + letter}, []string{"confirm/abc"}},
		"/dev/mail/" + letter:           {200, []string{`href="http://127.0.0.1/confirm/abc"`, "Hello &amp; welcome.", `src="/dev/mail/` + letter + `/html"`, "sandbox="}, nil},
		"/dev/mail/" + letter + "/html": {200, []string{`<base target="_top">`, "Hello &amp; welcome.", "http://127.0.0.1/confirm/abc"}, []string{"<script"}},
		"/dev/mail/1":                   {404, nil, nil},
		"/dev/mail/x":                   {404, nil, nil},
		"/dev/mail/1/html":              {404, nil, nil},
	} {
		t.Run(path, func(t *testing.T) {
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != c.status {
				t.Fatalf("status %d; want %d: %s", w.Code, c.status, w.Body)
			}
			for _, s := range c.want {
				if !strings.Contains(w.Body.String(), s) {
					t.Errorf("lacks %q", s)
				}
			}
			for _, s := range c.not {
				if strings.Contains(w.Body.String(), s) {
					t.Errorf("shows %q", s)
				}
			}
		})
	}
}

func TestALetterIsShownInACageOfItsOwn(t *testing.T) {
	pages, letter := town(t)
	policy := func(path string) string {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Header().Get("Content-Security-Policy")
	}
	if p := policy("/dev/mail/" + letter + "/html"); !strings.Contains(p, "default-src 'none'") || !strings.Contains(p, "sandbox ") || strings.Contains(p, "allow-scripts") || strings.Contains(p, "allow-same-origin") {
		t.Errorf("the letter runs under %q", p)
	}
	if p := policy("/dev/mail/" + letter); !strings.Contains(p, "frame-src 'self'") || !strings.Contains(p, "script-src 'nonce-") {
		t.Errorf("its page runs under %q", p)
	}
	if p := policy("/dev/mail"); strings.Contains(p, "frame-src 'self'") {
		t.Errorf("the list may frame: %q", p)
	}
}
