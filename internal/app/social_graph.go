package app

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/profile"
)

// graph builds the profiles and who follows whom.
func (a *App) graph() {
	a.Profile = profile.New(a.DB, a.Events, a.IDs, a.Now, profile.Options{
		URL: a.Address, Gone: func(ctx context.Context, tx *db.Tx, handle string) (bool, error) { return a.Privacy.HandleGone(ctx, tx, handle) },
		Rename: a.Accounts.Rename, Put: a.putPicture, Unlink: a.unlink,
	})
	a.Profile.React(a.Events)
	a.Follow = follow.New(a.DB, a.Events, a.IDs, a.Now, a.Profile, follow.Options{})
	a.Follow.React(a.Events)
}

// putPicture keeps a picture of a profile.
func (a *App) putPicture(ctx context.Context, picture io.Reader) (path, thumb string, err error) {
	body, err := io.ReadAll(io.LimitReader(picture, files.MaxBytes+1))
	if err != nil {
		return "", "", fmt.Errorf("app: read a picture: %w", err)
	}
	photo, err := a.Files.Put(ctx, body)
	return photo.Path, photo.Thumb, err
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

func (a *App) restaurantSaved(ctx context.Context, tx *db.Tx, rid id.ID, slug, name string, active bool) error {
	return a.Profile.RestaurantSaved(ctx, tx, rid, slug, name, active)
}
