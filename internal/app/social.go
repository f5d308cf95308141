package app

import (
	"io/fs"

	"github.com/stoa-town/stoa/internal/delivery/review"
	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/platform/push"
	"github.com/stoa-town/stoa/internal/social/announcement"
	"github.com/stoa-town/stoa/internal/social/conversation"
	"github.com/stoa-town/stoa/internal/social/discover"
	"github.com/stoa-town/stoa/internal/social/emoji"
	"github.com/stoa-town/stoa/internal/social/event"
	"github.com/stoa-town/stoa/internal/social/filter"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/group"
	"github.com/stoa-town/stoa/internal/social/instance"
	"github.com/stoa-town/stoa/internal/social/list"
	"github.com/stoa-town/stoa/internal/social/media"
	"github.com/stoa-town/stoa/internal/social/notification"
	"github.com/stoa-town/stoa/internal/social/notification/marker"
	"github.com/stoa-town/stoa/internal/social/notification/tell"
	"github.com/stoa-town/stoa/internal/social/preview"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/schedule"
	"github.com/stoa-town/stoa/internal/social/search"
	"github.com/stoa-town/stoa/internal/social/status"
	"github.com/stoa-town/stoa/internal/social/stream"
	"github.com/stoa-town/stoa/internal/social/timeline"
	"github.com/stoa-town/stoa/internal/social/translate"
	"github.com/stoa-town/stoa/internal/social/trend"
	"github.com/stoa-town/stoa/internal/social/web"
	"github.com/stoa-town/stoa/internal/social/web/meet"
	"github.com/stoa-town/stoa/internal/social/web/own"
)

// Social are the slices of the social network.
type Social struct {
	Profile    *profile.Service
	Follow     *follow.Service
	Media      *media.Service
	Emoji      *emoji.Service
	Instance   *instance.Service
	Statuses   *status.Service
	Previews   *preview.Service
	Later      *schedule.Service
	Trends     *trend.Service
	Suggested  *discover.Service
	Finder     *search.Service
	Translator *translate.Service

	Filters   *filter.Service
	Lists     *list.Service
	Timelines *timeline.Service
	Streams   *stream.Hub

	News
	Town  Town
	Pages *web.Pages
	Own   *own.Pages
	Meet  *meet.Pages
	Order
}

// socialSchemas returns the tables of the social network.
func socialSchemas() []fs.FS {
	return append([]fs.FS{
		profile.Schema, follow.Schema,
		media.Schema, emoji.Schema, instance.Schema, status.Schema, preview.Schema, schedule.Schema, trend.Schema, discover.Schema, search.Schema,
		filter.Schema, list.Schema,
		push.Schema, notification.Schema, marker.Schema, tell.Schema, conversation.Schema, announcement.Schema,
		group.Schema, event.Schema, review.Schema,
	}, moderationSchemas()...)
}

// social builds the slices of the social network and gives each the others' services that it needs.
func (a *App) social() error {
	a.graph()
	if err := a.media(); err != nil {
		return err
	}
	a.filters()
	a.previews()
	a.statuses()
	a.findings()
	a.timelines()
	a.streams()
	a.town()
	a.news()
	a.keepers()
	a.instance()
	a.pagesOfPeople()
	return nil
}

// socialRoutes registers what the social network serves.
func (a *App) socialRoutes() {
	a.Profile.Routes(a.Router)
	a.Follow.Routes(a.Router)
	a.Media.Routes(a.Router)
	a.Emoji.Routes(a.Router)
	a.Instance.Routes(a.Router)
	a.statusRoutes()
	a.Later.Routes(a.Router)
	a.Trends.Routes(a.Router)
	a.Suggested.Routes(a.Router)
	a.Finder.Routes(a.Router)
	a.Translator.Routes(a.Router)
	a.timelineRoutes()
	a.Streams.Routes(a.Router)
	a.townRoutes()
	a.newsRoutes()
	a.moderationRoutes()
	a.Pages.Routes(a.Router)
	a.Own.Routes(a.Router)
	a.Meet.Routes(a.Router)
}

// socialParts returns what each slice of the social network says about what it stores of people.
func (a *App) socialParts() []personal.Part {
	return append([]personal.Part{
		a.Profile.Personal(), a.Follow.Personal(),
		a.Media.Personal(), a.Emoji.Personal(), a.Instance.Personal(), a.Statuses.Personal(), a.Previews.Personal(), a.Later.Personal(), a.Trends.Personal(), a.Suggested.Personal(), a.Finder.Personal(),
		a.Filters.Personal(), a.Lists.Personal(),
		a.Town.Groups.Personal(), a.Town.Events.Personal(), a.Town.Reviews.Personal(),
	}, append(a.newsParts(), a.moderationParts()...)...)
}
