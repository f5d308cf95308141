package httpx

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

type ctxKey int

const (
	keyRequestID ctxKey = iota
	keyNonce
)

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	s, _ := ctx.Value(keyRequestID).(string)
	return s
}

// Nonce returns the Content-Security-Policy nonce of the request that ctx belongs to, or "".
func Nonce(ctx context.Context) string {
	s, _ := ctx.Value(keyNonce).(string)
	return s
}

// token returns 96 random bits in base64url.
func token() string {
	var b [12]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Harden wraps the whole server: request ids, cross-site protection, security headers, a time limit for everything but streams, and a
// limit on every body. next's handlers may lower a body's limit, not raise it.
func Harden(next http.Handler, o HardenOptions) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, "application/problem+json", http.StatusForbidden, &Problem{
			Type: "about:blank", Title: "Forbidden", Status: http.StatusForbidden, Code: "cross_site", Detail: "This request came from another site.",
		})
	}))
	inner := csrf.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), keyRequestID, token())
		h := w.Header()
		h.Set("X-Request-Id", RequestID(ctx))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			nonce := token()
			ctx = context.WithValue(ctx, keyNonce, nonce)
			h.Set("Content-Security-Policy", policy(nonce))
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Permissions-Policy", "geolocation=(self), camera=(self), microphone=()")
		}
		if o.HTTPS {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		if !o.Stream(r) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, o.Timeout)
			defer cancel()
		}
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, o.MaxBody)
		inner.ServeHTTP(w, r)
	})
}

// HardenOptions are the edge's limits.
type HardenOptions struct {
	Timeout time.Duration              // for a handler; 0 means 10 s
	MaxBody int64                      // of any request, in bytes
	HTTPS   bool                       // the server is reached by https: browsers are told to keep to it
	Stream  func(r *http.Request) bool // whether a request is a long-lived stream without a time limit
}

// policy is the Content-Security-Policy of pages: scripts only with the nonce, nothing from other hosts.
func policy(nonce string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "' 'strict-dynamic'; style-src 'self' 'nonce-" + nonce +
		"'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; form-action 'self'; worker-src 'self'; manifest-src 'self'; " +
		"frame-ancestors 'none'; base-uri 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types town default"
}

// Server is a listening HTTP server that stops without losing a request.
type Server struct {
	http *http.Server
	ln   net.Listener
}

// Listen opens addr ("127.0.0.1:8080"; port 0 takes a free one) and returns a Server that has yet to Serve.
func Listen(addr string, h http.Handler, log *slog.Logger) (*Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Server{ln: ln, http: &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 120 * time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Serve answers requests until Shutdown; it then returns nil.
func (s *Server) Serve() error {
	err := s.http.Serve(s.ln)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// OnShutdown has fn called when Shutdown begins, to end streams that would keep it waiting.
func (s *Server) OnShutdown(fn func()) { s.http.RegisterOnShutdown(fn) }

// Shutdown takes no new connections, waits for the running requests until ctx ends, then closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		s.http.Close()
	}
	return err
}
