package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/platform/access"
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
			Order: u.Order, Asked: u.Asked, Ask: u.Asked != "" || u.State == delivery.PaymentRefundFailed, Amount: u.Amount, Currency: u.Currency, Provider: u.Provider, Ref: u.Ref, Why: u.Why, Since: u.Since,
		}
		if u.Group != 0 {
			continue // a share: it has a number and no page of its own
		}
		v, err := a.Orders.Get(ctx, u.Order)
		if err != nil {
			return nil, err
		}
		out[i].Code = v.Code
	}
	return out, nil
}

// askProvider asks a provider at once about an order's payment; what it refused, once more.
func (a *App) askProvider(ctx context.Context, order id.ID) error {
	if err := a.Payments.Again(ctx, order); err != nil && errs.CodeOf(err) != "wrong_state" {
		return err
	}
	return a.settlePayment(ctx, order)
}

// settlePayment asks a provider about the payment of an order, and does with it what follows, or about that of a share.
func (a *App) settlePayment(ctx context.Context, paid id.ID) error {
	err := a.Orders.Settle(ctx, paid)
	if errs.Is(err, errs.NotFound) {
		err = a.Payments.Settle(ctx, paid, nil)
	}
	return err
}

// incidents lists what does not agree about payments.
func (a *App) incidents(ctx context.Context) ([]ledger.Incident, error) {
	list, err := a.Payments.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]ledger.Incident, len(list))
	for i, in := range list {
		out[i] = ledger.Incident{ID: in.ID, Order: in.Order, Provider: in.Provider, Ref: in.Ref, Kind: in.Kind, Detail: in.Detail, At: in.At}
		if in.Order == 0 {
			continue
		}
		if out[i].Code, err = (dues{a}).Code(ctx, in.Order); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// closeIncident says that the actor has seen to an incident.
func (a *App) closeIncident(ctx context.Context, incident id.ID) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	return a.Payments.CloseIncident(ctx, incident, actor.ID)
}
