package notification

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// forgetBatch is how many rows one transaction forgets, and exportMost how many a copy holds.
const (
	forgetBatch = 500
	exportMost  = 20_000
)

// Personal says what notifications hold of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "notifications",
		Tables: []personal.Table{
			{Name: "notification", Personal: "data", Link: "account sender status thing", Plain: "id type group_key held created_at"},
			{Name: "notification_policy", Link: "account", Plain: "not_following not_followers new_accounts private_mentions limited_accounts"},
			{Name: "notification_request", Link: "account sender last_status", Plain: "id held dismissed created_at updated_at"},
			{Name: "notification_permission", Link: "account sender", Plain: "created_at"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Notifications"),
				What:  i18n.T(ctx, "What others did that concerns you, by numbers: who mentioned, followed or favoured you, and what became of your orders; whose notifications you hold back."),
				Why:   i18n.T(ctx, "So that you miss nothing."),
				Kept:  i18n.T(ctx, "%s, or until you clear them.", personal.Span(ctx, keptFor)),
			}
		},
		Count:  personal.Counting(s.DB, countOf),
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			more, err := erase(ctx, tx, account, forgetBatch)
			tx.AfterCommit(func() { s.forget(account) })
			return personal.Erased{More: more}, err
		},
		Rules: []personal.Rule{{Name: "notifications", Keep: func() time.Duration { return keptFor }, Sweep: s.sweep}},
	}
}

// sweep forgets what is from before a time. It looks for the rows before it holds the writer.
func (s *Service) sweep(ctx context.Context, before time.Time) error {
	for {
		var ids []id.ID
		var old int
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			ids, old, err = oldest(ctx, tx, before, forgetBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("notification: look for old ones: %w", err)
		}
		if old == 0 {
			return nil
		}
		if err := s.DB.Write(ctx, func(tx *db.Tx) error { return dropUpTo(ctx, tx, ids[old-1], before) }); err != nil {
			return fmt.Errorf("notification: forget old ones: %w", err)
		}
		if old < len(ids) {
			return nil
		}
	}
}

// exported is a notification in a person's copy.
type exported struct {
	ID     id.ID     `json:"id"`
	Type   string    `json:"type"`
	At     time.Time `json:"at"`
	From   id.ID     `json:"from"`
	Status id.ID     `json:"status,omitzero"`
	Thing  id.ID     `json:"thing,omitzero"`
	Held   bool      `json:"held,omitzero"`
	Data   *Data     `json:"data,omitempty"`
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	out := struct {
		Policy        Policy     `json:"policy"`
		LetIn         []id.ID    `json:"let_in"`
		Notifications []exported `json:"notifications"`
	}{Notifications: []exported{}}
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if out.Policy, err = readPolicy(ctx, tx, account); err != nil {
			return err
		}
		if out.LetIn, err = permissions(ctx, tx, account); err != nil {
			return err
		}
		rows, err := below(ctx, tx, account, 0, 0, 0, true, exportMost)
		for _, n := range rows {
			out.Notifications = append(out.Notifications, exported{n.ID, n.Type, n.At, n.From, n.Status, n.Thing, n.Held, n.Data})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("notification: export: %w", err)
	}
	return to.JSON("notifications.json", i18n.T(ctx, "Your notifications"), out)
}
