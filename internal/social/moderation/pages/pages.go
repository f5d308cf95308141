// Package pages is where moderators keep order, and where everybody reads what was done to them.
package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/moderation"
	"github.com/stoa-town/stoa/internal/social/moderation/api"
	"github.com/stoa-town/stoa/internal/social/moderation/guard"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Trend is something that the town talks about, and how it stands.
type Trend struct {
	Kind   string // tag, link, status
	Name   string // what it is decided by
	Label  string
	URL    string
	Shown  bool
	Waits  bool // nobody has decided yet
	Number int64
}

// Trends decides what may trend.
type Trends interface {
	Trends(ctx context.Context) ([]Trend, error)
	DecideTrend(ctx context.Context, kind, name string, allowed bool) error
}

// Deps are what the pages need.
type Deps struct {
	Mod     *moderation.Service
	API     *api.Service
	Guard   *guard.Service
	Trends  Trends
	Resolve func(ctx context.Context, acct string) (id.ID, error)
}

// Pages serves the pages. Safe for concurrent use.
type Pages struct{ Deps }

// New returns the pages.
func New(d Deps) *Pages { return &Pages{d} }

// Routes registers every page.
func (p *Pages) Routes(rt *httpx.Router) {
	seeReports, doReports := httpx.May("moderation.read_reports"), httpx.May("moderation.write_reports")
	see, do := httpx.May("moderation.read_accounts"), httpx.May("moderation.write_accounts")
	rt.Page("GET /moderation", seeReports, p.handleReports)
	rt.Page("GET /moderation/reports/{id}", seeReports, p.handleReport)
	rt.Page("POST /moderation/reports/{id}/{deed}", doReports, p.handleReportDeed)
	rt.Page("GET /moderation/accounts", see, p.handleAccounts)
	rt.Page("GET /moderation/accounts/{id}", see, p.handleAccount)
	rt.Page("POST /moderation/accounts/{id}/act", do, p.handleAct)
	rt.Page("POST /moderation/accounts/{id}/preview", do, p.handlePreview)
	rt.Page("POST /moderation/accounts/{id}/undo", do, p.handleUndo)
	rt.Page("POST /moderation/accounts/{id}/note", doReports, p.handleNote)
	rt.Page("GET /moderation/blocks", httpx.May("moderation.read_ips"), p.handleBlocks)
	rt.Page("POST /moderation/blocks", httpx.May("moderation.write_ips"), p.handleBlock)
	rt.Page("POST /moderation/blocks/{kind}/{id}/remove", httpx.May("moderation.write_ips"), p.handleUnblock)
	rt.Page("GET /moderation/trends", httpx.May("moderation.read"), p.handleTrends)
	rt.Page("POST /moderation/trends", httpx.May("moderation.write"), p.handleTrend)
	rt.Page("GET /moderation/appeals", see, p.handleAppeals)
	rt.Page("POST /moderation/appeals/{id}", do, p.handleDecide)
	rt.Page("GET /account/strikes", httpx.May("profile.read"), p.handleStrikes)
	rt.Page("GET /account/strikes/{id}", httpx.Anyone, p.handleStrike)
	rt.Page("POST /account/strikes/{id}/appeal", httpx.Anyone, p.handleAppeal)
}

func pathID(r *http.Request) (id.ID, error) {
	n, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return 0, errs.New(errs.NotFound, "There is nothing at this address.")
	}
	return n, nil
}

// tabs are the pages of moderators.
func (p *Pages) tabs(ctx context.Context, active string) []ui.Tab {
	c, _ := p.Mod.Counts(ctx, access.From(ctx).ID) // without figures the tabs are still there
	out := []ui.Tab{
		{Label: i18n.T(ctx, "Reports"), Href: "/moderation", Count: c.Open},
		{Label: i18n.T(ctx, "Accounts"), Href: "/moderation/accounts"},
		{Label: i18n.T(ctx, "Appeals"), Href: "/moderation/appeals", Count: c.Appeals},
		{Label: i18n.T(ctx, "Trends"), Href: "/moderation/trends"},
		{Label: i18n.T(ctx, "Kept out"), Href: "/moderation/blocks"},
	}
	for i := range out {
		out[i].Active = out[i].Href == active
	}
	return out
}

