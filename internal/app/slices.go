package app

import (
	"context"
	"io/fs"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Slices are the parts that know what Stoa is for. A new slice is a field here, a line in Schemas and its lines in slices.
type Slices struct {
	Accounts    *account.Service
	Restaurants *restaurant.Service
}

// Schemas returns the tables of every part.
func Schemas() []fs.FS {
	return []fs.FS{events.Schema, jobs.Schema, account.Schema, restaurant.Schema}
}

// slices builds the slices, gives each the others' services that it needs, and registers routes and reactions.
func (a *App) slices() error {
	a.Accounts = account.New(a.DB, a.Events, a.IDs, a.Now, a.accountOptions())
	a.Restaurants = restaurant.New(a.DB, a.Events, a.IDs, a.Now, a.Accounts, restaurant.Options{Currency: a.Config.Town.Currency, Zone: a.Config.Town.Timezone})

	a.Accounts.React(a.Events, a.Jobs)
	a.Restaurants.React(a.Events, a.Hub, a.Jobs)

	a.Accounts.Routes(a.Router)
	a.routes()
	return nil
}

// startSlices fills the caches that would make the first requests slow.
func (a *App) startSlices(ctx context.Context) {
	a.run(ctx, "restaurants", func(ctx context.Context) error { return a.Restaurants.Load(ctx) })
}
