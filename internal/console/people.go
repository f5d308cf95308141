package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/people"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// maxReason is how much an admin may write about why, in characters.
const maxReason = 500

// peopleView is what the list of people shows.
type peopleView struct {
	Query people.Query
	List  page.Page[account.Account]
	Next  string
}

func (s *Service) handlePeople(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	query := people.Query{Text: q.Get("q"), Role: access.Role(q.Get("role")), State: account.State(q.Get("state"))}
	list, err := s.People.Search(r.Context(), query, q.Get("cursor"), 50)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, peoplePage(peopleView{query, list, more("/admin/people", q, list.Next)}))
}

// personView is what the page of one person shows.
type personView struct {
	Account  account.Account
	Roles    []roleView
	Sessions []account.Session
	Notes    []people.Note
	Deeds    []deedLine
	Self     bool
	Letters  bool
	Done     string
	Err      error
	Form     personForm // what was typed where Err is
}

// roleView is a role as the page shows it, and as ParseGrant reads it.
type roleView struct {
	access.Grant
	Text string
}

type personForm struct {
	Reason string `form:"reason"`
	Note   string `form:"note"`
	Role   string `form:"role"`
	Place  string `form:"place"` // slug
	Days   int    `form:"days"`  // 0: for good
}

func (s *Service) person(ctx context.Context, who id.ID) (v personView, err error) {
	if v.Account, err = s.Accounts.Get(ctx, who); err != nil {
		return v, err
	}
	if v.Sessions, err = s.Accounts.Sessions(ctx, who); err != nil {
		return v, err
	}
	if v.Notes, err = s.People.Notes(ctx, who); err != nil {
		return v, err
	}
	entries, err := s.Audit.List(ctx, audit.Filter{About: who}, "", 20)
	if err != nil {
		return v, err
	}
	for _, g := range v.Account.Roles {
		v.Roles = append(v.Roles, roleView{g, s.roleText(ctx, g)})
	}
	if v.Deeds, err = s.tell(ctx, entries.Items); err != nil {
		return v, err
	}
	v.Self, v.Letters = actor(ctx).ID == who, s.Mail.On()
	return v, nil
}

// roleText writes a role as ParseGrant reads it. A restaurant that is gone is written by its id.
func (s *Service) roleText(ctx context.Context, g access.Grant) string {
	if !g.Role.OfPlace() {
		return string(g.Role)
	}
	slug, err := s.Place(ctx, g.Place)
	if err != nil {
		slug = g.Place.String()
	}
	return string(g.Role) + ":" + slug
}

func (s *Service) handlePerson(w http.ResponseWriter, r *http.Request) error {
	who, err := pathID(r, "id")
	if err != nil {
		return err
	}
	v, err := s.person(r.Context(), who)
	if err != nil {
		return err
	}
	v.Done = done(r)
	return httpx.Render(w, r, http.StatusOK, personPage(v))
}

// onPerson reads a form about somebody, does the deed, and leads back to their page: with what is wrong where the deed was refused.
func (s *Service) onPerson(w http.ResponseWriter, r *http.Request, said string, deed func(ctx context.Context, who id.ID, in personForm) error) error {
	who, err := pathID(r, "id")
	if err != nil {
		return err
	}
	var in personForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	err = deed(r.Context(), who, in)
	if err == nil {
		return httpx.Redirect(w, r, "/admin/people/"+who.String()+"?done="+said)
	}
	if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return err
	}
	v, geterr := s.person(r.Context(), who)
	if geterr != nil {
		return geterr
	}
	v.Err, v.Form = err, in
	return account.Again(w, r, err, personPage(v))
}

func (s *Service) handleSuspend(w http.ResponseWriter, r *http.Request) error {
	return s.onPerson(w, r, "suspend", func(ctx context.Context, who id.ID, in personForm) error { return s.Suspend(ctx, who, in.Reason) })
}