// done is what a page says after a deed, by the word in its address.
func done(r *http.Request) string {
	ctx := r.Context()
	switch r.URL.Query().Get("done") {
	case "act":
		return i18n.T(ctx, "Done. The owner is told.")
	case "undo":
		return i18n.T(ctx, "Taken back.")
	case "note":
		return i18n.T(ctx, "The note is added.")
	case "resolve":
		return i18n.T(ctx, "The report is closed.")
	case "reopen":
		return i18n.T(ctx, "The report is open again.")
	case "assign", "unassign":
		return i18n.T(ctx, "Noted.")
	case "block":
		return i18n.T(ctx, "This is kept out from now on.")
	case "unblock":
		return i18n.T(ctx, "This is no longer kept out.")
	case "decide":
		return i18n.T(ctx, "Decided. The owner is told.")
	case "appeal":
		return i18n.T(ctx, "Your appeal is with the moderators. They write to you when they have decided.")
	}
	return ""
}

// reportsView is what the list of reports shows.
type reportsView struct {
	Which string // open, mine, resolved
	List  []*api.Report
	Count moderation.Counts
	Next  string
	Done  string
	Tabs  []ui.Tab
}

const perPage = 40

func (p *Pages) handleReports(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := reportsView{Which: r.URL.Query().Get("which"), Done: done(r), Tabs: p.tabs(ctx, "/moderation")}
	resolved := v.Which == "resolved"
	f := moderation.ReportFilter{Resolved: &resolved}
	if v.Which == "mine" {
		f.Assigned = access.From(ctx).ID
	}
	if before, err := id.Parse(r.URL.Query().Get("before")); err == nil {
		f.Below = before
	}
	list, err := p.Mod.Reports(ctx, f, perPage)
	if err != nil {
		return err
	}
	if v.List, err = p.API.Reports(ctx, list); err != nil {
		return err
	}
	if len(list) == perPage {
		v.Next = "/moderation?" + url.Values{"which": {v.Which}, "before": {list[perPage-1].ID.String()}}.Encode()
	}
	if v.Count, err = p.Mod.Counts(ctx, access.From(ctx).ID); err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, reportsPage(v))
}

// dossier is what pages show of an account that moderators look at.
type dossier struct {
	Account *api.Account
	Strikes []*moderation.Strike
	Reports []*moderation.Report
	Notes   []moderation.Note
	Names   map[id.ID]string
	Form    actForm
	Letter  *letter
	Err     error
	Done    string
	Tabs    []ui.Tab

	Report *api.Report // the one that it is about; nil: none
}

// letter is a preview.
type letter struct {
	Subject string
	Lines   []string
}

type actForm struct {
	Action   string   `form:"action"`
	Text     string   `form:"text"`
	Quiet    bool     `form:"quiet"`
	Report   string   `form:"report"`
	Statuses []string `form:"status"`
	Note     string   `form:"note"`
	Strike   string   `form:"strike"`
}

func (p *Pages) dossier(ctx context.Context, who id.ID, report *moderation.Report) (v dossier, err error) {
	if v.Account, err = p.API.One(ctx, who); err != nil {
		return v, err
	}
	if v.Strikes, err = p.Mod.Strikes(ctx, who); err != nil {
		return v, err
	}
	if v.Notes, err = p.Mod.Notes(ctx, who); err != nil {
		return v, err
	}
	if v.Reports, err = p.Mod.Reports(ctx, moderation.ReportFilter{Target: who}, 50); err != nil {
		return v, err
	}
	if report != nil {
		list, err := p.API.Reports(ctx, []*moderation.Report{report})
		if err != nil {
			return v, err
		}
		v.Report = list[0]
		v.Reports = slices.DeleteFunc(v.Reports, func(r *moderation.Report) bool { return r.ID == report.ID })
	}
	var ids []id.ID
	for _, k := range v.Strikes {
		ids = append(ids, k.By)
	}
	for _, n := range v.Notes {
		ids = append(ids, n.By)
	}
	v.Names, err = p.names(ctx, ids)
	v.Form.Action = string(moderation.Warn)
	return v, err
}

