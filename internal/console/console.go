// Package console is the pages below /admin and their operations of the REST API: how the server is, who the town's people are, what is set,
// who did what. It holds no rule of its own but one: every deed is in the audit log.
package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/people"
	"github.com/stoa-town/stoa/internal/account/signup"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/settings"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Deps are what a Service works with.
type Deps struct {
	DB       *db.DB
	Now      clock.Func
	Accounts *account.Service
	People   *people.Directory
	SignUps  *signup.Service
	Settings *settings.Settings
	Audit    *audit.Audit
	Mail     *mail.Mailer
	Jobs     *jobs.Queue
	// SendLink sends somebody a letter with a link that signs them in.
	SendLink func(ctx context.Context, a account.Account) error
	// Place returns the slug of a restaurant, or a NotFound error.
	Place func(ctx context.Context, restaurant id.ID) (slug string, err error)
	Probes
}

// Probes are what the overview asks the rest of the server.
type Probes struct {
	Version string
	Started time.Time
	Data    string // folder whose disk is watched
	Zone    *time.Location
	Lag     func(ctx context.Context) map[string]int64 // events that each subscription is behind
	Streams func() int
	// Files returns how many bytes the files of posts take, and how many they may take.
	Files       func(ctx context.Context) (used, most int64, err error)
	CertExpires func() (time.Time, bool) // false: the server shows no certificate of its own
}

// Service is the console. Safe for concurrent use.
type Service struct{ Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d} }

// Routes registers the pages and the operations of the REST API.
func (s *Service) Routes(rt *httpx.Router) {
	read, folk, set, run := httpx.May("admin.read"), httpx.May("admin.people"), httpx.May("admin.settings"), httpx.May("admin.jobs")
	rt.Page("GET /admin", read, s.handleOverview)
	rt.Page("GET /admin/health", read, s.handleHealth)

	rt.Page("GET /admin/people", read, s.handlePeople)
	rt.Page("GET /admin/people/{id}", read, s.handlePerson)
	rt.Page("POST /admin/people/{id}/suspend", folk, s.handleSuspend)
	rt.Page("POST /admin/people/{id}/reinstate", folk, s.handleReinstate)
	rt.Page("POST /admin/people/{id}/grant", folk, s.handleGrant)
	rt.Page("POST /admin/people/{id}/revoke", folk, s.handleRevoke)
	rt.Page("POST /admin/people/{id}/note", folk, s.handleNote)
	rt.Page("POST /admin/people/{id}/sign-out", folk, s.handleSignOut)
	rt.Page("POST /admin/people/{id}/sessions/{session}/end", folk, s.handleEndSession)
	rt.Page("POST /admin/people/{id}/link", folk, s.handleLink)

	rt.Page("GET /admin/sign-ups", read, s.handleSignUps)
	rt.Page("POST /admin/sign-ups/{id}/approve", folk, s.handleApprove)
	rt.Page("POST /admin/sign-ups/{id}/reject", folk, s.handleReject)
	rt.Page("POST /admin/invites", folk, s.handleInvite)
	rt.Page("POST /admin/invites/{id}/revoke", folk, s.handleUninvite)

	rt.Page("GET /admin/settings", read, s.handleSettings)
	rt.Page("POST /admin/settings", set, s.handleChange)
	rt.Page("POST /admin/settings/{key}/reset", set, s.handleReset)
	rt.Page("GET /admin/settings/history", read, s.handleHistory)
	rt.Page("POST /admin/settings/history/{id}/put-back", set, s.handlePutBack)

	rt.Page("GET /admin/audit", read, s.handleAudit)
	rt.Raw("GET /admin/audit/export", read, s.handleExport)

	rt.Page("GET /admin/mail", read, s.handleMail)
	rt.Page("POST /admin/mail/test", run, s.handleTestLetter)
	rt.Page("POST /admin/mail/{id}/retry", run, s.handleRetryLetter)
	rt.Page("GET /admin/mail/samples/{kind}", read, s.handleSample)
	rt.Raw("GET /admin/mail/samples/{kind}/html", read, s.handleSampleHTML)

	rt.Page("GET /admin/jobs", read, s.handleJobs)
	rt.Page("POST /admin/jobs/{id}/retry", run, s.handleRetryJob)
	rt.Page("POST /admin/jobs/{id}/discard", run, s.handleDiscardJob)
	rt.Page("POST /admin/jobs/schedules/{name}/run", run, s.handleRunSchedule)
	s.api(rt)
}

