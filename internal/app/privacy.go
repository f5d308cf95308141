package app

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/account/privacy"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/platform/config"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// privacy puts together what each slice says about what it stores of people.
func (a *App) privacy() {
	keep := func() config.Retention { return a.Settings.Config().Retention }
	way := func() time.Duration { return keep().Way }
	orders := a.Orders.Personal(order.Keep{
		Way: way, Buyer: func() time.Duration { return keep().Orders },
		ForgetWay: a.Dispatch.ForgetWay, ForgetCard: a.Payments.ForgetCard,
		Unlink: a.unlink,
	})
	a.Privacy = privacy.New(privacy.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Hub: a.Hub, Jobs: a.Jobs, Accounts: a.Accounts, Mail: a.Mail, Audit: a.Audit, Secrets: a.Secrets,
		Pictures: a.Files, Log: a.opt.Log, Keep: keep, URL: a.Address, Restaurant: a.restaurantName,
		JobsKept: func() (done, failed time.Duration) { return a.Config.Jobs.KeepCompleted, a.Config.Jobs.KeepDiscarded },
	},
		append([]personal.Part{
			orders, a.Dispatch.Personal(way), a.Payments.Personal(), a.Ledger.Personal(), a.Refunds.Personal(), a.Cash.Personal(), a.Stripe.Personal(), a.Discover.Personal(), a.Carts.Personal(func() time.Duration { return keep().Carts }), a.Promotions.Personal(), a.Wallet.Personal(), a.GroupOrders.Personal(),
			a.Couriers.Personal(func() time.Duration { return keep().Positions }), a.Menus.Personal(), a.Restaurants.Personal(),
			a.Invoices.Personal(func() time.Duration { return keep().Orders }),
			a.Payouts.Personal(), a.Statements.Personal(),
		}, a.socialParts()...)...,
	)
	a.Privacy.React()
}

// restaurantName returns what a restaurant is called.
func (a *App) restaurantName(ctx context.Context, restaurant id.ID) (string, error) {
	shop, err := a.Restaurants.Shop(ctx, restaurant)
	if err != nil {
		return "", err
	}
	return shop.Name, nil
}

// unlink has pictures deleted that nothing refers to any more.
func (a *App) unlink(ctx context.Context, tx *db.Tx, paths []string) error {
	return a.Privacy.Unlink(ctx, tx, paths)
}
