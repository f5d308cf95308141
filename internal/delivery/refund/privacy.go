package refund

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what refunds hold of people. What a customer got back stands with the payments of their orders.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "refunds",
		Tables: []personal.Table{
			{
				Name: "refund", Personal: "note", Link: "granted_by",
				Plain: "id order_id restaurant amount currency way state reason liable why lines taxes created_at updated_at",
			},
			{Name: "refund_total", Plain: "order_id paid given"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Refunds"),
				What:  i18n.T(ctx, "What was given back of orders, why, and who granted it with which words."),
				Why:   i18n.T(ctx, "So that money is given back once, and the books add up."),
				Kept:  i18n.T(ctx, "Amounts stay in the books. Your words go with your account."),
			}
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			var mine []Refund
			err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
				mine, err = grantedBy(ctx, tx, account)
				return err
			})
			if err != nil || len(mine) == 0 {
				return err
			}
			type note struct {
				Order id.ID     `json:"order"`
				Note  string    `json:"note"`
				At    time.Time `json:"at"`
			}
			out := make([]note, len(mine))
			for i, r := range mine {
				out[i] = note{r.Order, r.Note, r.At}
			}
			return to.JSON("refunds.json", i18n.T(ctx, "Refunds that you granted, with your words"), out)
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, dropNotes(ctx, tx, account)
		},
	}
}
