package app

import (
	"context"
	"io/fs"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/account/explain"
	"github.com/stoa-town/stoa/internal/account/oauth"
	"github.com/stoa-town/stoa/internal/account/oidc"
	"github.com/stoa-town/stoa/internal/account/passkey"
	"github.com/stoa-town/stoa/internal/account/people"
	"github.com/stoa-town/stoa/internal/account/privacy"
	"github.com/stoa-town/stoa/internal/account/totp"
	"github.com/stoa-town/stoa/internal/base/geo"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/console/setup"
	"github.com/stoa-town/stoa/internal/delivery/cart"
	"github.com/stoa-town/stoa/internal/delivery/cash"
	"github.com/stoa-town/stoa/internal/delivery/courier"
	"github.com/stoa-town/stoa/internal/delivery/discover"
	"github.com/stoa-town/stoa/internal/delivery/dispatch"
	"github.com/stoa-town/stoa/internal/delivery/group"
	"github.com/stoa-town/stoa/internal/delivery/invoice"
	"github.com/stoa-town/stoa/internal/delivery/ledger"
	"github.com/stoa-town/stoa/internal/delivery/menu"
	"github.com/stoa-town/stoa/internal/delivery/order"
	"github.com/stoa-town/stoa/internal/delivery/payment"
	"github.com/stoa-town/stoa/internal/delivery/payment/stripe"
	"github.com/stoa-town/stoa/internal/delivery/payout"
	"github.com/stoa-town/stoa/internal/delivery/payout/statement"
	"github.com/stoa-town/stoa/internal/delivery/promo"
	"github.com/stoa-town/stoa/internal/delivery/refund"
	"github.com/stoa-town/stoa/internal/delivery/restaurant"
	"github.com/stoa-town/stoa/internal/delivery/restaurant/finance"
	"github.com/stoa-town/stoa/internal/delivery/wallet"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/files"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/idem"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/platform/secrets"
	"github.com/stoa-town/stoa/internal/platform/settings"
)

// Slices are the parts that know what Stoa is for. A new slice is a field here, a line in Schemas and its lines in slices.
type Slices struct {
	Explain  *explain.Service
	Files    *files.Dir
	Mail     *mail.Mailer
	Accounts *account.Service
	People
	Console
	Keys
	OAuth       *oauth.Service
	Restaurants *restaurant.Service
	Menus       *menu.Service
	Discover    *discover.Service
	Carts       *cart.Service
	Payments    *payment.Service
	Stripe      *stripe.Service
	Ledger      *ledger.Service
	Promotions  *promo.Service
	Wallet      *wallet.Service
	GroupOrders *group.Service
	Orders      *order.Service
	Refunds     *refund.Service
	Cash        *cash.Service
	Couriers    *courier.Service
	Finance     *finance.Service
	Invoices    *invoice.Service
	Payouts     *payout.Service
	Statements  *statement.Service
	Dispatch    *dispatch.Service
	Privacy     *privacy.Service
	Social
}

// Schemas returns the tables of every part.
func Schemas() []fs.FS {
	return append([]fs.FS{
		invoice.Schema, payout.Schema, statement.Schema,
		secrets.Schema, events.Schema, jobs.Schema, idem.Schema, audit.Schema, mail.Schema, settings.Schema, account.Schema, people.Schema, setup.Schema, oauth.Schema, oidc.Schema, passkey.Schema, totp.Schema,
		restaurant.Schema, menu.Schema, discover.Schema, cart.Schema, promo.Schema, wallet.Schema, group.Schema, payment.Schema, refund.Schema, cash.Schema, stripe.Schema, ledger.Schema, order.Schema, courier.Schema, dispatch.Schema, privacy.Schema,
	}, socialSchemas()...)
}

