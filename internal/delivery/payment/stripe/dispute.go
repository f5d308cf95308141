package stripe

import (
	"context"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Dispute is a charge that a customer's bank takes back, or asks about.
type Dispute struct {
	ID       string       `json:"id"`
	Order    id.ID        `json:"order"`
	Ref      string       `json:"ref" doc:"The intent at Stripe."`
	Amount   money.Amount `json:"amount"`
	Currency string       `json:"currency"`
	Reason   string       `json:"reason" doc:"In Stripe's words, such as product_not_received."`
	Status   string       `json:"status" doc:"In Stripe's words: needs_response, under_review, won, lost and others."`
	At       time.Time    `json:"at" doc:"When it was first heard of."`

	booked money.Amount // what of it stands in the books
}

// maxDisputes is how many Disputes lists.
const maxDisputes = 100

// Disputes lists disputes for admins, the newest first.
func (s *Service) Disputes(ctx context.Context) (out []Dispute, err error) {
	if err := access.Can(access.From(ctx), "admin.read", access.Thing{Kind: "payment"}); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = listDisputes(ctx, tx, maxDisputes)
		return err
	})
	return out, err
}

// takenBack returns what of a dispute the bank has taken back: all of it but where it is won, or the bank only asks.
func takenBack(status api.DisputeStatus, amount money.Amount) money.Amount {
	switch status {
	case api.DisputeStatusWon, api.DisputeStatusWarningNeedsResponse, api.DisputeStatusWarningUnderReview, api.DisputeStatusWarningClosed, api.DisputeStatusPrevented:
		return 0
	}
	return amount
}

// dispute asks Stripe how a dispute stands, stores that and books it: the town bears what the bank takes back.
func (s *Service) dispute(ctx context.Context, ref string) error {
	got, err := s.client.V1Disputes.Retrieve(ctx, ref, nil)
	if f := failed("read a dispute", err); f != nil {
		return f
	}
	if got.PaymentIntent == nil {
		return nil
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		ch, err := chargeByRef(ctx, tx, got.PaymentIntent.ID)
		if isMissing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		d, err := disputeByID(ctx, tx, got.ID)
		if isMissing(err) {
			d = Dispute{ID: got.ID, Order: ch.order, Ref: ch.ref, Amount: min(got.Amount, ch.amount), Currency: ch.currency, Reason: string(got.Reason)}
		} else if err != nil {
			return err
		}
		d.Status = string(got.Status)
		if want := takenBack(got.Status, d.Amount); want != d.booked {
			if err := s.Books.Post(ctx, tx, posting(d, want, s.Now())); err != nil {
				return err
			}
			d.booked = want
		}
		return putDispute(ctx, tx, d, s.Now())
	})
}

// posting is the movement after which so much of a dispute is taken back.
func posting(d Dispute, want money.Amount, at time.Time) delivery.Posting {
	what := "dispute"
	if want < d.booked {
		what = "dispute_won"
	}
	change := want - d.booked
	book := func(kind delivery.BookKind, sub string, amount money.Amount) delivery.Entry {
		return delivery.Entry{Book: delivery.Book{Kind: kind, Sub: sub, Currency: d.Currency}, Amount: amount, What: what}
	}
	return delivery.Posting{
		Ref: what + ":" + d.ID, What: what, Order: d.Order, At: at, Note: d.Reason,
		Entries: []delivery.Entry{book(delivery.BookPlatform, delivery.SubRefunds, change), book(delivery.BookProvider, Name, -change)},
	}
}
