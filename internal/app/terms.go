package app

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/delivery/cash"
	"github.com/stoa-town/stoa/internal/delivery/courier"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/platform/db"
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

// courierMoney is what couriers' pay needs of others.
func (a *App) courierMoney() courier.Money {
	return courier.Money{IDs: a.IDs, Books: a.Ledger, Pay: a.courierPay, Currency: a.Config.Town.Currency, Zone: a.zone, Rides: a.rides}
}

// cash builds the slice that takes couriers' cash in.
func (a *App) cash() *cash.Service {
	return cash.New(cash.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Books: a.Ledger, Currency: a.Config.Town.Currency, Zone: a.zone, Name: a.Accounts.Name,
		Limit: func() money.Amount { return money.Amount(a.Settings.Config().Payments.CashLimit) },
	})
}

// rides returns what a courier carried between two times, with the ways.
func (a *App) rides(ctx context.Context, courier id.ID, from, to time.Time) (list []delivery.Ride, err error) {
	err = a.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if list, err = a.Dispatch.Carried(ctx, tx, courier, from, to); err != nil {
			return err
		}
		for i := range list {
			b, err := a.Orders.Bought(ctx, tx, list[i].Order)
			if err != nil {
				return err
			}
			list[i].DistM = b.Sale.DistM
		}
		return nil
	})
	return list, err
}
