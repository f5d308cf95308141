package signup

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the operation of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	rt.Page("GET /sign-up", httpx.Anyone, s.handlePage)
	rt.Page("POST /sign-up", httpx.Anyone, s.handleSignUp)
	rt.Page("GET /sign-up/sent", httpx.Anyone, s.handleSent)
	rt.Page("GET /sign-up/finish", httpx.Anyone, s.handleFinishPage)
	rt.Page("POST /sign-up/finish", httpx.Anyone, s.handleFinish)
	rt.Page("GET /sign-up/waiting", httpx.Anyone, s.handleWaiting)
	rt.Page("GET /sign-up/handle", httpx.Anyone, s.handleHandle)
	rt.Page("GET /rules", httpx.Anyone, s.handleRules)
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodPost, Path: "/accounts", Summary: "Sign up", Tags: []string{"People"}, DefaultStatus: http.StatusCreated, MaxBodyBytes: 16 << 10,
		Description: "Where the server confirms addresses by letter, the reply is 202 for everybody, known or not, and the link in the letter goes on from there; the password is chosen then. Else it is 201 with a bearer token. Where an admin has to say yes first there is no token.",
		Responses:   map[string]*huma.Response{"202": {Description: "A letter is on its way, or the account waits for an admin's word."}},
	}, httpx.Anyone, s.apiSignUp)
}

// form holds what was typed, so that a form that was refused comes back as it was, but for the password.
type form struct {
	Name     string `form:"name"`
	Email    string `form:"email"`
	Handle   string `form:"handle"`
	Password string `form:"password"`
	Lang     string `form:"lang"`
	TZ       string `form:"tz"`
	About    string `form:"about"`
	Invite   string `form:"invite"`
	Agreed   bool   `form:"agreed"`
	Ticket   string `form:"ticket"`
	Next     string `form:"next"`
}

func (f form) request() Request {
	up := account.SignUp{Name: f.Name, Email: f.Email, Handle: f.Handle, Password: f.Password, Lang: f.Lang, TZ: f.TZ}
	return Request{SignUp: up, Invite: f.Invite, About: f.About, Agreed: f.Agreed}
}

func (s *Service) view(in form, err error) view {
	return view{Form: in, Err: err, Mode: s.opt.Mode(), ByMail: s.opt.ByMail(), Rules: s.opt.Rules() != ""}
}

func (s *Service) handlePage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	next := httpx.LocalPath(q.Get("next"))
	if access.From(r.Context()).SignedIn() {
		return httpx.Redirect(w, r, next)
	}
	return httpx.Render(w, r, http.StatusOK, startPage(s.view(form{Next: next, Invite: q.Get("invite")}, nil)))
}

// visit is where a request comes from, whose browser is known from now on.
func (s *Service) visit(w http.ResponseWriter, r *http.Request) account.Visit {
	v := account.VisitFrom(r.Context())
	v.Browser = s.people.Browser(w, r)
	return v
}

func (s *Service) handleSignUp(w http.ResponseWriter, r *http.Request) error {
	var in form
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	in.Next = httpx.LocalPath(in.Next)
	if s.opt.ByMail() {
		if err := s.Ask(r.Context(), in.request(), in.Next, s.visit(w, r)); err != nil {
			return account.Again(w, r, err, startPage(s.view(in, err)))
		}
		return httpx.Redirect(w, r, "/sign-up/sent")
	}
	out, err := s.Join(r.Context(), in.request(), s.visit(w, r))
	if err != nil {
		return account.Again(w, r, err, startPage(s.view(in, err)))
	}
	return s.joined(w, r, out, in.Next)
}

// joined sends somebody who has an account now to where they were going, or to wait.
func (s *Service) joined(w http.ResponseWriter, r *http.Request, out account.SignedIn, next string) error {
	if out.Token == "" && out.Pending == "" {
		return httpx.Redirect(w, r, "/sign-up/waiting")
	}
	return s.people.Finish(w, r, out, next)
}

func (s *Service) handleSent(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, sentPage(s.opt.Mailbox))
}

func (s *Service) handleWaiting(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, waitingPage(s.post.On()))
}