// note writes an entry of a deed that opens a transaction of its own, before it: an entry of something that then failed is better than a deed
// without one.
func (s *Service) note(ctx context.Context, verb, thing string, detail map[string]any) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error { return s.Audit.Write(ctx, tx, verb, thing, detail) })
}

// pathID reads an id of the path, or returns a NotFound error.
func pathID(r *http.Request, name string) (id.ID, error) {
	i, err := id.Parse(r.PathValue(name))
	if err != nil || i == 0 {
		return 0, errs.New(errs.NotFound, "There is nothing here.")
	}
	return i, nil
}

// tabs are the pages of the console; active is the path of the one that is shown.
func tabs(ctx context.Context, active string) []ui.Tab {
	out := []ui.Tab{
		{Label: i18n.T(ctx, "Overview"), Href: "/admin"},
		{Label: i18n.T(ctx, "People"), Href: "/admin/people"},
		{Label: i18n.T(ctx, "Sign-ups"), Href: "/admin/sign-ups"},
		{Label: i18n.T(ctx, "Restaurants"), Href: "/admin/restaurants"},
		{Label: i18n.T(ctx, "Promotions"), Href: "/admin/promotions"},
		{Label: i18n.T(ctx, "Credit"), Href: "/admin/credit"},
		{Label: i18n.T(ctx, "Money"), Href: "/admin/finance"},
		{Label: i18n.T(ctx, "Settings"), Href: "/admin/settings"},
		{Label: i18n.T(ctx, "Audit log"), Href: "/admin/audit"},
		{Label: i18n.T(ctx, "Mail"), Href: "/admin/mail"},
		{Label: i18n.T(ctx, "Jobs"), Href: "/admin/jobs"},
	}
	keys := []string{"g o", "g p", "g n", "g r", "g q", "g c", "g f", "g s", "g a", "g m", "g j"}
	for i := range out {
		out[i].Active = out[i].Href == active
		out[i].Attrs = map[string]any{"data-key": keys[i], "title": out[i].Label}
	}
	return out
}

// more returns the address of the page after a list's, "" at its end.
func more(path string, query url.Values, cursor string) string {
	if cursor == "" {
		return ""
	}
	q := url.Values{}
	for k, v := range query {
		if k != "cursor" && k != "done" && len(v) > 0 && v[0] != "" {
			q[k] = v
		}
	}
	q.Set("cursor", cursor)
	return path + "?" + q.Encode()
}

// done is what a page says after a deed, by the word in its URL.
func done(r *http.Request) string {
	ctx := r.Context()
	switch r.URL.Query().Get("done") {
	case "suspend":
		return i18n.T(ctx, "The account is suspended, and signed out everywhere.")
	case "reinstate":
		return i18n.T(ctx, "The account can be used again.")
	case "grant":
		return i18n.T(ctx, "The role is given. It holds from the next click on.")
	case "revoke":
		return i18n.T(ctx, "The role is taken back.")
	case "note":
		return i18n.T(ctx, "The note is kept.")
	case "sign-out":
		return i18n.T(ctx, "Signed out.")
	case "link":
		return i18n.T(ctx, "The letter is on its way.")
	case "approve":
		return i18n.T(ctx, "Approved: they can sign in now.")
	case "reject":
		return i18n.T(ctx, "Turned away.")
	case "uninvite":
		return i18n.T(ctx, "The invitation is taken back.")
	case "settings":
		return i18n.T(ctx, "Saved. It holds on all nodes.")
	case "retry":
		return i18n.T(ctx, "It is tried again now.")
	case "discard":
		return i18n.T(ctx, "The job is given up.")
	case "run":
		return i18n.T(ctx, "It runs now.")
	}
	return ""
}

// actor returns who acts.
func actor(ctx context.Context) access.Actor { return access.From(ctx) }

// zone returns the town's, in which the console tells times.
func zone(ctx context.Context) *time.Location {
	if z := ui.ChromeFrom(ctx).Zone; z != nil {
		return z
	}
	return time.UTC
}
