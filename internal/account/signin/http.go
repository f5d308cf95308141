package signin

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"
	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	rt.Page("GET /sign-in", httpx.Anyone, s.handlePage)
	rt.Page("POST /sign-in", httpx.Anyone, s.handleSignIn)
	rt.Page("POST /sign-out", httpx.Anyone, s.handleSignOut)
	rt.Page("POST /sign-in/link", httpx.Anyone, s.handleAskLink)
	rt.Page("GET /sign-in/link", httpx.Anyone, s.handleLink)
	rt.Page("POST /sign-in/link/enter", httpx.Anyone, s.handleEnter)
	rt.Page("GET /sign-in/sent", httpx.Anyone, s.handleSent)
	rt.Page("GET /sign-in/forgot", httpx.Anyone, s.handleForgotPage)
	rt.Page("POST /sign-in/forgot", httpx.Anyone, s.handleForgot)
	rt.Page("GET /sign-in/reset", httpx.Anyone, s.handleResetPage)
	rt.Page("POST /sign-in/reset", httpx.Anyone, s.handleReset)
	rt.Page("GET /sign-in/not-me", httpx.Anyone, s.handleNotMePage)
	rt.Page("POST /sign-in/not-me", httpx.Anyone, s.handleNotMe)
	rt.Page("GET /account/confirm", httpx.May("account.secure"), s.handleConfirmPage)
	rt.Page("POST /account/confirm", httpx.May("account.secure"), s.handleConfirm)
	rt.Page("POST /account/confirm/letter", httpx.May("account.secure"), s.handleConfirmLetter)
	rt.Page("GET /account/confirm/link", httpx.May("account.secure"), s.handleConfirmLink)
	rt.Page("POST /account/confirm/link", httpx.May("account.secure"), s.handleConfirmed)
	tags := []string{"People"}
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodPost, Path: "/session", Summary: "Sign in", Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: 16 << 10,
		Description: "Returns a bearer token for an app. Ten wrong passwords for a login are answered within 15 minutes. An account that asks for a second step is refused with the code second_step: its owner makes a token on the page Apps.",
	}, httpx.Anyone, s.apiSignIn)
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodDelete, Path: "/session", Summary: "Sign out", Tags: tags, Security: []map[string][]string{{"bearer": {}}}, DefaultStatus: http.StatusNoContent,
	}, httpx.Anyone, s.apiSignOut)
}

// signInForm holds what was typed, so that a form that was refused comes back as it was, but for the password.
type signInForm struct {
	Login    string `form:"login"`
	Password string `form:"password"`
	Next     string `form:"next"`
}

// ticketForm is what the button below a letter's link sends.
type ticketForm struct {
	Ticket   string `form:"ticket"`
	Password string `form:"password"`
	Next     string `form:"next"`
}

func (s *Service) page(in signInForm, err error) templ.Component { return signInPage(s.view(in, err)) }

func (s *Service) view(in signInForm, err error) signInView {
	return signInView{Form: in, Err: err, Letters: s.post.On(), Ways: buttons(s.opt.Ways, in.Next)}
}

func buttons(ways []func(next string) templ.Component, next string) []templ.Component {
	out := make([]templ.Component, len(ways))
	for i, way := range ways {
		out[i] = way(next)
	}
	return out
}

func (s *Service) handlePage(w http.ResponseWriter, r *http.Request) error {
	next := httpx.LocalPath(r.URL.Query().Get("next"))
	if access.From(r.Context()).SignedIn() {
		return httpx.Redirect(w, r, next)
	}
	return httpx.Render(w, r, http.StatusOK, s.page(signInForm{Next: next}, nil))
}

func (s *Service) handleSignIn(w http.ResponseWriter, r *http.Request) error {
	var in signInForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	in.Next = httpx.LocalPath(in.Next)
	out, err := s.people.SignIn(r.Context(), in.Login, in.Password, s.visit(w, r))
	if err != nil {
		v := s.view(in, err)
		if out.Account.ID != 0 && s.opt.Shut != nil {
			var bad error
			if v.Why, bad = s.opt.Shut(r.Context(), out.Account.ID); bad != nil {
				return bad
			}
		}
		return account.Again(w, r, err, signInPage(v))
	}
	return s.people.Finish(w, r, out, in.Next)
}

