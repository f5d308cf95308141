package timeline

import (
	"strings"

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
		body, page, err := s.JSON(r.Context(), rel, f, p)
		if err != nil {
			return nil, err
		}
		r.Link(page.Next, page.Prev)
		return body, nil
	}
}

// wishes are what a request says about a timeline.
type wishes struct {
	Local     bool     `json:"local"`
	Remote    bool     `json:"remote"`
	Media     bool     `json:"only_media"`
	Any       []string `json:"any"`
	All       []string `json:"all"`
	None      []string `json:"none"`
	NoReplies bool     `json:"exclude_replies"`
	NoBoosts  bool     `json:"exclude_reblogs"`
	Pinned    bool     `json:"pinned"`
	Tagged    string   `json:"tagged"`
}

func wishesOf(r *mastodon.Request) (w wishes, err error) {
	if r.URL.RawQuery == "" {
		return w, nil
	}
	return w, r.Decode(&w)
}

func publicOf(r *mastodon.Request) (Feed, error) {
	w, err := wishesOf(r)
	// All that there is was written here: the timeline of other servers is empty.
	return Feed{Kind: Everybody, Local: w.Local, Media: w.Media, Nothing: w.Remote && !w.Local}, err
}

func tagOf(r *mastodon.Request) (Feed, error) {
	w, err := wishesOf(r)
	return Feed{Kind: Tag, Tag: foldTag(r.PathValue("tag")), Any: foldTags(w.Any), All: foldTags(w.All), None: foldTags(w.None), Media: w.Media, Nothing: w.Remote && !w.Local}, err
}

func foldTag(t string) string { return text.Fold(strings.TrimPrefix(strings.TrimSpace(t), "#")) }

// foldTags folds at most four tags, which are as many as Mastodon takes.
func foldTags(list []string) []string {
	out := []string{}
	for _, t := range list[:min(len(list), 4)] {
		if t = foldTag(t); t != "" {
			out = append(out, t)
		}
	}
	return out
}

func byID(k Kind) func(r *mastodon.Request) (Feed, error) {
	return func(r *mastodon.Request) (Feed, error) {
		of, err := r.ID("id")
		if err != nil {
			return Feed{}, err
		}
		w, err := wishesOf(r)
		return Feed{Kind: k, Of: of, Media: w.Media}, err
	}
}

func accountOf(r *mastodon.Request) (Feed, error) {
	of, err := r.ID("id")
	if err != nil {
		return Feed{}, err
	}
	w, err := wishesOf(r)
	return Feed{Kind: Account, Of: of, NoReplies: w.NoReplies, NoBoosts: w.NoBoosts, Media: w.Media, Pinned: w.Pinned, Tag: foldTag(w.Tagged)}, err
}