// names returns how accounts are called.
func (p *Pages) names(ctx context.Context, ids []id.ID) (map[id.ID]string, error) {
	found, err := p.Mod.Profiles.Entities(ctx, ids)
	out := map[id.ID]string{}
	for n, a := range found {
		out[n] = "@" + a.Acct
	}
	return out, err
}

func (p *Pages) handleReport(w http.ResponseWriter, r *http.Request) error {
	n, err := pathID(r)
	if err != nil {
		return err
	}
	rep, err := p.Mod.Report(r.Context(), n)
	if err != nil {
		return err
	}
	v, err := p.dossier(r.Context(), rep.Target, rep)
	if err != nil {
		return err
	}
	v.Done, v.Tabs = done(r), p.tabs(r.Context(), "/moderation")
	return httpx.Render(w, r, http.StatusOK, dossierPage(v))
}

func (p *Pages) handleReportDeed(w http.ResponseWriter, r *http.Request) error {
	n, err := pathID(r)
	if err != nil {
		return err
	}
	ctx, deed := r.Context(), r.PathValue("deed")
	switch deed {
	case "assign":
		_, err = p.Mod.Assign(ctx, n, true)
	case "unassign":
		_, err = p.Mod.Assign(ctx, n, false)
	case "resolve":
		_, err = p.Mod.Resolve(ctx, n)
	case "reopen":
		_, err = p.Mod.Reopen(ctx, n)
	default:
		err = errs.New(errs.NotFound, "There is nothing at this address.")
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/moderation/reports/"+n.String()+"?done="+deed)
}

// accountsView is what the search for accounts shows.
type accountsView struct {
	Q, Status string
	List      []*api.Account
	Next      string
	Tabs      []ui.Tab
}

func (p *Pages) handleAccounts(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	v := accountsView{Q: q.Get("q"), Status: q.Get("status"), Tabs: p.tabs(ctx, "/moderation/accounts")}
	if who, err := p.Resolve(ctx, v.Q); v.Q != "" && err == nil { // also a restaurant or a group
		return httpx.Redirect(w, r, "/moderation/accounts/"+who.String())
	}
	query := api.Query{Status: v.Status, Username: v.Q}
	if before, err := id.Parse(q.Get("before")); err == nil {
		query.Below = before
	}
	var err error
	if v.List, err = p.API.Find(ctx, query, perPage); err == nil && len(v.List) == 0 && v.Q != "" {
		query.Username, query.DisplayName = "", v.Q
		if v.List, err = p.API.Find(ctx, query, perPage); err == nil && len(v.List) == 0 {
			query.DisplayName, query.Email = "", v.Q
			v.List, err = p.API.Find(ctx, query, perPage)
		}
	}
	if err != nil {
		return err
	}
	if len(v.List) == perPage {
		v.Next = "/moderation/accounts?" + url.Values{"q": {v.Q}, "status": {v.Status}, "before": {v.List[perPage-1].ID.String()}}.Encode()
	}
	return httpx.Render(w, r, http.StatusOK, accountsPage(v))
}

func (p *Pages) handleAccount(w http.ResponseWriter, r *http.Request) error {
	who, err := pathID(r)
	if err != nil {
		return err
	}
	v, err := p.dossier(r.Context(), who, nil)
	if err != nil {
		return err
	}
	v.Done, v.Tabs = done(r), p.tabs(r.Context(), "/moderation/accounts")
	return httpx.Render(w, r, http.StatusOK, dossierPage(v))
}

// form reads what a moderator wants to do to the account of a request.
func form(w http.ResponseWriter, r *http.Request) (in actForm, d moderation.Deed, err error) {
	if d.Target, err = pathID(r); err != nil {
		return in, d, err
	}
	if err = httpx.DecodeForm(w, r, &in); err != nil {
		return in, d, err
	}
	d.Action, d.Text, d.Quiet = moderation.Action(in.Action), in.Text, in.Quiet
	if n, err := id.Parse(in.Report); err == nil {
		d.Report = n
	}
	for _, s := range in.Statuses {
		if n, err := id.Parse(s); err == nil {
			d.Statuses = append(d.Statuses, n)
		}
	}
	return in, d, nil
}

// back returns the page that a form about an account stands on.
func back(d moderation.Deed) string {
	if d.Report != 0 {
		return "/moderation/reports/" + d.Report.String()
	}
	return "/moderation/accounts/" + d.Target.String()
}

// again shows the page of a form anew: with what was wrong, or with a preview.
func (p *Pages) again(w http.ResponseWriter, r *http.Request, in actForm, d moderation.Deed, l *letter, wrong error) error {
	var rep *moderation.Report
	if d.Report != 0 {
		var err error
		if rep, err = p.Mod.Report(r.Context(), d.Report); err != nil {
			return err
		}
	}
	v, err := p.dossier(r.Context(), d.Target, rep)
	if err != nil {
		return err
	}
	v.Form, v.Letter, v.Err, v.Tabs = in, l, wrong, p.tabs(r.Context(), "/moderation")
	if wrong != nil {
		return account.Again(w, r, wrong, dossierPage(v))
	}
	return httpx.Render(w, r, http.StatusOK, dossierPage(v))
}

func (p *Pages) handleAct(w http.ResponseWriter, r *http.Request) error {
	in, d, err := form(w, r)
	if err != nil {
		return err
	}
	if _, err := p.Mod.Act(r.Context(), d); err != nil {
		if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.Forbidden) {
			return err
		}
		return p.again(w, r, in, d, nil, err)
	}
	return httpx.Redirect(w, r, back(d)+"?done=act")
}

