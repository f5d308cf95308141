package app

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/account/people"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/console"
	"github.com/stoa-town/stoa/internal/console/setup"
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
	c := a.Settings.Config()
	d := c.Delivery
	return order.Patience{WarnAfter: d.ConfirmWithin - d.WarnBefore, RefuseAfter: d.ConfirmWithin, RestoreWithin: d.RestoreWithin, PayWithin: c.Payments.ActWithin}
}

// captureLate reports whether cards are charged when food is delivered.
func (a *App) captureLate() bool { return a.Settings.Config().Payments.Capture == "delivery" }

// riding returns how long couriers may think about an offer, and how fast they ride.
func (a *App) riding() (time.Duration, dispatch.Pace) {
	d := a.Settings.Config().Delivery
	return d.OfferFor, dispatch.Pace{Kmh: d.CourierKmh}
}

// Console is what admins see and do.
type Console struct {
	Directory *people.Directory
	Setup     *setup.Service
	Admin     *console.Service
}

// console builds it, after everything that it looks at.
func (a *App) console() {
	a.Directory = people.New(a.DB, a.IDs, a.Now, a.Audit)
	a.Setup = setup.New(setup.Deps{DB: a.DB, Now: a.Now, Accounts: a.Accounts, Settings: a.Settings, Mail: a.Mail, Audit: a.Audit})
	a.Mail.Sample("admin.test", setup.Sample)
	a.Admin = console.New(console.Deps{
		DB: a.DB, Now: a.Now, Accounts: a.Accounts, People: a.Directory, SignUps: a.SignUps, Settings: a.Settings, Audit: a.Audit, Mail: a.Mail,
		Jobs: a.Jobs, SendLink: a.SignIns.SendLink, Place: a.slugOf,
		Probes: console.Probes{
			Version: a.opt.Version, Started: a.Now(), Data: a.Config.Data, Zone: a.zone, Lag: a.Events.Lag, Streams: a.Hub.Streams, CertExpires: a.CertExpires, Files: a.filesUsed,
		},
	})
	a.Setup.Routes(a.Router)
	a.Admin.Routes(a.Router)
}

// slugOf returns the name of a restaurant in addresses.
func (a *App) slugOf(ctx context.Context, restaurant id.ID) (string, error) {
	shop, err := a.Restaurants.Shop(ctx, restaurant)
	return shop.Slug, err
}
