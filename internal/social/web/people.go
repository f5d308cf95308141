package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/card"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

var errNoProfile = errs.New(errs.NotFound, "Nobody has this address.")

// profilePage is somebody's page.
type profilePage struct {
	feedPage
	account *social.Account
	tie     *social.Relationship // nil: a stranger looks, or its owner
	mine    bool
	part    string
	url     string
	ld      string
}

// cutFeed returns a name without the ".rss" that asks for its feed, and whether that was there.
func cutFeed(name string) (string, bool) { return strings.CutSuffix(name, ".rss") }

// whose returns the account that a path names, and whether its feed is asked for.
func (p *Pages) whose(r *http.Request) (a *social.Account, feed bool, err error) {
	handle, feed := cutFeed(r.PathValue("handle"))
	who, err := p.Profiles.Resolve(r.Context(), handle)
	if err != nil {
		return nil, feed, err
	}
	a, err = p.Profiles.Entity(r.Context(), who)
	return a, feed, err
}

func (p *Pages) profile(w http.ResponseWriter, r *http.Request) error {
	a, feed, err := p.whose(r)
	if err != nil {
		return err
	}
	if feed {
		return p.profileFeed(w, r, a)
	}
	ctx, home := r.Context(), card.Home(a)
	f := &profilePage{account: a, url: p.URL() + home, part: r.URL.Query().Get("part")}
	f.feedPage = feedPage{
		title: card.Name(a) + " (" + card.Acct(a) + ")", path: home, where: "account", feed: Feed{Kind: "profile", Of: a.ID, Part: f.part}, rss: home + ".rss",
		noIndex: a.NoIndex || a.Suspended || a.Limited,
		empty:   ui.StateProps{Icon: "pencil", Title: i18n.T(ctx, "Nothing here yet")},
	}
	if f.part != "" {
		f.path = frame.With(home, "part", f.part)
	}
	if viewer := access.From(ctx); viewer.SignedIn() {
		if f.mine = viewer.ID == a.ID; !f.mine {
			tie, err := p.between(ctx, viewer.ID, a.ID)
			if err != nil {
				return err
			}
			f.tie = &tie
		}
	}
	if !a.Suspended {
		if err := p.read(r, &f.feedPage); err != nil {
			return err
		}
		if f.part == "" && r.URL.Query().Get("before") == "" {
			if err := p.pins(ctx, f); err != nil {
				return err
			}
		}
	}
	f.ld = personLD(p.URL(), a)
	v := p.View(r)
	if httpx.IsFragment(r) && r.URL.Query().Get("before") != "" {
		return httpx.Render(w, r, http.StatusOK, feedList(v, &f.feedPage))
	}
	return httpx.Render(w, r, http.StatusOK, p.profileWhole(v, f))
}

// pins reads the statuses that stand above the others on a profile.
func (p *Pages) pins(ctx context.Context, f *profilePage) error {
	ids, _, err := p.Feeds.Feed(ctx, f.rel, Feed{Kind: "profile", Of: f.account.ID, Part: "pinned"}, 0, 0, 5)
	if err != nil {
		return err
	}
	f.pinned, err = p.Statuses.Statuses(ctx, f.rel, ids, "account")
	return err
}

// profileMenu is what can be done about somebody.
func (p *Pages) profileMenu(w http.ResponseWriter, r *http.Request) error {
	a, _, err := p.whose(r)
	if err != nil {
		return err
	}
	tie, err := p.between(r.Context(), access.From(r.Context()).ID, a.ID)
	if err != nil {
		return err
	}
	return httpx.Render(w, r, http.StatusOK, p.Sheet(r, card.Name(a), card.Home(a), profileMenu(a, tie)))
}

// tie does to somebody what the path says.
func (p *Pages) tie(w http.ResponseWriter, r *http.Request) error {
	a, _, err := p.whose(r)
	if err != nil {
		return err
	}
	ctx, deed := r.Context(), Deed(r.PathValue("deed"))
	said, ok := words(ctx, deed, card.Acct(a))
	if !ok {
		return errNoTopic
	}
	actor := access.From(ctx)
	if err := p.Graph.Tie(ctx, actor, deed, a.ID); err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, card.Home(a))
	}
	tie, err := p.between(ctx, actor.ID, a.ID)
	if err != nil {
		return err
	}
	toast := ui.ToastProps{Text: said}
	if undo := opposite(deed); undo != "" {
		toast.UndoHref = card.Home(a) + "/" + string(undo)
	}
	return httpx.Render(w, r, http.StatusOK, templ.Join(tieAgain(a, &tie), frame.Toast(toast)))
}

