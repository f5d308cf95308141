package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/platform/config"
)

// away takes a reply and throws it away.
type away struct {
	head   http.Header
	status int
	n      int
}

func (w *away) Header() http.Header { return w.head }

func (w *away) WriteHeader(status int) { w.status = status }

func (w *away) Write(b []byte) (int, error) {
	w.n += len(b)
	return len(b), nil
}

// BenchmarkSocial asks the whole server, but for the network, in a town of thirty who all follow each other and have posted 900 times. With
// -cpuprofile it shows where the time of a timeline goes; tests/bench measures the same from outside.
func BenchmarkSocial(b *testing.B) {
	cfg, err := config.Load(config.Overrides{"data": b.TempDir(), "limits.rate": "off"}, nil, "")
	if err != nil {
		b.Fatal(err)
	}
	a, err := Build(b.Context(), cfg, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Version: "1"})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close(context.WithoutCancel(b.Context()))
	a.Start(b.Context())
	h := a.Handler()
	tokens, ids := make([]string, 30), make([]string, 30)
	for i := range tokens {
		who, _, err := a.Accounts.CreateWithRole(b.Context(), account.WithRole{Name: fmt.Sprint("bench_", i), Email: fmt.Sprint(i, "@example.org"), Password: password})
		if err != nil {
			b.Fatal(err)
		}
		if tokens[i], err = a.Accounts.CreateToken(b.Context(), who.ID, "bench", []string{"read", "write", "follow"}); err != nil {
			b.Fatal(err)
		}
		ids[i] = who.ID.String()
	}
	do := func(token, method, path string, form url.Values) *httptest.ResponseRecorder {
		w := ask(h, method, path, form, map[string]string{"Authorization": "Bearer " + token})
		if w.Code != 200 {
			b.Fatalf("%s %s = %d %s", method, path, w.Code, w.Body)
		}
		return w
	}
	for i, token := range tokens {
		for j := range ids {
			if i != j {
				do(token, "POST", "/api/v1/accounts/"+ids[j]+"/follow", url.Values{})
			}
		}
	}
	for n := range 900 {
		do(tokens[n%30], "POST", "/api/v1/statuses", url.Values{"status": {fmt.Sprint("Post ", n, ": the market opens at nine, bring a bag, and tell those next door that there are #plums again.")}})
	}
	for _, path := range []string{"/api/v1/timelines/home?limit=20", "/api/v1/timelines/public?limit=20", "/api/v1/notifications?limit=20", "/api/v1/accounts/verify_credentials"} {
		b.Run(strings.TrimPrefix(path, "/api/v1/"), func(b *testing.B) {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Authorization", "Bearer "+tokens[0])
			b.ReportAllocs()
			for b.Loop() {
				w := &away{head: http.Header{}}
				if h.ServeHTTP(w, r.Clone(b.Context())); w.status != 200 && w.status != 0 || w.n < 100 {
					b.Fatalf("%d with %d bytes", w.status, w.n)
				}
			}
		})
	}
}