// slices builds the slices, gives each the others' services that it needs, and registers routes and reactions.
func (a *App) slices() (err error) {
	town, rules := a.Config.Town, a.Config.Delivery
	if a.Files, err = files.Open(a.Config.FilesDir()); err != nil {
		return err
	}
	a.Mail = a.mailer()
	a.Accounts = account.New(a.DB, a.Events, a.IDs, a.Now, a.accountOptions())
	a.people()
	a.OAuth = oauth.New(a.DB, a.IDs, a.Now, a.Accounts, a.oauthOptions())
	a.Restaurants = restaurant.New(a.DB, a.Events, a.IDs, a.Now, a.Accounts, restaurant.Options{Currency: town.Currency, Zone: town.Timezone, Deal: a.townDeal, Audit: a.Audit, OnSave: a.restaurantSaved})
	a.Menus = menu.New(a.DB, a.Events, a.IDs, a.Now, a.Restaurants, a.Files)
	a.Discover = discover.New(a.DB, a.IDs, a.Now, a.Restaurants, a.Menus, discover.Options{
		Geocoder: a.opt.Streets, Center: geo.Point{Lat: town.Lat, Lon: town.Lon}, City: town.Name, Loc: a.zone, HTTPS: a.https(), Rating: a.rating, Offers: a.offers,
	})
	a.Promotions = promo.New(promo.Deps{DB: a.DB, IDs: a.IDs, Now: a.Now, Log: a.Events, Shops: a.Restaurants, Menus: a.Menus},
		promo.Options{Currency: town.Currency, Ordered: a.ordered, Audit: a.Audit.Write})
	quoter := cart.NewQuoter(a.Restaurants, a.Menus, a.Promotions, a.Now, rules.PromiseSlack)
	bought, moved, shares := &orders{}, &payments{}, &pots{}
	a.Ledger = ledger.New(a.DB, a.IDs, a.Now, ledger.Options{Orders: bought, Payments: moved, Pots: shares, Pay: a.courierPay, Zone: a.zone, Name: a.holder, Unclear: a.unclear, Ask: a.askProvider, Incidents: a.incidents, Close: a.closeIncident})
	a.Stripe = a.stripe()
	a.Payments = payment.New(payment.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Log: a.Events, Jobs: a.Jobs, Books: a.Ledger, Providers: a.cardProviders(),
	}, payment.Options{
		Audit:  a.Audit.Write,
		Settle: a.settlePayment,
		Refunded: func(ctx context.Context, tx *db.Tx, r id.ID, why string) error {
			return a.Refunds.Answered(ctx, tx, r, why)
		},
	})
	a.Wallet = a.wallet()
	a.Orders = order.New(order.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Log: a.Events, Hub: a.Hub, Jobs: a.Jobs,
		Quoter: quoter, Shops: a.Restaurants, Stock: a.Menus, Payments: a.Payments, People: a.Accounts,
		Books: a.Ledger, Promotions: a.Promotions, Pots: shares,
	}, order.Options{
		Patience: a.patience, SellOut: a.Menus.SellOut, CaptureLate: a.captureLate,
		Refunded: func(ctx context.Context, tx *db.Tx, o id.ID) (bool, error) { return a.Refunds.Given(ctx, tx, o) },
	})
	bought.Service, moved.Service = a.Orders, a.Payments
	a.Refunds = refund.New(refund.Deps{DB: a.DB, IDs: a.IDs, Now: a.Now, Log: a.Events, Orders: a.Orders, Payments: a.Payments, Books: a.Ledger})
	a.Cash = a.cash()
	a.Stripe.Link(stripe.Links{Payments: a.Payments, Books: a.Ledger, Orders: dues{a}})
	a.Carts = cart.New(cart.Deps{
		DB: a.DB, Bus: a.bus, Now: a.Now, Quoter: quoter, Restaurants: a.Restaurants, Menus: a.Menus, Orders: a.Orders,
	}, cart.Options{HTTPS: a.https(), Addresses: a.addresses, Bought: a.bought, Credit: a.credit, Pot: a.pot, Cards: a.cards(), Rating: a.rating, Dishes: a.dishRatings})
	a.GroupOrders = a.groupOrders(quoter)
	shares.Service = a.GroupOrders
	a.Invoices = a.invoices()
	a.Payouts = a.payouts()
	a.Statements = a.statements()
	tasks := &work{}
	a.Couriers = courier.New(a.DB, a.Events, a.Hub, a.Now, tasks, a.courierMoney())
	a.Finance = finance.New(a.DB, a.Now, a.Restaurants, a.Ledger)
	a.Finance.Connect = a.Stripe.On() && a.Config.Stripe.Connect
	a.Dispatch = dispatch.New(dispatch.Deps{
		DB: a.DB, IDs: a.IDs, Now: a.Now, Log: a.Events, Jobs: a.Jobs, Orders: a.Orders, Restore: a.restore,
		Couriers: a.Couriers, Shops: a.Restaurants, Photos: photos{a.Files},
	}, dispatch.Options{Live: a.riding, Zone: a.zone})
	tasks.Service = a.Dispatch
	if err := a.social(); err != nil {
		return err
	}
	a.Explain = explain.New(a.Accounts, a.Now, explain.Options{Thing: a.thing, Place: a.placeOf, Zone: a.zone})

	a.Accounts.React(a.Events, a.Jobs)
	a.OAuth.React(a.Jobs)
	a.Restaurants.React(a.Events, a.Hub, a.Jobs)
	a.Menus.React(a.Events, a.Hub, a.Jobs)
	a.Promotions.React(a.Events)
	a.Wallet.React(a.Jobs)
	a.GroupOrders.React(a.Events)
	a.Payments.React(a.Jobs)
	a.Stripe.React(a.Jobs)
	a.Carts.React(a.Events, a.Hub, a.Jobs)
	a.Orders.React(a.Events, a.Hub, a.Jobs)
	a.Refunds.React(a.Hub)
	a.Refunds.Write(a.refundLetters())
	a.Invoices.React(a.Mail)
	a.Statements.React(a.Jobs)
	a.Couriers.React(a.Events, a.Hub, a.Jobs)
	a.Dispatch.React(a.Events, a.Hub, a.Jobs)
	a.privacy()

	a.routes()
	a.letterRoutes()
	a.Router.Raw("GET "+files.Prefix+"{name}", httpx.Anyone, a.Files.Serve)
	a.peopleRoutes()
	a.OAuth.Routes(a.Router)
	a.Explain.Routes(a.Router)
	a.Restaurants.Routes(a.Router)
	a.Menus.Routes(a.Router)
	a.Discover.Routes(a.Router)
	a.Carts.Routes(a.Router)
	a.Promotions.Routes(a.Router)
	a.Wallet.Routes(a.Router)
	a.GroupOrders.Routes(a.Router)
	payment.NewSandbox(a.DB).Routes(a.Router, a.afterBank)
	a.Orders.Routes(a.Router)
	a.Refunds.Routes(a.Router)
	a.Cash.Routes(a.Router)
	a.Stripe.Routes(a.Router)
	a.Orders.Pages(a.Router, order.PageDeps{Where: a.whereIs, AtCounter: a.Dispatch.AtCounter, Pace: a.pace, Refunds: a.Refunds.Block})
	a.Invoices.Routes(a.Router)
	a.Payouts.Routes(a.Router)
	a.Statements.Routes(a.Router)
	a.exports().Routes(a.Router)
	a.Couriers.Routes(a.Router)
	a.Finance.Routes(a.Router)
	a.Ledger.Routes(a.Router)
	a.Dispatch.Routes(a.Router)
	a.Privacy.Routes(a.Router)
	a.socialRoutes()
	a.console()
	return nil
}

// startSlices fills the caches that would make the first requests slow.
func (a *App) startSlices(ctx context.Context) {
	a.run(ctx, "restaurants", a.Restaurants.Load)
	a.run(ctx, "trips", a.Dispatch.Load)
	a.run(ctx, "profiles", a.Profile.Load)
}
