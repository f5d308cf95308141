package instance

import (
	"context"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what is stored so that the server can say how lively it is.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "instance",
		Tables: []personal.Table{
			{Name: "instance_tally", Plain: "id cursor_ users statuses seen_at"},
			{Name: "instance_week", Plain: "week statuses logins registrations"},
			{Name: "instance_seen", Personal: "at", Link: "account"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Visits"),
				What:  i18n.T(ctx, "When you were last here, to the hour."),
				Why:   i18n.T(ctx, "So that the town can say how many people use it in a month. Only the number is shown."),
				Kept:  personal.Span(ctx, halfYear),
			}
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			var at time.Time
			err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
				at, err = lastSeen(ctx, tx, account)
				return err
			})
			if errors.Is(err, db.ErrNoRow) {
				return nil
			}
			if err != nil {
				return err
			}
			return to.JSON("last-seen.json", i18n.T(ctx, "When you were last here"), object{"last_seen_at": at})
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, forget(ctx, tx, account)
		},
	}
}
