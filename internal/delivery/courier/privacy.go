package courier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what is known of couriers: what they ride and, while they are on duty, where they are; positions is how long the last place
// of one is kept who fell silent without going off duty.
func (s *Service) Personal(positions func() time.Duration) personal.Part {
	return personal.Part{
		Name: "courier",
		Tables: []personal.Table{{
			Name: "courier", Personal: "name vehicle lat lon heading pos_at", Link: "account", Plain: "on_duty duty_since",
		}, {
			Name: "courier_shift", Personal: "began_at ended_at floor", Link: "account", Plain: "id currency",
		}},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Couriers on duty"),
				What:  i18n.T(ctx, "Whether you are on duty and since when, your shifts, what you ride, and the last place your phone told us. No track of where you were before."),
				Why:   i18n.T(ctx, "So that orders go to who is near. Dispatchers see the place, and a customer while you head to them."),
				Kept:  i18n.T(ctx, "Your place: until you go off duty, and at most %s. The rest: until you delete your account.", personal.Span(ctx, positions())),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			_, found, err := s.find(ctx, account)
			if found {
				return 1, err
			}
			return 0, err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			st, found, err := s.find(ctx, account)
			if err != nil || !found {
				return err
			}
			var list []Shift
			if err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
				list, err = allShifts(ctx, tx, account)
				return err
			}); err != nil {
				return fmt.Errorf("courier: list shifts of %s: %w", account, err)
			}
			if err := to.JSON("shifts.json", i18n.T(ctx, "Your shifts"), list); err != nil {
				return err
			}
			return to.JSON("courier.json", i18n.T(ctx, "You as courier"), st)
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			tx.AfterCommit(func() { s.forget(account) })
			if err := remove(ctx, tx, account); err != nil {
				return personal.Erased{}, fmt.Errorf("courier: remove %s: %w", account, err)
			}
			return personal.Erased{}, nil
		},
		Blocks: func(ctx context.Context, account id.ID) ([]personal.Obstacle, error) {
			st, _, err := s.find(ctx, account)
			if err != nil || !st.OnDuty {
				return nil, err
			}
			return []personal.Obstacle{{Text: i18n.T(ctx, "You are on duty. Go off duty first."), Href: "/courier", Label: i18n.T(ctx, "Your duty")}}, nil
		},
		Rules: []personal.Rule{{Name: "courier.positions", Keep: positions, Sweep: func(ctx context.Context, before time.Time) error {
			return s.db.Write(ctx, func(tx *db.Tx) error {
				_, err := forgetPlaces(ctx, tx, before)
				return err
			})
		}}},
	}
}

// find returns what is known of a courier, and whether anything is.
func (s *Service) find(ctx context.Context, courier id.ID) (st State, found bool, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		st, err = load(ctx, tx, courier)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return State{}, false, nil
	}
	return st, err == nil, err
}
