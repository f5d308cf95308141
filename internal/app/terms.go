package app

import (
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
)

// townDeal is the deal of restaurants that have none of their own.
func (a *App) townDeal() restaurant.Agreement {
	t := a.Settings.Config().Terms
	deal := func(commission, flat int) delivery.Deal {
		return delivery.Deal{Commission: commission, CommissionFlat: money.Amount(flat), CardFee: delivery.Party(t.CardFee), FeeTo: delivery.Party(t.FeeTo)}
	}
	return restaurant.Agreement{Delivery: deal(int(t.Commission), t.CommissionFlat), Pickup: deal(int(t.PickupCommission), t.PickupFlat)}
}

// courierPay is what couriers get besides tips.
func (a *App) courierPay() delivery.CourierPay {
	p := a.Settings.Config().Pay
	return delivery.CourierPay{PerOrder: money.Amount(p.PerOrder), PerKm: money.Amount(p.PerKm), HourlyFloor: money.Amount(p.HourlyFloor)}
}
