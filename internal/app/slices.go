package app

import (
	"context"
	"io/fs"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/delivery/cart"
	"github.com/stoa-town/stoa/internal/delivery/discover"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// Slices are the parts that know what Stoa is for. A new slice is a field here, a line in Schemas and its lines in slices.
type Slices struct {
	Files       *files.Dir
	Accounts    *account.Service
	Restaurants *restaurant.Service
	Menus       *menu.Service
	Discover    *discover.Service
	Quoter      *cart.Quoter
	Payments    *payment.Service
	Orders      *order.Service
}

// Schemas returns the tables of every part.
func Schemas() []fs.FS {
	return []fs.FS{
		events.Schema, jobs.Schema, idem.Schema, account.Schema,
		restaurant.Schema, menu.Schema, discover.Schema, payment.Schema, order.Schema,
	}
}

// slices builds the slices, gives each the others' services that it needs, and registers routes and reactions.
func (a *App) slices() (err error) {
	town, rules := a.Config.Town, a.Config.Delivery
	if a.Files, err = files.Open(a.filesDir()); err != nil {
		return err
	}
	a.Accounts = account.New(a.DB, a.Events, a.IDs, a.Now, a.accountOptions())
	a.Restaurants = restaurant.New(a.DB, a.Events, a.IDs, a.Now, a.Accounts, restaurant.Options{Currency: town.Currency, Zone: town.Timezone})
	a.Menus = menu.New(a.DB, a.Events, a.IDs, a.Now, a.Restaurants, a.Files)
	a.Discover = discover.New(a.DB, a.IDs, a.Now, a.Restaurants, a.Menus, discover.Options{
		Geocoder: a.opt.Streets, Center: geo.Point{Lat: town.Lat, Lon: town.Lon}, City: town.Name,
	})
	a.Quoter = cart.NewQuoter(a.Restaurants, a.Menus, a.Now)
	a.Payments = payment.New(a.DB, a.Events, a.Jobs, a.Now, payment.NewSandbox(a.DB))
	a.Orders = order.New(order.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Log: a.Events, Hub: a.Hub, Jobs: a.Jobs,
		Quoter: a.Quoter, Shops: a.Restaurants, Stock: a.Menus, Payments: a.Payments, People: a.Accounts,
	}, order.Options{
		WarnAfter: rules.ConfirmWithin - rules.WarnBefore, RefuseAfter: rules.ConfirmWithin, RestoreWithin: rules.RestoreWithin, SellOut: a.Menus.SellOut,
	})

	idem.Register(a.DB, a.Jobs, a.Now)
	a.Accounts.React(a.Events, a.Jobs)
	a.Restaurants.React(a.Events, a.Hub, a.Jobs)
	a.Menus.React(a.Events, a.Hub, a.Jobs)
	a.Payments.React(a.Jobs)
	a.Orders.React(a.Events, a.Hub, a.Jobs)

	a.routes()
	a.Accounts.Routes(a.Router)
	a.Restaurants.Routes(a.Router)
	a.Discover.Routes(a.Router)
	a.Orders.Routes(a.Router)
	return nil
}

// startSlices fills the caches that would make the first requests slow.
func (a *App) startSlices(ctx context.Context) {
	a.run(ctx, "restaurants", a.Restaurants.Load)
}
