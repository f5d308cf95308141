package conversation

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// eraseBatch is how many conversations one transaction forgets, exportMost how many a copy holds.
const (
	eraseBatch = 200
	exportMost = 20_000
)

// Personal says what conversations hold of people: who is in them. What was written is the statuses'.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "conversations",
		Tables: []personal.Table{
			{Name: "conversation", Link: "account thread others last_status", Plain: "id unread held"},
			{Name: "conversation_status", Link: "status", Plain: "conversation"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Conversations"),
				What:  i18n.T(ctx, "With whom you exchange direct messages, and which you have read. The messages are posts."),
				Why:   i18n.T(ctx, "So that you find them again."),
				Kept:  i18n.T(ctx, "Until you remove the conversation, or the last message in it is deleted."),
			}
		},
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			more, err := erase(ctx, tx, account, eraseBatch)
			return personal.Erased{More: more}, err
		},
	}
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	type talk struct {
		With   []id.ID `json:"with"`
		First  id.ID   `json:"first_status"`
		Last   id.ID   `json:"last_status"`
		Unread bool    `json:"unread"`
	}
	out := []talk{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := all(ctx, tx, account, exportMost)
		for _, r := range rows {
			out = append(out, talk{r.others, r.thread, r.last, r.unread})
		}
		return err
	})
	if err != nil {
		return err
	}
	return to.JSON("conversations.json", i18n.T(ctx, "With whom you exchange direct messages"), out)
}
