package oidc

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages. The way out begins with a POST, since it leaves a row; browsers refuse to follow a form to another site, so
// the answer is a page that goes on by itself.
func (s *Service) Routes(rt *httpx.Router) {
	mine := httpx.May("account.secure")
	rt.Page("POST /sign-in/with/{provider}", httpx.Anyone, s.handleStart)
	rt.Page("GET /sign-in/with/{provider}/callback", httpx.Anyone, s.handleCallback)
	rt.Page("GET /sign-up/with", httpx.Anyone, s.handleJoinPage)
	rt.Page("POST /sign-up/with", httpx.Anyone, s.handleJoin)
	rt.Page("GET /account/connected", mine, s.handleList)
	rt.Page("POST /account/connected/{provider}/add", mine, s.handleConnect)
	rt.Page("GET /account/connected/join", mine, s.handleAcceptPage)
	rt.Page("POST /account/connected/join", mine, s.handleAccept)
	rt.Page("POST /account/connected/{id}/remove", mine, s.handleRemove)
}

// Buttons returns the sign-in page's buttons, one for each provider.
func (s *Service) Buttons() []func(next string) templ.Component {
	out := make([]func(string) templ.Component, len(s.opt.Providers))
	for i, p := range s.opt.Providers {
		out[i] = func(next string) templ.Component { return signInButton(p, next) }
	}
	return out
}

// Has reports whether the settings name any provider.
func (s *Service) Has() bool { return len(s.opt.Providers) > 0 }

type form struct {
	Name   string `form:"name"`
	Email  string `form:"email"`
	Handle string `form:"handle"`
	About  string `form:"about"`
	Invite string `form:"invite"`
	Agreed bool   `form:"agreed"`
	Ticket string `form:"ticket"`
	Next   string `form:"next"`
}

// goOn answers with a page that goes on to another site.
func goOn(w http.ResponseWriter, r *http.Request, p Provider, address string) error {
	w.Header().Set("Refresh", "0; url="+address)
	return httpx.Render(w, r, http.StatusOK, goOnPage(p.Name, address))
}

func (s *Service) handleStart(w http.ResponseWriter, r *http.Request) error {
	p, err := s.provider(r.PathValue("provider"))
	if err != nil {
		return err
	}
	var in form
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	address, err := s.begin(r.Context(), p, 0, 0, httpx.LocalPath(in.Next), s.People.Browser(w, r))
	if err != nil {
		return err
	}
	return goOn(w, r, p, address)
}

func (s *Service) handleConnect(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	p, err := s.provider(r.PathValue("provider"))
	if err != nil {
		return err
	}
	here, _ := account.SessionFrom(r.Context())
	address, err := s.begin(r.Context(), p, actor.ID, here.ID, "/account/connected", s.People.Browser(w, r))
	if err != nil {
		return err
	}
	return goOn(w, r, p, address)
}

