package stripe

import (
	"context"
	"net/http"
	"slices"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Dispute is a charge that a customer's bank takes back, or asks about.
type Dispute struct {
	ID       string       `json:"id"`
	Order    id.ID        `json:"order"`
	Code     string       `json:"code,omitempty" doc:"The order, as people call it."`
	Ref      string       `json:"ref" doc:"The intent at Stripe."`
	Amount   money.Amount `json:"amount"`
	Currency string       `json:"currency"`
	Reason   string       `json:"reason" doc:"In Stripe's words, such as product_not_received."`
	Status   string       `json:"status" doc:"In Stripe's words: needs_response, under_review, won, lost and others."`
	At       time.Time    `json:"at" doc:"When it was first heard of."`
	Due      time.Time    `json:"due_at,omitzero" doc:"Until when Stripe takes an answer."`

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
	for i := range out {
		if err == nil {
			out[i].Code, err = s.Orders.Code(ctx, out[i].Order)
		}
	}
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
		if got.EvidenceDetails != nil && got.EvidenceDetails.DueBy > 0 {
			d.Due = time.Unix(got.EvidenceDetails.DueBy, 0).UTC()
		}
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

// open reports whether Stripe waits for the town's answer.
func (d Dispute) open() bool {
	return d.Status == string(api.DisputeStatusNeedsResponse) || d.Status == string(api.DisputeStatusWarningNeedsResponse)
}

// state returns how a dispute stands in a word, with its colour, and what is to be done.
func (d Dispute) state(ctx context.Context) (word string, tone ui.Tone, todo string) {
	switch api.DisputeStatus(d.Status) {
	case api.DisputeStatusNeedsResponse:
		return i18n.T(ctx, "answer it"), ui.Bad, i18n.T(ctx, "Answer at Stripe, with what shows that the food came: the receipt, the times and the code at the door.")
	case api.DisputeStatusWarningNeedsResponse:
		return i18n.T(ctx, "the bank asks"), ui.Warn, i18n.T(ctx, "No money has gone yet. Answer at Stripe, or give the money back.")
	case api.DisputeStatusUnderReview, api.DisputeStatusWarningUnderReview:
		return i18n.T(ctx, "the bank looks at it"), ui.Neutral, i18n.T(ctx, "Nothing to do: the bank decides.")
	case api.DisputeStatusWon:
		return i18n.T(ctx, "won"), ui.Good, i18n.T(ctx, "Nothing to do: the money is back.")
	case api.DisputeStatusLost:
		return i18n.T(ctx, "lost"), ui.Neutral, i18n.T(ctx, "Nothing to do: the town has borne it.")
	case api.DisputeStatusWarningClosed, api.DisputeStatusPrevented:
		return i18n.T(ctx, "closed"), ui.Neutral, i18n.T(ctx, "Nothing to do: no money has gone.")
	}
	return d.Status, ui.Neutral, i18n.T(ctx, "Look at it at Stripe.")
}

// why returns a dispute's reason in words.
func (d Dispute) why(ctx context.Context) string {
	switch d.Reason {
	case "product_not_received":
		return i18n.T(ctx, "It never came")
	case "product_unacceptable":
		return i18n.T(ctx, "It was not as it should be")
	case "fraudulent":
		return i18n.T(ctx, "Somebody else has paid with the card")
	case "duplicate":
		return i18n.T(ctx, "It was charged twice")
	case "credit_not_processed":
		return i18n.T(ctx, "A refund did not come")
	case "unrecognized":
		return i18n.T(ctx, "The customer does not know the charge")
	case "general":
		return i18n.T(ctx, "No reason was given")
	}
	return d.Reason
}

// dashboard returns where a dispute is answered.
func (s *Service) dashboard(d Dispute) string {
	if s.opt.Live {
		return "https://dashboard.stripe.com/disputes/" + d.ID
	}
	return "https://dashboard.stripe.com/test/disputes/" + d.ID
}

func (s *Service) showDisputes(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Disputes(r.Context())
	if err != nil {
		return err
	}
	// What waits for an answer first, the most urgent of it on top.
	slices.SortStableFunc(list, func(a, b Dispute) int {
		switch {
		case a.open() && b.open():
			return a.Due.Compare(b.Due)
		case a.open():
			return -1
		case b.open():
			return 1
		}
		return 0
	})
	return httpx.Render(w, r, http.StatusOK, s.disputesPage(list))
}

// zone is the reader's time zone.
func zone(ctx context.Context) *time.Location {
	if z := ui.ChromeFrom(ctx).Zone; z != nil {
		return z
	}
	return time.UTC
}
