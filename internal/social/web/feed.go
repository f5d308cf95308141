package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/social/web/frame"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// The size of a page of statuses, and how far a list is read again that somebody comes back to.
const (
	pageSize = 20
	mostKept = 400
)

// feedPage is a list of statuses with what stands around it.
type feedPage struct {
	title   string
	kicker  string
	path    string // of the page
	topic   string // live, "" for a list to which nothing comes by itself
	where   string // the place that filters look at
	feed    Feed
	rel     *social.Relations
	list    []*social.Status
	pinned  []*social.Status
	older   string // address of the next page, "" at the end
	write   *composer
	empty   ui.StateProps
	rss     string
	noIndex bool
	actions templ.Component // beside the title; may be nil
}

// read fills in a page's statuses. A list that was read on is read again from its first to its last (from and to in its address), so that
// whoever comes back finds it as it was.
func (p *Pages) read(r *http.Request, f *feedPage) (err error) {
	ctx, q := r.Context(), r.URL.Query()
	if f.rel, err = p.relations(ctx); err != nil {
		return err
	}
	before, _ := id.Parse(q.Get("before")) // what is no id is the beginning
	from, _ := id.Parse(q.Get("from"))
	to, _ := id.Parse(q.Get("to"))
	var ids []id.ID
	if from != 0 && to != 0 && to <= from {
		before = from + 1
		for len(ids) < mostKept && (len(ids) == 0 || ids[len(ids)-1] > to) && before != 0 {
			var more []id.ID
			if more, before, err = p.Feeds.Feed(ctx, f.rel, f.feed, before, 0, 2*pageSize); err != nil {
				return err
			}
			ids = append(ids, more...)
			if len(more) == 0 {
				break
			}
		}
	} else if ids, before, err = p.Feeds.Feed(ctx, f.rel, f.feed, before, 0, pageSize); err != nil {
		return err
	}
	if before != 0 {
		f.older = frame.With(f.path, "before", before.String())
	}
	f.list, err = p.Statuses.Statuses(ctx, f.rel, ids, f.where)
	return err
}

// show answers with a page's list alone where the script asks for it, else with all of it.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, f *feedPage) error {
	v := p.View(r)
	if httpx.IsFragment(r) && r.URL.Query().Get("before") != "" {
		return httpx.Render(w, r, http.StatusOK, feedList(v, f))
	}
	return httpx.Render(w, r, http.StatusOK, p.feedWhole(v, f))
}

func (p *Pages) home(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f := &feedPage{
		title: i18n.T(ctx, "Home"), path: "/home", topic: topicMe + ":" + access.From(ctx).ID.String(), where: "home", feed: Feed{Kind: "home"}, noIndex: true,
		empty: ui.StateProps{Icon: "users", Title: i18n.T(ctx, "Nobody to read yet"), Text: i18n.T(ctx, "Follow people, restaurants and hashtags, and what they post stands here."), ActionLabel: i18n.T(ctx, "See what the town talks about"), ActionHref: "/town"},
	}
	if err := p.read(r, f); err != nil {
		return err
	}
	var err error
	if f.write, err = p.composer(r, composeForm{}); err != nil {
		return err
	}
	return p.show(w, r, f)
}

func (p *Pages) townPage(ctx context.Context) *feedPage {
	f := &feedPage{
		title: i18n.T(ctx, "The town"), path: "/town", topic: townOpen, where: "public", feed: Feed{Kind: "town"},
		empty: ui.StateProps{Icon: "landmark", Title: i18n.T(ctx, "It is quiet here"), Text: i18n.T(ctx, "Nobody has posted to everybody yet.")},
	}
	if access.From(ctx).SignedIn() {
		f.topic = townAll
	}
	return f
}

func (p *Pages) town(w http.ResponseWriter, r *http.Request) error {
	f := p.townPage(r.Context())
	if err := p.read(r, f); err != nil {
		return err
	}
	return p.show(w, r, f)
}

func (p *Pages) tag(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	name, feed := cutFeed(r.PathValue("tag"))
	name = text.Clean(name, 100)
	f := &feedPage{
		title: "#" + name, kicker: i18n.T(ctx, "Hashtag"), path: "/tags/" + url.PathEscape(name), where: "public", feed: Feed{Kind: "tag", Tag: name},
		rss:   "/tags/" + url.PathEscape(name) + ".rss",
		empty: ui.StateProps{Icon: "hash", Title: i18n.T(ctx, "Nothing about this yet"), Text: i18n.T(ctx, "Write #%s in a post, and it stands here.", name)},
	}
	if feed {
		return p.tagFeed(w, r, f)
	}
	if err := p.read(r, f); err != nil {
		return err
	}
	if p.Tags != nil && f.rel.Viewer != 0 {
		f.actions = tagButton(name, f.rel.Tags[text.Fold(name)])
	}
	return p.show(w, r, f)
}

