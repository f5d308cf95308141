package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/stoa-town/stoa/internal/app"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// operator is who the command line acts as: whoever can read the data folder may do everything. Its id belongs to no account.
func operator(ctx context.Context) context.Context {
	return access.With(ctx, access.Actor{ID: 1, Handle: "operator", Name: "Operator", Roles: []access.Grant{{Role: access.RoleAdmin}}})
}

type restaurantCreate struct {
	Name     string  `required:"" help:"As customers see it."`
	Slug     string  `help:"Its name in addresses; made of the name when left out."`
	Street   string  `required:"" help:"Street and house number."`
	Phone    string  `help:"For customers with an open order."`
	Lat      float64 `required:"" help:"Where it is: latitude."`
	Lon      float64 `required:"" help:"Where it is: longitude."`
	Hours    string  `default:"24/7" help:"Opening hours in OSM syntax, such as Mo-Sa 11:30-22:00."`
	Currency string  `help:"ISO 4217; the town's when left out."`
	Zone     string  `help:"IANA time zone; the town's when left out."`
	Owner    string  `help:"Handle or e-mail address of the account that owns it."`
}

func (c *restaurantCreate) Run(e *env) error {
	return e.with(func(a *app.App) error {
		in := restaurant.NewRestaurant{Slug: c.Slug, Settings: a.Restaurants.Defaults()}
		s := &in.Settings
		s.Name, s.Street, s.Phone, s.Hours = c.Name, c.Street, c.Phone, c.Hours
		s.Point.Lat, s.Point.Lon = c.Lat, c.Lon
		if c.Currency != "" {
			s.Currency = c.Currency
		}
		if c.Zone != "" {
			s.Zone = c.Zone
		}
		if c.Owner != "" {
			owner, err := a.Accounts.Find(e.ctx, strings.TrimPrefix(c.Owner, "@"))
			if err != nil {
				return err
			}
			in.Owner = owner.ID
		}
		made, err := a.Restaurants.Create(operator(e.ctx), in)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.streams.Out, "%s is open at /r/%s\n", c.Name, made.Shop.Slug)
		return nil
	})
}
