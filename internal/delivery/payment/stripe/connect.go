package stripe

import (
	"context"
	"strings"

	api "github.com/stripe/stripe-go/v85"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Account is a restaurant's own account at Stripe. The zero ID stands for none.
type Account struct {
	Restaurant id.ID
	ID         string
	Ready      bool   // its share of orders can go there
	due        string // what Stripe wants to know still, one a line
}

// Due returns what Stripe wants to know still, in its words.
func (a Account) Due() []string { return strings.Fields(a.due) }

// State returns how the account stands: "none", "incomplete" or "ready".
func (a Account) State() string {
	switch {
	case a.ID == "":
		return "none"
	case a.Ready:
		return "ready"
	}
	return "incomplete"
}

// Account returns a restaurant's account as it was last heard of; the zero Account where it has none. It asks nobody's permission.
func (s *Service) Account(ctx context.Context, restaurant id.ID) (a Account, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		a, err = accountOf(ctx, tx, restaurant, s.opt.Live)
		return err
	})
	if isMissing(err) {
		return Account{}, nil
	}
	return a, err
}

// errNoConnect is the answer where restaurants have no accounts of their own.
var errNoConnect = errs.New(errs.NotFound, "In this town restaurants are paid by bank transfer: they have no accounts of their own at a payment service.").WithCode("stripe_off")

// owned returns a restaurant whose payout account the acting person may manage.
func (s *Service) owned(ctx context.Context, slug string) (*delivery.Shop, error) {
	shop, err := s.Shops.ShopBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	return shop, access.Can(access.From(ctx), "restaurant.manage", access.Thing{Kind: "restaurant", ID: shop.ID, Restaurant: shop.ID})
}

// PayoutAccount returns how a restaurant's own account stands, for its owners, and asks Stripe first where that is not final.
func (s *Service) PayoutAccount(ctx context.Context, slug string) (*delivery.Shop, Account, error) {
	shop, err := s.owned(ctx, slug)
	if err != nil {
		return nil, Account{}, err
	}
	if s.client == nil || !s.opt.Connect {
		return shop, Account{}, errNoConnect
	}
	a, err := s.Account(ctx, shop.ID)
	if err != nil || a.ID == "" || a.Ready {
		return shop, a, err
	}
	a, err = s.refresh(ctx, a)
	return shop, a, err
}

// refresh asks Stripe how an account stands and stores that.
func (s *Service) refresh(ctx context.Context, a Account) (Account, error) {
	got, err := s.client.V1Accounts.GetByID(ctx, a.ID, nil)
	if f := failed("read an account", err); f != nil {
		return a, silent(f)
	}
	a.Ready, a.due = got.ChargesEnabled && got.PayoutsEnabled, ""
	if got.Requirements != nil {
		a.due = strings.Join(got.Requirements.CurrentlyDue, "\n")
	}
	return a, s.DB.Write(ctx, func(tx *db.Tx) error { return setAccount(ctx, tx, a, s.Now()) })
}

// Connect returns the address at which a restaurant's owner gives Stripe what it wants to know; it ends after a few minutes. A restaurant
// without an account gets one. The owner must have proven lately who they are: who changes this changes where money goes.
func (s *Service) Connect(ctx context.Context, slug string) (string, error) {
	shop, err := s.owned(ctx, slug)
	if err != nil {
		return "", err
	}
	if s.client == nil || !s.opt.Connect {
		return "", errNoConnect
	}
	if err := s.Fresh(ctx); err != nil {
		return "", err
	}
	a, err := s.Account(ctx, shop.ID)
	if err != nil {
		return "", err
	}
	if a.ID == "" {
		if a.ID, err = s.makeAccount(ctx, shop.ID); err != nil {
			return "", err
		}
	}
	page := s.Address() + "/restaurant/" + shop.Slug + "/payouts-account"
	link, err := s.client.V1AccountLinks.Create(ctx, &api.AccountLinkCreateParams{
		Account: api.String(a.ID), Type: api.String("account_onboarding"), ReturnURL: api.String(page), RefreshURL: api.String(page),
	})
	if f := failed("make a link", err); f != nil {
		return "", silent(f)
	}
	return link.URL, nil
}

func (s *Service) makeAccount(ctx context.Context, restaurant id.ID) (string, error) {
	yes := &api.AccountCreateCapabilitiesTransfersParams{Requested: api.Bool(true)}
	p := &api.AccountCreateParams{
		Type: api.String("express"), Country: api.String(s.opt.Country), Metadata: map[string]string{"restaurant": restaurant.String()},
		Capabilities: &api.AccountCreateCapabilitiesParams{
			Transfers: yes, CardPayments: &api.AccountCreateCapabilitiesCardPaymentsParams{Requested: api.Bool(true)},
		},
	}
	p.SetIdempotencyKey("stoa:account:" + restaurant.String())
	got, err := s.client.V1Accounts.Create(ctx, p)
	if f := failed("make an account", err); f != nil {
		return "", silent(f)
	}
	var a Account
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := addAccount(ctx, tx, restaurant, s.opt.Live, got.ID, s.Now()); err != nil {
			return err
		}
		a, err = accountOf(ctx, tx, restaurant, s.opt.Live)
		return err
	})
	return a.ID, err
}

// Share returns what of a sale stays with the town where the rest goes to the restaurant's own account: all but what the restaurant is owed
// once the order is delivered, which is its food with tax, its fee, a tip that no courier brings home, less commission. Of an order that
// is paid with credit in part it may be less than what the books say; the rest is in the restaurant's account there.
func Share(sale delivery.Sale) money.Amount {
	owed := sale.Subtotal
	food := sale.Subtotal
	for _, d := range sale.Discounts {
		if d.Bearer == delivery.PartyRestaurant {
			owed -= d.Amount
			if !d.OffFee() {
				food -= d.Amount
			}
		}
	}
	if sale.Deal.FeeTo == delivery.PartyRestaurant {
		owed += sale.Fee
	}
	if sale.Mode == delivery.Pickup {
		owed += sale.Tip
	}
	owed -= money.MulDiv(food, int64(sale.Deal.Commission), 10_000) + sale.Deal.CommissionFlat
	charged := sale.Total - sale.Credit
	return charged - max(0, min(owed, charged))
}
