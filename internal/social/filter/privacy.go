package filter

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what filters hold.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "filters",
		Tables: []personal.Table{
			{Name: "social_filter", Personal: "title", Link: "owner", Plain: "id contexts action expires_at"},
			{Name: "social_filter_keyword", Personal: "keyword", Plain: "id filter whole_word"},
			{Name: "social_filter_status", Plain: "id filter status"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Filters"),
				What:  i18n.T(ctx, "The words and posts that you don't want to meet."),
				Why:   i18n.T(ctx, "So that you meet them nowhere, or not without a warning."),
				Kept:  i18n.T(ctx, "Until you delete them."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			list, err := s.List(ctx, account)
			return len(list), err
		},
		Export: func(ctx context.Context, account id.ID, to personal.Archive) error {
			list, err := s.List(ctx, account)
			if err != nil || len(list) == 0 {
				return err
			}
			return to.JSON("filters.json", i18n.T(ctx, "Your filters"), list)
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			list, err := load(ctx, tx, account, 0)
			for _, f := range list {
				if err == nil {
					err = remove(ctx, tx, f.ID)
				}
			}
			tx.AfterCommit(func() { s.ready.Drop(account) })
			return personal.Erased{}, err
		},
	}
}
