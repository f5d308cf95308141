package app

import (
	"io/fs"

	"github.com/stoa-town/stoa/internal/platform/personal"
	"github.com/stoa-town/stoa/internal/social/follow"
	"github.com/stoa-town/stoa/internal/social/media"
	"github.com/stoa-town/stoa/internal/social/profile"
	"github.com/stoa-town/stoa/internal/social/status"
)

// Social are the slices of the social network.
type Social struct {
	Profile  *profile.Service
	Follow   *follow.Service
	Media    *media.Service
	Statuses *status.Service
}

// socialSchemas returns the tables of the social network.
func socialSchemas() []fs.FS {
	return []fs.FS{
		profile.Schema, follow.Schema,
		media.Schema, status.Schema,
	}
}

// social builds the slices of the social network and gives each the others' services that it needs.
func (a *App) social() error {
	a.graph()
	if err := a.media(); err != nil {
		return err
	}
	a.statuses()
	return nil
}

// socialRoutes registers what the social network serves.
func (a *App) socialRoutes() {
	a.Media.Routes(a.Router)
}

// socialParts returns what each slice of the social network says about what it stores of people.
func (a *App) socialParts() []personal.Part {
	return []personal.Part{
		a.Profile.Personal(), a.Follow.Personal(),
		a.Media.Personal(), a.Statuses.Personal(),
	}
}
