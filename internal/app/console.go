package app

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/delivery/dispatch"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/settings"
)

// liveSettings opens the audit log and the settings that admins change while the server runs.
func (a *App) liveSettings(ctx context.Context) error {
	a.Audit = audit.New(a.DB, a.IDs, a.Now)
	a.Settings = settings.New(settings.Deps{DB: a.DB, Bus: a.bus, IDs: a.IDs, Now: a.Now, Audit: a.Audit, Log: a.opt.Log}, a.Config)
	return a.Settings.Load(ctx)
}

// patience returns how long orders wait for their restaurants.
func (a *App) patience() order.Patience {
	d := a.Settings.Config().Delivery
	return order.Patience{WarnAfter: d.ConfirmWithin - d.WarnBefore, RefuseAfter: d.ConfirmWithin, RestoreWithin: d.RestoreWithin}
}

// riding returns how long couriers may think about an offer, and how fast they ride.
func (a *App) riding() (time.Duration, dispatch.Pace) {
	d := a.Settings.Config().Delivery
	return d.OfferFor, dispatch.Pace{Kmh: d.CourierKmh}
}
