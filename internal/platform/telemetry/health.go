package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sort"
	"sync"
	"time"
)

// checkWithin bounds one readiness check: a load balancer asks every few seconds and gives up soon.
const checkWithin = 2 * time.Second

// Live answers 200 as long as the process can answer at all.
func Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, health{Status: "alive"})
	})
}

// Ready knows whether the server can serve. The zero Ready has no checks and is ready. Safe for concurrent use.
type Ready struct {
	mu       sync.Mutex
	checks   map[string]func(context.Context) error
	draining bool
	log      *slog.Logger
}

// NewReady returns a Ready that logs the reasons of failing checks to log; the answer only names them.
func NewReady(log *slog.Logger) *Ready { return &Ready{log: log} }

// Add adds a check that must pass for the server to be ready. fn must heed ctx; one that does not answer in 2 s has failed. A second
// check of a name replaces the first.
func (r *Ready) Add(name string, fn func(ctx context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.checks == nil {
		r.checks = map[string]func(context.Context) error{}
	}
	r.checks[name] = fn
}

// Drain makes the server not ready for good: it is about to stop, and balancers should send nothing more.
func (r *Ready) Drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.draining = true
}

type health struct {
	Status   string    `json:"status"` // alive, ready, not_ready
	NotReady []problem `json:"not_ready,omitempty"`
}

type problem struct {
	Name string `json:"name"`
	Why  string `json:"why"` // failed, slow or stopping: the reason itself is for the log
}

// ServeHTTP answers 200, or 503 with the names of what is not ready.
func (r *Ready) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	bad := r.Check(req.Context())
	if len(bad) == 0 {
		answer(w, http.StatusOK, health{Status: "ready"})
		return
	}
	h := health{Status: "not_ready"}
	for name, why := range bad {
		h.NotReady = append(h.NotReady, problem{name, why})
	}
	sort.Slice(h.NotReady, func(i, j int) bool { return h.NotReady[i].Name < h.NotReady[j].Name })
	answer(w, http.StatusServiceUnavailable, h)
}

// Check runs all checks at the same time and returns those that do not pass, by name: "failed" or "slow"; and "server": "stopping" after
// Drain.
func (r *Ready) Check(ctx context.Context) map[string]string {
	ctx, stop := context.WithTimeout(ctx, checkWithin)
	defer stop()
	type result struct {
		name string
		err  error
	}
	bad := map[string]string{}
	r.mu.Lock()
	if r.draining {
		bad["server"] = "stopping"
	}
	results := make(chan result, len(r.checks))
	for name, fn := range r.checks {
		bad[name] = "slow"
		go func() { results <- result{name, guarded(ctx, fn)} }()
	}
	n := len(r.checks)
	r.mu.Unlock()
	for range n {
		select {
		case res := <-results:
			delete(bad, res.name)
			if res.err == nil {
				continue
			}
			bad[res.name] = "failed"
			if ctx.Err() != nil {
				bad[res.name] = "slow"
			}
			if r.log != nil {
				r.log.WarnContext(ctx, "telemetry: not ready", "check", res.name, "error", res.err)
			}
		case <-ctx.Done():
			return bad
		}
	}
	return bad
}

// guarded runs a check and takes a panic for a failure.
func guarded(ctx context.Context, fn func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fn(ctx)
}

func answer(w http.ResponseWriter, status int, h health) {
	b, err := json.Marshal(h)
	if err != nil {
		status, b = http.StatusInternalServerError, nil // strings always encode
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the asker may have gone
}
