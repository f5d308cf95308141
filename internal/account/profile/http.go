package profile

import (
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	read, manage, secure := httpx.May("account.read"), httpx.May("account.manage"), httpx.May("account.secure")
	rt.Page("GET /account", read, s.handleProfilePage)
	rt.Page("POST /account", manage, s.handleProfile)
	rt.Page("GET /account/security", secure, s.handleSecurityPage)
	rt.Page("POST /account/password", secure, s.handlePassword)
	rt.Page("POST /account/email", secure, s.handleEmail)
	rt.Page("GET /account/email/move", httpx.Anyone, s.handleMovePage)
	rt.Page("POST /account/email/move", httpx.Anyone, s.handleMove)
	rt.Page("GET /account/email/undo", httpx.Anyone, s.handleUndoPage)
	rt.Page("POST /account/email/undo", httpx.Anyone, s.handleUndo)
	rt.Page("GET /account/sessions", secure, s.handleSessionsPage)
	rt.Page("POST /account/sessions/{id}/end", secure, s.handleEndSession)
	rt.Page("POST /account/sign-out-everywhere", secure, s.handleSignOutEverywhere)
	signedIn, tags := []map[string][]string{{"bearer": {}}}, []string{"People"}
	httpx.Operation(rt, huma.Operation{Method: http.MethodGet, Path: "/me", Summary: "Read your account", Tags: tags, Security: signedIn}, read, s.apiMe)
	httpx.Operation(rt, huma.Operation{
		Method: http.MethodPatch, Path: "/me", Summary: "Change your name, language or time zone", Tags: tags, Security: signedIn, MaxBodyBytes: 16 << 10,
	}, manage, s.apiUpdate)
}

type profileForm struct {
	Name string `form:"name"`
	Lang string `form:"lang"`
	TZ   string `form:"tz"`
}

type passwordForm struct {
	Old      string `form:"old"`
	Password string `form:"password"`
}

type emailForm struct {
	Email string `form:"email"`
}

type ticketForm struct {
	Ticket string `form:"ticket"`
}

// done is what a page says after a change, by the word in its URL.
func done(r *http.Request) string {
	ctx := r.Context()
	switch r.URL.Query().Get("done") {
	case "profile":
		return i18n.T(ctx, "Saved.")
	case "password":
		return i18n.T(ctx, "Your password is changed. All other devices and apps are signed out.")
	case "email":
		return i18n.T(ctx, "A letter is on the way to the new address. The link in it makes the change.")
	case "session":
		return i18n.T(ctx, "That device is signed out.")
	case "others":
		return i18n.T(ctx, "All other devices are signed out.")
	}
	return ""
}

func (s *Service) handleProfilePage(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.read")
	if err != nil {
		return err
	}
	a, err := s.people.Get(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, profilePage(profileView{Account: a, Form: profileForm{a.Name, a.Lang, a.TZ}, Done: done(r)}))
}

func (s *Service) handleProfile(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.manage")
	if err != nil {
		return err
	}
	var in profileForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if _, err := s.people.Update(r.Context(), actor.ID, account.Profile{Name: &in.Name, Lang: &in.Lang, TZ: &in.TZ}); err != nil {
		a, geterr := s.people.Get(r.Context(), actor.ID)
		if geterr != nil {
			return geterr
		}
		return account.Again(w, r, err, profilePage(profileView{Account: a, Form: in, Err: err}))
	}
	return httpx.Redirect(w, r, "/account?done=profile")
}

// security reads what the page Security shows.
func (s *Service) security(r *http.Request) (v securityView, err error) {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return v, err
	}
	v.Account, err = s.people.Get(r.Context(), actor.ID)
	v.Links, v.Letters, v.Fresh = s.opt.Security, s.post.On(), account.Fresh(r.Context()) == nil
	return v, err
}

func (s *Service) handleSecurityPage(w http.ResponseWriter, r *http.Request) error {
	v, err := s.security(r)
	if err != nil {
		return err
	}
	v.Done = done(r)
	return httpx.Render(w, r, http.StatusOK, securityPage(v))
}

func (s *Service) handlePassword(w http.ResponseWriter, r *http.Request) error {
	v, err := s.security(r)
	if err != nil {
		return err
	}
	var in passwordForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	session, _ := account.SessionFrom(r.Context())
	if err := s.people.ChangePassword(r.Context(), v.Account.ID, session.ID, in.Old, in.Password); err != nil {
		v.PasswordErr = err
		return account.Again(w, r, err, securityPage(v))
	}
	return httpx.Redirect(w, r, "/account/security?done=password")
}

