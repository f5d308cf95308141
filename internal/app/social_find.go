package app

import (
	"context"
	"encoding/json"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/social/discover"
	"github.com/stoa-town/stoa/internal/social/preview"
	"github.com/stoa-town/stoa/internal/social/schedule"
	"github.com/stoa-town/stoa/internal/social/status"
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
		Review: func() bool { return false }, Audit: a.Audit.Write, URL: a.Address,
	})
	a.Trends.React(a.Events)
	a.Suggested = discover.New(a.DB, a.Now, a.Profile, a.Follow)
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
