package cash

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what hand-ins hold of couriers and of those who counted.
func (s *Service) Personal() personal.Part {
	own := func(ctx context.Context, account id.ID) (mine []HandIn, err error) {
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			mine, err = of(ctx, tx, account)
			return err
		})
		return mine, err
	}
	return personal.Part{
		Name:   "cash",
		Tables: []personal.Table{{Name: "cash_handin", Personal: "note", Link: "courier taken_by", Plain: "id currency expected counted difference choice at"}},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Cash that was handed in"),
				What:  i18n.T(ctx, "If you are a courier or a dispatcher: what you handed in or counted, when, and what was noted beside it."),
				Why:   i18n.T(ctx, "So that cash is accounted for."),
				Kept:  i18n.T(ctx, "Amounts stay in the town's books. What was noted goes with your account."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			mine, err := own(ctx, account)
			return len(mine), err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			mine, err := own(ctx, account)
			if err != nil || len(mine) == 0 {
				return err
			}
			return to.JSON("cash.json", i18n.T(ctx, "Cash that you handed in or counted"), mine)
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, dropNotes(ctx, tx, account)
		},
	}
}
