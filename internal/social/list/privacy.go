package list

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what lists hold.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "lists",
		Tables: []personal.Table{
			{Name: "social_list", Personal: "title", Link: "owner", Plain: "id replies exclusive"},
			{Name: "social_list_member", Link: "account", Plain: "list id"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Lists"),
				What:  i18n.T(ctx, "The lists in which you sort whom you follow, and who is in them."),
				Why:   i18n.T(ctx, "So that you can read them apart."),
				Kept:  i18n.T(ctx, "Until you delete them."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (int, error) {
			all, err := s.Lists(ctx, account)
			return len(all), err
		},
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			all, err := of(ctx, tx, account)
			if err != nil {
				return personal.Erased{}, err
			}
			for _, l := range all {
				if err := remove(ctx, tx, l.ID); err != nil {
					return personal.Erased{}, err
				}
				tx.AfterCommit(func() { s.lists.Drop(l.ID) })
			}
			_, err = leaveAll(ctx, tx, 0, account)
			return personal.Erased{}, err
		},
	}
}

// copied is a list in its owner's copy.
type copied struct {
	view
	Members []id.ID `json:"members"`
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	out := []copied{}
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		all, err := of(ctx, tx, account)
		if err != nil {
			return err
		}
		for _, l := range all {
			rows, err := page(ctx, tx, l.ID, 0, 0, maxMembers)
			if err != nil {
				return err
			}
			c := copied{view: viewOf(l), Members: []id.ID{}}
			for _, m := range rows {
				c.Members = append(c.Members, m.account)
			}
			out = append(out, c)
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		return err
	}
	return to.JSON("lists.json", i18n.T(ctx, "Your lists"), out)
}
