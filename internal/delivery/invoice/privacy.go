package invoice

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// batch is how many documents one page of a copy, and one transaction of forgetting, has.
const batch = 200

// Personal says what documents hold of people: the name of who bought. keep says how long that is kept; 0: for ever.
func (s *Service) Personal(keep func() time.Duration) personal.Part {
	return personal.Part{
		Name: "invoices",
		Tables: []personal.Table{
			{Name: "invoice", Personal: "buyer", Link: "account", Plain: "id kind number order_id ref restaurant issued_at currency total data"},
			{Name: "invoice_series", Plain: "restaurant kind year last"},
			{Name: "invoice_unlettered", Link: "account"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Receipts"),
				What:  i18n.T(ctx, "The receipts and credit notes for what you bought, with your name; and whether you want letters with them."),
				Why:   i18n.T(ctx, "Restaurants have to issue them and keep them for the tax office."),
				Kept:  i18n.T(ctx, "Your name on them: %s, or until you delete your account. The documents themselves stay without it.", personal.Span(ctx, keep())),
			}
		},
		Count: func(ctx context.Context, account id.ID) (n int, err error) {
			err = s.DB.Read(ctx, func(tx *db.Tx) error {
				n, err = countOf(ctx, tx, account)
				return err
			})
			return n, err
		},
		Export: s.export,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, forget(ctx, tx, account)
		},
		Rules: []personal.Rule{{Name: "invoices.buyer", Keep: keep, Sweep: func(ctx context.Context, before time.Time) error {
			return personal.Batches(ctx, s.DB, batch, func(tx *db.Tx) (int64, error) { return forgetBefore(ctx, tx, before, batch) })
		}}},
	}
}

func (s *Service) export(ctx context.Context, account id.ID, to personal.Archive) error {
	out := []Document{}
	for below := id.ID(0); ; {
		var page []issued
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			page, err = ofAccount(ctx, tx, account, below, batch)
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range page {
			below = d.ID
			out = append(out, d.Document)
		}
		if len(page) < batch {
			break
		}
	}
	if len(out) == 0 {
		return nil
	}
	return to.JSON("receipts.json", i18n.T(ctx, "Your receipts"), out)
}
