package stripe

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what is kept of people for Stripe.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "stripe",
		Tables: []personal.Table{
			{Name: "stripe_customer", Link: "account", Personal: "customer", Plain: "live created_at"},
			{Name: "stripe_charge", Personal: "customer", Plain: "auth_key order_id destination fee amount currency live page ref created_at"},
			{Name: "stripe_account", Plain: "restaurant live account ready due created_at updated_at"},
			{Name: "stripe_event", Plain: "id kind at"},
			{Name: "stripe_dispute", Plain: "id order_id ref amount currency reason status booked created_at updated_at due_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Cards that you keep"),
				What:  i18n.T(ctx, "The name by which the payment service Stripe knows you. Your cards themselves are kept there: we see their kind, their last four digits and until when they hold."),
				Why:   i18n.T(ctx, "So that you don't type your card each time."),
				Kept:  i18n.T(ctx, "A card: until you remove it. With your account Stripe is told to delete you and every card."),
			}
		},
		Count: personal.Counting(s.DB, func(ctx context.Context, tx *db.Tx, account id.ID) (int, error) {
			list, err := customersOf(ctx, tx, account)
			return len(list), err
		}),
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			var list []string
			err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
				list, err = customersOf(ctx, tx, account)
				return err
			})
			if err != nil || len(list) == 0 {
				return err
			}
			return to.JSON("stripe.json", i18n.T(ctx, "How the payment service Stripe knows you"), map[string][]string{"customers": list})
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			list, err := takeCustomers(ctx, tx, account)
			if err != nil {
				return personal.Erased{}, err
			}
			for _, c := range list {
				if err := s.later(ctx, tx, forgetKind, c); err != nil {
					return personal.Erased{}, err
				}
			}
			return personal.Erased{}, nil
		},
	}
}
