package app

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/social/instance"
	"github.com/stoa-town/stoa/internal/social/moderation"
	"github.com/stoa-town/stoa/internal/social/moderation/api"
	"github.com/stoa-town/stoa/internal/social/moderation/figures"
	"github.com/stoa-town/stoa/internal/social/moderation/guard"
	"github.com/stoa-town/stoa/internal/social/moderation/pages"
	"github.com/stoa-town/stoa/internal/social/trend"
	"github.com/stoa-town/stoa/internal/social/web/card"
)

// Order is how the town keeps order among its people.
type Order struct {
	Moderation *moderation.Service
	Guard      *guard.Service
	Figures    *figures.Service
	ModAPI     *api.Service
	ModPages   *pages.Pages
}

// moderationSchemas returns its tables.
func moderationSchemas() []fs.FS {
	return []fs.FS{moderation.Schema, guard.Schema, figures.Schema}
}

// keepers builds what keeps order. It comes after profiles, statuses and groups.
func (a *App) keepers() {
	a.Moderation = moderation.New(moderation.Deps{
		DB: a.DB, Log: a.Events, IDs: a.IDs, Now: a.Now, Accounts: a.Accounts, Profiles: a.Profile, Statuses: a.Statuses, Mail: a.Mail,
		Audit: a.Audit.Write, URL: a.Address, Owners: a.ownersOf,
	})
	a.Guard = guard.New(guard.Deps{
		DB: a.DB, Log: a.Events, IDs: a.IDs, Now: a.Now, Audit: a.Audit.Write, Refuse: a.failUnknown,
		Email: func(ctx context.Context, who id.ID) (string, error) {
			acc, err := a.Accounts.Get(ctx, who)
			return acc.Email, err
		},
	})
	a.Guard.React()
	a.Also("what is kept out", a.Guard.Run)
	store := &storage{dir: a.Config.FilesDir(), now: a.Now}
	a.Figures = figures.New(figures.Deps{
		DB: a.DB, Log: a.Events, Now: a.Now, Seen: a.Accounts.SeenSince, Reports: a.Moderation.PerDay, Files: store.size, Version: a.opt.Version,
		Host: a.host,
	})
	a.Figures.React(a.Jobs)
	a.ModAPI = api.New(api.Deps{
		DB: a.DB, Now: a.Now, Mod: a.Moderation, Guard: a.Guard, Door: a.SignUps, Rules: a.rules, Tags: judgedTags{a}, Audit: a.Audit.Write,
		Remove: func(ctx context.Context, who id.ID) error {
			_, err := a.Privacy.Leave(ctx, who)
			return err
		},
	})
	a.ModPages = pages.New(pages.Deps{Mod: a.Moderation, API: a.ModAPI, Guard: a.Guard, Trends: judged{a}, Resolve: a.Profile.Resolve})
}

// judged are trends as moderators decide about them.
type judged struct{ *App }

// mostTrends is how many of each kind moderators are shown.
const mostTrends = 40

// Trends returns what trends, also what waits for a moderator or was refused.
func (j judged) Trends(ctx context.Context) (out []pages.Trend, err error) {
	tags, err := j.App.Trends.TagTrends(ctx, true, 0, mostTrends)
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		out = append(out, pages.Trend{Kind: string(trend.Tags), Name: t.Name, Label: "#" + t.Name, URL: "/tags/" + url.PathEscape(t.Name), Shown: *t.Trendable, Waits: *t.RequiresReview})
	}
	links, err := j.App.Trends.LinkTrends(ctx, true, 0, mostTrends)
	if err != nil {
		return nil, err
	}
	open, err := j.App.Trends.LinkTrends(ctx, false, 0, mostTrends)
	for _, l := range links {
		shown := slices.ContainsFunc(open, func(o trend.Link) bool { return o.URL == l.URL })
		out = append(out, pages.Trend{Kind: string(trend.Links), Name: l.ID, Label: cmp.Or(l.Title, l.URL), URL: l.URL, Shown: shown, Waits: l.RequiresReview != nil && *l.RequiresReview})
	}
	if err != nil {
		return nil, err
	}
	posts, err := j.trendingPosts(ctx)
	return append(out, posts...), err
}

