package app

import (
	"context"
	"net/http"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/social/emoji"
	"github.com/stoa-town/stoa/internal/social/follow/archive"
	"github.com/stoa-town/stoa/internal/social/instance"
	"github.com/stoa-town/stoa/internal/social/media"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/status"
)

// media builds what keeps the files of posts, and the town's emoji.
func (a *App) media() (err error) {
	a.Media, err = media.New(media.Deps{DB: a.DB, Files: a.Files, IDs: a.IDs, Now: a.Now, URL: a.Address, Unlink: a.unlink},
		func() media.Options {
			c := a.Settings.Config().Social
			return media.Options{Person: int64(c.PersonFiles), Total: int64(c.AllFiles)}
		})
	if err != nil {
		return err
	}
	a.Media.React(a.Jobs)
	a.Emoji = emoji.New(emoji.Deps{DB: a.DB, Log: a.Events, Files: a.Files, Now: a.Now, URL: a.Address, Unlink: a.unlink})
	a.Emoji.React()
	return nil
}

// filesUsed returns how many bytes the files of posts take, and how many they may take.
func (a *App) filesUsed(ctx context.Context) (used, most int64, err error) {
	u, err := a.Media.Use(ctx, 0)
	return u.Bytes, u.Limit, err
}

// linkLength is as how long every address in a post counts.
const linkLength = 23

// instance builds what the server says about itself. It comes last.
func (a *App) instance() {
	a.Instance = instance.New(instance.Deps{
		DB: a.DB, Log: a.Events, Files: a.Files, Now: a.Now, URL: a.Address, Config: a.Settings.Config, Version: a.opt.Version,
		Limits: instance.Limits{
			Characters: a.Statuses.MaxLength, Attachments: media.MaxAttached, Link: linkLength, Options: status.MaxOptions, OptionChars: status.MaxOption,
			MinExpiry: status.MinExpiry, MaxExpiry: status.MaxExpiry, FeaturedTags: profile.MaxTags, Pins: status.MaxPins,
			Fields: profile.MaxFields, FieldName: profile.MaxFieldName, Field: profile.MaxField, Name: profile.MaxName, Note: profile.MaxNote,
			Picture: media.MaxPicture, Film: media.MaxFilm, Pixels: media.MaxPixels, FilmPixels: media.MaxFilmPixels, Rate: media.MaxRate,
			Description: media.MaxDescription, Types: media.Types,
		},
		Profiles: a.Profile, Statuses: a.Statuses, Contact: a.contact, Push: a.pushKey, Seen: a.Accounts.SeenSince, Blocks: a.serversOut,
		Policy: func(ctx context.Context) (out []personal.About) {
			for _, p := range a.Privacy.Parts() {
				if p.About != nil {
					out = append(out, p.About(ctx))
				}
			}
			return out
		},
	})
	a.Instance.React(a.Jobs)
}

// contact returns an admin of the town, 0 where there is none yet.
func (a *App) contact(ctx context.Context) (id.ID, error) {
	admins, err := a.Accounts.Holders(ctx, access.Grant{Role: access.RoleAdmin})
	if err != nil || len(admins) == 0 {
		return 0, err
	}
	return admins[0].ID, nil
}

// longBody returns how long the body of a request may be that brings a larger file than others, else 0.
func longBody(r *http.Request) int64 {
	if media.IsUpload(r) {
		return media.MaxFilm + media.MaxPicture + 1<<20
	}
	if r.Method == http.MethodPost && (r.URL.Path == "/api/v1/import" || r.URL.Path == "/settings/archive") {
		return archive.MaxZip + 1<<20
	}
	return 0
}
