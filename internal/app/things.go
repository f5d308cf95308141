package app

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/account/explain"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// Zone returns the town's time zone.
func (a *App) Zone() *time.Location { return a.zone }

// thing returns what policies ask about a thing by its kind and name.
func (a *App) thing(ctx context.Context, kind, name string) (access.Thing, error) {
	switch kind {
	case "order":
		return a.Orders.Thing(ctx, name)
	case "restaurant":
		shop, err := a.Restaurants.ShopBySlug(ctx, name)
		if err != nil {
			return access.Thing{}, err
		}
		return access.Thing{Kind: "restaurant", ID: shop.ID}, nil
	case "account":
		acc, err := a.Accounts.Find(ctx, name)
		return access.Thing{Kind: "account", ID: acc.ID}, err
	}
	return access.Thing{}, errs.InvalidField("thing", "There are no things called %q.", kind)
}

// placeOf returns a restaurant as pages name it.
func (a *App) placeOf(ctx context.Context, restaurant id.ID) (explain.Place, error) {
	shop, err := a.Restaurants.Shop(ctx, restaurant)
	if err != nil {
		return explain.Place{}, err
	}
	return explain.Place{Name: shop.Name, Slug: shop.Slug}, nil
}