// trendingPosts returns the statuses that trend, as moderators decide about them.
func (j judged) trendingPosts(ctx context.Context) (out []pages.Trend, err error) {
	stands, err := j.App.Trends.StatusReviews(ctx, mostTrends)
	if err != nil {
		return nil, err
	}
	ids := make([]id.ID, len(stands))
	for i, st := range stands {
		ids[i] = st.Status
	}
	list, err := j.Statuses.Exhibit(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, st := range list {
		i := slices.IndexFunc(stands, func(r trend.StatusReview) bool { return r.Status == st.ID })
		if i < 0 {
			continue
		}
		text := []rune(st.Account.DisplayName + ": " + cmp.Or(st.SpoilerText, card.Plain(st.Content)))
		label := string(text[:min(len(text), 140)])
		out = append(out, pages.Trend{
			Kind: string(trend.Statuses), Name: st.ID.String(), Label: label, URL: "/@" + st.Account.Acct + "/" + st.ID.String(), Shown: stands[i].Shown, Waits: stands[i].Waits,
		})
	}
	return out, nil
}

// judgedTags are hashtags as moderators decide about them.
type judgedTags struct{ *App }

// List returns those that trend.
func (j judgedTags) List(ctx context.Context, offset, limit int) ([]any, error) {
	list, err := j.App.Trends.TagTrends(ctx, true, offset, limit)
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out, err
}

// Tag returns a hashtag that trends or was decided about.
func (j judgedTags) Tag(ctx context.Context, name string) (any, error) {
	list, err := j.App.Trends.TagTrends(ctx, true, 0, 5000)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(t trend.Tag) bool { return t.Name == name })
	if i < 0 {
		return nil, errs.New(errs.NotFound, "Record not found")
	}
	return list[i], nil
}

// Allow says whether a hashtag may trend.
func (j judgedTags) Allow(ctx context.Context, name string, may bool) error {
	return j.App.Trends.Decide(ctx, trend.Tags, name, may)
}

// DecideTrend notes whether something may trend.
func (j judged) DecideTrend(ctx context.Context, kind, name string, allowed bool) error {
	if kind != string(trend.Tags) && kind != string(trend.Links) && kind != string(trend.Statuses) {
		return errs.New(errs.NotFound, "There is nothing at this address.")
	}
	return j.App.Trends.Decide(ctx, trend.Kind(kind), name, allowed)
}

// shut returns what somebody reads whom the moderators keep from signing in.
func (a *App) shut(ctx context.Context, account id.ID) (templ.Component, error) {
	return a.ModPages.Shut(ctx, account)
}

func (a *App) moderationRoutes() {
	a.Moderation.Routes(a.Router)
	a.ModAPI.Routes(a.Router)
	a.Figures.Routes(a.Router)
	a.ModPages.Routes(a.Router)
}

// moderationParts returns what those slices say about what they store of people.
func (a *App) moderationParts() []personal.Part {
	return []personal.Part{a.Moderation.Personal(), a.Guard.Personal(), a.Figures.Personal()}
}

// screened is what signing up asks before anything else.
func (a *App) screened(ctx context.Context, email, ip string) (bool, error) {
	return a.Guard.SignUp(ctx, email, ip)
}

// keptOut keeps requests out that come from where there is no access.
func (a *App) keptOut(next http.Handler) http.Handler { return a.Guard.Wrap(next) }

// reportOf and strikeOf are what notifications show of reports and of what moderators did.
func (a *App) reportOf(ctx context.Context, report id.ID) (any, error) {
	return a.Moderation.ReportOf(ctx, report)
}

func (a *App) strikeOf(ctx context.Context, strike id.ID) (any, error) {
	return a.Moderation.WarningOf(ctx, strike)
}

// serversOut returns which other servers are kept out, for everybody to read.
func (a *App) serversOut(ctx context.Context) ([]instance.Block, error) {
	list, err := a.Guard.Servers(ctx)
	out := make([]instance.Block, len(list))
	for i, b := range list {
		out[i] = instance.Block(b)
	}
	return out, err
}

// ownersOf returns who answers for a restaurant or a group.
func (a *App) ownersOf(ctx context.Context, profile id.ID, kind social.Kind) ([]id.ID, error) {
	if kind == social.OfGroup {
		return a.Town.Groups.Owners(ctx, profile)
	}
	return a.holders(ctx, access.Grant{Role: access.RoleOwner, Place: profile})
}

// host returns the name of this server.
func (a *App) host() string {
	u, err := url.Parse(a.Address())
	if err != nil {
		return ""
	}
	return u.Host
}

// rules returns the rules of the town by the ids that apps know them by; see social/instance.
func (a *App) rules() []api.Rule {
	out := []api.Rule{}
	for part := range strings.SplitSeq(strings.ReplaceAll(a.Settings.Config().Signup.Rules, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, api.Rule{ID: strconv.Itoa(len(out) + 1), Text: part})
		}
	}
	return out
}

// storage knows how many bytes the files take: counted at most every ten minutes, for there may be many.
type storage struct {
	dir string
	now func() time.Time

	mu sync.Mutex
	at time.Time
	n  int64
}

const recount = 10 * time.Minute

func (s *storage) size(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && s.now().Sub(s.at) < recount {
		return s.n, nil
	}
	var n int64
	err := filepath.WalkDir(s.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, errs.New(errs.Unavailable, "The files can't be counted now.").WithCause(err)
	}
	s.n, s.at = n, s.now()
	return n, nil
}