func (p *Pages) bookmarks(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	return p.mine(w, r, &feedPage{
		title: i18n.T(ctx, "Bookmarks"), path: "/bookmarks", feed: Feed{Kind: "bookmarks"},
		empty: ui.StateProps{Icon: "bookmark", Title: i18n.T(ctx, "No bookmarks yet"), Text: i18n.T(ctx, "What you bookmark is for you alone to see.")},
	})
}

func (p *Pages) favourites(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	return p.mine(w, r, &feedPage{
		title: i18n.T(ctx, "Favourites"), path: "/favourites", feed: Feed{Kind: "favourites"},
		empty: ui.StateProps{Icon: "star", Title: i18n.T(ctx, "No favourites yet"), Text: i18n.T(ctx, "A star tells the author that you liked it.")},
	})
}

// Lists are the lists in which people sort whom they follow.
type Lists interface {
	List(ctx context.Context, owner, list id.ID) (*social.List, error)
}

func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	of, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return errNoTopic
	}
	l, err := p.Lists.List(ctx, access.From(ctx).ID, of)
	if err != nil {
		return err
	}
	people := "/lists/" + l.ID.String() + "/people"
	return p.mine(w, r, &feedPage{
		title: l.Title, kicker: i18n.T(ctx, "List"), path: "/lists/" + l.ID.String(), where: "home", feed: Feed{Kind: "list", Of: l.ID}, actions: listActions(people),
		empty: ui.StateProps{Icon: "list", Title: i18n.T(ctx, "Nothing here yet"), Text: i18n.T(ctx, "Put people on this list whom you follow."), ActionLabel: i18n.T(ctx, "People on this list"), ActionHref: people},
	})
}

func (p *Pages) mine(w http.ResponseWriter, r *http.Request, f *feedPage) error {
	f.noIndex = true
	if err := p.read(r, f); err != nil {
		return err
	}
	return p.show(w, r, f)
}

func (p *Pages) homeNews(w http.ResponseWriter, r *http.Request) error {
	return p.news(w, r, &feedPage{path: "/home", topic: topicMe + ":" + access.From(r.Context()).ID.String(), where: "home", feed: Feed{Kind: "home"}}, false)
}

func (p *Pages) homeNewer(w http.ResponseWriter, r *http.Request) error {
	return p.news(w, r, &feedPage{path: "/home", topic: topicMe + ":" + access.From(r.Context()).ID.String(), where: "home", feed: Feed{Kind: "home"}}, true)
}

func (p *Pages) townNews(w http.ResponseWriter, r *http.Request) error {
	return p.news(w, r, p.townPage(r.Context()), false)
}

func (p *Pages) townNewer(w http.ResponseWriter, r *http.Request) error {
	return p.news(w, r, p.townPage(r.Context()), true)
}

// mostNews is how many new posts are put above a list at once; with more of them the list begins anew.
const mostNews = 100

// news says how many statuses are newer than the first of a list, or shows them.
func (p *Pages) news(w http.ResponseWriter, r *http.Request, f *feedPage, show bool) (err error) {
	ctx := r.Context()
	if f.rel, err = p.relations(ctx); err != nil {
		return err
	}
	since, _ := id.Parse(r.URL.Query().Get("since")) // an empty list has none: all is new
	ids, _, err := p.Feeds.Feed(ctx, f.rel, f.feed, 0, since, mostNews)
	if err != nil {
		return err
	}
	if !show {
		// One's own posts are put there as they are sent.
		return httpx.Render(w, r, http.StatusOK, newsPill(f, len(ids)))
	}
	if len(ids) == mostNews {
		return httpx.Redirect(w, r, f.path)
	}
	if f.list, err = p.Statuses.Statuses(ctx, f.rel, ids, f.where); err != nil {
		return err
	}
	v := p.View(r)
	v.Back = f.path
	return httpx.Render(w, r, http.StatusOK, templ.Join(posts(v, f.list), newsGone(f)))
}

func number(n int) string { return strconv.Itoa(n) }
