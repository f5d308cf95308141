package invoice

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/jobs"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

const settleKind = "invoice.settle"

// about is what the job is about, and all that is read of the events that lead to it.
type about struct {
	Order id.ID  `json:"order"`
	State string `json:"state,omitempty"`
	Group id.ID  `json:"group,omitzero"` // of a payment: it is for a share in a group order, and no order's
}

// React has documents follow what becomes of orders, payments and refunds.
func (s *Service) React(sampler *mail.Mailer) {
	s.Log.Subscribe("invoice", []string{
		"order." + delivery.OrderDelivered, "order." + delivery.OrderCancelled, "order." + delivery.OrderRestored,
		delivery.PaymentChanged{}.EventKind(), "refund.changed",
	}, s.heard)
	s.Jobs.Handle(settleKind, func(ctx context.Context, j jobs.Job) error {
		var a about
		if err := json.Unmarshal(j.Args, &a); err != nil {
			return jobs.Discard(err)
		}
		err := s.Settle(ctx, a.Order)
		if errs.Is(err, errs.NotFound) {
			return jobs.Discard(err)
		}
		return err
	})
	for _, kind := range []string{Receipt, CreditNote} {
		sampler.Sample("invoice."+kind, func(ctx context.Context) mail.Letter {
			d := Document{Kind: kind, Number: number("nonna", kind, 2026, 123), Code: "K7Q-2PM", Seller: Seller{Name: "Nonna"}, Total: 2350, Currency: "EUR"}
			if kind == CreditNote {
				d.Total = -450
			}
			return s.letter(ctx, account.Account{Name: "Anna", Email: "anna@example.org"}, d)
		})
	}
}

func (s *Service) heard(ctx context.Context, tx *db.Tx, e events.Event) error {
	var a about
	if err := json.Unmarshal(e.Data, &a); err != nil {
		return fmt.Errorf("invoice: read event %d: %w", e.Seq, err)
	}
	if e.Kind == (delivery.PaymentChanged{}).EventKind() && (a.State != string(delivery.PaymentCaptured) || a.Group != 0) {
		return nil
	}
	_, err := s.Jobs.Enqueue(ctx, tx, settleKind, about{Order: a.Order}, jobs.Opts{})
	return err
}
