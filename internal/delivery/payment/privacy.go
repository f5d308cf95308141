package payment

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what payments hold of people. How each order was paid is in the copy of the orders.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "payments",
		Tables: []personal.Table{
			{
				Name: "payment", Personal: "token client url", Link: "taken_by customer",
				Plain: "order_id group_id method state aim amount refunded refunding currency ref asking attempt decline provider restaurant keep_card fee sent created_at updated_at",
			},
			{Name: "payment_refund", Plain: "id order_id part amount state pulled why created_at updated_at"},
			{Name: "payment_incident", Link: "closed_by", Plain: "id order_id provider ref kind detail created_at closed_at"},
			{Name: "sandbox_charge", Plain: "auth_key ref order_id token amount currency state decline asked captured refunded"},
			{Name: "sandbox_call", Plain: "key ref verb amount"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Payments"),
				What:  i18n.T(ctx, "How an order was paid, how much, and whether it was refunded. Never the number of a card: only a token by which the payment provider knows it."),
				Why:   i18n.T(ctx, "So that money is taken and given back right, and the books add up."),
				Kept:  i18n.T(ctx, "The token: as long as the order says who you are. Amounts stay in the books."),
			}
		},
	}
}

// ForgetCard forgets the token of the card that paid an order which is over.
func (s *Service) ForgetCard(ctx context.Context, tx *db.Tx, order id.ID) error {
	return dropToken(ctx, tx, order)
}
