package totp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages.
func (s *Service) Routes(rt *httpx.Router) {
	mine := httpx.May("account.secure")
	rt.Page("GET /account/two-step", mine, s.handlePage)
	rt.Page("POST /account/two-step", mine, s.handleStart)
	rt.Page("GET /account/two-step/set-up", mine, s.handleSetUpPage)
	rt.Page("POST /account/two-step/set-up", mine, s.handleSetUp)
	rt.Page("POST /account/two-step/codes", mine, s.handleRenew)
	rt.Page("POST /account/two-step/codes.txt", mine, s.handleDownload)
	rt.Page("POST /account/two-step/off", mine, s.handleOff)
	rt.Page("GET /sign-in/second", httpx.Anyone, s.handleSecondPage)
	rt.Page("POST /sign-in/second", httpx.Anyone, s.handleSecond)
}

// codeForm is every form here.
type codeForm struct {
	Code     string `form:"code"`
	Recovery string `form:"recovery"`
	Next     string `form:"next"`
}

// mine returns who asks, where they have shown lately that it is them.
func mine(r *http.Request) (access.Actor, error) {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return access.Actor{}, err
	}
	return actor, account.Fresh(r.Context())
}

// refuse answers with the page of a form that was refused, where what the person typed is at fault.
func refuse(w http.ResponseWriter, r *http.Request, err error, p templ.Component) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || (e.Kind != errs.Invalid && e.Kind != errs.TooMany) {
		return err
	}
	if e.Retry > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int((e.Retry+time.Second-1)/time.Second)))
	}
	return httpx.Render(w, r, httpx.StatusOf(err), p)
}

func (s *Service) handlePage(w http.ResponseWriter, r *http.Request) error {
	actor, err := account.Self(r.Context(), "account.secure")
	if err != nil {
		return err
	}
	st, err := s.State(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	done := ""
	if r.URL.Query().Get("done") == "off" {
		done = i18n.T(r.Context(), "Two-step sign-in is off.")
	}
	return httpx.Render(w, r, http.StatusOK, statePage(st, account.Fresh(r.Context()) == nil, done))
}

func (s *Service) handleStart(w http.ResponseWriter, r *http.Request) error {
	actor, err := mine(r)
	if err != nil {
		return err
	}
	if err := s.Start(r.Context(), actor.ID); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/account/two-step/set-up")
}

// setUp reads what the page for setting up shows.
func (s *Service) setUp(r *http.Request, who access.Actor) (setUpView, error) {
	secret, _, err := s.fresh(r.Context(), who.ID)
	if err != nil {
		return setUpView{}, err
	}
	link := address(secret, s.opt.Town, who.Handle)
	picture, err := drawQR(link)
	return setUpView{Link: link, Secret: text(secret), QR: picture}, err
}

func (s *Service) handleSetUpPage(w http.ResponseWriter, r *http.Request) error {
	actor, err := mine(r)
	if err != nil {
		return err
	}
	v, err := s.setUp(r, actor)
	if errs.Is(err, errs.NotFound) {
		return httpx.Redirect(w, r, "/account/two-step")
	}
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, setUpPage(v))
}

func (s *Service) handleSetUp(w http.ResponseWriter, r *http.Request) error {
	actor, err := mine(r)
	if err != nil {
		return err
	}
	var in codeForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	codes, err := s.Confirm(r.Context(), actor.ID, in.Code)
	if errs.Is(err, errs.NotFound) {
		return httpx.Redirect(w, r, "/account/two-step")
	}
	if err != nil {
		v, verr := s.setUp(r, actor)
		if verr != nil {
			return verr
		}
		v.Err = err
		return refuse(w, r, err, setUpPage(v))
	}
	return httpx.Render(w, r, http.StatusOK, codesPage(codes, i18n.T(r.Context(), "Two-step sign-in is on.")))
}

func (s *Service) handleRenew(w http.ResponseWriter, r *http.Request) error {
	actor, err := mine(r)
	if err != nil {
		return err
	}
	codes, err := s.Renew(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, codesPage(codes, i18n.T(r.Context(), "These are your new recovery codes. The old ones no longer work.")))
}

// handleDownload gives the codes that the page has just shown back as a text file: the server no longer knows them.
func (s *Service) handleDownload(w http.ResponseWriter, r *http.Request) error {
	if _, err := account.Self(r.Context(), "account.secure"); err != nil {
		return err
	}
	var in struct {
		Codes []string `form:"codes"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", i18n.T(r.Context(), "Recovery codes of @%s at %s. Each one is good once.", access.From(r.Context()).Handle, s.opt.Town))
	if len(in.Codes) > RecoveryCodes {
		in.Codes = in.Codes[:RecoveryCodes]
	}
	for _, c := range in.Codes {
		plain, ok := normal(c)
		if !ok {
			return errs.InvalidField("codes", "These are no recovery codes.")
		}
		fmt.Fprintln(&b, grouped(plain, "-"))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="recovery-codes.txt"`)
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(b.String()))
	return err
}

func (s *Service) handleOff(w http.ResponseWriter, r *http.Request) error {
	actor, err := mine(r)
	if err != nil {
		return err
	}
	if err := s.Off(r.Context(), actor.ID); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return httpx.Redirect(w, r, "/account/two-step?done=off")
}

func (s *Service) handleSecondPage(w http.ResponseWriter, r *http.Request) error {
	next := httpx.LocalPath(r.URL.Query().Get("next"))
	if access.From(r.Context()).SignedIn() {
		return httpx.Redirect(w, r, next)
	}
	if _, err := s.People.Pending(r.Context(), s.People.PendingFrom(r)); err != nil {
		if errs.Is(err, errs.Unauthenticated) {
			return httpx.Redirect(w, r, "/sign-in")
		}
		return err
	}
	return httpx.Render(w, r, http.StatusOK, secondPage(next, nil))
}

func (s *Service) handleSecond(w http.ResponseWriter, r *http.Request) error {
	var in codeForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	in.Next = httpx.LocalPath(in.Next)
	check := s.Enter
	typed := in.Code
	if in.Recovery != "" {
		check, typed = s.Recover, in.Recovery
	}
	out, err := check(r.Context(), s.People.PendingFrom(r), typed, account.VisitFrom(r.Context()))
	if err != nil {
		return refuse(w, r, err, secondPage(in.Next, err))
	}
	return s.People.Finish(w, r, out, in.Next)
}
