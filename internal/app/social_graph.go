package app

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/list"
	"github.com/stoa-town/stoa/internal/social/profile"
)

// graph builds the profiles and who follows whom.
func (a *App) graph() {
	a.Profile = profile.New(a.DB, a.Events, a.IDs, a.Now, profile.Options{
		URL: a.Address, Gone: func(ctx context.Context, tx *db.Tx, handle string) (bool, error) {
			return a.Privacy.HandleGone(ctx, tx, handle)
		},
		Rename: a.Accounts.Rename, Files: a.Files, Unlink: a.unlink, Jobs: a.Jobs, Fetch: a.Fetch, Uses: a.tagUses, Moderates: a.moderates,
		Emojis: func(ctx context.Context, names []string) ([]social.Emoji, error) { return a.Emoji.Named(ctx, names) },
		Relations: func(ctx context.Context, viewer id.ID) (*social.Relations, error) {
			return a.Follow.Relations(ctx, viewer)
		},
		Requests: func(ctx context.Context, who id.ID) (int, error) { return a.Follow.Requested(ctx, who) },
		Unlocked: func(ctx context.Context, tx *db.Tx, who id.ID) error { return a.Follow.AuthorizeAll(ctx, tx, who) },
	})
	a.Profile.React(a.Events, a.Jobs)
	a.Follow = follow.New(a.DB, a.Events, a.IDs, a.Now, a.Profile, follow.Options{
		URL: a.Address, Tag: profile.Tag, Resolve: a.Profile.Resolve, Jobs: a.Jobs, Exclusive: list.Exclusive, Groups: a.groupsOf, Lists: listFiles{a}, Bookmarks: bookmarkFiles{a},
		Posts: pastPosts{a}, Files: a.Files, Unlink: a.unlink,
		History: func(ctx context.Context, tag string) (any, error) { return a.Trends.History(ctx, tag) },
	})
	a.Follow.React(a.Events, a.Jobs)
}

// tagged is how many of somebody's newest posts are looked at for the hashtags that they use.
const tagged = 400

// tagUses returns the hashtags of somebody's newest posts that everybody may read, the most used first.
func (a *App) tagUses(ctx context.Context, who id.ID) ([]profile.TagUse, error) {
	heads, err := a.Statuses.By(ctx, []id.ID{who}, 0, tagged)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	out := []profile.TagUse{}
	for _, h := range heads {
		if h.Visibility != social.Public && h.Visibility != social.Unlisted {
			continue
		}
		for _, tag := range h.Tags {
			i, known := at[tag]
			if !known {
				i, at[tag] = len(out), len(out)
				out = append(out, profile.TagUse{Tag: tag, Last: h.At}) // the newest come first
			}
			out[i].Uses++
		}
	}
	slices.SortStableFunc(out, func(a, b profile.TagUse) int { return b.Uses - a.Uses })
	return out, nil
}

// handleGone reports whether nobody new may have a handle: it was somebody's who left, or is that of a restaurant or a group.
func (a *App) handleGone(ctx context.Context, tx *db.Tx, handle string) (bool, error) {
	gone, err := a.Privacy.HandleGone(ctx, tx, handle)
	if err != nil || gone {
		return gone, err
	}
	return a.Profile.HandleTaken(ctx, tx, handle)
}

// personOf returns what a profile needs to know of an account.
func personOf(acc account.Account) profile.Person {
	return profile.Person{
		ID: acc.ID, Handle: acc.Handle, Name: cmp.Or(acc.Name, acc.Handle), Lang: acc.Lang, Waits: acc.State == account.Pending,
		Suspended: acc.State == account.Suspended, Erased: acc.Name == "",
	}
}

func (a *App) accountMade(ctx context.Context, tx *db.Tx, acc account.Account) error {
	return a.Profile.AccountMade(ctx, tx, personOf(acc))
}

func (a *App) accountChanged(ctx context.Context, tx *db.Tx, acc account.Account) error {
	return a.Profile.AccountChanged(ctx, tx, personOf(acc))
}

