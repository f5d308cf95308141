package demo

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/promo"
)

// offers puts up what makes dinner cheaper here: some restaurants' own offers, and the town's code for those who are new.
func (d *Demo) offers(ctx context.Context) error {
	all, err := d.Restaurants.All(ctx)
	if err != nil {
		return err
	}
	add := func(p promo.Promotion) error {
		p.Currency = d.town.Currency
		if _, err := d.Promotions.Create(ctx, p); err != nil {
			return fmt.Errorf("demo: put up an offer: %w", err)
		}
		return nil
	}
	for i, r := range all {
		p := promo.Promotion{Restaurant: r.ID, Rules: promo.Rules{Bearer: delivery.PartyRestaurant}}
		switch i % 6 {
		case 1:
			p.Kind, p.Percent, p.Cap, p.Minimum = delivery.DiscountPercent, 10, 5_00, 25_00
		case 4:
			p.Kind, p.Minimum = delivery.DiscountFee, 30_00
		default:
			continue
		}
		if err := add(p); err != nil {
			return err
		}
	}
	return add(promo.Promotion{Code: "WELCOME", Each: 1, Rules: promo.Rules{
		Kind: delivery.DiscountAmount, Amount: 5_00, Minimum: 20_00, First: promo.FirstEver, Bearer: delivery.PartyPlatform,
	}})
}
