package ledger

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Personal says what the books hold of people: whose an account is, as a number that leads to nobody once the person has left.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "ledger",
		Tables: []personal.Table{
			{Name: "ledger_account", Link: "owner", Plain: "id kind sub rate currency balance"},
			{Name: "ledger_posting", Personal: "note", Link: "actor", Plain: "id ref what order_id at lines"},
			{Name: "ledger_entry", Plain: "posting line account at amount what"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "The books"),
				What:  i18n.T(ctx, "What you paid, got back, earned as a courier and have to your credit: amounts and times, each with the order it was for."),
				Why:   i18n.T(ctx, "Whoever takes money has to keep books, and everybody who is owed money can be paid."),
				Kept:  i18n.T(ctx, "For ever. After you delete your account the entries stand under a number that says nothing of you."),
			}
		},
		Count: func(ctx context.Context, account id.ID) (n int, err error) {
			err = s.db.Read(ctx, func(tx *db.Tx) error {
				n, err = countOf(ctx, tx, account)
				return err
			})
			return n, err
		},
		Export: s.exportMine,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, dropNotes(ctx, tx, account)
		},
		Blocks: s.blocks,
	}
}

// exportMine writes all entries of a person's accounts.
func (s *Service) exportMine(ctx context.Context, account id.ID, to personal.Archive) error {
	out := []delivery.BookLine{}
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		return s.Walk(ctx, tx, account, time.Time{}, time.Time{}, func(l delivery.BookLine) error {
			out = append(out, l)
			return nil
		})
	})
	if err != nil || len(out) == 0 {
		return err
	}
	return to.JSON("ledger.json", i18n.T(ctx, "What stands in the town's books about you"), out)
}

// blocks keeps those who have the town's cash in their hands.
func (s *Service) blocks(ctx context.Context, account id.ID) (out []personal.Obstacle, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		list, err := s.Balances(ctx, tx, account, time.Time{})
		for _, a := range list {
			if a.Book.Kind == delivery.BookCash && a.Balance > 0 {
				out = []personal.Obstacle{{
					Text: i18n.T(ctx, "You still have cash of the town. Hand it in first."), Href: "/courier/cash", Label: i18n.T(ctx, "Cash in hand"),
				}}
			}
		}
		return err
	})
	return out, err
}
