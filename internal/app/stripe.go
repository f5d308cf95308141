package app

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/delivery/payment/stripe"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// stripe builds what charges cards through Stripe, which does nothing where no key is set.
func (a *App) stripe() *stripe.Service {
	o := a.Config.Stripe
	return stripe.New(stripe.Deps{
		DB: a.DB, Now: a.Now, Wall: time.Now, Jobs: a.Jobs, Shops: a.Restaurants, Address: a.Address, Share: a.townShare, Fresh: a.Accounts.Fresh,
	}, stripe.Options{
		SecretKey: string(o.SecretKey), PublishableKey: o.PublishableKey, WebhookSecrets: o.WebhookSecrets(), URL: o.URL, Script: o.Script,
		Connect: o.Connect, Country: o.Country, Live: o.Live(),
	})
}

// cardProviders returns who charges cards: Stripe with a key, else the sandbox. Both are asked about what they charged before.
func (a *App) cardProviders() []payment.Named {
	sandbox := payment.Named{Name: payment.SandboxName, Provider: payment.NewSandbox(a.DB)}
	if !a.Stripe.On() {
		return []payment.Named{sandbox}
	}
	return []payment.Named{{Name: stripe.Name, Provider: a.Stripe}, sandbox}
}

// cards returns what tells the checkout which cards can be paid with; nil: those of the sandbox.
func (a *App) cards() func(context.Context) ([]ui.Option, error) {
	if !a.Stripe.On() {
		return nil
	}
	return a.Stripe.Choices
}

// townShare returns what of an order's amount stays with the town.
func (a *App) townShare(ctx context.Context, order id.ID) (share money.Amount, err error) {
	err = a.DB.Read(ctx, func(tx *db.Tx) error {
		b, err := a.Orders.Bought(ctx, tx, order)
		share = stripe.Share(b.Sale)
		return err
	})
	return share, err
}

// dues tells the pay page of orders.
type dues struct{ *App }

// Due returns what the acting customer has to pay for an order, by its code or id, or for a share in a group order by its id.
func (a dues) Due(ctx context.Context, code string) (due stripe.Due, err error) {
	thing, err := a.Orders.Thing(ctx, code)
	if errs.Is(err, errs.NotFound) {
		if n, bad := id.Parse(code); bad == nil {
			return a.share(ctx, n)
		}
	}
	if err != nil {
		return due, err
	}
	missing := errs.New(errs.NotFound, "There is no such order.")
	if thing.Owner != access.From(ctx).ID {
		return due, missing
	}
	v, err := a.Orders.Get(ctx, thing.ID)
	if err != nil {
		return due, err
	}
	var p delivery.Payment
	err = a.DB.Read(ctx, func(tx *db.Tx) error {
		p, err = a.Payments.Of(ctx, tx, thing.ID)
		return err
	})
	if errs.Is(err, errs.NotFound) || errors.Is(err, db.ErrNoRow) {
		return due, missing
	}
	return stripe.Due{Order: thing.ID, Code: v.Code, Back: "/orders/" + v.Code, Amount: p.Amount, Currency: p.Currency, Waits: v.Awaiting, Payment: p}, err
}

// share returns what the acting customer has to pay for a share of theirs.
func (a dues) share(ctx context.Context, n id.ID) (stripe.Due, error) {
	d, err := a.GroupOrders.Due(ctx, n)
	p := d.Payment
	return stripe.Due{
		Order: n, Code: n.String(), Share: true, Back: "/g/" + d.Token, Amount: p.Amount, Currency: p.Currency,
		Waits: p.State == delivery.PaymentNew || p.State == delivery.PaymentAction, Payment: p,
	}, err
}

// Confirm has it looked at how the payment of an order or share stands.
func (a dues) Confirm(ctx context.Context, paid id.ID) error { return a.settlePayment(ctx, paid) }

// Code returns what people call an order, "" where it is known no more or is a share in one.
func (a dues) Code(ctx context.Context, order id.ID) (string, error) {
	v, err := a.Orders.Get(ctx, order)
	if errs.Is(err, errs.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return v.Code, nil
}

// afterBank returns where a customer goes who was at their bank for an order, or for a share.
func (a *App) afterBank(ctx context.Context, paid id.ID) string {
	if token, err := a.GroupOrders.TokenOf(ctx, paid); err == nil {
		return "/g/" + token + "/paid"
	}
	return "/orders/" + paid.String() + "/paid"
}
