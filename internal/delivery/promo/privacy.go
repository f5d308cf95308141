package promo

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what promotions hold of people. Ids of accounts stay: they lead to nothing once the account is gone, and the figures of an
// order need them.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "promotions",
		Tables: []personal.Table{
			{Name: "promotion", Link: "created_by", Plain: "id restaurant code state doc used most each rev created_at changed_at"},
			{Name: "promo_use", Link: "account", Plain: "promotion order_id amount state at"},
			{Name: "promo_person", Link: "account", Plain: "promotion used"},
			{Name: "promo_first", Link: "account", Plain: "restaurant order_id"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Promotions"),
				What:  i18n.T(ctx, "Which codes and offers your orders had, and what they took off."),
				Why:   i18n.T(ctx, "So that what is for once is had once, and the books can be checked."),
				Kept:  i18n.T(ctx, "As long as the town keeps its books, under a number that leads to nobody once your account is gone."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (n int, err error) {
			err = s.db.Read(ctx, func(tx *db.Tx) error {
				n, err = countBy(ctx, tx, account)
				return err
			})
			return n, err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			var list []Use
			err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
				list, err = usesBy(ctx, tx, account)
				return err
			})
			if err != nil || len(list) == 0 {
				return err
			}
			return to.JSON("promotions.json", i18n.T(ctx, "Promotions that your orders had"), list)
		},
	}
}
