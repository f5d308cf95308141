package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/moderation"
	"github.com/stoa-town/stoa/internal/social/moderation/api"
	"github.com/stoa-town/stoa/internal/social/moderation/guard"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// blocksView is what is kept out.
type blocksView struct {
	Lists []blockList
	Form  blockForm
	Err   error
	Done  string
	Tabs  []ui.Tab
}

type blockList struct {
	Kind   guard.Kind
	Blocks []*guard.Block
}

type blockForm struct {
	Kind     string `form:"kind"`
	Value    string `form:"value"`
	Severity string `form:"severity"`
	Comment  string `form:"comment"`
}

// kinds are those that the page shows, in its order.
var kinds = []guard.Kind{guard.IP, guard.Mail, guard.Address, guard.Domain, guard.Allow}

func (p *Pages) blocks(ctx context.Context) (v blocksView, err error) {
	v.Tabs = p.tabs(ctx, "/moderation/blocks")
	for _, k := range kinds {
		list, err := p.Guard.List(ctx, k, 0, 0, false, 200)
		if err != nil {
			return v, err
		}
		if len(list) > 0 {
			v.Lists = append(v.Lists, blockList{k, list})
		}
	}
	return v, nil
}

func (p *Pages) handleBlocks(w http.ResponseWriter, r *http.Request) error {
	v, err := p.blocks(r.Context())
	if err != nil {
		return err
	}
	v.Done = done(r)
	return httpx.Render(w, r, http.StatusOK, blocksPage(v))
}

func (p *Pages) handleBlock(w http.ResponseWriter, r *http.Request) error {
	var in blockForm
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	b := guard.Block{Kind: guard.Kind(in.Kind), Value: strings.TrimSpace(in.Value), Comment: in.Comment}
	var err error
	switch b.Kind {
	case guard.IP:
		b.Severity = in.Severity
	case guard.Address:
		b.Value, err = guard.Hash(in.Value)
	case guard.Domain:
		b.Severity = "suspend"
	case guard.Mail, guard.Allow:
	default:
		err = errs.InvalidField("kind", "Choose what is to be kept out.")
	}
	if err == nil {
		_, err = p.Guard.Add(r.Context(), b)
	}
	if err == nil {
		return httpx.Redirect(w, r, "/moderation/blocks?done=block")
	}
	if !errs.Is(err, errs.Invalid) {
		return err
	}
	v, bad := p.blocks(r.Context())
	if bad != nil {
		return bad
	}
	v.Form, v.Err = in, err
	return account.Again(w, r, err, blocksPage(v))
}

func (p *Pages) handleUnblock(w http.ResponseWriter, r *http.Request) error {
	n, err := pathID(r)
	if err != nil {
		return err
	}
	kind := guard.Kind(r.PathValue("kind"))
	if !slices.Contains(kinds, kind) {
		return errs.New(errs.NotFound, "There is nothing at this address.")
	}
	if _, err := p.Guard.Remove(r.Context(), kind, n); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/moderation/blocks?done=unblock")
}

func kindName(ctx context.Context, k guard.Kind) string {
	switch k {
	case guard.IP:
		return i18n.T(ctx, "Addresses of the net")
	case guard.Mail:
		return i18n.T(ctx, "Domains of e-mail addresses")
	case guard.Address:
		return i18n.T(ctx, "E-mail addresses")
	case guard.Domain:
		return i18n.T(ctx, "Other servers")
	}
	return i18n.T(ctx, "Servers that are let in")
}

func severityName(ctx context.Context, s string) string {
	switch s {
	case guard.NoAccess:
		return i18n.T(ctx, "no access")
	case guard.NoSignUp:
		return i18n.T(ctx, "nobody can sign up")
	case guard.NeedsApproval:
		return i18n.T(ctx, "an admin looks at each sign-up")
	case "suspend":
		return i18n.T(ctx, "shut out")
	case "silence":
		return i18n.T(ctx, "limited")
	}
	return ""
}

