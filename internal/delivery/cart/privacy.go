package cart

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what carts hold; keep is how long one is kept that nobody touches.
func (s *Service) Personal(keep func() time.Duration) personal.Part {
	return personal.Part{
		Name:   "cart",
		Tables: []personal.Table{{Name: "cart", Personal: "owner doc aside", Plain: "rev restaurant portions updated_at"}},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Cart"),
				What:  i18n.T(ctx, "The dishes you are about to order, and the address they go to. Guests have a cart too: a cookie says which one is theirs."),
				Why:   i18n.T(ctx, "So that nothing is lost between choosing and ordering."),
				Kept:  i18n.T(ctx, "%s after you last touched it.", personal.Span(ctx, keep())),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			_, found, err := s.cartOf(ctx, account)
			if found {
				return 1, err
			}
			return 0, err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			c, found, err := s.cartOf(ctx, account)
			if err != nil || !found {
				return err
			}
			return to.JSON("cart.json", i18n.T(ctx, "Your cart"), c)
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			o := OwnerOf(account, "")
			tx.AfterCommit(func() { s.changed(o.key()) })
			if err := remove(ctx, tx, o); err != nil {
				return personal.Erased{}, fmt.Errorf("cart: remove that of %s: %w", account, err)
			}
			return personal.Erased{}, nil
		},
		Rules: []personal.Rule{{Name: "carts", Keep: keep, Sweep: s.Sweep}},
	}
}

// cartOf returns an account's cart, and whether there is one.
func (s *Service) cartOf(ctx context.Context, account id.ID) (c Cart, found bool, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		r, err := load(ctx, tx, OwnerOf(account, ""))
		c = r.cart
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return Cart{}, false, nil
	}
	return c, err == nil, err
}
