package web

import (
	"context"
	"net/http"
	"net/url"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/social"
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