// words says what was done to somebody; false for what can't be done.
func words(ctx context.Context, d Deed, who string) (string, bool) {
	switch d {
	case Follow, Accept, Reject, FollowQuiet, FollowBoosts, Notify, NotifyNot:
		return "", true // the button shows it
	case Unfollow:
		return i18n.T(ctx, "You no longer follow %s.", who), true
	case Mute:
		return i18n.T(ctx, "You no longer see %s.", who), true
	case Unmute:
		return i18n.T(ctx, "You see %s again.", who), true
	case Block:
		return i18n.T(ctx, "%s is blocked.", who), true
	case Unblock:
		return i18n.T(ctx, "%s is no longer blocked.", who), true
	case Drop:
		return i18n.T(ctx, "%s no longer follows you.", who), true
	}
	return "", false
}

// opposite returns what takes a deed back, "" where nothing does.
func opposite(d Deed) Deed {
	switch d {
	case Unfollow:
		return Follow
	case Mute:
		return Unmute
	case Unmute:
		return Mute
	case Block:
		return Unblock
	}
	return ""
}

// peoplePage is a list of accounts with what is between each and the reader.
type peoplePage struct {
	view  card.View
	list  []*social.Account
	ties  map[id.ID]social.Relationship
	older string
	asked bool // the accounts ask to follow: they are let in or not
	empty ui.StateProps
}

// people reads accounts in the order of ids.
func (p *Pages) people(r *http.Request, rel *social.Relations, ids []id.ID) (*peoplePage, error) {
	found, err := p.Profiles.Entities(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	l := &peoplePage{view: p.View(r), ties: map[id.ID]social.Relationship{}}
	for _, i := range ids {
		if a := found[i]; a != nil {
			l.list = append(l.list, a)
		}
	}
	if rel.Viewer == 0 || len(ids) == 0 {
		return l, nil
	}
	ties, err := p.Graph.Relationships(r.Context(), rel.Viewer, ids)
	if err != nil {
		return nil, err
	}
	for _, t := range ties {
		l.ties[t.ID] = t
	}
	return l, nil
}

func (p *Pages) followers(w http.ResponseWriter, r *http.Request) error {
	return p.around(w, r, Followers)
}

func (p *Pages) following(w http.ResponseWriter, r *http.Request) error {
	return p.around(w, r, Following)
}

func (p *Pages) requests(w http.ResponseWriter, r *http.Request) error {
	return p.own(w, r, Requests, i18n.T(r.Context(), "Who asks to follow you"))
}

func (p *Pages) blocked(w http.ResponseWriter, r *http.Request) error {
	return p.own(w, r, Blocked, i18n.T(r.Context(), "Blocked"))
}

func (p *Pages) muted(w http.ResponseWriter, r *http.Request) error {
	return p.own(w, r, Muted, i18n.T(r.Context(), "Muted"))
}

func (p *Pages) around(w http.ResponseWriter, r *http.Request, c Circle) error {
	a, _, err := p.whose(r)
	if err != nil {
		return err
	}
	title := i18n.T(r.Context(), "Followers of %s", card.Name(a))
	if c == Following {
		title = i18n.T(r.Context(), "%s follows", card.Name(a))
	}
	return p.circle(w, r, a.ID, c, title, card.Home(a))
}

func (p *Pages) own(w http.ResponseWriter, r *http.Request, c Circle, title string) error {
	return p.circle(w, r, access.From(r.Context()).ID, c, title, "/home")
}

func (p *Pages) circle(w http.ResponseWriter, r *http.Request, whom id.ID, c Circle, title, from string) error {
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	before, _ := id.Parse(r.URL.Query().Get("before")) // what is no id is the beginning
	ids, older, err := p.Graph.Around(ctx, rel.Viewer, whom, c, before, 40)
	if err != nil {
		return err
	}
	l, err := p.people(r, rel, ids)
	if err != nil {
		return err
	}
	l.asked = c == Requests
	l.empty = ui.StateProps{Icon: "users", Title: i18n.T(ctx, "Nobody here")}
	if older != 0 {
		l.older = frame.With(ui.ChromeFrom(ctx).Path, "before", older.String())
	}
	return httpx.Render(w, r, http.StatusOK, p.Sheet(r, title, from, peopleList(l)))
}
