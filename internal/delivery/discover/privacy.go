package discover

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what address books hold.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "addresses",
		Tables: []personal.Table{{
			Name: "saved_address", Personal: "label address", Link: "account", Plain: "id is_default changed_at deleted_at",
		}},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Addresses"),
				What:  i18n.T(ctx, "The addresses you saved, with floor, bell, name, phone number and notes for the courier."),
				Why:   i18n.T(ctx, "So that you need not type them again."),
				Kept:  i18n.T(ctx, "Until you delete them; one that you deleted can be had back for an hour."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			list, err := s.saved(ctx, account)
			return len(list), err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			list, err := s.saved(ctx, account)
			if err != nil || len(list) == 0 {
				return err
			}
			return to.JSON("addresses.json", i18n.T(ctx, "Addresses you saved"), list)
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			if err := removeAll(ctx, tx, account); err != nil {
				return personal.Erased{}, fmt.Errorf("discover: remove the addresses of %s: %w", account, err)
			}
			return personal.Erased{}, nil
		},
		Rules: []personal.Rule{{Name: "addresses.deleted", Keep: func() time.Duration { return undoFor }, Sweep: func(ctx context.Context, before time.Time) error {
			return s.db.Write(ctx, func(tx *db.Tx) error {
				_, err := sweep(ctx, tx, before)
				return err
			})
		}}},
	}
}

// saved returns an account's addresses, whoever asks.
func (s *Service) saved(ctx context.Context, account id.ID) (out []Saved, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = addresses(ctx, tx, account)
		return err
	})
	return out, err
}