func kindOptions(ctx context.Context) (out []ui.Option) {
	for _, k := range kinds {
		out = append(out, ui.Option{Value: string(k), Label: kindName(ctx, k)})
	}
	return out
}

func severityOptions(ctx context.Context) (out []ui.Option) {
	for _, s := range []string{guard.NoSignUp, guard.NeedsApproval, guard.NoAccess} {
		out = append(out, ui.Option{Value: s, Label: severityName(ctx, s)})
	}
	return out
}

// trendsView is what the town talks about.
type trendsView struct {
	List []Trend
	Tabs []ui.Tab
}

func (p *Pages) handleTrends(w http.ResponseWriter, r *http.Request) error {
	list, err := p.Trends.Trends(r.Context())
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, trendsPage(trendsView{list, p.tabs(r.Context(), "/moderation/trends")}))
}

func (p *Pages) handleTrend(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Kind  string `form:"kind"`
		Name  string `form:"name"`
		Allow string `form:"allow"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := p.Trends.DecideTrend(r.Context(), in.Kind, in.Name, in.Allow == "yes"); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/moderation/trends")
}

// appealsView is what those say who were acted upon.
type appealsView struct {
	Waiting []*moderation.Strike
	Decided []*moderation.Strike
	Names   map[id.ID]string
	Done    string
	Tabs    []ui.Tab
}

func (p *Pages) handleAppeals(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := appealsView{Done: done(r), Tabs: p.tabs(ctx, "/moderation/appeals")}
	var err error
	if v.Waiting, err = p.Mod.Appeals(ctx, true); err != nil {
		return err
	}
	if v.Decided, err = p.Mod.Appeals(ctx, false); err != nil {
		return err
	}
	var ids []id.ID
	for _, k := range slices.Concat(v.Waiting, v.Decided) {
		ids = append(ids, k.Profile, k.By, k.DecidedBy)
	}
	if v.Names, err = p.names(ctx, ids); err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, appealsPage(v))
}

func (p *Pages) handleDecide(w http.ResponseWriter, r *http.Request) error {
	n, err := pathID(r)
	if err != nil {
		return err
	}
	var in struct {
		Accept string `form:"accept"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if in.Accept != "yes" && in.Accept != "no" {
		return errs.InvalidField("accept", "Say yes or no.")
	}
	if err := p.Mod.Decide(r.Context(), n, in.Accept == "yes"); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/moderation/appeals?done=decide")
}

func (p *Pages) handleStrikes(w http.ResponseWriter, r *http.Request) error {
	list, err := p.Mod.Strikes(r.Context(), access.From(r.Context()).ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, strikesPage(list))
}

// strikeView is one strike as its owner reads it.
type strikeView struct {
	Strike   *moderation.Strike
	Statuses []*social.Status
	Ticket   string
	Text     string
	May      bool
	Err      error
	Done     string
}

func (p *Pages) strike(r *http.Request, n id.ID, ticket string) (v strikeView, err error) {
	if v.Strike, err = p.Mod.Own(r.Context(), n, ticket); err != nil {
		return v, err
	}
	v.Ticket, v.May = ticket, v.Strike.MayAppeal(p.Mod.Now())
	v.Statuses, err = p.Mod.Statuses.Exhibit(r.Context(), v.Strike.Statuses)
	return v, err
}

func (p *Pages) handleStrike(w http.ResponseWriter, r *http.Request) error {
	n, err := pathID(r)
	if err != nil {
		return err
	}
	v, err := p.strike(r, n, r.URL.Query().Get("ticket"))
	if err != nil {
		return err
	}
	v.Done = done(r)
	return httpx.Render(w, r, http.StatusOK, strikePage(v))
}

func (p *Pages) handleAppeal(w http.ResponseWriter, r *http.Request) error {
	n, err := pathID(r)
	if err != nil {
		return err
	}
	var in struct {
		Ticket string `form:"ticket"`
		Appeal string `form:"appeal"`
	}
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	if err := p.Mod.Appeal(r.Context(), n, in.Ticket, in.Appeal); err != nil {
		if !errs.Is(err, errs.Invalid) {
			return err
		}
		v, bad := p.strike(r, n, in.Ticket)
		if bad != nil {
			return bad
		}
		v.Err, v.Text = err, in.Appeal
		return account.Again(w, r, err, strikePage(v))
	}
	to := "/account/strikes/" + n.String() + "?done=appeal"
	if in.Ticket != "" {
		to = strikeLink(n, in.Ticket) + "&done=appeal"
	}
	return httpx.Redirect(w, r, to)
}

