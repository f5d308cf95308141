package app

import (
	"io/fs"

	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/social/emoji"
	"github.com/stoa-town/stoa/internal/social/filter"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/instance"
	"github.com/stoa-town/stoa/internal/social/list"
	"github.com/stoa-town/stoa/internal/social/media"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/preview"
	"github.com/stoa-town/stoa/internal/social/schedule"
	"github.com/stoa-town/stoa/internal/social/status"
	"github.com/stoa-town/stoa/internal/social/trend"
	"github.com/stoa-town/stoa/internal/social/timeline"
)

// Social are the slices of the social network.
type Social struct {
	Profile  *profile.Service
	Follow   *follow.Service
	Media    *media.Service
	Emoji    *emoji.Service
	Instance *instance.Service
	Statuses *status.Service
	Previews *preview.Service
	Later    *schedule.Service
	Trends   *trend.Service

	Filters   *filter.Service
	Lists     *list.Service
	Timelines *timeline.Service
}

// socialSchemas returns the tables of the social network.
func socialSchemas() []fs.FS {
	return []fs.FS{
		profile.Schema, follow.Schema,
		media.Schema, emoji.Schema, instance.Schema, status.Schema, preview.Schema, schedule.Schema, trend.Schema,
		filter.Schema, list.Schema,
	}
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
	a.instance()
	return nil
}

// socialRoutes registers what the social network serves.
func (a *App) socialRoutes() {
	a.Profile.Routes(a.Router)
	a.Follow.Routes(a.Router)
	a.Media.Routes(a.Router)
	a.Emoji.Routes(a.Router)
	a.Instance.Routes(a.Router)
	a.Later.Routes(a.Router)
	a.Trends.Routes(a.Router)
	a.timelineRoutes()
}

// socialParts returns what each slice of the social network says about what it stores of people.
func (a *App) socialParts() []personal.Part {
	return []personal.Part{
		a.Profile.Personal(), a.Follow.Personal(),
		a.Media.Personal(), a.Emoji.Personal(), a.Instance.Personal(), a.Statuses.Personal(), a.Previews.Personal(), a.Later.Personal(), a.Trends.Personal(),
		a.Filters.Personal(), a.Lists.Personal(),
	}
}
