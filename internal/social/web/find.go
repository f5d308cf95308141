package web

import (
	"context"
	"net/http"
	"net/url"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Search finds things by their words.
type Search interface {
	Find(ctx context.Context, rel *social.Relations, q, kind string, offset, limit int) (Found, error)
}

// Found is what was found.
type Found struct {
	Accounts []id.ID
	Statuses []id.ID
	Tags     []string
	Dishes   []*social.DishCard
	Shops    []*social.ShopCard
}

// Town is what stands beside the pages on wide screens: what is talked about, and whom one might follow.
type Town interface {
	Trends(ctx context.Context, limit int) ([]string, error)
	Suggested(ctx context.Context, viewer id.ID, limit int) ([]*social.Account, error)
}

// Tags are hashtags that one follows. name is folded, shown as it is written.
type Tags interface {
	FollowTag(ctx context.Context, me id.ID, name, shown string) error
	UnfollowTag(ctx context.Context, me id.ID, name string) error
}

// searchPage is what was looked for and found.
type searchPage struct {
	q, kind  string
	people   *peoplePage
	statuses []*social.Status
	found    Found
}

func (s *searchPage) none() bool {
	return len(s.people.list) == 0 && len(s.statuses) == 0 && len(s.found.Tags) == 0 && len(s.found.Dishes) == 0 && len(s.found.Shops) == 0
}

// link returns the address of the page for one kind of things.
func (s *searchPage) link(kind string) string {
	v := url.Values{"q": {s.q}}
	if kind != "" {
		v.Set("kind", kind)
	}
	return "/search?" + v.Encode()
}

func (p *Pages) search(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rel, err := p.relations(ctx)
	if err != nil {
		return err
	}
	s := &searchPage{q: text.Clean(r.URL.Query().Get("q"), 200), kind: r.URL.Query().Get("kind"), people: &peoplePage{}}
	if s.q != "" {
		limit := 5
		if s.kind != "" {
			limit = 40
		}
		if s.found, err = p.Search.Find(ctx, rel, s.q, s.kind, 0, limit); err != nil {
			return err
		}
		if s.people, err = p.people(r, rel, s.found.Accounts); err != nil {
			return err
		}
		if s.statuses, err = p.Statuses.Statuses(ctx, rel, s.found.Statuses, "public"); err != nil {
			return err
		}
	}
	v := p.View(r)
	if ui.IsFragment(r) {
		return httpx.Render(w, r, http.StatusOK, searchFound(v, s))
	}
	return httpx.Render(w, r, http.StatusOK, p.searchWhole(v, s))
}

// followTag follows a hashtag, or no longer.
func (p *Pages) followTag(w http.ResponseWriter, r *http.Request) error {
	var in turn
	if err := httpx.DecodeForm(w, r, &in); err != nil {
		return err
	}
	ctx, me := r.Context(), access.From(r.Context()).ID
	shown := text.Clean(r.PathValue("tag"), 100)
	name := text.Fold(shown)
	var err error
	if in.On {
		err = p.Tags.FollowTag(ctx, me, name, shown)
	} else {
		err = p.Tags.UnfollowTag(ctx, me, name)
	}
	if err != nil {
		return err
	}
	if !ui.IsFragment(r) {
		return httpx.Redirect(w, r, "/tags/"+url.PathEscape(shown))
	}
	return httpx.Render(w, r, http.StatusOK, tagButton(shown, in.On))
}

// neighbours returns what stands beside a page. A page is worth more than what stands beside it: what fails is left out.
func (p *Pages) neighbours(ctx context.Context, viewer id.ID) (tags []string, people []*social.Account) {
	if p.Town == nil {
		return nil, nil
	}
	tags, err := p.Town.Trends(ctx, 6)
	if err != nil {
		tags = nil
	}
	if viewer != 0 {
		if people, err = p.Town.Suggested(ctx, viewer, 3); err != nil {
			people = nil
		}
	}
	return tags, people
}
