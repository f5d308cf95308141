package timeline

import (
	"net/url"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
)

const (
	pageDefault = 20
	pageMost    = 40
)

// Routes registers the timelines of Mastodon's API, and that of a group.
func (s *Service) Routes(rt *httpx.Router) {
	read, reader := httpx.May("status.read"), httpx.GuestOr("status.read")
	mastodon.Handle(rt, "GET /api/v1/timelines/home", read, s.serve(func(*mastodon.Request) (Feed, error) { return Feed{Kind: Home}, nil }))
	mastodon.Handle(rt, "GET /api/v1/timelines/public", reader, s.serve(publicOf))
	mastodon.Handle(rt, "GET /api/v1/timelines/tag/{tag}", reader, s.serve(tagOf))
	mastodon.Handle(rt, "GET /api/v1/timelines/link", reader, s.serve(linkOf))
	mastodon.Handle(rt, "GET /api/v1/timelines/list/{id}", httpx.May("list.read"), s.serve(byID(List)))
	mastodon.Handle(rt, "GET /api/v1/timelines/group/{id}", reader, s.serve(byID(Group)))
	mastodon.Handle(rt, "GET /api/v1/accounts/{id}/statuses", reader, s.serve(accountOf))
	mastodon.Handle(rt, "GET /api/v1/favourites", httpx.May("favourite.read"), s.serve(func(*mastodon.Request) (Feed, error) { return Feed{Kind: Favourites}, nil }))
	mastodon.Handle(rt, "GET /api/v1/bookmarks", httpx.May("bookmark.read"), s.serve(func(*mastodon.Request) (Feed, error) { return Feed{Kind: Bookmarks}, nil }))
}

// serve answers with a page of the timeline that of reads from the request.
func (s *Service) serve(of func(r *mastodon.Request) (Feed, error)) mastodon.Handler {
	return func(r *mastodon.Request) (any, error) {
		f, err := of(r)
		if err != nil {
			return nil, err
		}
		p, err := r.Page(pageDefault, pageMost)
		if err != nil {
			return nil, err
		}
		rel, err := s.Graph.Relations(r.Context(), r.Actor().ID)
		if err != nil {
			return nil, err
		}
		body, page, err := s.JSON(r.Context(), r.Buffer(), rel, f, p)
		if err != nil {
			return nil, err
		}
		r.Link(page.Next, page.Prev)
		return body, nil
	}
}

// wishes are what a request says about a timeline beside the page. They are read by hand: the dialect's decoder would take longer than the
// timeline.
type wishes struct{ url.Values }

func wishesOf(r *mastodon.Request) wishes {
	if r.URL.RawQuery == "" {
		return wishes{}
	}
	return wishes{r.URL.Query()}
}

// is reports whether a wish is there: in any of the words that clients send.
func (w wishes) is(name string) bool {
	switch strings.ToLower(w.Get(name)) {
	case "1", "t", "true", "on", "yes":
		return true
	}
	return false
}

// tags returns a list of hashtags, folded, of which Mastodon takes four.
func (w wishes) tags(name string) []string {
	out := []string{}
	for _, t := range append(w.Values[name+"[]"], w.Values[name]...) {
		if t = foldTag(t); t != "" && len(out) < 4 {
			out = append(out, t)
		}
	}
	return out
}

func foldTag(t string) string { return text.Fold(strings.TrimPrefix(strings.TrimSpace(t), "#")) }

func publicOf(r *mastodon.Request) (Feed, error) {
	w := wishesOf(r)
	local := w.is("local")
	// All that there is was written here: the timeline of other servers is empty.
	return Feed{Kind: Everybody, Local: local, Media: w.is("only_media"), Nothing: w.is("remote") && !local}, nil
}

func tagOf(r *mastodon.Request) (Feed, error) {
	w := wishesOf(r)
	return Feed{
		Kind: Tag, Tag: foldTag(r.PathValue("tag")), Any: w.tags("any"), All: w.tags("all"), None: w.tags("none"), Media: w.is("only_media"),
		Nothing: w.is("remote") && !w.is("local"),
	}, nil
}

func linkOf(r *mastodon.Request) (Feed, error) {
	page, ok := markup.Page(wishesOf(r).Get("url"))
	if !ok {
		return Feed{}, errs.InvalidField("url", "Say of which page, with its whole address: ?url=https://…")
	}
	return Feed{Kind: Link, Page: page}, nil
}

func byID(k Kind) func(r *mastodon.Request) (Feed, error) {
	return func(r *mastodon.Request) (Feed, error) {
		of, err := r.ID("id")
		return Feed{Kind: k, Of: of, Media: wishesOf(r).is("only_media")}, err
	}
}

func accountOf(r *mastodon.Request) (Feed, error) {
	of, err := r.ID("id")
	w := wishesOf(r)
	return Feed{
		Kind: Account, Of: of, NoReplies: w.is("exclude_replies"), NoBoosts: w.is("exclude_reblogs"), Media: w.is("only_media"), Pinned: w.is("pinned"),
		Tag: foldTag(w.Get("tagged")),
	}, err
}
