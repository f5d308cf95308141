package refund

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/mail"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Letters is what letters about refunds need; all of it.
type Letters struct {
	Post interface {
		Send(ctx context.Context, tx *db.Tx, l mail.Letter) error
	}
	People interface {
		Get(ctx context.Context, who id.ID) (account.Account, error)
	}
	Restaurant func(ctx context.Context, restaurant id.ID) (string, error) // what it is called
	Wanted     func(ctx context.Context, who id.ID) (bool, error)          // whether somebody wants letters about what they bought
	URL        func() string                                               // the address that links begin with
}

// Write has customers get a letter when something of an order has gone back to them: once for each refund, in the transaction that remembers
// that it was heard of, and none for what a provider refuses.
func (s *Service) Write(l Letters) {
	s.Log.Subscribe("refund.letter", []string{delivery.RefundChanged{}.EventKind()}, func(ctx context.Context, tx *db.Tx, e events.Event) error {
		var c delivery.RefundChanged
		if err := json.Unmarshal(e.Data, &c); err != nil {
			return fmt.Errorf("refund: read event %d: %w", e.Seq, err)
		}
		if c.State != Done {
			return nil
		}
		return s.write(ctx, tx, l, c)
	})
}

func (s *Service) write(ctx context.Context, tx *db.Tx, l Letters, c delivery.RefundChanged) error {
	to, err := l.People.Get(ctx, c.Customer)
	if errs.Is(err, errs.NotFound) {
		return nil // they have left
	}
	if err != nil {
		return err
	}
	if to.Email == "" || to.State != account.Active {
		return nil
	}
	if yes, err := l.Wanted(ctx, to.ID); err != nil || !yes {
		return err
	}
	r, err := find(ctx, tx, c.Refund)
	if err != nil {
		return err
	}
	b, err := s.Orders.Bought(ctx, tx, c.Order)
	if err != nil {
		return err
	}
	from, err := l.Restaurant(ctx, c.Restaurant)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return l.Post.Send(ctx, tx, letter(i18n.With(ctx, to.Lang), to, &r, c.Code, from, l.URL(), b.Earned && !b.Ended))
}

// letter says how much of an order goes back, why and which way, in the language of ctx. noted: there is a credit note, or will be in a moment.
func letter(ctx context.Context, to account.Account, r *Refund, code, from, url string, noted bool) mail.Letter {
	sum := ui.Money(ctx, r.Amount, r.Currency)
	l := mail.Letter{
		Kind: "refund.done", To: to.Email, Name: to.Name, Lang: i18n.Lang(ctx), Subject: i18n.T(ctx, "You get %s back", sum),
		Lines: []string{
			i18n.T(ctx, "Of your order %s from %s you get %s back.", code, from, sum),
			i18n.T(ctx, "Why: %s.", i18n.T(ctx, reasonText(r.Reason))),
		},
		Action: &mail.Action{Label: i18n.T(ctx, "Open the credit note"), URL: url + "/orders/" + code + "/receipt"},
		After:  []string{i18n.T(ctx, "On the page of each receipt you can turn these letters off.")},
	}
	if !noted {
		l.Action = &mail.Action{Label: i18n.T(ctx, "Open the order"), URL: url + "/orders/" + code}
	}
	if r.Note != "" {
		l.Lines = append(l.Lines, i18n.T(ctx, "With these words: “%s”", r.Note))
	}
	switch r.To {
	case ToCard:
		l.Lines = append(l.Lines, i18n.T(ctx, "The money goes to the card that you paid with. Your bank may take a few days to show it."))
	case ToCash:
		l.Lines = append(l.Lines, i18n.T(ctx, "You get the money in cash."))
	default:
		l.Lines = append(l.Lines, i18n.T(ctx, "The money is in your credit now. You can pay your next order with it."))
	}
	return l
}

// Sample is such a letter about made-up money, for whoever wants to see what letters look like.
func Sample(url func() string) func(ctx context.Context) mail.Letter {
	return func(ctx context.Context) mail.Letter {
		r := &Refund{Amount: 450, Currency: "EUR", To: ToCard, Reason: "MISSING"}
		return letter(ctx, account.Account{Name: "Anna", Email: "anna@example.org"}, r, "K7Q-2PM", "Nonna", url(), true)
	}
}
