package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/social/status"
)

// statuses builds what people post. It comes after profiles, relations and files; who needs statuses comes after it.
func (a *App) statuses() {
	a.Statuses = status.New(status.Deps{
		DB: a.DB, Log: a.Events, Jobs: a.Jobs, IDs: a.IDs, Now: a.Now, Profiles: a.Profile, Relations: a.Follow, Media: a.Media, Filters: a.Filters, Cards: a.Previews, Emojis: a.Emoji, Apps: appNames{a}, Extras: &extras{App: a}, Groups: clubs{a},
	}, status.Options{Address: a.Address})
	a.Statuses.React()
}

// appNames tells which app somebody posted with.
type appNames struct{ *App }

func (n appNames) AppName(ctx context.Context, app id.ID) (name, website string, err error) {
	one, err := n.OAuth.App(ctx, app)
	return one.Name, one.Website, err
}

// notes is how other slices deal with statuses.
type notes struct{ *status.Service }

// Delete deletes a note with its files.
func (n notes) Delete(ctx context.Context, actor access.Actor, which id.ID) error {
	return n.Service.Delete(ctx, actor, which, true)
}
