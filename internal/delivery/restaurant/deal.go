package restaurant

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Agreement is what a restaurant and the town have agreed on: for what couriers bring, and for what customers collect.
type Agreement struct {
	Delivery delivery.Deal `json:"delivery"`
	Pickup   delivery.Deal `json:"pickup"`
}

// Free is the agreement under which the town takes nothing, bears the fee for cards and has the delivery fee.
func Free() Agreement {
	d := delivery.Deal{CardFee: delivery.PartyPlatform, FeeTo: delivery.PartyPlatform}
	return Agreement{Delivery: d, Pickup: d}
}

// maxFlat bounds what is taken of each order besides; more is a slip of the finger.
const maxFlat money.Amount = 1_000_000

func (a *Agreement) check(c *checker) {
	for _, x := range []struct {
		path string
		deal delivery.Deal
	}{{"deal.delivery", a.Delivery}, {"deal.pickup", a.Pickup}} {
		if x.deal.Commission < 0 || x.deal.Commission > 100_00 {
			c.add(x.path+".commission", "Choose a commission between 0 and 100 percent.")
		}
		if x.deal.CommissionFlat < 0 || x.deal.CommissionFlat > maxFlat {
			c.add(x.path+".commission_flat", "Choose an amount between 0 and %d of the smallest coin.", maxFlat)
		}
		if x.deal.CardFee != delivery.PartyRestaurant && x.deal.CardFee != delivery.PartyPlatform {
			c.add(x.path+".card_fee", "Choose the restaurant or the town.")
		}
		if x.deal.FeeTo != delivery.PartyRestaurant && x.deal.FeeTo != delivery.PartyPlatform {
			c.add(x.path+".fee_to", "Choose the restaurant or the town.")
		}
	}
}

func (a Agreement) deals() map[delivery.Mode]delivery.Deal {
	return map[delivery.Mode]delivery.Deal{delivery.ByCourier: a.Delivery, delivery.Pickup: a.Pickup}
}

// TownDeal returns the agreement of restaurants that have none of their own, as it is now.
func (s *Service) TownDeal() Agreement { return s.opt.Deal() }

// DealOf returns what a restaurant has agreed on with the town, and whether it is its own.
func (s *Service) DealOf(c *Compiled) (a Agreement, own bool) {
	if c.Settings.Deal != nil {
		return *c.Settings.Deal, true
	}
	return s.TownDeal(), false
}

// SetDeal gives a restaurant an agreement of its own, which holds for orders from now on; nil: that of the town. Only admins may. Errors:
// NotFound, Forbidden, Invalid with field paths below "deal".
func (s *Service) SetDeal(ctx context.Context, rid id.ID, a *Agreement) (*Compiled, error) {
	return s.change(ctx, rid, "admin.restaurants", "deal", func(set *Settings, _ time.Time) error {
		set.Deal = a
		return nil
	})
}

// note writes into the audit log that an admin has changed a restaurant's deal.
func (s *Service) note(ctx context.Context, tx *db.Tx, r row) error {
	if s.opt.Audit == nil {
		return nil
	}
	detail := map[string]any{"own": r.settings.Deal != nil}
	if a := r.settings.Deal; a != nil {
		detail["delivery"], detail["pickup"] = a.Delivery, a.Pickup
	}
	return s.opt.Audit.Write(ctx, tx, "restaurant.deal", "restaurant:"+r.id.String(), detail)
}

// shop returns a restaurant with the deal that holds for it now.
func (s *Service) shop(c *Compiled) *delivery.Shop {
	if c.Settings.Deal != nil {
		return c.Shop
	}
	town := s.TownDeal()
	if p := c.onTownDeal.Load(); p != nil && p.Deals[delivery.ByCourier] == town.Delivery && p.Deals[delivery.Pickup] == town.Pickup {
		return p
	}
	shop := *c.Shop
	shop.Deals = town.deals()
	c.onTownDeal.Store(&shop)
	return &shop
}

// Share says what the town keeps of an order: "12.5 %", "12.5 % + €0.50", "nothing".
func Share(ctx context.Context, d delivery.Deal, currency string) string {
	percent, flat := PercentText(d.Commission)+"\u00a0%", ui.Money(ctx, d.CommissionFlat, currency)
	switch {
	case d.Commission == 0 && d.CommissionFlat == 0:
		return i18n.T(ctx, "nothing")
	case d.CommissionFlat == 0:
		return percent
	case d.Commission == 0:
		return flat
	}
	return percent + " + " + flat
}

// DealWords says a deal in sentences.
func DealWords(ctx context.Context, a Agreement, cur string) []string {
	out := []string{
		i18n.T(ctx, "Of the food of a delivery the town keeps: %s.", Share(ctx, a.Delivery, cur)),
		i18n.T(ctx, "Of the food of a pickup the town keeps: %s.", Share(ctx, a.Pickup, cur)),
	}
	if a.Delivery.FeeTo == delivery.PartyRestaurant {
		out = append(out, i18n.T(ctx, "The delivery fee is yours."))
	} else {
		out = append(out, i18n.T(ctx, "The delivery fee is the town's."))
	}
	if a.Delivery.CardFee == delivery.PartyRestaurant {
		out = append(out, i18n.T(ctx, "You bear what the provider takes of card payments."))
	} else {
		out = append(out, i18n.T(ctx, "The town bears what the provider takes of card payments."))
	}
	return out
}
