package account

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	rt.Page("GET /sign-up", httpx.Anyone, s.handleSignUpPage)
	rt.Page("POST /sign-up", httpx.Anyone, s.handleSignUp)
	rt.Page("GET /sign-in", httpx.Anyone, s.handleSignInPage)
	rt.Page("POST /sign-in", httpx.Anyone, s.handleSignIn)
	rt.Page("POST /sign-out", httpx.Anyone, s.handleSignOut)
	rt.Page("GET /account", httpx.May("account.read"), s.handleAccountPage)
	rt.Page("POST /account", httpx.May("account.manage"), s.handleProfile)
	rt.Page("POST /account/password", httpx.May("account.secure"), s.handlePassword)
	rt.Page("POST /account/sessions/{id}/end", httpx.May("account.secure"), s.handleEndSession)
	rt.Page("POST /account/sign-out-everywhere", httpx.May("account.secure"), s.handleSignOutEverywhere)
	s.api(rt)
}

// signUpForm and its like hold what was typed, so that a form that was refused comes back as it was, but for passwords.
type signUpForm struct {
	Name     string `form:"name"`
	Email    string `form:"email"`
	Handle   string `form:"handle"`
	Password string `form:"password"`
	Next     string `form:"next"`
}

type signInForm struct {
	Login    string `form:"login"`
	Password string `form:"password"`
	Next     string `form:"next"`
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

// forPerson reports whether a form can come back with the error beside its fields: what the person typed is at fault, not the server.
func forPerson(err error) bool {
	_, ok := errors.AsType[*errs.Error](err)
	return ok && httpx.StatusOf(err) < http.StatusInternalServerError
}

// again answers with the page of a form that was refused.
func again(w http.ResponseWriter, r *http.Request, err error, p templ.Component) error {
	if !forPerson(err) {
		return err
	}
	if e, _ := errors.AsType[*errs.Error](err); e.Retry > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int((e.Retry+time.Second-1)/time.Second)))
	}
	return httpx.Render(w, r, httpx.StatusOf(err), p)
}

func (s *Service) handleSignUpPage(w http.ResponseWriter, r *http.Request) error {
	next := httpx.LocalPath(r.URL.Query().Get("next"))
	if access.From(r.Context()).SignedIn() {
		return httpx.Redirect(w, r, next)
	}
	return httpx.Render(w, r, http.StatusOK, signUpPage(signUpForm{Next: next}, nil))
}

func (s *Service) handleSignUp(w http.ResponseWriter, r *http.Request) error {
	var in signUpForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	in.Next = httpx.LocalPath(in.Next)
	up := SignUp{Name: in.Name, Email: in.Email, Password: in.Password, Handle: in.Handle}
	out, err := s.Create(r.Context(), up, VisitFrom(r.Context()))
	if err != nil {
		return again(w, r, err, signUpPage(in, err))
	}
	s.SetCookie(w, out.Token)
	return httpx.Redirect(w, r, in.Next)
}

func (s *Service) handleSignInPage(w http.ResponseWriter, r *http.Request) error {
	next := httpx.LocalPath(r.URL.Query().Get("next"))
	if access.From(r.Context()).SignedIn() {
		return httpx.Redirect(w, r, next)
	}
	return httpx.Render(w, r, http.StatusOK, signInPage(signInForm{Next: next}, nil))
}

func (s *Service) handleSignIn(w http.ResponseWriter, r *http.Request) error {
	var in signInForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	in.Next = httpx.LocalPath(in.Next)
	out, err := s.SignIn(r.Context(), in.Login, in.Password, VisitFrom(r.Context()))
	if err != nil {
		return again(w, r, err, signInPage(in, err))
	}
	s.SetCookie(w, out.Token)
	return httpx.Redirect(w, r, in.Next)
}

