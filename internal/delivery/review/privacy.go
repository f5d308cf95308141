package review

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// eraseBatch is how many reviews one transaction erases, and how many a page of a copy has.
const eraseBatch = 100

// Personal says what reviews hold of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "reviews",
		Tables: []personal.Table{
			{
				Name: "review", Personal: "text answer", Link: "account answered_by",
				Plain: "id order_id restaurant stars visibility verified hidden status at edited_at answer_status answered_at",
			},
			{Name: "review_dish", Plain: "review item name stars"},
			{Name: "review_figure", Plain: "thing restaurant one two three four five"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Reviews"),
				What:  i18n.T(ctx, "Stars for restaurants and dishes that you ordered, and what you wrote about them."),
				Why:   i18n.T(ctx, "So that neighbours know what is good, and restaurants what they thought of it."),
				Kept:  i18n.T(ctx, "Until you delete them. With your account they go, too, and count no more."),
			}
		},
		Count:  personal.Counting(s.DB, countOf),
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			rows, err := list(ctx, tx, ofAuthor, account, 0, eraseBatch)
			if err != nil {
				return personal.Erased{}, err
			}
			for _, r := range rows {
				if err := s.removeIn(ctx, tx, 0, r.ID); err != nil {
					return personal.Erased{}, err
				}
			}
			return personal.Erased{More: len(rows) == eraseBatch}, forgetAnswerer(ctx, tx, account)
		},
	}
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	var out []Review
	for below := id.ID(0); ; {
		var rows []row
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			rows, err = list(ctx, tx, ofAuthor, account, below, eraseBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range rows {
			below, r.Mine = r.ID, true
			out = append(out, r.Review)
		}
		if len(rows) < eraseBatch {
			break
		}
	}
	if len(out) == 0 {
		return nil
	}
	return to.JSON("reviews.json", i18n.T(ctx, "Your reviews"), out)
}