func (s *Service) handleCallback(w http.ResponseWriter, r *http.Request) error {
	p, err := s.provider(r.PathValue("provider"))
	if err != nil {
		return err
	}
	q, ctx := r.URL.Query(), r.Context()
	v := account.VisitFrom(ctx)
	got, err := s.finish(ctx, p, answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error")}, v.Browser)
	if err != nil {
		s.Log.InfoContext(ctx, "a sign-in by another service failed", "issuer", p.Issuer, "err", err)
		return account.Again(w, r, err, failedPage(err, got.flow.Session != 0))
	}
	if got.flow.Session != 0 {
		return s.connectHere(w, r, got)
	}
	out, err := s.enter(ctx, got.person, v)
	if errs.Is(err, errs.NotFound) {
		ticket, err := s.invite(ctx, got.person, got.flow.Next, s.People.Browser(w, r))
		if err != nil {
			return err
		}
		return httpx.Redirect(w, r, "/sign-up/with?ticket="+url.QueryEscape(ticket))
	}
	if err != nil {
		return account.Again(w, r, err, failedPage(err, false))
	}
	return s.People.Finish(w, r, out, got.flow.Next)
}

// connectHere connects who has come back with the account that is signed in, if it is still the one that left.
func (s *Service) connectHere(w http.ResponseWriter, r *http.Request, got came) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	here, _ := account.SessionFrom(r.Context())
	if here.ID != got.flow.Session || actor.ID != got.account {
		return account.Again(w, r, errOver, failedPage(errOver, true))
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	if err := s.connect(r.Context(), actor.ID, got.person); err != nil {
		return account.Again(w, r, err, failedPage(err, true))
	}
	return httpx.Redirect(w, r, "/account/connected?done=added")
}

func (s *Service) handleJoinPage(w http.ResponseWriter, r *http.Request) error {
	if access.From(r.Context()).SignedIn() {
		return httpx.Redirect(w, r, connectPath(r.URL.Query().Get("ticket")))
	}
	ticket := r.URL.Query().Get("ticket")
	j, err := s.invited(r.Context(), ticket, account.VisitFrom(r.Context()).Browser)
	if err != nil {
		return account.Again(w, r, err, failedPage(err, false))
	}
	in := form{Name: j.Person.Name, Email: j.Person.Email, Handle: j.Person.Handle, Ticket: ticket}
	return httpx.Render(w, r, http.StatusOK, joinPage(s.joinView(in, j, nil)))
}

func (s *Service) joinView(in form, j joining, err error) joinView {
	return joinView{Form: in, Err: err, Terms: s.Door.Terms(), Proven: j.Person.Verified, Provider: s.named(j.Person.Issuer), SignIn: "/sign-in?next=" + url.QueryEscape(connectPath(in.Ticket))}
}

func (s *Service) handleJoin(w http.ResponseWriter, r *http.Request) error {
	var in form
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	v := account.VisitFrom(r.Context())
	j, err := s.invited(r.Context(), in.Ticket, v.Browser)
	if err != nil {
		return account.Again(w, r, err, failedPage(err, false))
	}
	if j.Person.Verified {
		in.Email = j.Person.Email
	}
	ask := signup.Request{SignUp: account.SignUp{Name: in.Name, Email: in.Email, Handle: in.Handle}, Invite: in.Invite, About: in.About, Agreed: in.Agreed}
	out, made, err := s.join(r.Context(), in.Ticket, ask, v)
	switch {
	case err != nil:
		return account.Again(w, r, err, joinPage(s.joinView(in, j, err)))
	case !made:
		return httpx.Redirect(w, r, "/sign-up/sent")
	case out.Token == "" && out.Pending == "":
		return httpx.Redirect(w, r, "/sign-up/waiting")
	}
	return s.People.Finish(w, r, out, j.Next)
}

// done is what the page of connections says after a change, by the word in its URL.
func done(r *http.Request) string {
	switch r.URL.Query().Get("done") {
	case "added":
		return i18n.T(r.Context(), "Connected. Next time you can sign in that way.")
	case "removed":
		return i18n.T(r.Context(), "The connection is removed.")
	}
	return ""
}

// page reads what the page of connections shows.
func (s *Service) page(r *http.Request, who id.ID, err error) (listView, error) {
	list, lerr := s.List(r.Context(), who)
	v := listView{Providers: s.opt.Providers, Fresh: account.Fresh(r.Context()) == nil, Done: done(r), Err: err}
	for _, i := range list {
		v.List = append(v.List, listed{i, s.named(i.Issuer)})
	}
	return v, lerr
}

func (s *Service) handleList(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	v, err := s.page(r, actor.ID, nil)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, listPage(v))
}

func (s *Service) handleRemove(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	identity, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errNoIdentity
	}
	if err := s.Remove(r.Context(), actor.ID, identity); err != nil {
		v, verr := s.page(r, actor.ID, err)
		if verr != nil {
			return verr
		}
		return account.Again(w, r, err, listPage(v))
	}
	return httpx.Redirect(w, r, "/account/connected?done=removed")
}

func (s *Service) handleAcceptPage(w http.ResponseWriter, r *http.Request) error {
	ticket := r.URL.Query().Get("ticket")
	j, err := s.invited(r.Context(), ticket, account.VisitFrom(r.Context()).Browser)
	if err != nil {
		return account.Again(w, r, err, failedPage(err, true))
	}
	return httpx.Render(w, r, http.StatusOK, acceptPage(ticket, s.named(j.Person.Issuer), j.Person))
}

func (s *Service) handleAccept(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	var in form
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if _, err := s.accept(r.Context(), in.Ticket, account.VisitFrom(r.Context()).Browser, actor.ID); err != nil {
		return account.Again(w, r, err, failedPage(err, true))
	}
	return httpx.Redirect(w, r, "/account/connected?done=added")
}
