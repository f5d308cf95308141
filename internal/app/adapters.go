package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/dispatch"
	"github.com/stoa-town/stoa/internal/delivery/group"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/files"
)

// This file fits services to the interfaces that their consumers declare, where a method's shape differs.

// work lets couriers ask dispatch, which is built after them.
type work struct{ *dispatch.Service }

func (w *work) Heading(courier id.ID) []id.ID { return w.Service.Heading(courier) }

func (w *work) OpenTasks(ctx context.Context, tx *db.Tx, courier id.ID) (int, error) {
	return w.Service.OpenTasks(ctx, tx, courier)
}

// orders lets the books ask orders, which are built after them.
type orders struct{ *order.Service }

// payments lets them ask payments, which book what they move.
type payments struct{ *payment.Service }

// pots lets orders and the books ask group orders for their pots.
type pots struct{ *group.Service }

// photos keeps couriers' pictures among all others.
type photos struct{ dir *files.Dir }

func (p photos) Put(ctx context.Context, r io.Reader) (string, error) {
	body, err := io.ReadAll(io.LimitReader(r, files.MaxBytes+1))
	if err != nil {
		return "", fmt.Errorf("app: read a photo: %w", err)
	}
	photo, err := p.dir.Put(ctx, body)
	return photo.Path, err
}

// pace returns until when a restaurant is paused, and until when its kitchen takes longer.
func (a *App) pace(ctx context.Context, rid id.ID) (paused, rush time.Time, err error) {
	c, err := a.Restaurants.Get(ctx, rid)
	if err != nil {
		return paused, rush, err
	}
	return c.Settings.PausedUntil, c.Settings.RushUntil, nil
}

// addresses returns the actor's address book in the form that the checkout knows.
func (a *App) addresses(ctx context.Context) ([]delivery.SavedAddress, error) {
	if !access.From(ctx).SignedIn() {
		return nil, nil
	}
	list, err := a.Discover.Addresses(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]delivery.SavedAddress, len(list))
	for i, s := range list {
		out[i] = delivery.SavedAddress{ID: s.ID, Label: s.Label, Default: s.Default, Address: s.Address}
	}
	return out, nil
}

// bought returns what the actor once ordered, in the form of a cart's lines.
func (a *App) bought(ctx context.Context, code string) (id.ID, []delivery.LineRequest, error) {
	v, err := a.Orders.ByCode(ctx, code)
	if err != nil {
		return 0, nil, err
	}
	lines := make([]delivery.LineRequest, len(v.Lines))
	for i, l := range v.Lines {
		lines[i] = delivery.LineRequest{Item: l.Item, Qty: l.Qty, Note: l.Note}
		for _, o := range l.Options {
			lines[i].Options = append(lines[i].Options, delivery.Choice{Option: o.Option, Qty: o.Qty})
		}
	}
	return v.Restaurant.ID, lines, nil
}

// credit returns how much the actor can spend in a currency.
func (a *App) credit(ctx context.Context, currency string) (int64, error) {
	return a.Ledger.Credit(ctx, access.From(ctx).ID, currency)
}

// pot returns the group order for which the actor collects shares at a restaurant, and what is in its pot.
func (a *App) pot(ctx context.Context, restaurant id.ID) (string, int64, error) {
	return a.GroupOrders.CollectingAt(ctx, restaurant)
}

// offers returns what a restaurant promises everybody now.
func (a *App) offers(ctx context.Context, restaurant id.ID) ([]delivery.Offer, error) {
	shop, err := a.Restaurants.Shop(ctx, restaurant)
	if err != nil {
		return nil, err
	}
	return a.Promotions.Current(ctx, shop)
}

// ordered reports whether an account has ordered from a restaurant (0: from any) what was not cancelled.
func (a *App) ordered(ctx context.Context, account, restaurant id.ID) (bool, error) {
	return a.Orders.Ordered(ctx, account, restaurant)
}

// restore takes up a cancelled order for the acting person.
func (a *App) restore(ctx context.Context, order id.ID) error {
	_, err := a.Orders.Restore(ctx, order)
	return err
}

// whereIs returns where a courier was last seen, false where they are off duty or have not said. It does not ask who wants to know: the
// page of an order shows it to its customer while the courier heads there.
func (a *App) whereIs(ctx context.Context, courier id.ID) (at delivery.Position, known bool, err error) {
	err = a.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := a.Couriers.OnDuty(ctx, tx)
		for _, c := range list {
			if c.ID == courier && !c.PosAt.IsZero() {
				at, known = delivery.Position{Courier: courier, Lat: c.Point.Lat, Lon: c.Point.Lon, At: c.PosAt}, true
			}
		}
		return err
	})
	return at, known, err
}
