package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
)

// holder returns what the restaurant or person with an id is called, "" where neither is known any more.
func (a *App) holder(ctx context.Context, owner id.ID) string {
	if name, err := a.restaurantName(ctx, owner); err == nil {
		return name
	}
	name, err := a.Accounts.Name(ctx, owner)
	if err != nil {
		return ""
	}
	return name
}

// unclear lists what is unclear at card providers, as the books' page shows it.
func (a *App) unclear(ctx context.Context) ([]ledger.Unclear, error) {
	list, err := a.Payments.Unclear(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]ledger.Unclear, len(list))
	for i, u := range list {
		out[i] = ledger.Unclear{
			Order: u.Order, Asked: u.Asked, Amount: u.Amount, Currency: u.Currency, Provider: u.Provider, Ref: u.Ref, Why: u.Why, Since: u.Since,
		}
		v, err := a.Orders.Get(ctx, u.Order)
		if err != nil {
			return nil, err
		}
		out[i].Code = v.Code
	}
	return out, nil
}