func (s *Service) handleSignOut(w http.ResponseWriter, r *http.Request) error {
	if old := VisitFrom(r.Context()).Old; old != "" {
		if err := s.SignOut(r.Context(), old); err != nil {
			return err
		}
	}
	http.SetCookie(w, s.cookie("", -1))
	return httpx.Redirect(w, r, "/")
}

func (s *Service) handleAccountPage(w http.ResponseWriter, r *http.Request) error {
	actor := access.From(r.Context())
	if !actor.SignedIn() {
		return toSignIn(w, r)
	}
	if _, err := Self(r.Context(), "account.read"); err != nil {
		return err
	}
	v, err := s.view(r, actor.ID)
	if err != nil {
		return err
	}
	v.Done = done[r.URL.Query().Get("done")]
	return httpx.Render(w, r, http.StatusOK, accountPage(v))
}

// done is what the account page says after a change, by the word in its URL.
var done = map[string]string{
	"profile":  "Saved.",
	"password": "Your password is changed. All other devices are signed out.",
	"session":  "That device is signed out.",
	"others":   "All other devices are signed out.",
}

func (s *Service) handleProfile(w http.ResponseWriter, r *http.Request) error {
	actor, err := Self(r.Context(), "account.manage")
	if err != nil {
		return err
	}
	var in profileForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if _, err := s.Update(r.Context(), actor.ID, Profile{Name: &in.Name, Lang: &in.Lang, TZ: &in.TZ}); err != nil {
		return s.accountAgain(w, r, actor.ID, err, func(v *accountView) { v.Profile, v.ProfileErr = in, err })
	}
	return httpx.Redirect(w, r, "/account?done=profile")
}

func (s *Service) handlePassword(w http.ResponseWriter, r *http.Request) error {
	actor, err := Self(r.Context(), "account.manage")
	if err != nil {
		return err
	}
	var in passwordForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	session, _ := SessionFrom(r.Context())
	if err := s.ChangePassword(r.Context(), actor.ID, session.ID, in.Old, in.Password); err != nil {
		return s.accountAgain(w, r, actor.ID, err, func(v *accountView) { v.PasswordErr = err })
	}
	return httpx.Redirect(w, r, "/account?done=password")
}

func (s *Service) handleEndSession(w http.ResponseWriter, r *http.Request) error {
	actor, err := Self(r.Context(), "account.manage")
	if err != nil {
		return err
	}
	session, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errs.New(errs.NotFound, "There is no such session.")
	}
	// One that has ended meanwhile is what the person wanted.
	if err := s.EndSession(r.Context(), actor.ID, session); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return httpx.Redirect(w, r, "/account?done=session")
}

func (s *Service) handleSignOutEverywhere(w http.ResponseWriter, r *http.Request) error {
	actor, err := Self(r.Context(), "account.manage")
	if err != nil {
		return err
	}
	session, _ := SessionFrom(r.Context())
	if err := s.SignOutEverywhere(r.Context(), actor.ID, session.ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/account?done=others")
}

// toSignIn sends a guest to sign in and back here.
func toSignIn(w http.ResponseWriter, r *http.Request) error {
	return httpx.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.Path))
}

// view reads what the account page shows.
func (s *Service) view(r *http.Request, account id.ID) (accountView, error) {
	a, err := s.Get(r.Context(), account)
	if err != nil {
		return accountView{}, err
	}
	list, err := s.Sessions(r.Context(), account)
	if err != nil {
		return accountView{}, err
	}
	here, _ := SessionFrom(r.Context())
	return accountView{Account: a, Profile: profileForm{Name: a.Name, Lang: a.Lang, TZ: a.TZ}, Sessions: list, Here: here.ID}, nil
}

// accountAgain answers with the account page after one of its forms was refused; set puts the form's state into the view.
func (s *Service) accountAgain(w http.ResponseWriter, r *http.Request, account id.ID, err error, set func(*accountView)) error {
	if !forPerson(err) {
		return err
	}
	v, verr := s.view(r, account)
	if verr != nil {
		return verr
	}
	set(&v)
	return again(w, r, err, accountPage(v))
}