// visit is where a request comes from, whose browser is known from now on.
func (s *Service) visit(w http.ResponseWriter, r *http.Request) account.Visit {
	v := account.VisitFrom(r.Context())
	v.Browser = s.people.Browser(w, r)
	return v
}

func (s *Service) handleSignOut(w http.ResponseWriter, r *http.Request) error {
	return s.people.Leave(w, r, "/")
}

func (s *Service) handleAskLink(w http.ResponseWriter, r *http.Request) error {
	return s.asked(w, r, kindLink, func(in signInForm, err error) templ.Component { return s.page(in, err) })
}

func (s *Service) handleForgotPage(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, forgotPage(signInForm{}, s.post.On(), nil))
}

func (s *Service) handleForgot(w http.ResponseWriter, r *http.Request) error {
	return s.asked(w, r, kindReset, func(in signInForm, err error) templ.Component { return forgotPage(in, s.post.On(), err) })
}

var errNoLetters = errs.New(errs.Unavailable, "This server sends no letters. Ask the people who run this town to help you in.")

// asked answers a form that asks for a letter, whoever it is for, with the same page.
func (s *Service) asked(w http.ResponseWriter, r *http.Request, kind string, page func(signInForm, error) templ.Component) error {
	var in signInForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	in.Next = httpx.LocalPath(in.Next)
	err := errNoLetters
	if s.post.On() {
		err = nil
		if in.Login == "" {
			err = errs.InvalidField("login", "Write your e-mail address or handle.")
		}
	}
	if err != nil {
		return account.Again(w, r, err, page(in, err))
	}
	if err := s.ask(r.Context(), kind, in.Login, in.Next, s.visit(w, r)); err != nil {
		return account.Again(w, r, err, page(in, err))
	}
	return httpx.Redirect(w, r, "/sign-in/sent")
}

func (s *Service) handleSent(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, sentPage(s.opt.Mailbox))
}

func (s *Service) handleLink(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	t, a, err := s.peek(r.Context(), kindLink, q.Get("ticket"))
	if err != nil {
		return over(w, r, err)
	}
	v := linkView{Ticket: q.Get("ticket"), Next: httpx.LocalPath(q.Get("next")), Name: a.Name, Here: t.Fits(account.VisitFrom(r.Context()).Browser)}
	return httpx.Render(w, r, http.StatusOK, linkPage(v))
}

// over answers a link that was used or is too old.
func over(w http.ResponseWriter, r *http.Request, err error) error {
	return account.Again(w, r, err, overPage(err))
}

func (s *Service) handleEnter(w http.ResponseWriter, r *http.Request) error {
	var in ticketForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	out, err := s.byLink(r.Context(), in.Ticket, s.visit(w, r))
	if err != nil {
		return over(w, r, err)
	}
	return s.people.Finish(w, r, out, in.Next)
}

func (s *Service) handleResetPage(w http.ResponseWriter, r *http.Request) error {
	ticket := r.URL.Query().Get("ticket")
	_, a, err := s.peek(r.Context(), kindReset, ticket)
	if err != nil {
		return over(w, r, err)
	}
	return httpx.Render(w, r, http.StatusOK, resetPage(ticket, a.Email, nil))
}

func (s *Service) handleReset(w http.ResponseWriter, r *http.Request) error {
	var in ticketForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	out, err := s.reset(r.Context(), in.Ticket, in.Password, s.visit(w, r))
	switch {
	case errs.Is(err, errs.Invalid):
		return account.Again(w, r, err, resetPage(in.Ticket, "", err))
	case err != nil:
		return over(w, r, err)
	}
	return s.people.Finish(w, r, out, "/account/security?done=password")
}

func (s *Service) handleNotMePage(w http.ResponseWriter, r *http.Request) error {
	ticket := r.URL.Query().Get("ticket")
	if _, _, err := s.peek(r.Context(), kindNotMe, ticket); err != nil {
		return over(w, r, err)
	}
	return httpx.Render(w, r, http.StatusOK, notMePage(ticket))
}

func (s *Service) handleNotMe(w http.ResponseWriter, r *http.Request) error {
	var in ticketForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := s.notMe(r.Context(), in.Ticket); err != nil {
		return over(w, r, err)
	}
	return httpx.Redirect(w, r, "/sign-in/sent")
}

func (s *Service) confirmView(next string, err error) confirmView {
	return confirmView{Next: next, Err: err, Letters: s.post.On(), Ways: buttons(s.opt.Proofs, next)}
}

