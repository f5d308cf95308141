package app

import (
	"context"
	"errors"
	"slices"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/platform/push"
	"github.com/stoa-town/stoa/internal/social/announcement"
	"github.com/stoa-town/stoa/internal/social/conversation"
	"github.com/stoa-town/stoa/internal/social/notification"
	"github.com/stoa-town/stoa/internal/social/notification/marker"
	"github.com/stoa-town/stoa/internal/social/notification/tell"
)

// News are the slices that tell people what concerns them.
type News struct {
	Push          *push.Service
	Markers       *marker.Service
	Notices       *notification.Service
	Tell          *tell.Service
	Talks         *conversation.Service
	Announcements *announcement.Service
}

// news builds what tells people. Statuses, relations and the town's groups come before it.
func (a *App) news() {
	a.Push = push.New(a.DB, a.Secrets, a.IDs, a.Fetch, push.Options{Contact: a.Address})
	a.Markers = marker.New(a.DB, a.Events, a.Now)
	a.Markers.React()
	a.Notices = notification.New(notification.Deps{
		DB: a.DB, Log: a.Events, Hub: a.Hub, IDs: a.IDs, Now: a.Now, Graph: a.Follow, Profiles: a.Profile, Statuses: a.Statuses, Markers: markers{a.Markers},
		Shop: a.shopOf, Moderators: a.moderators, Staff: a.staff, Report: a.reportOf, Warning: a.strikeOf,
	})
	a.Notices.React()
	a.Tell = tell.New(tell.Deps{
		DB: a.DB, Log: a.Events, Jobs: a.Jobs, Now: a.Now, Notices: a.Notices, Markers: markers{a.Markers}, Graph: a.Follow, Push: a.Push, Mail: a.Mail,
		Secrets: a.Secrets, People: a.Accounts, URL: a.Address, Town: func() string { return a.Settings.Config().Town.Name }, Zone: a.zone,
	})
	a.Tell.React()
	a.Talks = conversation.New(conversation.Deps{
		DB: a.DB, Log: a.Events, IDs: a.IDs, Now: a.Now, Graph: a.Follow, Profiles: a.Profile, Statuses: a.Statuses, Gate: a.Notices,
	})
	a.Talks.React()
	a.Announcements = announcement.New(announcement.Deps{
		DB: a.DB, Log: a.Events, Jobs: a.Jobs, IDs: a.IDs, Now: a.Now, Emoji: a.Emoji, Audit: a.Audit.Write,
	})
	a.Announcements.React()
}

func (a *App) newsRoutes() {
	a.Markers.Routes(a.Router)
	a.Notices.Routes(a.Router)
	a.Tell.Routes(a.Router)
	a.Talks.Routes(a.Router)
	a.Announcements.Routes(a.Router)
}

// newsParts returns what those slices say about what they store of people.
func (a *App) newsParts() []personal.Part {
	return []personal.Part{a.Notices.Personal(), a.Tell.Personal(a.Markers.Erase), a.Talks.Personal(), a.Announcements.Personal()}
}

// pushKey returns the public key that apps subscribe to push messages with.
func (a *App) pushKey(ctx context.Context) (string, error) { return a.Push.PublicKey(ctx) }

// markers tells notifications how far people have read.
type markers struct{ *marker.Service }

// Move moves an account's marker of notifications.
func (m markers) Move(ctx context.Context, account, to id.ID) error {
	_, err := m.Service.Move(ctx, account, map[string]id.ID{marker.Notifications: to})
	return err
}

// shopOf returns a restaurant's name and its word in addresses.
func (a *App) shopOf(ctx context.Context, restaurant id.ID) (name, slug string, err error) {
	shop, err := a.Restaurants.Shop(ctx, restaurant)
	if err != nil {
		return "", "", err
	}
	return shop.Name, shop.Slug, nil
}

// moderators returns who looks after the town's people.
func (a *App) moderators(ctx context.Context) ([]id.ID, error) {
	return a.holders(ctx, access.Grant{Role: access.RoleModerator}, access.Grant{Role: access.RoleAdmin})
}

// staff returns who works at a restaurant.
func (a *App) staff(ctx context.Context, restaurant id.ID) ([]id.ID, error) {
	return a.holders(ctx, access.Grant{Role: access.RoleOwner, Place: restaurant}, access.Grant{Role: access.RoleStaff, Place: restaurant})
}

func (a *App) holders(ctx context.Context, grants ...access.Grant) (out []id.ID, err error) {
	for _, g := range grants {
		list, e := a.Accounts.Holders(ctx, g)
		err = errors.Join(err, e)
		for i := range list {
			if !slices.Contains(out, list[i].ID) {
				out = append(out, list[i].ID)
			}
		}
	}
	return out, err
}