// strikeLink returns the path of a strike for whoever has its ticket.
func strikeLink(strike id.ID, ticket string) string {
	return "/account/strikes/" + strike.String() + "?ticket=" + url.QueryEscape(ticket)
}

// Shut returns what somebody reads who may not sign in: what the moderators did and why, and the way to appeal. Nil where it was not them.
func (p *Pages) Shut(ctx context.Context, account id.ID) (templ.Component, error) {
	k, ticket, err := p.Mod.Shut(ctx, account)
	if errs.Is(err, errs.NotFound) {
		return nil, nil //nolint:nilnil // there is nothing to say
	}
	if err != nil {
		return nil, err
	}
	return shutOut(k, k.MayAppeal(p.Mod.Now()), ticket), nil
}

func categoryName(ctx context.Context, c moderation.Category) string {
	switch c {
	case moderation.Spam:
		return i18n.T(ctx, "Spam")
	case moderation.Legal:
		return i18n.T(ctx, "Law")
	case moderation.Violation:
		return i18n.T(ctx, "Rules")
	}
	return i18n.T(ctx, "Other")
}

// actionOptions are what can be done to an account, and with statuses to those.
func actionOptions(ctx context.Context, v dossier) (out []ui.Option) {
	add := func(a moderation.Action, label string, so bool) {
		if !so {
			out = append(out, ui.Option{Value: string(a), Label: label})
		}
	}
	a := v.Account
	add(moderation.Warn, i18n.T(ctx, "Send a warning"), false)
	posts := v.Report != nil && len(v.Report.Statuses) > 0
	add(moderation.Mark, i18n.T(ctx, "Mark the chosen posts as sensitive"), !posts)
	add(moderation.Delete, i18n.T(ctx, "Delete the chosen posts: this can't be undone"), !posts)
	add(moderation.Sensitive, i18n.T(ctx, "Cover all their pictures"), a.Sensitized)
	add(moderation.Silence, i18n.T(ctx, "Limit: only followers meet their posts"), a.Silenced)
	add(moderation.Disable, i18n.T(ctx, "Close for now: they can't sign in, their posts stay"), a.Disabled || a.Email == "")
	add(moderation.Suspend, i18n.T(ctx, "Suspend: they can't sign in, and nobody sees them"), a.Suspended)
	return out
}

// holding are the actions that hold for an account, with their names.
func holding(ctx context.Context, a *api.Account) (out []ui.Option) {
	for _, h := range []struct {
		action moderation.Action
		so     bool
		label  string
	}{
		{moderation.Sensitive, a.Sensitized, i18n.T(ctx, "pictures covered")},
		{moderation.Silence, a.Silenced, i18n.T(ctx, "limited")},
		{moderation.Disable, a.Disabled, i18n.T(ctx, "closed for now")},
		{moderation.Suspend, a.Suspended, i18n.T(ctx, "suspended")},
	} {
		if h.so {
			out = append(out, ui.Option{Value: string(h.action), Label: h.label})
		}
	}
	return out
}

func deedName(ctx context.Context, a moderation.Action) string {
	switch a {
	case moderation.Sensitive:
		return i18n.T(ctx, "Pictures covered")
	case moderation.Silence:
		return i18n.T(ctx, "Limited")
	case moderation.Disable:
		return i18n.T(ctx, "Closed for now")
	case moderation.Suspend:
		return i18n.T(ctx, "Suspended")
	case moderation.Delete:
		return i18n.T(ctx, "Posts deleted")
	case moderation.Mark:
		return i18n.T(ctx, "Posts marked")
	}
	return i18n.T(ctx, "Warned")
}
