package oauth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// view is what the page on which a person agrees shows.
type view struct {
	Ask    Ask
	Person access.Actor
	Fields [][2]string // the request, to be sent again with the answer
	Again  bool        // the app wants the person to sign in anew
}

// may returns what the app is asked to be let do, a sentence each, without what another one says already.
func (v view) may() []access.Scope {
	var out []access.Scope
	for _, sc := range access.Scopes {
		if !slices.Contains(v.Ask.Scopes, sc.Word) {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(v.Ask.Scopes), func(w string) bool { return w == sc.Word })
		if !access.Allows(others, sc.Word) {
			out = append(out, sc)
		}
	}
	return out
}

// where returns where the app lives: the host of its redirect URI, or "" for an app on a device, with the scheme that leads to it.
func (v view) where() (host, scheme string) {
	u, err := url.Parse(v.Ask.RedirectURI)
	if err != nil {
		return "", ""
	}
	if u.Scheme == "https" {
		return u.Host, u.Scheme
	}
	return "", u.Scheme
}

// inPlace returns r with the language that the app asks its pages to be in.
func inPlace(r *http.Request, q url.Values) *http.Request {
	lang := i18n.Nearest(q.Get("lang"))
	if lang == "" {
		return r
	}
	ctx := i18n.With(r.Context(), lang)
	c := ui.ChromeFrom(ctx)
	c.Lang = lang
	return r.WithContext(ui.WithChrome(ctx, c))
}

// person returns who sits before the browser; false for nobody, and for tokens: what an app may do no other app can agree to.
func person(r *http.Request) (access.Actor, bool) {
	session, ok := account.SessionFrom(r.Context())
	return access.From(r.Context()), ok && session.Kind == account.KindSession
}

func (s *Service) handleAuthorizePage(w http.ResponseWriter, r *http.Request) error {
	q, err := tidy(r.URL.Query())
	if err != nil {
		return err
	}
	r = inPlace(r, q)
	ask, err := s.ReadAsk(r.Context(), q)
	if err != nil {
		return s.refuse(w, r, ask, err)
	}
	again := isTrue(q.Get("force_login"))
	q.Del("force_login")
	here := "/oauth/authorize?" + q.Encode()
	actor, ok := person(r)
	if !ok {
		return httpx.Redirect(w, r, "/sign-in?next="+url.QueryEscape(here))
	}
	return s.render(w, r, http.StatusOK, view{Ask: ask, Person: actor, Fields: fields(q), Again: again})
}

// isTrue reads a boolean as Mastodon's apps write them.
func isTrue(s string) bool {
	switch strings.ToLower(s) {
	case "", "0", "f", "false", "off", "no":
		return false
	}
	return true
}

// fields returns the parameters of a request that its answer has to bring along.
func fields(q url.Values) [][2]string {
	var out [][2]string
	for _, name := range askParams {
		if q.Has(name) && name != "force_login" {
			out = append(out, [2]string{name, q.Get(name)})
		}
	}
	return out
}

// render writes the page. Its form may lead to where the app lives: Chromium holds a form's redirects to the policy, too.
func (s *Service) render(w http.ResponseWriter, r *http.Request, status int, v view) error {
	if u, err := url.Parse(v.Ask.RedirectURI); err == nil && v.Ask.RedirectURI != OOB {
		to := u.Scheme + ":"
		if u.Scheme == "https" || u.Scheme == "http" {
			to = u.Scheme + "://" + u.Host
		}
		csp := w.Header().Get("Content-Security-Policy")
		w.Header().Set("Content-Security-Policy", strings.Replace(csp, "form-action 'self'", "form-action 'self' "+to, 1))
	}
	w.Header().Set("X-Frame-Options", "DENY") // for browsers that know no frame-ancestors
	w.Header().Set("Cache-Control", "no-store")
	return httpx.Render(w, r, status, authorizePage(v))
}

func (s *Service) handleAuthorize(w http.ResponseWriter, r *http.Request) error {
	actor, q, err := s.answered(w, r)
	if err != nil {
		return err
	}
	r = inPlace(r, q)
	ask, err := s.ReadAsk(r.Context(), q)
	if err != nil {
		return s.refuse(w, r, ask, err)
	}
	if q.Get("account") != actor.ID.String() {
		// Somebody else has signed in since, in another tab: they are to see for whom they agree.
		return s.render(w, r, http.StatusConflict, view{Ask: ask, Person: actor, Fields: fields(q)})
	}
	switch q.Get("decision") {
	case "allow":
	case "deny":
		return s.refuse(w, r, ask, fault(accessDenied, "The person said no."))
	default:
		return errs.New(errs.Invalid, "Choose whether you allow it.")
	}
	code, err := s.Allow(r.Context(), actor.ID, ask)
	if err != nil {
		return err
	}
	if ask.RedirectURI == OOB {
		w.Header().Set("X-Frame-Options", "DENY")
		return httpx.Render(w, r, http.StatusOK, codePage(ask.App, code))
	}
	s.sendBack(w, r, ask, url.Values{"code": {code}})
	return nil
}

// answered returns the person and the parameters of a form of these pages.
func (s *Service) answered(w http.ResponseWriter, r *http.Request) (access.Actor, url.Values, error) {
	actor, ok := person(r)
	if !ok {
		return access.Actor{}, nil, errs.New(errs.Forbidden, "Only people themselves may do that, not apps.")
	}
	if r.URL.RawQuery != "" {
		return access.Actor{}, nil, errs.New(errs.Invalid, "This form could not be read.")
	}
	q, err := readBody(w, r)
	if err != nil {
		return access.Actor{}, nil, err
	}
	return actor, q, once(q)
}

// handleOther signs the person out, so that they can go on as somebody else.
func (s *Service) handleOther(w http.ResponseWriter, r *http.Request) error {
	actor, q, err := s.answered(w, r)
	if err != nil {
		return err
	}
	session, _ := account.SessionFrom(r.Context())
	if err := s.accounts.EndSession(r.Context(), actor.ID, session.ID); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	again := url.Values{}
	for _, f := range fields(q) {
		again.Set(f[0], f[1])
	}
	return httpx.Redirect(w, r, "/sign-in?next="+url.QueryEscape("/oauth/authorize?"+again.Encode()))
}

// refuse answers a request that comes to nothing: to the app, where it is known to be the app's own address that it goes to, else to the
// person alone.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, ask Ask, err error) error {
	e := errs.As(err)
	if e == nil || e.Code == "" || ask.RedirectURI == "" {
		return err
	}
	if ask.RedirectURI == OOB {
		if e.Code == accessDenied {
			return httpx.Redirect(w, r, "/")
		}
		return errs.New(errs.Invalid, "The app that sent you here asks in a way that is not understood: %s", e.Message).WithCode(e.Code)
	}
	s.sendBack(w, r, ask, url.Values{"error": {e.Code}, "error_description": {plain(e.Message)}})
	return nil
}

// sendBack redirects the browser to the app with an answer. What the app registered stays as it is, letter by letter.
func (s *Service) sendBack(w http.ResponseWriter, r *http.Request, ask Ask, answer url.Values) {
	if ask.State != "" {
		answer.Set("state", ask.State)
	}
	answer.Set("iss", s.opt.Base(r)+"/")
	sep := "?"
	if strings.Contains(ask.RedirectURI, "?") {
		sep = "&"
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", ask.RedirectURI+sep+answer.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// parseID returns the id in a path, or a NotFound error.
func parseID(r *http.Request) (id.ID, error) {
	out, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return 0, errs.New(errs.NotFound, "There is nothing at this address.")
	}
	return out, nil
}
