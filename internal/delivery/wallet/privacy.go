package wallet

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what gift codes hold of people. What stands in the books is the ledger's.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "credit",
		Tables: []personal.Table{
			{Name: "gift_batch", Link: "created_by", Plain: "id amount currency count note expires_at created_at"},
			{Name: "gift_code", Link: "account", Plain: "digest batch state at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Credit"),
				What:  i18n.T(ctx, "What you have to spend, where it came from, and which gift codes you redeemed."),
				Why:   i18n.T(ctx, "So that you can pay with it, and each code is redeemed once."),
				Kept:  i18n.T(ctx, "As long as the town keeps its books, under a number that leads to nobody once your account is gone."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (n int, err error) {
			err = s.DB.Read(ctx, func(tx *db.Tx) error {
				n, err = redeemedBy(ctx, tx, account)
				return err
			})
			return n, err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			c, err := s.of(ctx, account, 0)
			if err != nil || len(c.History) == 0 {
				return err
			}
			return to.JSON("credit.json", i18n.T(ctx, "Your credit"), c)
		},
	}
}