// Suspend signs somebody out everywhere and keeps them out, and notes why. It returns a Conflict error for oneself and for the last admin, and
// an Invalid error for a reason that is missing or too long.
func (s *Service) Suspend(ctx context.Context, who id.ID, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" || len([]rune(reason)) > maxReason {
		return errs.InvalidField("reason", "Say why, in at most %d characters: other admins will ask.", maxReason)
	}
	if actor(ctx).ID == who {
		return errs.New(errs.Conflict, "You can't suspend yourself: ask another admin.")
	}
	return s.Accounts.SuspendFor(ctx, who, reason)
}

func (s *Service) handleReinstate(w http.ResponseWriter, r *http.Request) error {
	return s.onPerson(w, r, "reinstate", func(ctx context.Context, who id.ID, _ personForm) error { return s.Accounts.Reinstate(ctx, who) })
}

// grant reads the role of a form.
func (s *Service) grant(ctx context.Context, in personForm) (access.Grant, error) {
	text := in.Role
	if in.Place != "" && !strings.Contains(text, ":") && access.Role(text).OfPlace() {
		text += ":" + strings.TrimSpace(in.Place)
	}
	return s.parseGrant(ctx, text)
}

// parseGrant reads a role as people write it. A restaurant may be given by its id, too: one that is gone has no slug.
func (s *Service) parseGrant(ctx context.Context, text string) (access.Grant, error) {
	role, place, at := strings.Cut(text, ":")
	if i, err := id.Parse(place); at && err == nil && i != 0 && access.Role(role).OfPlace() {
		return access.Grant{Role: access.Role(role), Place: i}, nil
	}
	g, err := s.Accounts.ParseGrant(ctx, text)
	if errs.Is(err, errs.NotFound) {
		return g, errs.InvalidField("place", "There is no restaurant of that name.").WithCause(err)
	}
	return g, err
}

const maxDays = 366

func (s *Service) handleGrant(w http.ResponseWriter, r *http.Request) error {
	return s.onPerson(w, r, "grant", func(ctx context.Context, who id.ID, in personForm) error {
		g, err := s.grant(ctx, in)
		if err != nil {
			return err
		}
		if in.Days < 0 || in.Days > maxDays {
			return errs.InvalidField("days", "A role is given for at most %d days, or for good.", maxDays)
		}
		if in.Days > 0 {
			g.Until = s.Now().Add(time.Duration(in.Days) * 24 * time.Hour)
		}
		return s.Accounts.Grant(ctx, who, g)
	})
}

func (s *Service) handleRevoke(w http.ResponseWriter, r *http.Request) error {
	return s.onPerson(w, r, "revoke", func(ctx context.Context, who id.ID, in personForm) error {
		g, err := s.grant(ctx, in)
		if err != nil {
			return err
		}
		return s.Accounts.Revoke(ctx, who, g)
	})
}

func (s *Service) handleNote(w http.ResponseWriter, r *http.Request) error {
	return s.onPerson(w, r, "note", func(ctx context.Context, who id.ID, in personForm) error {
		if _, err := s.Accounts.Get(ctx, who); err != nil {
			return err
		}
		return s.People.AddNote(ctx, who, in.Note)
	})
}

func (s *Service) handleSignOut(w http.ResponseWriter, r *http.Request) error {
	return s.onPerson(w, r, "sign-out", func(ctx context.Context, who id.ID, _ personForm) error {
		if _, err := s.Accounts.Get(ctx, who); err != nil {
			return err
		}
		keep := id.ID(0)
		if session, ok := account.SessionFrom(ctx); ok && session.Account == who {
			keep = session.ID // an admin who signs out their other devices stays in the console
		}
		return s.Accounts.SignOutEverywhere(ctx, who, keep)
	})
}

func (s *Service) handleEndSession(w http.ResponseWriter, r *http.Request) error {
	session, err := pathID(r, "session")
	if err != nil {
		return err
	}
	return s.onPerson(w, r, "sign-out", func(ctx context.Context, who id.ID, _ personForm) error {
		return s.Accounts.EndSession(ctx, who, session)
	})
}

