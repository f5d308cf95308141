package explain

import (
	"net/http"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Routes registers the pages.
func (s *Service) Routes(rt *httpx.Router) {
	rt.Page("GET /account/access", httpx.Person, s.handleOwn)
	rt.Page("GET /admin/access", httpx.May("admin.read"), s.handleAny)
}

// view is what the page shows.
type view struct {
	Self        bool
	As          string // whom an admin asks about, as typed
	Account     account.Account
	Roles       []heldRole
	Groups      []group
	Verb, Thing string
	Answer      *Answer
	Err         error
	Zone        *time.Location
	Now         time.Time
}

// handleOwn shows somebody what they may do here and why.
func (s *Service) handleOwn(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	actor := access.From(ctx)
	v := view{Self: true, Verb: r.URL.Query().Get("verb"), Thing: r.URL.Query().Get("thing"), Zone: s.zone(r), Now: s.now()}
	v.Account.Handle, v.Account.Name = actor.Handle, actor.Name
	v.Roles, v.Groups = s.roles(ctx, actor), s.table(ctx, actor)
	if v.Verb != "" {
		a, err := s.AskSelf(ctx, actor, v.Verb, v.Thing)
		if v.Answer, v.Err = &a, err; err != nil {
			return s.refused(w, r, v)
		}
	}
	return httpx.Render(w, r, http.StatusOK, page(v))
}

// handleAny shows an admin what anybody may do.
func (s *Service) handleAny(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	v := view{As: q.Get("as"), Verb: q.Get("verb"), Thing: q.Get("thing"), Zone: s.zone(r), Now: s.now()}
	if v.As == "" {
		return httpx.Render(w, r, http.StatusOK, page(v))
	}
	actor, a, err := s.As(ctx, v.As)
	if err != nil {
		v.Err = err
		if errs.Is(err, errs.NotFound) {
			v.Err = errs.InvalidField("as", "There is no account with this handle or address.")
		}
		return s.refused(w, r, v)
	}
	v.Account, v.Roles, v.Groups = a, s.roles(ctx, actor), s.table(ctx, actor)
	if v.Verb != "" {
		answer, err := s.Ask(ctx, actor, v.Verb, v.Thing)
		if v.Answer, v.Err = &answer, err; err != nil {
			return s.refused(w, r, v)
		}
	}
	return httpx.Render(w, r, http.StatusOK, page(v))
}

// refused answers with the form again, where the question was at fault.
func (s *Service) refused(w http.ResponseWriter, r *http.Request, v view) error {
	if !errs.Is(v.Err, errs.Invalid) && !errs.Is(v.Err, errs.NotFound) {
		return v.Err
	}
	v.Answer = nil
	return httpx.Render(w, r, httpx.StatusOf(v.Err), page(v))
}

// zone returns the time zone that the person reads times in.
func (s *Service) zone(r *http.Request) *time.Location {
	if _, tz := account.Prefs(r.Context()); tz != "" {
		if loc, err := time.LoadLocation(tz); err == nil {
			return loc
		}
	}
	return s.opt.Zone
}
