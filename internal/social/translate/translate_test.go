package translate

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/fetch"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// libre is a LibreTranslate that shouts, over a socket. It is out of order while down is set.
type libre struct {
	*httptest.Server
	asked atomic.Int64
	down  atomic.Bool
}

func newLibre(t *testing.T) *libre {
	t.Helper()
	l := &libre{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /languages", func(w http.ResponseWriter, _ *http.Request) {
		if l.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(`[{"code":"de","name":"German","targets":["de","en"]},{"code":"en","name":"English","targets":["de"]}]`))
	})
	mux.HandleFunc("POST /translate", func(w http.ResponseWriter, r *http.Request) {
		l.asked.Add(1)
		var in struct {
			Q                      []string
			Source, Target, Format string
			Key                    string `json:"api_key"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Key != "secret" || in.Target != "en" {
			http.Error(w, `{"error":"no"}`, http.StatusForbidden)
			return
		}
		out := map[string]any{"detectedLanguage": []any{map[string]any{"language": "de", "confidence": 90}}}
		var texts []string
		for _, q := range in.Q {
			if in.Format == "html" {
				q = strings.ReplaceAll(q, "Hallo", "HELLO") + `<script>alert(1)</script><img src=x onerror=alert(1)>`
			} else {
				q = strings.ToUpper(q)
			}
			texts = append(texts, q)
		}
		out["translatedText"] = texts
		_ = json.NewEncoder(w).Encode(out)
	})
	l.Server = httptest.NewServer(mux)
	t.Cleanup(l.Close)
	return l
}

type shelf map[id.ID]*social.Status

func (s shelf) Statuses(_ context.Context, _ *social.Relations, ids []id.ID, _ string) (out []*social.Status, err error) {
	for _, n := range ids {
		if s[n] != nil {
			out = append(out, s[n])
		}
	}
	return out, nil
}

func TestPublicStatusesAreTranslatedOnceAndSafely(t *testing.T) {
	far := newLibre(t)
	de, alt := "de-AT", "ein Brot"
	posts := shelf{
		1: {
			ID: 1, Visibility: "public", Language: &de, Content: `<p>Hallo <a href="https://a.example" class="mention">@a</a></p>`, SpoilerText: "achtung",
			Poll: &social.Poll{ID: 9, Options: []social.Choice{{Title: "ja"}, {Title: "nein"}}}, Media: []social.Attachment{{ID: 7, Description: &alt}, {ID: 8}},
		},
		2: {ID: 2, Visibility: "private", Content: "<p>Hallo</p>"},
		3: {ID: 3, Visibility: "public", Content: "<p>Hallo</p>"},
		4: {ID: 4, Visibility: "public", LocalOnly: true, Content: "<p>Hallo</p>"},
	}
	address := far.URL
	s := New(Deps{
		HTTP: fetch.New(fetch.Options{AllowLoopback: true}).HTTP(), Now: time.Now, Statuses: posts, Server: func() (string, string) { return address, "secret" },
		Relations: func(_ context.Context, viewer id.ID) (*social.Relations, error) {
			return &social.Relations{Viewer: viewer}, nil
		},
	})
	rt := httpx.NewRouter(slog.New(slog.DiscardHandler), "test", nil)
	s.Routes(rt)
	ask := func(who id.ID, method, path string) (int, string) {
		rec := httptest.NewRecorder()
		rt.ServeHTTP(rec, httptest.NewRequestWithContext(access.With(t.Context(), access.Actor{ID: who}), method, path, nil))
		return rec.Code, rec.Body.String()
	}
	for _, c := range []struct {
		who    id.ID
		path   string
		status int
		want   string
	}{
		{1, "1/translate?lang=en", 200, `"spoiler_text":"ACHTUNG","poll":{"id":"9","options":[{"title":"JA"},{"title":"NEIN"}]},"media_attachments":[{"id":"7","description":"EIN BROT"},{"id":"8","description":""}],"language":"en","detected_source_language":"de","provider":"LibreTranslate"`},
		{2, "1/translate?lang=en-GB", 200, `HELLO`},
		{1, "3/translate", 200, `"detected_source_language":"de"`},
		{1, "1/translate?lang=fr", 422, `error`},
		{1, "2/translate?lang=en", 403, `error`},
		{1, "4/translate?lang=en", 403, `error`},
		{1, "5/translate?lang=en", 404, `error`},
		{0, "1/translate?lang=en", 401, `error`},
	} {
		if status, body := ask(c.who, "POST", "/api/v1/statuses/"+c.path); status != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "u003cscript") || strings.Contains(body, "onerror") {
			t.Errorf("%s = %d %s; want %d with %s", c.path, status, body, c.status, c.want)
		}
	}
	if n := far.asked.Load(); n != 3 { // twice for the first, as HTML and as texts, once for the other
		t.Errorf("the server was asked %d times; want 3", n)
	}
	if status, body := ask(0, "GET", "/api/v1/instance/translation_languages"); status != 200 || body != `{"de":["en"],"en":["de"]}` {
		t.Errorf("languages: %d %s", status, body)
	}
	far.down.Store(true)
	s.langsAt = time.Time{}
	if status, body := ask(1, "POST", "/api/v1/statuses/3/translate?lang=en"); status != 503 || strings.Contains(body, "502") {
		t.Errorf("out of order: %d %s", status, body)
	}
	address = ""
	if status, _ := ask(1, "POST", "/api/v1/statuses/3/translate?lang=en"); status != 404 {
		t.Errorf("without a server: %d", status)
	}
	if status, body := ask(0, "GET", "/api/v1/instance/translation_languages"); status != 200 || body != `{}` {
		t.Errorf("languages without a server: %d %s", status, body)
	}
}
