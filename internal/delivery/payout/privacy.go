package payout

import (
	"context"
	"errors"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what payouts hold of people: the bank accounts of couriers, and what was sent there. Those of restaurants are a business's.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "payouts",
		Tables: []personal.Table{
			{Name: "payout_bank", Personal: "sealed tail", Link: "owner changed_by", Plain: "kind changed_at"},
			{Name: "payout_run", Link: "made_by approved_by", Plain: "id state minimum note made_at approved_at"},
			{Name: "payout_item", Personal: "name note sealed", Link: "owner", Plain: "run kind currency amount cash entries state changed_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Payouts"),
				What:  i18n.T(ctx, "If you are a courier: your bank account, and what was sent there."),
				Why:   i18n.T(ctx, "So that you get what you earn."),
				Kept:  i18n.T(ctx, "Until you delete your account. The amounts stay in the town's books, without your name."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (n int, err error) {
			list, err := s.own(ctx, account)
			return len(list), err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			list, err := s.own(ctx, account)
			if err != nil {
				return err
			}
			var bank Bank
			err = s.DB.Read(ctx, func(tx *db.Tx) error {
				b, err := bankOf(ctx, tx, Courier, account)
				if err != nil {
					return err
				}
				bank, err = s.unseal(b.sealed)
				return err
			})
			if err != nil && !errors.Is(err, db.ErrNoRow) {
				return err
			}
			if len(list) == 0 && bank.IBAN == "" {
				return nil
			}
			return to.JSON("payouts.json", i18n.T(ctx, "Your bank account and payouts"), map[string]any{"bank": bank, "payouts": list})
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, forget(ctx, tx, account)
		},
	}
}

// own returns what an account was paid.
func (s *Service) own(ctx context.Context, account id.ID) (list []Item, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err = items(ctx, tx, `kind = 'courier' AND owner = $1`, int64(account))
		return err
	})
	return list, err
}
