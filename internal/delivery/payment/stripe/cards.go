package stripe

import (
	"context"
	"fmt"

	api "github.com/stripe/stripe-go/v85"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Card is a card that a customer keeps at Stripe.
type Card struct {
	ID       string `json:"id" doc:"To pay with: the card of POST /orders."`
	Brand    string `json:"brand" doc:"Such as visa."`
	Last4    string `json:"last4"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
}

// maxCards is how many cards of a customer are listed.
const maxCards = 20

// customer returns by which name Stripe knows an account, and makes it known where it is not. Stripe is told no name and no address.
func (s *Service) customer(ctx context.Context, account id.ID) (string, error) {
	customer, err := s.knownCustomer(ctx, account)
	if err != nil || customer != "" {
		return customer, err
	}
	p := &api.CustomerCreateParams{Metadata: map[string]string{"account": account.String()}}
	// With the hour: one that was deleted at Stripe must not be answered for ever.
	p.SetIdempotencyKey("stoa:customer:" + account.String() + ":" + s.Wall().UTC().Format("2006010215"))
	c, err := s.client.V1Customers.Create(ctx, p)
	if f := failed("make a customer", err); f != nil {
		return "", f
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := addCustomer(ctx, tx, account, s.opt.Live, c.ID, s.Now()); err != nil {
			return err
		}
		customer, err = customerOf(ctx, tx, account, s.opt.Live)
		return err
	})
	return customer, err
}

// knownCustomer returns by which name Stripe knows an account, "" for none.
func (s *Service) knownCustomer(ctx context.Context, account id.ID) (customer string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		customer, err = customerOf(ctx, tx, account, s.opt.Live)
		return err
	})
	if isMissing(err) {
		return "", nil
	}
	return customer, err
}

// Cards lists the acting person's cards, the newest first; none where the town takes no cards through Stripe. It returns an Unavailable
// error where Stripe does not answer.
func (s *Service) Cards(ctx context.Context) ([]Card, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	out := []Card{}
	if s.client == nil {
		return out, nil
	}
	customer, err := s.knownCustomer(ctx, actor.ID)
	if err != nil || customer == "" {
		return out, err
	}
	p := &api.PaymentMethodListParams{Customer: api.String(customer), Type: api.String("card")}
	p.Limit = api.Int64(maxCards)
	for m, err := range s.client.V1PaymentMethods.List(ctx, p).All(ctx) {
		f := failed("list cards", err)
		switch {
		case f != nil && f.code == string(api.ErrorCodeResourceMissing): // deleted at Stripe: there are no cards
			return []Card{}, nil
		case f != nil:
			return nil, silent(f)
		}
		if m.Card != nil && len(out) < maxCards {
			out = append(out, Card{m.ID, string(m.Card.Brand), m.Card.Last4, int(m.Card.ExpMonth), int(m.Card.ExpYear)})
		}
	}
	return out, nil
}

// Choices returns the cards that the acting person can pay with, in their language: those they keep, and one that they type on the pay
// page. Where Stripe does not answer there is only the latter.
func (s *Service) Choices(ctx context.Context) ([]ui.Option, error) {
	cards, err := s.Cards(ctx)
	if err != nil && !errs.Is(err, errs.Unavailable) {
		return nil, err
	}
	var out []ui.Option
	for _, c := range cards {
		out = append(out, ui.Option{Value: c.ID, Label: c.Name(), Hint: i18n.T(ctx, "holds until %s", fmt.Sprintf("%02d/%d", c.ExpMonth, c.ExpYear))})
	}
	return append(out, ui.Option{Value: NewCard, Label: i18n.T(ctx, "Another card"), Hint: i18n.T(ctx, "You type it on the next page.")}), nil
}

// silent is what people are told where Stripe gives no answer that helps.
func silent(f *failure) error {
	return errs.New(errs.Unavailable, "The payment service does not answer just now. Try again in a moment.").WithCode("provider_silent").WithCause(f)
}

// RemoveCard forgets one of the acting person's cards. It returns a NotFound error for any other.
func (s *Service) RemoveCard(ctx context.Context, card string) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	if s.client == nil {
		return off()
	}
	missing := errs.New(errs.NotFound, "You have no such card.")
	customer, err := s.knownCustomer(ctx, actor.ID)
	if err != nil {
		return err
	}
	if customer == "" {
		return missing
	}
	m, err := s.client.V1PaymentMethods.Retrieve(ctx, card, nil)
	f := failed("read a card", err)
	switch {
	case f != nil && f.definite(), f == nil && (m.Customer == nil || m.Customer.ID != customer):
		return missing
	case f != nil:
		return silent(f)
	}
	_, err = s.client.V1PaymentMethods.Detach(ctx, card, nil)
	if f := failed("forget a card", err); f != nil {
		return silent(f)
	}
	return nil
}

// KeepCard says whether the card that is about to be typed for an order is kept for the acting customer's next one.
func (s *Service) KeepCard(ctx context.Context, code string, keep bool) error {
	if s.client == nil {
		return off()
	}
	due, err := s.Orders.Due(ctx, code)
	if err != nil {
		return err
	}
	if due.Payment.Provider != Name || due.Payment.Ref == "" {
		return errs.New(errs.Conflict, "This order is not waiting for a card.")
	}
	p := &api.PaymentIntentUpdateParams{SetupFutureUsage: api.String("")}
	if keep {
		p.SetupFutureUsage = api.String("on_session")
	}
	_, err = s.client.V1PaymentIntents.Update(ctx, due.Payment.Ref, p)
	f := failed("keep a card", err)
	switch {
	case f != nil && f.definite():
		return errs.New(errs.Conflict, "This order is not waiting for a card.").WithCause(f)
	case f != nil:
		return silent(f)
	}
	return nil
}
