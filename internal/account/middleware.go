package account

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// GuestCookie names the cookie by which the cart knows a guest.
const GuestCookie = "stoa_guest"

// tokenLen is how long id.Secret's tokens are: nothing else is worth a look-up.
const tokenLen = 43

// cookieName returns the name of the session's cookie. Browsers take a __Host- cookie only from this very host, by https.
func (s *Service) cookieName() string { return s.nameOf("stoa") }

func (s *Service) nameOf(cookie string) string {
	if s.opt.HTTPS {
		return "__Host-" + cookie
	}
	return cookie
}

// SetCookie gives the browser a session's token.
func (s *Service) SetCookie(w http.ResponseWriter, token string) {
	http.SetCookie(w, s.cookie(token, int(SessionMax.Seconds())))
}

func (s *Service) cookie(value string, maxAge int) *http.Cookie {
	return s.cookieOf("stoa", value, maxAge)
}

func (s *Service) cookieOf(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: s.nameOf(name), Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: s.opt.HTTPS, SameSite: http.SameSiteLaxMode}
}

// browserFor is how long a browser is known: as long as browsers keep a cookie at all.
const browserFor = 400 * 24 * time.Hour

// Browser returns the secret that a browser is known by, and gives it one where it has none: a link that it asks for works there alone,
// and wrong passwords that strangers try don't lock it out of accounts that signed in with it.
func (s *Service) Browser(w http.ResponseWriter, r *http.Request) string {
	if known := s.browserOf(r); known != "" {
		return known
	}
	secret := id.Secret()
	s.setBrowser(w, secret)
	return secret
}

func (s *Service) browserOf(r *http.Request) string {
	if c, err := r.Cookie(s.nameOf("stoa_browser")); err == nil && len(c.Value) == tokenLen {
		return c.Value
	}
	return ""
}

func (s *Service) setBrowser(w http.ResponseWriter, secret string) {
	http.SetCookie(w, s.cookieOf("stoa_browser", secret, int(browserFor.Seconds())))
}

var errToken = errs.New(errs.Unauthenticated, "This token is not valid, or no longer.").WithCode("invalid_token")

// Authenticate returns who makes a request, by its Bearer token or else its cookie: the zero Actor and Session for a request without one
// and for a cookie that is no longer valid, an Unauthenticated error for such a Bearer token.
func (s *Service) Authenticate(r *http.Request) (access.Actor, Session, error) {
	e, err := s.authenticate(r)
	return e.actor, e.session, err
}

func (s *Service) authenticate(r *http.Request) (entry, error) {
	if token, ok := bearer(r); ok {
		e, err := s.lookup(r.Context(), token)
		if err == nil && !e.actor.SignedIn() {
			return s.app(r.Context(), token)
		}
		return e, err
	}
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return entry{}, nil // no cookie
	}
	e, err := s.lookup(r.Context(), c.Value)
	if e.session.Kind == KindToken {
		return entry{}, nil // an app's token has no business in a browser's cookie
	}
	return e, err
}

// app returns the entry of a token that an app holds for itself, or an Unauthenticated error.
func (s *Service) app(ctx context.Context, token string) (entry, error) {
	if s.opt.App == nil || len(token) != tokenLen {
		return entry{}, errToken
	}
	a, err := s.opt.App(ctx, token)
	if errs.Is(err, errs.NotFound) {
		return entry{}, errToken
	}
	return entry{actor: a}, err
}

// SessionOf returns the session or token of an account with a secret, or a NotFound error for one that is not valid, or no longer.
func (s *Service) SessionOf(ctx context.Context, token string) (Session, error) {
	e, err := s.lookup(ctx, token)
	if err == nil && e.session.ID == 0 {
		return Session{}, errs.New(errs.NotFound, "This session has ended already.")
	}
	return e.session, err
}

// bearer returns the token in the Authorization header.
func bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// lookup returns what is known of a token: the zero entry where it is not, or no longer, valid.
func (s *Service) lookup(ctx context.Context, token string) (entry, error) {
	if len(token) != tokenLen {
		return entry{}, nil
	}
	d, now := digestOf(token), s.now()
	if e, ok := s.cache.get(d); ok && now.Sub(e.readAt) < rereadAfter {
		if !e.session.alive(now) {
			return entry{}, nil
		}
		e.actor = e.actor.At(now)
		return e, nil
	}
	mark := s.cache.begin()
	var session Session
	var a Account
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		var err error
		if session, err = s.store.session(ctx, tx, d); err != nil {
			return err
		}
		a, err = s.store.get(ctx, tx, session.Account)
		return err
	})
	if errors.Is(err, db.ErrNoRow) || errs.Is(err, errs.NotFound) {
		return entry{}, nil
	}
	if err != nil {
		return entry{}, err
	}
	if a.mayEnter() != nil || !session.alive(now) {
		return entry{}, nil
	}
	if now.Sub(session.SeenAt) >= touchEvery {
		// The request is good whether or not this can be noted: the next one tries again.
		if err := s.db.Write(ctx, func(tx *db.Tx) error { return s.store.touch(ctx, tx, session.ID, now) }); err == nil {
			session.SeenAt = now.UTC()
		}
	}
	e := entry{session: session, actor: a.actor(session), lang: a.Lang, tz: a.TZ, leaving: a.State == Leaving, readAt: now}
	s.cache.put(d, e, mark)
	e.actor = e.actor.At(now)
	return e, nil
}

type contextKey struct{}

// request is what the middleware knows of a request.
type request struct {
	entry entry
	visit Visit
	at    time.Time
}

// SessionFrom returns the session that a request came with, and whether it came with one.
func SessionFrom(ctx context.Context) (Session, bool) {
	q, _ := ctx.Value(contextKey{}).(*request)
	if q == nil {
		return Session{}, false
	}
	return q.entry.session, q.entry.session.ID != 0
}

// Prefs returns the language and time zone that the person chose; both are empty for guests.
func Prefs(ctx context.Context) (lang, tz string) {
	q, _ := ctx.Value(contextKey{}).(*request)
	if q == nil {
		return "", ""
	}
	return q.entry.lang, q.entry.tz
}

// LeavingFrom reports whether the account that a request came with is Leaving.
func LeavingFrom(ctx context.Context) bool {
	q, _ := ctx.Value(contextKey{}).(*request)
	return q != nil && q.entry.leaving
}

// VisitFrom returns where a request comes from: what Enter and its like want to know.
func VisitFrom(ctx context.Context) Visit {
	q, _ := ctx.Value(contextKey{}).(*request)
	if q == nil {
		return Visit{}
	}
	return q.visit
}

// Middleware puts the Actor of each request into its context. A request with a Bearer token that is not valid is answered by Options.Fail.
func (s *Service) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := s.authenticate(r)
		if err != nil {
			if errs.Is(err, errs.Unauthenticated) {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			}
			if s.opt.Fail == nil {
				w.WriteHeader(httpx.StatusOf(err))
				return
			}
			s.opt.Fail(w, r, err)
			return
		}
		q := &request{entry: e, visit: Visit{IP: clientIP(r), Device: r.UserAgent(), Browser: s.browserOf(r)}, at: s.now()}
		if c, err := r.Cookie(GuestCookie); err == nil {
			q.visit.Guest = c.Value
		}
		if c, err := r.Cookie(s.cookieName()); err == nil {
			q.visit.Old = c.Value
		}
		next.ServeHTTP(w, r.WithContext(access.With(context.WithValue(r.Context(), contextKey{}, q), e.actor)))
	})
}

// clientIP returns the address that a request comes from, without its port; platform/httpx has put what a trusted proxy says in its place.
func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
