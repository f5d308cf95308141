package httpx

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

type ctxKey int

const (
	keyRequestID ctxKey = iota
	keyNonce
	keyFormBody
	keyHead
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
		if r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0) {
			h.Set("Connection", "close") // whatever is left behind such a request is not the next one
		}
		if smuggles(r) {
			h.Set("Connection", "close")
			writeJSON(w, "application/problem+json", http.StatusBadRequest, &Problem{
				Type: "about:blank", Title: "Bad Request", Status: http.StatusBadRequest, Code: "ambiguous", Detail: "It is not clear where this request ends.",
			})
			return
		}
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
		if o.HSTS {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		if !o.Stream(r) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, o.Timeout)
			defer cancel()
		}
		if o.FormBody > 0 && r.Method == http.MethodPost {
			ctx = context.WithValue(ctx, keyFormBody, o.FormBody)
		}
		r = r.WithContext(ctx)
		r.RemoteAddr = o.client(r)
		r.Body = http.MaxBytesReader(w, r.Body, o.body(w, r))
		if o.Open == nil || !o.Open(r) {
			inner.ServeHTTP(w, r)
			return
		}
		if allow(w, r) {
			return
		}
		if foreign(r) {
			r.Header.Del("Cookie") // what is open to other sites knows nobody by cookies, so it can't be forged
		}
		next.ServeHTTP(w, r)
	})
}

// HardenOptions are the edge's limits.
type HardenOptions struct {
	Timeout  time.Duration              // for a handler
	MaxBody  int64                      // of any request, in bytes
	FormBody int64                      // of a form without files, in bytes; 0 means 64 KB
	HSTS     bool                       // browsers are told to keep to https: not with a certificate that they would then refuse for good
	Open     func(r *http.Request) bool // whether pages of other sites may send a request, without cookies; nil: none
	Stream   func(r *http.Request) bool // whether a request is a long-lived stream without a time limit
	Proxies  []netip.Prefix             // whose X-Forwarded-For is believed

	// LongBody returns how long the body of a request may be that may be longer than MaxBody, and take longer to come; 0: it may not.
	LongBody func(r *http.Request) int64
}

// longTime is how long a long body may take to come: 40 MB at a little more than 1 Mbit/s.
const longTime = 5 * time.Minute

// body returns how long the body of a request may be, and gives a long one its time.
func (o HardenOptions) body(w http.ResponseWriter, r *http.Request) int64 {
	if o.LongBody == nil {
		return o.MaxBody
	}
	long := o.LongBody(r)
	if long == 0 {
		return o.MaxBody
	}
	// A connection that can't say how long it waits keeps the limits of all.
	c, until := http.NewResponseController(w), time.Now().Add(longTime)
	_ = c.SetReadDeadline(until)
	_ = c.SetWriteDeadline(until)
	return long
}

// client returns the address that a request truly came from: the peer's, or, where that is a trusted proxy, the right-most address of
// X-Forwarded-For that is none. What a client itself writes into that header stands further left and is never believed.
func (o HardenOptions) client(r *http.Request) string {
	addr := r.RemoteAddr
	if len(o.Proxies) == 0 {
		return addr
	}
	peer, err := netip.ParseAddrPort(addr)
	if err != nil || !within(peer.Addr(), o.Proxies) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		ip, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return addr
		}
		addr = netip.AddrPortFrom(ip, 0).String()
		if !within(ip, o.Proxies) {
			return addr
		}
	}
	return addr
}

func within(ip netip.Addr, list []netip.Prefix) bool {
	ip = ip.Unmap()
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// policy is the Content-Security-Policy of pages: scripts only with the nonce, nothing from other hosts.
func policy(nonce string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "' 'strict-dynamic'; style-src 'self' 'nonce-" + nonce +
		"'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'self'; worker-src 'self'; manifest-src 'self'; " +
		"frame-ancestors 'none'; base-uri 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types town default"
}
