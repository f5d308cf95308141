package app

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/cart"
	"github.com/stoa-town/stoa/internal/delivery/group"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// groupOrders builds what lets several people fill one order.
func (a *App) groupOrders(quoter *cart.Quoter) *group.Service {
	return group.New(group.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Hub: a.Hub, Carts: cartsOf{a.Carts}, Shop: a.Restaurants.Shop, Quote: quoter.Quote, HTTPS: a.https(), Where: cart.Where,
		Payments: a.Payments, Books: a.Ledger, Jobs: a.Jobs,
		Cards: func(ctx context.Context) ([]ui.Option, error) {
			if kept := a.cards(); kept != nil {
				return kept(ctx)
			}
			return cart.TestCards(ctx), nil
		},
		Credit: a.credit,
		Bill: func(ctx context.Context, order id.ID) (b group.Bill, err error) {
			err = a.DB.Read(ctx, func(tx *db.Tx) error {
				sold, err := a.Orders.Bought(ctx, tx, order)
				if err != nil {
					return err
				}
				now, err := a.Orders.Brief(ctx, tx, order)
				if err != nil {
					return err
				}
				b = group.Bill{State: now.State, Fee: sold.Fee, Tip: sold.Tip, Total: sold.Total}
				for _, d := range sold.Discounts {
					b.Off += d.Amount
				}
				return nil
			})
			return b, err
		},
	})
}

// cartsOf are the carts of people who order together.
type cartsOf struct{ carts *cart.Service }

func (c cartsOf) Cart(ctx context.Context, account id.ID, guest string) (group.Cart, error) {
	have, err := c.carts.Get(ctx, cart.OwnerOf(account, guest))
	return group.Cart{Restaurant: have.Restaurant, Lines: have.Request().Lines}, err
}

func (c cartsOf) Empty(ctx context.Context, account id.ID, guest string) error {
	_, err := c.carts.Clear(ctx, cart.OwnerOf(account, guest))
	return err
}

func (c cartsOf) Fill(ctx context.Context, account id.ID, all group.Cart) error {
	o := cart.OwnerOf(account, "")
	have, err := c.carts.Get(ctx, o)
	if err != nil {
		return err
	}
	if have.Mode == "" {
		have.Mode = delivery.ByCourier
	}
	_, err = c.carts.Put(ctx, o, delivery.QuoteRequest{Restaurant: all.Restaurant, Mode: have.Mode, To: have.To, Tip: have.Tip, Code: have.Code, Lines: all.Lines})
	return err
}