// asker returns who has to show that it is them, in which session, and where to go on.
func asker(r *http.Request) (access.Actor, account.Session, error) {
	actor, err := account.Self(r.Context(), "account.secure")
	session, ok := account.SessionFrom(r.Context())
	if err == nil && (!ok || session.Kind != account.KindSession) {
		err = errs.New(errs.Forbidden, "Only the person can do this, in a browser.")
	}
	return actor, session, err
}

func (s *Service) handleConfirmPage(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := asker(r); err != nil {
		return err
	}
	v := s.confirmView(httpx.LocalPath(r.URL.Query().Get("next")), nil)
	v.Sent = r.URL.Query().Get("sent") != ""
	return httpx.Render(w, r, http.StatusOK, confirmPage(v))
}

func (s *Service) handleConfirm(w http.ResponseWriter, r *http.Request) error {
	actor, session, err := asker(r)
	if err != nil {
		return err
	}
	var in ticketForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	next := httpx.LocalPath(in.Next)
	if err := s.people.ConfirmPassword(r.Context(), actor.ID, session.ID, in.Password); err != nil {
		return account.Again(w, r, err, confirmPage(s.confirmView(next, err)))
	}
	return s.renew(w, r, next)
}

// renew gives the session that has just been confirmed another secret, so that one which somebody had seen is worth nothing.
func (s *Service) renew(w http.ResponseWriter, r *http.Request, next string) error {
	if err := s.people.Renew(w, r); err != nil {
		return err
	}
	return httpx.Redirect(w, r, next)
}

func (s *Service) handleConfirmLetter(w http.ResponseWriter, r *http.Request) error {
	actor, session, err := asker(r)
	if err != nil {
		return err
	}
	var in ticketForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	next := httpx.LocalPath(in.Next)
	err = errNoLetters
	if s.post.On() {
		err = s.confirmByLetter(r.Context(), actor.ID, session.ID, next)
	}
	if err != nil {
		return account.Again(w, r, err, confirmPage(s.confirmView(next, err)))
	}
	return httpx.Redirect(w, r, "/account/confirm?sent=1&next="+url.QueryEscape(next))
}

func (s *Service) handleConfirmLink(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if _, _, err := s.peek(r.Context(), kindConfirm, q.Get("ticket")); err != nil {
		return over(w, r, err)
	}
	return httpx.Render(w, r, http.StatusOK, confirmLinkPage(q.Get("ticket"), httpx.LocalPath(q.Get("next"))))
}

func (s *Service) handleConfirmed(w http.ResponseWriter, r *http.Request) error {
	_, session, err := asker(r)
	if err != nil {
		return err
	}
	var in ticketForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := s.confirmed(r.Context(), in.Ticket, session); err != nil {
		return over(w, r, err)
	}
	return s.renew(w, r, httpx.LocalPath(in.Next))
}

type signInRequest struct {
	Body struct {
		Email    string `json:"email" doc:"E-mail address or handle."`
		Password string `json:"password"`
		Device   string `json:"device,omitempty" doc:"What the person will recognise the session by."`
	}
}

type tokenReply struct {
	Body struct {
		Token     string     `json:"token" doc:"Send it as Authorization: Bearer …; it is shown this once."`
		ExpiresAt time.Time  `json:"expires_at" doc:"The latest time; unused it ends after 30 days."`
		Account   account.Me `json:"account"`
	}
}

func (s *Service) apiSignIn(ctx context.Context, in *signInRequest) (*tokenReply, error) {
	out, err := s.people.SignIn(ctx, in.Body.Email, in.Body.Password, account.AppVisit(ctx, in.Body.Device))
	if err != nil {
		return nil, err
	}
	if out.Pending != "" {
		return nil, errs.New(errs.Forbidden, "This account asks for a second step. Sign in with a browser and make a token on the page Apps.").WithCode("second_step")
	}
	reply := &tokenReply{}
	reply.Body.Token, reply.Body.ExpiresAt, reply.Body.Account = out.Token, out.Session.ExpiresAt, account.Shown(out.Account)
	return reply, nil
}

func (s *Service) apiSignOut(ctx context.Context, _ *struct{}) (*struct{}, error) {
	session, ok := account.SessionFrom(ctx)
	if !ok {
		_, err := access.Require(ctx)
		return nil, err
	}
	if err := s.people.EndSession(ctx, session.Account, session.ID); err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	return nil, nil
}
