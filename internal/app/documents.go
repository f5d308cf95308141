package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/invoice"
	"github.com/stoa-town/stoa/internal/delivery/payout"
	"github.com/stoa-town/stoa/internal/delivery/payout/export"
	"github.com/stoa-town/stoa/internal/delivery/payout/statement"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// invoices builds the slice of receipts.
func (a *App) invoices() *invoice.Service {
	return invoice.New(invoice.Deps{
		DB: a.DB, Log: a.Events, Jobs: a.Jobs, IDs: a.IDs, Now: a.Now, Orders: sold{a}, People: a.Accounts, Post: a.Mail,
		Town: func() string { return a.Settings.Config().Town.Name }, URL: a.Address,
	})
}

// sold tells what was bought, for documents about it.
type sold struct{ *App }

func (s sold) Purchase(ctx context.Context, order id.ID) (invoice.Purchase, error) {
	var b delivery.Bought
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		b, err = s.Orders.Bought(ctx, tx, order)
		return err
	})
	if err != nil {
		return invoice.Purchase{}, err
	}
	v, err := s.Orders.Get(access.With(ctx, access.Actor{ID: b.Customer}), order)
	if err != nil {
		return invoice.Purchase{}, err
	}
	p := invoice.Purchase{Sale: b.Sale, Buyer: v.Name, Method: v.Method, Placed: v.PlacedAt, Owed: b.Earned, Paid: b.Total <= b.Credit}
	switch v.Payment {
	case delivery.PaymentCaptured, delivery.PaymentPartiallyRefunded, delivery.PaymentRefunded, delivery.PaymentRefundFailed:
		p.Paid = true
	}
	for _, step := range v.History {
		if step.State == delivery.Delivered {
			p.Delivered = step.At
		}
	}
	return p, nil
}

func (s sold) Refunds(ctx context.Context, order id.ID) ([]delivery.Refund, error) {
	t, err := s.Orders.Thing(ctx, order.String())
	if err != nil {
		return nil, err
	}
	sheet, err := s.App.Refunds.List(access.With(ctx, access.Actor{ID: t.Owner}), order)
	if err != nil {
		return nil, err
	}
	var out []delivery.Refund
	for _, r := range sheet.Refunds {
		if r.State == "done" {
			out = append(out, delivery.Refund{ID: r.ID, Order: order, Amount: r.Amount, Currency: r.Currency, Lines: r.Lines, Taxes: r.Taxes, Reason: r.Reason, At: r.At})
		}
	}
	return out, nil
}

func (s sold) Seller(ctx context.Context, restaurant id.ID) (invoice.Seller, error) {
	c, err := s.Restaurants.Get(ctx, restaurant)
	if err != nil {
		return invoice.Seller{}, err
	}
	set := c.Settings
	return invoice.Seller{
		ID: restaurant, Slug: c.Slug, Name: set.Name, Legal: set.Legal, Street: set.Street, City: set.City, Phone: set.Phone, TaxID: set.TaxID, Zone: set.Zone,
	}, nil
}

func (s sold) Thing(ctx context.Context, order string) (access.Thing, error) {
	return s.Orders.Thing(ctx, order)
}

// payouts builds the slice that pays restaurants and couriers.
func (a *App) payouts() *payout.Service {
	return payout.New(payout.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Books: a.Ledger, Payees: payees{a}, Box: a.Secrets, Post: a.Mail, Audit: a.Audit, URL: a.Address, Zone: a.zone,
		Fresh: account.Fresh, Slug: a.restaurantBySlug, Currency: a.Config.Town.Currency,
	})
}

// restaurantBySlug returns the restaurant with a short name, or a NotFound error.
func (a *App) restaurantBySlug(ctx context.Context, slug string) (id.ID, error) {
	shop, err := a.Restaurants.ShopBySlug(ctx, slug)
	if err != nil {
		return 0, err
	}
	return shop.ID, nil
}

// payees knows who is paid.
type payees struct{ *App }

func (p payees) Name(ctx context.Context, kind string, owner id.ID) (string, error) {
	if kind == payout.Courier {
		return p.Accounts.Name(ctx, owner)
	}
	return p.restaurantName(ctx, owner)
}

func (p payees) People(ctx context.Context, kind string, owner id.ID) ([]account.Account, error) {
	if kind == payout.Courier {
		acc, err := p.Accounts.Get(ctx, owner)
		return []account.Account{acc}, err
	}
	return p.Accounts.Holders(ctx, access.Grant{Role: access.RoleOwner, Place: owner})
}

// statements builds the slice that says for each week or month what restaurants and couriers earned.
func (a *App) statements() *statement.Service {
	return statement.New(statement.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Books: a.Ledger, Zone: a.zone, Town: func() string { return a.Settings.Config().Town.Name },
		Slug: a.restaurantBySlug, Length: func() string { return a.Settings.Config().Payments.Statement },
		Name: func(ctx context.Context, kind string, owner id.ID) (name, short string, err error) {
			if kind == statement.Restaurant {
				shop, err := a.Restaurants.Shop(ctx, owner)
				if err != nil {
					return "", owner.String(), err
				}
				return shop.Name, shop.Slug, nil
			}
			name, err = a.Accounts.Name(ctx, owner)
			return name, "C" + owner.String(), err
		},
	})
}

// exports builds the slice that writes the books for accountants.
func (a *App) exports() *export.Service {
	return export.New(export.Deps{
		DB: a.DB, Now: a.Now, Books: a.Ledger, Zone: a.zone, Bought: a.Orders.Bought, Receipt: a.Invoices.Number, Restaurant: a.restaurantName,
	})
}