func (a *App) restaurantSaved(ctx context.Context, tx *db.Tx, rid id.ID, slug string, set restaurant.Settings) error {
	return a.Profile.RestaurantSaved(ctx, tx, profile.Shop{ID: rid, Slug: slug, Name: set.Name, Photo: set.Photo, Active: set.Active})
}

// listFiles are people's lists as files have them.
type listFiles struct{ *App }

// Pairs returns the titles of lists, each with a member.
func (l listFiles) Pairs(ctx context.Context, owner id.ID) (out []follow.ListPair, err error) {
	lists, err := l.Lists.Lists(ctx, owner)
	for _, one := range lists {
		full, err := l.Lists.List(ctx, owner, one.ID)
		if err != nil {
			return nil, err
		}
		for _, member := range slices.Sorted(maps.Keys(full.Members)) {
			out = append(out, follow.ListPair{Title: one.Title, Member: member})
		}
	}
	return out, err
}

// titled returns the owner's list with a title, nil where there is none.
func (l listFiles) titled(ctx context.Context, owner id.ID, title string) (*social.List, error) {
	lists, err := l.Lists.Lists(ctx, owner)
	if i := slices.IndexFunc(lists, func(one *social.List) bool { return one.Title == title }); err == nil && i >= 0 {
		return l.Lists.List(ctx, owner, lists[i].ID)
	}
	return nil, err
}

// Put adds a member to the list with a title.
func (l listFiles) Put(ctx context.Context, owner id.ID, p follow.ListPair) error {
	one, err := l.titled(ctx, owner, p.Title)
	if err == nil && one == nil {
		one, err = l.Lists.Add(ctx, owner, list.Input{Title: &p.Title})
	}
	if err != nil || one.Members[p.Member] {
		return err
	}
	return l.Lists.AddMembers(ctx, owner, one.ID, []id.ID{p.Member})
}

// Take removes the member.
func (l listFiles) Take(ctx context.Context, owner id.ID, p follow.ListPair) error {
	one, err := l.titled(ctx, owner, p.Title)
	if err != nil || one == nil {
		return err
	}
	return l.Lists.RemoveMembers(ctx, owner, one.ID, []id.ID{p.Member})
}

// bookmarkFiles are people's bookmarks as files have them.
type bookmarkFiles struct{ *App }

// URIs returns the addresses of what somebody has bookmarked, newest first.
func (b bookmarkFiles) URIs(ctx context.Context, owner id.ID) (out []string, err error) {
	for before := id.ID(0); ; {
		marks, err := b.Statuses.Marked(ctx, owner, social.Bookmark, 0, before, false, 200)
		if err != nil || len(marks) == 0 {
			return out, err
		}
		ids := make([]id.ID, len(marks))
		for i, m := range marks {
			ids[i], before = m.Status, m.Mark
		}
		heads, err := b.Statuses.Heads(ctx, ids)
		if err != nil {
			return nil, err
		}
		authors := make([]id.ID, len(heads))
		for i, h := range heads {
			authors[i] = h.Account
		}
		accounts, err := b.Profile.Entities(ctx, authors)
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			if a := accounts[h.Account]; a != nil {
				out = append(out, a.URI+"/statuses/"+h.ID.String())
			}
		}
	}
}

// Put bookmarks the status with an address of this server.
func (b bookmarkFiles) Put(ctx context.Context, owner id.ID, uri string) error {
	return b.mark(ctx, owner, uri, true)
}

// Take removes the bookmark.
func (b bookmarkFiles) Take(ctx context.Context, owner id.ID, uri string) error {
	return b.mark(ctx, owner, uri, false)
}

func (b bookmarkFiles) mark(ctx context.Context, owner id.ID, uri string, on bool) error {
	which, err := id.Parse(path.Base(uri))
	if err != nil || !strings.HasPrefix(uri, b.Address()+"/") {
		return errs.New(errs.NotFound, "Record not found")
	}
	return b.Statuses.Mark(ctx, access.Actor{ID: owner}, which, social.Bookmark, on)
}