func (s *Service) handleLink(w http.ResponseWriter, r *http.Request) error {
	return s.onPerson(w, r, "link", func(ctx context.Context, who id.ID, _ personForm) error {
		if !s.Mail.On() {
			return errs.New(errs.Conflict, "This server sends no letters: see [mail] in stoa.toml.")
		}
		a, err := s.Accounts.Get(ctx, who)
		if err != nil {
			return err
		}
		if a.State != account.Active {
			return errs.New(errs.Conflict, "This account can't sign in now.")
		}
		if err := s.note(ctx, "account.link", audit.Thing("account", who), nil); err != nil {
			return err
		}
		return s.SendLink(ctx, a)
	})
}

// signUpsView is what the page of sign-ups shows.
type signUpsView struct {
	Mode    string
	Waiting []signup.Waiting
	All     int
	Invites []signup.Invite
	Link    string // of the invitation just made, shown once
	Form    inviteForm
	Done    string
	Err     error
}

type inviteForm struct {
	Uses int    `form:"uses"`
	Days int    `form:"days"`
	Note string `form:"note"`
}

func (s *Service) signUps(ctx context.Context) (v signUpsView, err error) {
	v.Mode, v.Form = s.Settings.Config().Signup.Mode, inviteForm{Uses: 1, Days: 7}
	if v.Waiting, v.All, err = s.SignUps.Queue(ctx); err != nil {
		return v, err
	}
	v.Invites, err = s.SignUps.Invites(ctx)
	return v, err
}

func (s *Service) handleSignUps(w http.ResponseWriter, r *http.Request) error {
	v, err := s.signUps(r.Context())
	if err != nil {
		return err
	}
	v.Done = done(r)
	return httpx.Render(w, r, http.StatusOK, signUpsPage(v))
}

// decide does the deed about somebody who waits.
func (s *Service) decide(w http.ResponseWriter, r *http.Request, said string, deed func(who id.ID, reason string) error) error {
	who, err := pathID(r, "id")
	if err != nil {
		return err
	}
	var in struct {
		Reason string `form:"reason"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := deed(who, in.Reason); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/sign-ups?done="+said)
}

func (s *Service) handleApprove(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, "approve", func(who id.ID, _ string) error { return s.SignUps.Approve(r.Context(), who) })
}

func (s *Service) handleReject(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, "reject", func(who id.ID, reason string) error { return s.SignUps.Reject(r.Context(), who, reason) })
}

func (s *Service) handleInvite(w http.ResponseWriter, r *http.Request) error {
	var in inviteForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	ctx := r.Context()
	code, made, err := s.SignUps.Invite(ctx, signup.InviteSpec{Uses: in.Uses, For: time.Duration(min(max(in.Days, 0), 1000)) * 24 * time.Hour, Note: in.Note})
	if err == nil {
		err = s.note(ctx, "invite.create", audit.Thing("invite", made.ID), map[string]any{"mark": made.Mark, "uses": made.Uses, "note": made.Note})
	}
	v, geterr := s.signUps(ctx)
	if geterr != nil {
		return geterr
	}
	if err != nil {
		v.Err, v.Form = err, in
		return account.Again(w, r, err, signUpsPage(v))
	}
	v.Link = s.SignUps.InviteLink(code)
	w.Header().Set("Cache-Control", "no-store")
	return httpx.Render(w, r, http.StatusOK, signUpsPage(v))
}

func (s *Service) handleUninvite(w http.ResponseWriter, r *http.Request) error {
	invite, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := s.note(r.Context(), "invite.revoke", audit.Thing("invite", invite), nil); err != nil {
		return err
	}
	if err := s.SignUps.Uninvite(r.Context(), invite); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/sign-ups?done=uninvite")
}