func (s *Service) handleFinishPage(w http.ResponseWriter, r *http.Request) error {
	ticket := r.URL.Query().Get("ticket")
	address, b, err := s.opened(r.Context(), ticket)
	if err != nil {
		return account.Again(w, r, err, overPage(err))
	}
	in := form{Ticket: ticket, Email: address, Name: b.Name, Handle: b.Handle, Next: b.Next, Invite: b.Invite}
	return httpx.Render(w, r, http.StatusOK, finishPage(s.view(in, nil)))
}

func (s *Service) handleFinish(w http.ResponseWriter, r *http.Request) error {
	var in form
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	address, b, err := s.opened(r.Context(), in.Ticket)
	if err != nil {
		return account.Again(w, r, err, overPage(err))
	}
	in.Email, in.Invite, in.Next = address, b.Invite, httpx.LocalPath(b.Next)
	out, err := s.Finish(r.Context(), in.Ticket, in.request(), s.visit(w, r))
	if err != nil {
		if !errs.Is(err, errs.Invalid) {
			return account.Again(w, r, err, overPage(err))
		}
		return account.Again(w, r, err, finishPage(s.view(in, err)))
	}
	if in.Password == "" { // a passkey instead
		in.Next = "/account/passkeys?welcome=1&next=" + url.QueryEscape(in.Next)
	}
	return s.joined(w, r, out, in.Next)
}

func (s *Service) handleHandle(w http.ResponseWriter, r *http.Request) error {
	handle := r.URL.Query().Get("handle")
	if handle == "" {
		return httpx.Render(w, r, http.StatusOK, handleHint("", false))
	}
	wrong, err := s.people.HandleFree(r.Context(), handle)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, handleHint(wrong, wrong == ""))
}

func (s *Service) handleRules(w http.ResponseWriter, r *http.Request) error {
	rules := s.opt.Rules()
	if rules == "" {
		return errs.New(errs.NotFound, "This town has written no rules.")
	}
	return httpx.Render(w, r, http.StatusOK, rulesPage(paragraphs(rules)))
}

type signUpRequest struct {
	Body struct {
		Name     string `json:"name,omitempty"`
		Email    string `json:"email"`
		Password string `json:"password,omitempty" doc:"Not read where the address is confirmed by letter: whoever holds the letter chooses it."`
		Handle   string `json:"handle,omitempty" doc:"Made from the name where absent."`
		Lang     string `json:"lang,omitempty"`
		TZ       string `json:"tz,omitempty"`
		Invite   string `json:"invite,omitempty" doc:"Code of an invitation."`
		About    string `json:"about,omitempty" doc:"For the admins, where they decide."`
		Agreed   bool   `json:"agreed,omitempty" doc:"That the person keeps to the rules of the town, where it has some."`
	}
}

type signUpReply struct {
	Status int
	Body   struct {
		State     string      `json:"state" enum:"active,pending,letter" doc:"letter: one is on its way. pending: an admin has to say yes."`
		Token     string      `json:"token,omitempty" doc:"Send it as Authorization: Bearer …; it is shown this once."`
		ExpiresAt time.Time   `json:"expires_at,omitzero" doc:"The latest time; unused it ends after 30 days."`
		Account   *account.Me `json:"account,omitempty"`
	}
}

func (s *Service) apiSignUp(ctx context.Context, in *signUpRequest) (*signUpReply, error) {
	b := in.Body
	up := account.SignUp{Name: b.Name, Email: b.Email, Password: b.Password, Handle: b.Handle, Lang: b.Lang, TZ: b.TZ}
	req, v := Request{SignUp: up, Invite: b.Invite, About: b.About, Agreed: b.Agreed}, account.AppVisit(ctx, "")
	out := &signUpReply{Status: http.StatusAccepted}
	if s.opt.ByMail() {
		out.Body.State = "letter"
		return out, s.Ask(ctx, req, "/", v)
	}
	got, err := s.Join(ctx, req, v)
	if err != nil {
		return nil, err
	}
	if got.Token == "" {
		out.Body.State = "pending"
		return out, nil
	}
	me := account.Shown(got.Account)
	out.Status, out.Body.State, out.Body.Token, out.Body.ExpiresAt, out.Body.Account = http.StatusCreated, "active", got.Token, got.Session.ExpiresAt, &me
	return out, nil
}
