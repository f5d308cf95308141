package ledger

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// Unclear is a payment of which a provider's last word is not known, or which it refuses to bring to its end.
type Unclear struct {
	Order    id.ID
	Code     string // of the order, as people read it
	Asked    string // what the provider was asked; empty: it has refused
	Amount   money.Amount
	Currency string
	Provider string
	Ref      string // the provider's name for it
	Why      string // it refused, in its own words
	Since    time.Time
	Ask      bool // it helps to ask the provider now
}

// Incident is something about a payment that does not agree: a provider refuses what it was asked, or says what can't be.
type Incident struct {
	ID       id.ID     `json:"id"`
	Order    id.ID     `json:"order,omitzero"`
	Code     string    `json:"code,omitempty" doc:"The order, as people call it."`
	Provider string    `json:"provider"`
	Ref      string    `json:"ref,omitempty" doc:"The provider's name for the payment."`
	Kind     string    `json:"kind" doc:"capture_refused, refund_refused, void_refused, authorise_refused, or what a provider's event says that disagrees."`
	Detail   string    `json:"detail"`
	At       time.Time `json:"at"`
}

// figures returns what the town holds and owes, of the sums of all accounts.
func figures(ctx context.Context, totals []Total) []figure {
	var out []figure
	add := func(label, currency string, amount money.Amount) {
		for i := range out {
			if out[i].label == label && out[i].currency == currency {
				out[i].amount += amount
				return
			}
		}
		out = append(out, figure{label, amount, currency})
	}
	for _, t := range totals {
		switch t.Kind {
		case delivery.BookProvider:
			add(i18n.T(ctx, "At card providers"), t.Currency, t.Balance)
		case delivery.BookCash:
			add(i18n.T(ctx, "Cash in hands"), t.Currency, t.Balance)
		case delivery.BookRestaurant:
			add(i18n.T(ctx, "Owed to restaurants, with tax"), t.Currency, -t.Balance)
		case delivery.BookTax:
			if t.Town {
				add(i18n.T(ctx, "The town's own tax"), t.Currency, -t.Balance)
				continue
			}
			add(i18n.T(ctx, "Owed to restaurants, with tax"), t.Currency, -t.Balance)
		case delivery.BookCourier, delivery.BookTips:
			add(i18n.T(ctx, "Owed to couriers, with tips"), t.Currency, -t.Balance)
		case delivery.BookWallet, delivery.BookGift:
			add(i18n.T(ctx, "Credit of customers"), t.Currency, -t.Balance)
		case delivery.BookPot:
			add(i18n.T(ctx, "Shares in group orders"), t.Currency, -t.Balance)
		case delivery.BookCustomer:
			add(i18n.T(ctx, "To be paid by customers"), t.Currency, t.Balance)
		case delivery.BookPlatform:
			add(i18n.T(ctx, "Earned by the town"), t.Currency, -t.Balance)
		}
	}
	return out
}

// kindName returns what a kind of account is called.
func kindName(ctx context.Context, k delivery.BookKind) string {
	switch k {
	case delivery.BookCustomer:
		return i18n.T(ctx, "Customer")
	case delivery.BookRestaurant:
		return i18n.T(ctx, "Restaurant")
	case delivery.BookCourier:
		return i18n.T(ctx, "Courier")
	case delivery.BookCash:
		return i18n.T(ctx, "Cash in hand")
	case delivery.BookTips:
		return i18n.T(ctx, "Tips on their way")
	case delivery.BookPlatform:
		return i18n.T(ctx, "The town")
	case delivery.BookProvider:
		return i18n.T(ctx, "Card provider")
	case delivery.BookBank:
		return i18n.T(ctx, "Bank")
	case delivery.BookTax:
		return i18n.T(ctx, "Tax")
	case delivery.BookWallet:
		return i18n.T(ctx, "Credit")
	case delivery.BookGift:
		return i18n.T(ctx, "Gift codes")
	case delivery.BookPot:
		return i18n.T(ctx, "Group order")
	}
	return string(k)
}

// kindOptions are what accounts are searched by.
func kindOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Value: "", Label: i18n.T(ctx, "All kinds")}}
	for _, k := range []delivery.BookKind{
		delivery.BookRestaurant, delivery.BookCourier, delivery.BookCustomer, delivery.BookCash, delivery.BookPlatform, delivery.BookTax, delivery.BookProvider,
		delivery.BookBank, delivery.BookWallet, delivery.BookGift, delivery.BookPot, delivery.BookTips,
	} {
		out = append(out, ui.Option{Value: string(k), Label: kindName(ctx, k)})
	}
	return out
}

// whose returns what tells an account from others of its kind: a name, a number of the town, a rate.
func (s *Service) whose(ctx context.Context, b delivery.Book) string {
	out := subName(ctx, b.Sub)
	if b.Owner != 0 {
		if out = b.Owner.String(); s.opt.Name != nil {
			if name := s.opt.Name(ctx, b.Owner); name != "" {
				out = name
			}
		}
	}
	if b.Kind != delivery.BookTax {
		return out
	}
	if b.Owner == 0 {
		out = i18n.T(ctx, "The town")
	}
	return out + " " + percent(b.Rate)
}

// subName returns what the town earns and spends is called, and a provider's name as it is.
func subName(ctx context.Context, sub string) string {
	switch sub {
	case delivery.SubFees:
		return i18n.T(ctx, "Delivery fees")
	case delivery.SubCommission:
		return i18n.T(ctx, "Commission")
	case delivery.SubPromotions:
		return i18n.T(ctx, "Discounts and credit")
	case delivery.SubCourierPay:
		return i18n.T(ctx, "Pay of couriers")
	case delivery.SubCardFees:
		return i18n.T(ctx, "What cards cost")
	case delivery.SubRefunds:
		return i18n.T(ctx, "Refunds and compensation")
	case delivery.SubDifferences:
		return i18n.T(ctx, "Differences of cash")
	case delivery.SubTips:
		return i18n.T(ctx, "Tips for all couriers")
	}
	return sub
}

// percent writes basis points as a share: "7 %", "2.5 %".
func percent(rate int) string { return strconv.FormatFloat(float64(rate)/100, 'f', -1, 64) + " %" }

// more returns the address of the page after a list's, "" at its end.
func more(path string, query url.Values, cursor string) string {
	if cursor == "" {
		return ""
	}
	q := url.Values{}
	for _, k := range []string{"kind", "owner", "from", "to"} {
		if v := query.Get(k); v != "" {
			q.Set(k, v)
		}
	}
	q.Set("cursor", cursor)
	return path + "?" + q.Encode()
}
