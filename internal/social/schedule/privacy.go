package schedule

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/mastodon"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what is stored of posts that are not posted yet.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "drafts",
		Tables: []personal.Table{
			{Name: "schedule_status", Personal: "doc params media failed", Link: "account", Plain: "id at"},
			{Name: "schedule_draft", Personal: "doc media", Link: "account", Plain: "id changed_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Drafts and posts for later"), What: i18n.T(ctx, "Posts that you have begun, and those that are to be posted at a time to come."),
				Why: i18n.T(ctx, "To go on writing on any device, and to post them when you said."), Kept: i18n.T(ctx, "Until they are posted or you delete them; drafts 90 days after their last change."),
			}
		},
		Count:  personal.Counting(s.db, count),
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, erase(ctx, tx, account)
		},
		Rules: []personal.Rule{{Name: "drafts", Keep: func() time.Duration { return KeepDraft }, Sweep: s.Sweep}},
	}
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	later, err := s.List(ctx, account, mastodon.Page{Limit: MaxWaiting})
	if err != nil {
		return err
	}
	begun, err := s.Drafts(ctx, account)
	if err != nil || len(later)+len(begun) == 0 {
		return err
	}
	return to.JSON("drafts.json", i18n.T(ctx, "Drafts and posts for later"), map[string]any{"scheduled": later, "drafts": begun})
}