func (s *Service) handleEmail(w http.ResponseWriter, r *http.Request) error {
	v, err := s.security(r)
	if err != nil {
		return err
	}
	if err := account.Fresh(r.Context()); err != nil {
		return err
	}
	if !s.post.On() {
		return errs.New(errs.Unavailable, "This server sends no letters, so an address can't be confirmed.")
	}
	var in emailForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := s.askMove(r.Context(), v.Account.ID, in.Email); err != nil {
		v.Email, v.EmailErr = in.Email, err
		return account.Again(w, r, err, securityPage(v))
	}
	return httpx.Redirect(w, r, "/account/security?done=email")
}

func (s *Service) handleMovePage(w http.ResponseWriter, r *http.Request) error {
	ticket := r.URL.Query().Get("ticket")
	t, err := s.peek(r.Context(), kindMove, ticket)
	if err != nil {
		return over(w, r, err)
	}
	return httpx.Render(w, r, http.StatusOK, movePage(ticket, t.Email))
}

// over answers a link that was used or is too old.
func over(w http.ResponseWriter, r *http.Request, err error) error {
	return account.Again(w, r, err, overPage(err))
}

func (s *Service) handleMove(w http.ResponseWriter, r *http.Request) error {
	return s.linked(w, r, func(ctx context.Context, ticket string) (templ.Component, error) {
		address, err := s.move(ctx, ticket)
		return movedPage(address), err
	})
}

func (s *Service) handleUndoPage(w http.ResponseWriter, r *http.Request) error {
	ticket := r.URL.Query().Get("ticket")
	t, err := s.peek(r.Context(), kindUndo, ticket)
	if err != nil {
		return over(w, r, err)
	}
	return httpx.Render(w, r, http.StatusOK, undoPage(ticket, t.Email))
}

func (s *Service) handleUndo(w http.ResponseWriter, r *http.Request) error {
	return s.linked(w, r, func(ctx context.Context, ticket string) (templ.Component, error) {
		return undonePage(), s.undo(ctx, ticket)
	})
}

// linked answers the button below a letter's link with a page.
func (s *Service) linked(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, ticket string) (templ.Component, error)) error {
	var in ticketForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	page, err := do(r.Context(), in.Ticket)
	if err != nil {
		return over(w, r, err)
	}
	return httpx.Render(w, r, http.StatusOK, page)
}

func (s *Service) handleSessionsPage(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	list, err := s.people.Sessions(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	here, _ := account.SessionFrom(r.Context())
	v := sessionsView{Here: here.ID, Done: done(r)}
	for _, x := range list {
		if x.Kind == account.KindSession {
			v.Sessions = append(v.Sessions, x)
		}
	}
	return httpx.Render(w, r, http.StatusOK, sessionsPage(v))
}

func (s *Service) handleEndSession(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	session, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errs.New(errs.NotFound, "There is no such session.")
	}
	if here, _ := account.SessionFrom(r.Context()); here.ID == session {
		return s.people.Leave(w, r, "/sign-in")
	}
	// One that has ended meanwhile is what the person wanted.
	if err := s.people.EndSession(r.Context(), actor.ID, session); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return httpx.Redirect(w, r, "/account/sessions?done=session")
}

func (s *Service) handleSignOutEverywhere(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	session, _ := account.SessionFrom(r.Context())
	if err := s.people.SignOutEverywhere(r.Context(), actor.ID, session.ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/account/sessions?done=others")
}

type personReply struct{ Body account.Me }

type profileRequest struct {
	Body struct {
		Name *string `json:"name,omitempty"`
		Lang *string `json:"lang,omitempty"`
		TZ   *string `json:"tz,omitempty"`
	}
}

func (s *Service) apiMe(ctx context.Context, _ *struct{}) (*personReply, error) {
	actor, err := account.Self(ctx, "account.read")
	if err != nil {
		return nil, err
	}
	a, err := s.people.Get(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	return &personReply{Body: account.Shown(a)}, nil
}

func (s *Service) apiUpdate(ctx context.Context, in *profileRequest) (*personReply, error) {
	actor, err := account.Self(ctx, "account.manage")
	if err != nil {
		return nil, err
	}
	a, err := s.people.Update(ctx, actor.ID, account.Profile{Name: in.Body.Name, Lang: in.Body.Lang, TZ: in.Body.TZ})
	if err != nil {
		return nil, err
	}
	return &personReply{Body: account.Shown(a)}, nil
}
