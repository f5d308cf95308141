package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/social/discover"
	"github.com/stoa-town/stoa/internal/social/preview"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/schedule"
	"github.com/stoa-town/stoa/internal/social/search"
	"github.com/stoa-town/stoa/internal/social/status"
	"github.com/stoa-town/stoa/internal/social/translate"
	"github.com/stoa-town/stoa/internal/social/trend"
)

// previews builds the cards of pages that are linked to. Statuses come after it.
func (a *App) previews() {
	a.Previews = preview.New(a.DB, a.Jobs, a.Now, a.Fetch, a.Files, redraws{a}, a.Address)
	a.Previews.React()
}

// redraws has statuses drawn anew. It is there before they are.
type redraws struct{ *App }

func (r redraws) Redraw(ctx context.Context, tx *db.Tx, which id.ID) error {
	return r.Statuses.Redraw(ctx, tx, which)
}

// findings builds what looks through statuses, and those that wait to be posted. Statuses come before it.
func (a *App) findings() {
	a.Later = schedule.New(a.DB, a.Jobs, a.IDs, a.Now, later{a}, a.Media)
	a.Later.React()
	a.Trends = trend.New(trend.Deps{
		DB: a.DB, Now: a.Now, Statuses: a.Statuses, Relations: a.Follow.Relations, Cards: a.Previews.Of, Discoverable: a.discoverable,
		Review: func() bool { return a.Settings.Config().Social.Trends == "reviewed" }, Audit: a.Audit.Write, URL: a.Address,
	})
	a.Trends.React(a.Events)
	a.Suggested = discover.New(a.DB, a.Now, a.Profile, a.Follow)
	a.Finder = search.New(search.Deps{
		DB: a.DB, Statuses: a.Statuses, People: faces{a}, Graph: a.Follow, Food: larder{a, &extras{App: a}}, Zone: a.zone, URL: a.Address,
	})
	a.Finder.React(a.Events)
	a.Translator = translate.New(translate.Deps{HTTP: a.Fetch.HTTP(), Now: a.Now, Server: a.translator, Statuses: a.Statuses, Relations: a.Follow.Relations})
}

// discoverable returns which of some profiles want to be found.
func (a *App) discoverable(ctx context.Context, profiles []id.ID) (map[id.ID]bool, error) {
	found, err := a.Profile.Entities(ctx, profiles)
	out := make(map[id.ID]bool, len(found))
	for n, p := range found {
		out[n] = p.Discoverable && !p.Suspended && !p.Limited
	}
	return out, err
}

// later posts what has waited for its time.
type later struct{ *App }

// PostLater posts a stored draft as its author, once for a key.
func (l later) PostLater(ctx context.Context, author id.ID, doc json.RawMessage, key string) error {
	var draft status.Draft
	if err := json.Unmarshal(doc, &draft); err != nil {
		return errs.New(errs.Invalid, "This can't be read.")
	}
	acc, err := l.Accounts.Get(ctx, author)
	if err != nil {
		return err
	}
	draft.Key = key
	_, err = l.Statuses.Post(ctx, access.Actor{ID: acc.ID, Handle: acc.Handle, Name: acc.Name, Roles: acc.Roles}.At(l.Now()), draft)
	return err
}

// LangOf returns an account's language, "" for one that is gone.
func (l later) LangOf(ctx context.Context, author id.ID) string {
	acc, err := l.Accounts.Get(ctx, author)
	if err != nil {
		return ""
	}
	return acc.Lang
}

// indexable returns which of some profiles let strangers find their public posts.
func (a *App) indexable(ctx context.Context, profiles []id.ID) (map[id.ID]bool, error) {
	found, err := a.Profile.Entities(ctx, profiles)
	out := make(map[id.ID]bool, len(found))
	for n, p := range found {
		out[n] = p.Indexable && !p.Suspended && !p.Limited
	}
	return out, err
}

// faces finds people.
type faces struct{ *App }

func (f faces) Find(ctx context.Context, viewer id.ID, q string, following bool, offset, limit int) ([]*social.Account, error) {
	return f.Profile.Search(ctx, profile.Query{Text: q, Viewer: viewer, Followed: following, Offset: offset, Limit: limit})
}

func (f faces) Resolve(ctx context.Context, acct string) (id.ID, error) {
	return f.Profile.Resolve(ctx, acct)
}

func (f faces) Indexable(ctx context.Context, profiles []id.ID) (map[id.ID]bool, error) {
	return f.indexable(ctx, profiles)
}

// larder finds restaurants and dishes by the beginnings of words.
type larder struct {
	*App
	cards *extras
}

func (l larder) Find(ctx context.Context, q string, limit int) (shops []social.ShopCard, dishes []social.DishCard, err error) {
	words := search.Words(q)
	all, err := l.Restaurants.All(ctx)
	if err != nil {
		return nil, nil, err
	}
	found := map[string]id.ID{} // dishes by name and id, which orders them
	for _, r := range all {
		shop, _, err := l.cards.shop(ctx, r.ID)
		if err != nil {
			return nil, nil, err
		}
		if shop == nil {
			continue
		}
		if len(shops) < limit && begins(shop.Name, words) {
			shops = append(shops, *shop)
		}
		menu, err := l.Menus.Menu(ctx, r.ID)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for n, it := range menu.Items {
			if !it.Hidden && begins(it.Name, words) {
				found[it.Name+" "+n.String()] = n
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if len(dishes) == limit {
			break
		}
		dish, _, err := l.cards.dish(ctx, found[name])
		if err != nil {
			return nil, nil, err
		}
		if dish != nil {
			dishes = append(dishes, *dish)
		}
	}
	return shops, dishes, nil
}

// begins reports whether each word is the beginning of one of a name's.
func begins(name string, words []string) bool {
	of := search.Words(name)
	for _, w := range words {
		if !slices.ContainsFunc(of, func(n string) bool { return strings.HasPrefix(n, w) }) {
			return false
		}
	}
	return len(words) > 0
}

// translator returns where public posts are translated.
func (a *App) translator() (address, key string) {
	t := a.Settings.Config().Translate
	return t.URL, t.Key
}