func (p *Pages) handlePreview(w http.ResponseWriter, r *http.Request) error {
	in, d, err := form(w, r)
	if err != nil {
		return err
	}
	l := &letter{}
	if l.Subject, l.Lines, err = p.Mod.Preview(r.Context(), d); err != nil {
		return p.again(w, r, in, d, nil, err)
	}
	if httpx.IsFragment(r) {
		return httpx.Render(w, r, http.StatusOK, letterPart(l))
	}
	return p.again(w, r, in, d, l, nil)
}

func (p *Pages) handleUndo(w http.ResponseWriter, r *http.Request) error {
	in, d, err := form(w, r)
	if err != nil {
		return err
	}
	if n, bad := id.Parse(in.Strike); bad == nil {
		err = p.Mod.UndoStrike(r.Context(), n)
	} else {
		err = p.Mod.Undo(r.Context(), d.Target, d.Action)
	}
	if err != nil {
		return err
	}
	return httpx.Redirect(w, r, back(d)+"?done=undo")
}

func (p *Pages) handleNote(w http.ResponseWriter, r *http.Request) error {
	in, d, err := form(w, r)
	if err != nil {
		return err
	}
	if err := p.Mod.AddNote(r.Context(), d.Target, d.Report, in.Note); err != nil {
		if errs.Is(err, errs.Invalid) {
			return p.again(w, r, in, d, nil, err)
		}
		return err
	}
	return httpx.Redirect(w, r, back(d)+"?done=note")
}

// zone returns the time zone in which pages show times.
func zone(ctx context.Context) *time.Location { return ui.ChromeFrom(ctx).Zone }

// faceOf returns what an account is called.
func faceOf(a *api.Account) (name, acct string) {
	if a == nil {
		return "", ""
	}
	name = a.Username
	if a.Account != nil && a.Account.DisplayName != "" {
		name = a.Account.DisplayName
	}
	return name, "@" + a.Username
}
