package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsCalledLikeASecretIsNotLogged(t *testing.T) {
	var b bytes.Buffer
	for _, format := range []string{JSON, Text} {
		log := NewLogger(&b, slog.LevelInfo, format).With("client_secret", "hunter2")
		log.Info("x", "password", "hunter2", "OAuth_Token", []byte("hunter2"), "Authorization", "Bearer hunter2", slog.Group("in", "set-cookie", "hunter2"), "tokens", 3, "name", "Anna")
	}
	if got := b.String(); strings.Contains(got, "hunter2") || strings.Count(got, "Anna") != 2 || strings.Count(got, "[redacted]") != 10 || !strings.Contains(got, `"tokens":3`) {
		t.Errorf("the log: %s", got)
	}
}

func TestALogLineIsOneLineWhateverIsInIt(t *testing.T) {
	for _, format := range []string{JSON, Text} {
		var b bytes.Buffer
		NewLogger(&b, slog.LevelInfo, format).Info("a\r\nb", "k\n", "v\r\n{\"level\":\"ERROR\"}\u2028\x1b[2J\x00", "err", fmt.Errorf("x\ny"))
		if got := b.String(); strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\r\x1b\x00") {
			t.Errorf("%s: %q", format, got)
		}
	}
}

func TestLogLinesCarryRequestAndTrace(t *testing.T) {
	var b bytes.Buffer
	log := NewLogger(&b, slog.LevelInfo, JSON).With("node", 3)
	trace := TraceID("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	ctx := WithRequest(t.Context(), "req1", trace)
	log.InfoContext(ctx, "a line\nand \"more\"")
	log.DebugContext(ctx, "unseen")
	log.Info("outside")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), b.String())
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	want := map[string]any{"level": "INFO", "msg": "a line\nand \"more\"", "node": 3.0, "request": "req1", "trace": "4bf92f3577b34da6a3ce929d0e0e4736"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if strings.Contains(lines[1], "request") || RequestID(ctx) != "req1" || RequestID(t.Context()) != "" {
		t.Error("a request id is where it does not belong, or missing")
	}
}

func TestBrokenTraceparentIsNoTrace(t *testing.T) {
	for _, s := range []string{
		"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e473\n-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
	} {
		if got := TraceID(s); got != "" {
			t.Errorf("TraceID(%q) = %q; want none", s, got)
		}
	}
}

func TestLevelsAreRead(t *testing.T) {
	if l, err := Level("WARN"); err != nil || l != slog.LevelWarn {
		t.Errorf("Level(WARN) = %v, %v", l, err)
	}
	if _, err := Level("loud"); err == nil {
		t.Error("Level(loud) was taken")
	}
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("metrics answer %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestRequestsAreCountedByPatternAndClass(t *testing.T) {
	m := NewMetrics()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /order/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "0" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, "ok")
	})
	mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) { panic("boom") })
	h := m.Count(mux)
	get := func(path string) {
		defer func() { recover() }() // as net/http does
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	for _, path := range []string{"/order/1", "/order/2", "/order/0", "/broken", "/nowhere/1", "/nowhere/2"} {
		get(path)
	}
	out := scrape(t, m)
	for _, want := range []string{
		`stoa_http_requests_total{route="GET /order/{id}",status="2xx"} 2`, `stoa_http_requests_total{route="GET /order/{id}",status="4xx"} 1`,
		`stoa_http_requests_total{route="GET /broken",status="5xx"} 1`, `stoa_http_requests_total{route="none",status="4xx"} 2`,
		`stoa_http_request_seconds_count{route="GET /order/{id}"} 3`, `stoa_http_requests_in_flight 0`, "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(out, "nowhere") {
		t.Error("a path became a label")
	}
}

func TestWritersBeneathTheCounterCanFlush(t *testing.T) {
	m := NewMetrics()
	s := httptest.NewServer(m.Count(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})))
	defer s.Close()
	res, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
}

func TestFiguresOfThePlatformAreScraped(t *testing.T) {
	m := NewMetrics()
	m.Batch(17, 3*time.Millisecond)
	m.SlowWrite()
	m.Job("order.remind", "completed", time.Second)
	m.Jobs(func(context.Context) (map[string]float64, error) { return map[string]float64{"available": 5}, nil })
	m.Streams(func(context.Context) (map[string]float64, error) { return map[string]float64{"sse": 2}, nil })
	m.EventLag(func(context.Context) (map[string]float64, error) { return nil, errors.New("no database") })
	out := scrape(t, m)
	for _, want := range []string{
		`stoa_jobs{state="available"} 5`, `stoa_streams{kind="sse"} 2`, `stoa_jobs_total{kind="order.remind",outcome="completed"} 1`,
		`stoa_db_batch_transactions_bucket{le="16"} 0`, `stoa_db_batch_transactions_bucket{le="32"} 1`, "stoa_db_slow_writes_total 1", "stoa_job_seconds_sum",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(out, "stoa_event_lag") {
		t.Error("a figure that could not be read is shown")
	}
}

func ask(h http.Handler) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestReadySaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReady(slog.New(slog.DiscardHandler))
		if code, body := ask(r); code != 200 || body != `{"status":"ready"}` {
			t.Errorf("with no checks: %d %s", code, body)
		}
		ok := true
		r.Add("database", func(context.Context) error {
			if !ok {
				return errors.New("connection to postgres://secret refused")
			}
			return nil
		})
		if code, _ := ask(r); code != 200 {
			t.Errorf("with a passing check: %d", code)
		}
		ok = false
		r.Add("slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		stuck := make(chan struct{})
		r.Add("stuck", func(context.Context) error { <-stuck; return nil })
		r.Add("wild", func(context.Context) error { panic("boom") })
		want := `{"status":"not_ready","not_ready":[{"name":"database","why":"failed"},{"name":"slow","why":"slow"},{"name":"stuck","why":"slow"},{"name":"wild","why":"failed"}]}`
		if code, body := ask(r); code != 503 || body != want {
			t.Errorf("got %d %s\nwant 503 %s", code, body, want)
		}
		close(stuck)
	})
}

func TestDrainingServerIsAliveAndNotReady(t *testing.T) {
	r := NewReady(nil)
	r.Drain()
	if code, body := ask(r); code != 503 || !strings.Contains(body, "stopping") {
		t.Errorf("ready: %d %s", code, body)
	}
	if code, body := ask(Live()); code != 200 || body != `{"status":"alive"}` {
		t.Errorf("alive: %d %s", code, body)
	}
}

type nullWriter struct{ h http.Header }

func (w nullWriter) Header() http.Header         { return w.h }
func (w nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w nullWriter) WriteHeader(int)             {}

func BenchmarkCount(b *testing.B) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /order/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
	r := httptest.NewRequest("GET", "/order/17", nil)
	w := nullWriter{http.Header{}}
	for name, h := range map[string]http.Handler{"bare": mux, "counted": NewMetrics().Count(mux)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
